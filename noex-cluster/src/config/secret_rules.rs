//! Pure: `SecretRules`, what a node's secrets must be like, and the keys made from them.

use super::ConfigError;
use crate::secret::{Keyring, Secret};

/// The fewest bytes of a secret where strangers can reach the node.
const ROUTABLE_SIZE_MIN: usize = 16;

/// The most secrets besides the current one: who dials makes the node try each of them.
const PREVIOUS_MAX: usize = 7;

/// What a node's secrets must be like: at its start, and whenever they are replaced.
#[derive(Debug, Clone)]
pub(crate) struct SecretRules {
    /// The host to listen on, if strangers can reach it.
    pub(super) routable: Option<String>,
    /// Whether the user allows strangers to reach the node.
    pub(super) insecure: bool,
    /// The cluster's name, of which the keys depend.
    pub(super) cluster_name: String,
}

impl SecretRules {
    /// The keys of these secrets.
    pub(crate) fn keyring(
        &self,
        current: Option<&Secret>,
        previous: &[Secret],
    ) -> Result<Keyring, ConfigError> {
        match (current, &self.routable) {
            (Some(current), _) => self.check("secret", current)?,
            (None, _) if !previous.is_empty() => return Err(ConfigError::PreviousWithoutCurrent),
            (None, Some(listen)) if !self.insecure => {
                return Err(ConfigError::NoSecret(listen.clone()));
            }
            (None, _) => {}
        }
        if previous.len() > PREVIOUS_MAX {
            return Err(ConfigError::TooManySecrets(previous.len()));
        }
        for secret in previous {
            self.check("previous_secret", secret)?;
        }
        Ok(Keyring::new(&self.cluster_name, current, previous))
    }

    fn check(&self, field: &'static str, secret: &Secret) -> Result<(), ConfigError> {
        match &self.routable {
            _ if secret.expose().is_empty() => Err(ConfigError::EmptySecret(field)),
            Some(listen) if secret.expose().len() < ROUTABLE_SIZE_MIN => {
                let listen = listen.clone();
                Err(ConfigError::ShortSecret { field, listen })
            }
            Some(_) | None => Ok(()),
        }
    }
}
