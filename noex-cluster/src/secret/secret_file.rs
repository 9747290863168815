//! `SecretFile`: secrets in a file, one a line, the current one first.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Secret, SecretError};

/// The most bytes of a file of secrets; what is in a longer one is something else.
const FILE_SIZE_MAX: u16 = 4096;

/// The secrets that a file holds: one a line, the current one first, older ones behind it. Blank
/// lines don't count.
#[derive(Clone)]
pub(crate) struct SecretFile {
    path: PathBuf,
    current: Secret,
    previous: Vec<Secret>,
}

impl SecretFile {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, SecretError> {
        let bytes = read_bytes(path)?;
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) if text.len() <= usize::from(FILE_SIZE_MAX) => text,
            Ok(_) | Err(_) => return Err(SecretError::FileNotText(path.to_owned())),
        };
        let mut secrets = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(Secret::new);
        let current = secrets.next();
        Ok(Self {
            path: path.to_owned(),
            current: current.ok_or_else(|| SecretError::FileEmpty(path.to_owned()))?,
            previous: secrets.collect(),
        })
    }

    /// Where it is; what it holds is forgotten.
    pub(crate) fn into_path(self) -> PathBuf {
        self.path
    }

    /// The secret on the first line.
    pub(crate) const fn current(&self) -> &Secret {
        &self.current
    }

    /// The secrets on the lines behind it.
    pub(crate) fn previous(&self) -> &[Secret] {
        &self.previous
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretFile").field(&self.path).finish()
    }
}

fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let failed = |source| SecretError::File {
        path: path.to_owned(),
        source,
    };
    // A pipe would keep its reader waiting, and tell its content once.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is no regular file")));
    }
    // Reserved at once: a buffer that grows leaves copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * usize::from(FILE_SIZE_MAX)));
    let file = File::open(path).map_err(failed)?;
    file.take(u64::from(FILE_SIZE_MAX) + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(content: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[test]
    fn contract_c13_a_file_holds_the_current_secret_and_older_ones_line_by_line() {
        for (content, current, previous) in [
            ("a", "a", &[][..]),
            ("a\n", "a", &[]),
            ("a\r\n", "a", &[]),
            ("\na\n\n", "a", &[]),
            (" \na\r\n  \r\n", "a", &[]),
            ("new\nold\nolder", "new", &["old", "older"]),
            (" a b \n", " a b ", &[]),
        ] {
            let file = write(content);
            let read = SecretFile::read(file.path()).unwrap();
            assert_eq!(read.current().expose(), current);
            let older: Vec<&str> = read.previous().iter().map(Secret::expose).collect();
            assert_eq!(older, previous);
            assert_eq!(Secret::from_file(file.path()).unwrap().expose(), current);
        }
    }

    #[test]
    fn a_file_that_can_not_be_read_is_named_and_its_content_is_not() {
        let missing = SecretFile::read(Path::new("/no/such/file")).unwrap_err();
        let missing = missing.to_string();
        assert!(
            missing.starts_with("file /no/such/file can't be read"),
            "{missing}"
        );
        let folder = SecretFile::read(Path::new("/")).unwrap_err().to_string();
        assert!(folder.ends_with("it is no regular file"), "{folder}");
        for content in [b"x".repeat(4097), vec![0xff]] {
            let refused = SecretFile::read(write(content).path());
            assert!(matches!(refused, Err(SecretError::FileNotText(_))));
        }
        for content in ["", "\n\r\n"] {
            let refused = SecretFile::read(write(content).path());
            assert!(matches!(refused, Err(SecretError::FileEmpty(_))));
        }
    }

    #[test]
    fn contract_c13_a_file_of_secrets_prints_its_path_only() {
        let file = write("hunter2");
        let printed = format!("{:?}", SecretFile::read(file.path()).unwrap());
        assert!(printed.starts_with("SecretFile(\"/") && !printed.contains("hunter2"));
    }
}
