//! The cluster's secret, the keys made from it, and the key pair of a node's life.

mod error;
#[expect(
    clippy::module_inception,
    reason = "the folder is named after its main type"
)]
mod secret;
mod secret_file;
mod keyring;
mod static_key;

pub use error::SecretError;
pub use secret::Secret;

pub(crate) use keyring::{KeyMark, Keyring, LinkKey};
pub(crate) use secret_file::SecretFile;
pub(crate) use static_key::StaticKey;
