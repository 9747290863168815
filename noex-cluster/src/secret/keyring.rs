//! `Keyring`: the keys made from the cluster's secrets.

use std::fmt;
use std::iter;

use zeroize::{Zeroize, Zeroizing};

use super::Secret;

/// What the key of a link is derived for. Part of the protocol: another text is another key.
const LINK_CONTEXT: &str = "noex 2026-11-22 v1 link psk";
/// As [`LINK_CONTEXT`], where there is no secret, so that no secret gives the public key.
const PUBLIC_CONTEXT: &str = "noex 2026-11-22 v1 public link psk";
/// What a key's mark is a hash of.
const MARKED: &[u8] = b"mark";

/// The key that both ends of a link prove to know.
#[derive(Clone)]
pub(crate) struct LinkKey(Zeroizing<[u8; 32]>);

impl LinkKey {
    /// The key of the cluster with this name and secret.
    pub(crate) fn new(cluster_name: &str, secret: &Secret) -> Self {
        Self::derive(
            LINK_CONTEXT,
            &[cluster_name.as_bytes(), secret.expose().as_bytes()],
        )
    }

    /// The key, known to everybody, of a cluster without a secret.
    pub(crate) fn public(cluster_name: &str) -> Self {
        Self::derive(PUBLIC_CONTEXT, &[cluster_name.as_bytes()])
    }

    /// What tells the key from others, and nothing about it.
    pub(crate) fn mark(&self) -> KeyMark {
        KeyMark(*blake3::keyed_hash(&self.0, MARKED).as_bytes())
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Parts go with their length, so that no two lists of parts give the same material.
    fn derive(context: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        for part in parts {
            let length = u64::try_from(part.len()).expect("lengths fit 64 bits");
            hasher.update(&length.to_be_bytes()).update(part);
        }
        let mut hash = hasher.finalize();
        let key = Self(Zeroizing::new(*hash.as_bytes()));
        hasher.zeroize();
        hash.zeroize();
        key
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(***)")
    }
}

/// Tells a key from others. The key can't be found out from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyMark([u8; 32]);

/// The keys that a node dials with and accepts.
#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    /// The key to dial with first.
    pub(crate) current: LinkKey,
    /// Older keys, still accepted.
    pub(crate) previous: Vec<LinkKey>,
    /// Whether the keys come from a secret; the key of a cluster without one is public.
    pub(crate) secure: bool,
}

impl Keyring {
    /// The keys of this cluster's secrets, or the public one if there is no secret.
    pub(crate) fn new(cluster_name: &str, secret: Option<&Secret>, previous: &[Secret]) -> Self {
        Self {
            current: secret.map_or_else(
                || LinkKey::public(cluster_name),
                |secret| LinkKey::new(cluster_name, secret),
            ),
            previous: previous
                .iter()
                .map(|secret| LinkKey::new(cluster_name, secret))
                .collect(),
            secure: secret.is_some(),
        }
    }

    /// The marks of all keys.
    pub(crate) fn marks(&self) -> Vec<KeyMark> {
        self.iter().map(LinkKey::mark).collect()
    }

    /// Every key, the current one first; a key's place is its index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LinkKey> {
        iter::once(&self.current).chain(&self.previous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_c13_keys_are_not_printed() {
        let secret = Secret::new("hunter2");
        let keys = Keyring::new("noex", Some(&secret), std::slice::from_ref(&secret));
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(
            format!("{keys:?}"),
            "Keyring { current: LinkKey(***), previous: [LinkKey(***)], secure: true }"
        );
    }

    #[test]
    fn a_key_depends_on_where_the_name_ends_and_the_secret_starts() {
        let key = |name: &str, secret: &str| *LinkKey::new(name, &Secret::new(secret)).bytes();
        assert_eq!(key("ab", "c"), key("ab", "c"));
        assert_ne!(key("ab", "c"), key("a", "bc"));
        assert_ne!(key("ab", ""), *LinkKey::public("ab").bytes());
        assert_ne!(LinkKey::public("a").bytes(), LinkKey::public("b").bytes());
    }

    #[test]
    fn without_a_secret_the_keyring_is_not_secure() {
        let keys = Keyring::new("noex", None, &[]);
        assert!(!keys.secure);
        assert_eq!(keys.iter().count(), 1);
    }
}
