//! `SecretWatch`: reads the file of secrets again and again, and applies what changed in it.

use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::time::Duration;

use noex_core::task::run_blocking_on;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::identity::Identity;
use crate::config::{ConfigError, SecretRules};
use crate::secret::{KeyMark, Keyring, SecretFile};

/// How often the file is read. It may be replaced on a volume that tells nobody.
const INTERVAL: Duration = Duration::from_secs(2);

/// Reads the file of secrets again and again, and applies what changed in it.
#[derive(Debug)]
pub(crate) struct SecretWatch {
    path: PathBuf,
    rules: SecretRules,
    identity: Weak<Identity>,
    /// What the file held when it was last read.
    known: Vec<KeyMark>,
    /// Why it could not be used then; told once.
    trouble: Option<String>,
}

impl SecretWatch {
    /// Watches the file that `keys` were made from.
    pub(crate) fn new(
        path: PathBuf,
        rules: SecretRules,
        keys: &Keyring,
        identity: Weak<Identity>,
    ) -> Self {
        Self {
            path,
            rules,
            identity,
            known: keys.marks(),
            trouble: None,
        }
    }

    /// Watches for as long as the node is in its cluster.
    pub(crate) async fn run(mut self) {
        loop {
            sleep(INTERVAL).await;
            let (path, rules) = (self.path.clone(), self.rules.clone());
            // A file system may take its time, which is not the runtime's.
            let read = run_blocking_on(&Handle::current(), move || read(&path, &rules)).await;
            let Some(identity) = self.identity.upgrade() else {
                return;
            };
            match read {
                Ok(Ok(keys)) => self.apply(&identity, keys),
                Ok(Err(error)) => self.complain(&identity, error.to_string()),
                Err(error) => self.complain(&identity, error.to_string()),
            }
        }
    }

    fn apply(&mut self, identity: &Identity, keys: Keyring) {
        self.trouble = None;
        let marks = keys.marks();
        if marks != self.known {
            self.known = marks;
            identity.replace_keys(keys);
        }
    }

    fn complain(&mut self, identity: &Identity, trouble: String) {
        if self.trouble.as_ref() == Some(&trouble) {
            return;
        }
        tracing::warn!(
            node = %identity.node,
            error = trouble,
            "the file of secrets can't be used: the secrets that it held before stay in force"
        );
        self.trouble = Some(trouble);
    }
}

fn read(path: &Path, rules: &SecretRules) -> Result<Keyring, ConfigError> {
    let file = SecretFile::read(path)?;
    rules.keyring(Some(file.current()), file.previous())
}
