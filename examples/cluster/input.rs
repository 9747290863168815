//! Which files are counted, and reading them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

/// Files with these extensions are text.
const TEXT_EXTENSIONS: [&str; 6] = ["rs", "md", "toml", "txt", "sh", "yml"];

/// One file, read.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "File({}, {} bytes)",
            self.path.display(),
            self.bytes.len()
        )
    }
}

/// Why the files could not be read.
#[derive(Debug)]
pub(crate) enum InputError {
    /// This file or folder can't be read, or is the other one of the two.
    Unreadable { path: PathBuf, cause: io::Error },
    /// No file was named, and this folder holds no text.
    NoText { folder: PathBuf },
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, cause } => write!(f, "can't read {}: {cause}", path.display()),
            Self::NoText { folder } => write!(f, "no text files in {}", folder.display()),
        }
    }
}

/// Reads the files that `arguments` name; if they name none, the text files of this repository.
///
/// # Errors
/// [`InputError::Unreadable`] names the first file that can't be read, and why.
pub(crate) fn read(arguments: impl Iterator<Item = OsString>) -> Result<Vec<File>, InputError> {
    let mut paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    if paths.is_empty() {
        paths = text_files(&repository())?;
    }
    paths.into_iter().map(read_file).collect()
}

fn read_file(path: PathBuf) -> Result<File, InputError> {
    match fs::read(&path) {
        Ok(bytes) => Ok(File { path, bytes }),
        Err(cause) => Err(InputError::Unreadable { path, cause }),
    }
}

/// Where this example was built from, or the current folder if that is gone.
fn repository() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    if source.is_dir() {
        source.to_owned()
    } else {
        PathBuf::from(".")
    }
}

/// The text files below `folder`, sorted by path.
fn text_files(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |cause| InputError::Unreadable {
            path: folder.clone(),
            cause,
        };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            // Symbolic links are neither: a walk that follows them may never end.
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() && is_source_folder(&entry.path()) {
                folders.push(entry.path());
            } else if kind.is_file() && is_text(&entry.path()) {
                files.push(entry.path());
            }
        }
    }
    if files.is_empty() {
        return Err(InputError::NoText {
            folder: folder.to_owned(),
        });
    }
    files.sort();
    Ok(files)
}

/// Whether a folder holds what people wrote, rather than what tools keep.
fn is_source_folder(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name == ".ci" || (name != "target" && !name.as_encoded_bytes().starts_with(b"."))
}

fn is_text(path: &Path) -> bool {
    path.extension()
        .is_some_and(|found| TEXT_EXTENSIONS.iter().any(|text| found == *text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(path: &str) -> Result<Vec<File>, InputError> {
        read([OsString::from(path)].into_iter())
    }

    #[test]
    fn the_files_named_are_read_in_the_order_given() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cluster/");
        let names = [format!("{here}words.rs"), format!("{here}chunks.rs")];
        let files = read(names.iter().map(OsString::from)).unwrap();
        let paths: Vec<_> = files
            .iter()
            .map(|file| file.path.to_str().unwrap())
            .collect();
        assert_eq!(paths, names);
        assert!(files[0].bytes.starts_with(b"//! Pure: what a word is"));
    }

    #[test]
    fn without_names_the_text_of_the_repository_is_read_in_a_fixed_order() {
        let files = read(std::iter::empty()).unwrap();
        assert!(files.is_sorted_by(|a, b| a.path < b.path));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let relative: Vec<_> = files
            .iter()
            .map(|file| file.path.strip_prefix(root).unwrap())
            .collect();
        for expected in ["Cargo.toml", "STYLE.md", "examples/cluster/input.rs"] {
            assert!(relative.contains(&Path::new(expected)), "{expected}");
        }
        assert!(
            !relative
                .iter()
                .any(|path| path.starts_with("target") || path.starts_with(".git"))
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read_one("no/such/file.txt").unwrap_err().to_string();
        assert!(
            error.starts_with("can't read no/such/file.txt: "),
            "{error}"
        );
    }

    #[test]
    fn a_folder_is_no_file() {
        let error = read_one(env!("CARGO_MANIFEST_DIR"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(env!("CARGO_MANIFEST_DIR")), "{error}");
    }

    #[test]
    fn hidden_folders_are_skipped_except_that_of_the_checks() {
        for (folder, expected) in [
            ("a/.git", false),
            ("a/target", false),
            ("a/.ci", true),
            ("a/src", true),
        ] {
            assert_eq!(is_source_folder(Path::new(folder)), expected, "{folder}");
        }
    }

    #[test]
    fn a_folder_without_text_is_an_error() {
        let folder = env::temp_dir().join(format!("noex-input-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("picture.png"), b"").unwrap();
        let error = text_files(&folder).unwrap_err();
        fs::remove_dir_all(&folder).unwrap();
        assert!(matches!(error, InputError::NoText { .. }), "{error}");
    }
}
