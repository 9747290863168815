//! `Secret`: what all nodes of a cluster share and nobody else knows.

use std::fmt;
use std::path::Path;

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::{SecretError, SecretFile};

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

    /// The current secret in a file, which is its first line. It is read once;
    /// [`ClusterConfig::secret_file`](crate::ClusterConfig::secret_file) goes on reading it.
    ///
    /// # Errors
    /// [`SecretError`] names the file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SecretError> {
        let file = SecretFile::read(path.as_ref())?;
        Ok(file.current().clone())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_secrets_are_32_bytes_and_differ() {
        let (one, other) = (Secret::generate(), Secret::generate());
        assert!(one.expose().len() == 64 && one.expose().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(one.expose(), other.expose());
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let unset = Secret::from_env("NOEX_NO_SUCH_VARIABLE").unwrap_err();
        assert_eq!(
            unset.to_string(),
            "variable NOEX_NO_SUCH_VARIABLE is not set"
        );
    }
}
