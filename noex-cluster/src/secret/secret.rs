//! The cluster's secret, the keys made from it, and the key pair of a node's life.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::iter;
use std::path::{Path, PathBuf};

use rand::TryRng;
use rand::rngs::SysRng;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::proto::handshake::PATTERN;

/// The most bytes of a secret's file; a longer one is not a secret.
const FILE_SIZE_MAX: u16 = 4096;
/// What the key of a link is derived for. Part of the protocol: another text is another key.
const LINK_CONTEXT: &str = "noex 2026-11-22 v1 link psk";
/// As [`LINK_CONTEXT`], where there is no secret, so that no secret gives the public key.
const PUBLIC_CONTEXT: &str = "noex 2026-11-22 v1 public link psk";

/// What all nodes of a cluster share and nobody else knows. Never printed, wiped on drop.
///
/// # Examples
/// ```
/// use noex_cluster::{ClusterConfig, Secret};
///
/// let secret = Secret::generate();
/// assert_eq!(format!("{secret:?}"), "Secret(***)");
/// let config = ClusterConfig::new("a").secret(secret);
/// assert!(config.validate().is_ok());
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a secret could not be read. Never tells anything of the secret itself.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("variable {0} is not set")]
    NoVariable(String),
    /// The environment variable is no text.
    #[error("variable {0} is not valid UTF-8")]
    VariableNotText(String),
    /// The file can't be read.
    #[error("file {} can't be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no text, or is longer than 4 KiB.
    #[error("file {} is not UTF-8 text of at most 4 KiB", .0.display())]
    FileNotText(PathBuf),
}

impl Secret {
    /// This secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret in an environment variable.
    ///
    /// # Errors
    /// [`SecretError`] if the variable is not set or is no text.
    pub fn from_env(variable: &str) -> Result<Self, SecretError> {
        match std::env::var(variable) {
            Ok(secret) => Ok(Self::new(secret)),
            Err(std::env::VarError::NotPresent) => {
                Err(SecretError::NoVariable(variable.to_owned()))
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(SecretError::VariableNotText(variable.to_owned()))
            }
        }
    }

    /// The secret in a file, without the newline at its end if there is one.
    ///
    /// # Errors
    /// [`SecretError`] names the file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SecretError> {
        let path = path.as_ref();
        let failed = |source| SecretError::File {
            path: path.to_owned(),
            source,
        };
        let size_max = usize::from(FILE_SIZE_MAX);
        // Reserved at once: a buffer that grows leaves copies of the secret behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(size_max * 2));
        let file = File::open(path).map_err(failed)?;
        file.take(u64::from(FILE_SIZE_MAX) + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) if text.len() <= size_max => {
                let text = text.strip_suffix('\n').unwrap_or(text);
                Ok(Self::new(text.strip_suffix('\r').unwrap_or(text)))
            }
            Ok(_) | Err(_) => Err(SecretError::FileNotText(path.to_owned())),
        }
    }

    /// A new secret: 32 random bytes, in hexadecimal.
    ///
    /// # Panics
    /// If the operating system has no random numbers to give.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        SysRng
            .try_fill_bytes(&mut *bytes)
            .expect("the operating system gives random numbers");
        let digit = |half: u8| char::from_digit(u32::from(half), 16).expect("a half byte is < 16");
        let mut text = String::with_capacity(64);
        text.extend(
            bytes
                .iter()
                .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]),
        );
        Self::new(text)
    }

    /// The secret itself, for whoever has to hand it on.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

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

    /// Every key, the current one first; a key's place is its index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LinkKey> {
        iter::once(&self.current).chain(&self.previous)
    }
}

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
    fn contract_c13_nothing_secret_is_printed() {
        let secret = Secret::new("hunter2");
        let keys = Keyring::new("noex", Some(&secret), std::slice::from_ref(&secret));
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(format!("{:?}", StaticKey::generate()), "StaticKey(***)");
        assert_eq!(
            format!("{keys:?}"),
            "Keyring { current: LinkKey(***), previous: [LinkKey(***)], secure: true }"
        );
    }

    #[test]
    fn contract_c13_a_file_gives_its_text_without_one_newline() {
        for (content, secret) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n")] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            assert_eq!(Secret::from_file(file.path()).unwrap().expose(), secret);
        }
    }

    #[test]
    fn a_secret_that_can_not_be_read_names_its_place_only() {
        let missing = Secret::from_file("/no/such/file").unwrap_err().to_string();
        assert!(
            missing.starts_with("file /no/such/file can't be read"),
            "{missing}"
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "x".repeat(4097)).unwrap();
        assert!(matches!(
            Secret::from_file(file.path()),
            Err(SecretError::FileNotText(_))
        ));
        std::fs::write(file.path(), [0xff]).unwrap();
        assert!(matches!(
            Secret::from_file(file.path()),
            Err(SecretError::FileNotText(_))
        ));
        let unset = Secret::from_env("NOEX_NO_SUCH_VARIABLE")
            .unwrap_err()
            .to_string();
        assert_eq!(unset, "variable NOEX_NO_SUCH_VARIABLE is not set");
    }

    #[test]
    fn generated_secrets_are_32_bytes_and_differ() {
        let (one, other) = (Secret::generate(), Secret::generate());
        assert!(one.expose().len() == 64 && one.expose().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(one.expose(), other.expose());
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
