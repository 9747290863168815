//! `StaticKey`: the key pair of one life of a node.

use std::fmt;

use zeroize::Zeroizing;

use crate::proto::handshake::PATTERN;

/// The X25519 key pair of one life of a node. Others pin its public half.
pub(crate) struct StaticKey {
    private: Zeroizing<Vec<u8>>,
    public: [u8; 32],
}

impl StaticKey {
    /// A new key pair.
    pub(crate) fn generate() -> Self {
        let params = PATTERN.parse().expect("the pattern is one that snow knows");
        let pair = snow::Builder::new(params)
            .generate_keypair()
            .expect("the operating system gives random numbers");
        Self {
            private: Zeroizing::new(pair.private),
            public: pair
                .public
                .try_into()
                .expect("a public key of X25519 has 32 bytes"),
        }
    }

    /// The half that others may know.
    pub(crate) const fn public(&self) -> [u8; 32] {
        self.public
    }

    pub(crate) fn private(&self) -> &[u8] {
        &self.private
    }
}

impl fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_c13_a_private_key_is_not_printed() {
        assert_eq!(format!("{:?}", StaticKey::generate()), "StaticKey(***)");
    }
}
