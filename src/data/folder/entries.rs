//! The entries of one directory, sorted, and a count of the unused ones.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use crate::data::error::{DataError, unusable};
use crate::data::folder::decode::EXTENSIONS;

/// The entries of a directory in byte order, without the hidden ones.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) directories: Vec<OsString>,
    /// Files with the extension of an image.
    pub(crate) images: Vec<OsString>,
    pub(crate) others: usize,
}

/// What was seen and not used.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// Files that are not named as images.
    pub(crate) extensions: usize,
    /// Images that lie beside the class directories.
    pub(crate) outside: usize,
    /// Directories inside a class, or beside train, val and test.
    pub(crate) directories: usize,
}

impl Entries {
    /// The entries of `directory`.
    pub(crate) fn read(directory: &Path) -> Result<Self, DataError> {
        let mut entries = Self::default();
        if let Err(error) = entries.fill(directory) {
            let path = directory.display();
            return unusable(match error.kind() {
                ErrorKind::NotFound => {
                    format!("{path} does not exist; name a folder with one directory for each class.")
                }
                ErrorKind::NotADirectory => {
                    format!("{path} is not a directory; name a folder with one directory for each class.")
                }
                _ => format!("{path} cannot be read ({error}); see to it that you may."),
            });
        }
        for names in [&mut entries.directories, &mut entries.images] {
            names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        }
        Ok(entries)
    }

    fn fill(&mut self, directory: &Path) -> std::io::Result<()> {
        for entry in directory.read_dir()? {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let kind = entry.file_type()?;
            // A link counts as what it points to; one that points nowhere as a file, to be named later.
            let is_directory = kind.is_dir() || kind.is_symlink() && entry.path().is_dir();
            let extension = Path::new(&name).extension().and_then(|e| e.to_str());
            let named_as_image =
                extension.is_some_and(|e| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(e)));
            if is_directory {
                self.directories.push(name);
            } else if named_as_image {
                // Whatever it is: what is no file is named when it is to be read.
                self.images.push(name);
            } else {
                self.others += 1;
            }
        }
        Ok(())
    }
}

impl Passed {
    /// Counts the files of a directory that should hold only directories.
    pub(crate) fn count_files(&mut self, entries: &Entries) {
        self.extensions += entries.others;
        self.outside += entries.images.len();
    }

    /// One note for each kind.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        let note = |n: usize, one: &str, many: &str| {
            (n > 0).then(|| format!("{n} {} passed over", if n == 1 { one } else { many }))
        };
        let notes = [
            note(self.extensions, "file with another extension", "files with other extensions"),
            note(self.outside, "image outside the class directories", "images outside the class directories"),
            note(self.directories, "directory that is no class", "directories that are no classes"),
        ];
        notes.into_iter().flatten()
    }
}
