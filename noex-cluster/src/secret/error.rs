//! Pure: `SecretError`, why a secret could not be read.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

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
    /// The file holds nothing but empty lines.
    #[error("file {} is empty; write the secret on its first line", .0.display())]
    FileEmpty(PathBuf),
}
