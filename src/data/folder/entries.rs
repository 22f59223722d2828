//! The entries of one directory, and what of a folder is not used.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::data::error::{DataError, unusable};
use crate::data::folder::decode::EXTENSIONS;
use crate::data::report::Report;

/// Entries that are read between two looks at whether to go on.
const AT_ONCE: usize = 256;

/// Directories with which one system litters what another reads, as good as hidden.
const LITTER: [&str; 2] = ["__MACOSX", "@eaDir"];

/// Endings that a note names; the rest are counted together.
const NAMED: usize = 6;

/// The entries of a directory, without the hidden ones.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// In byte order.
    pub(crate) directories: Vec<OsString>,
    /// Files with the extension of an image, in any order.
    pub(crate) images: Vec<OsString>,
    pub(crate) others: Endings,
}

/// How many files there are of each extension, in small letters; "" is none.
pub(crate) type Endings = BTreeMap<String, usize>;

/// What was seen and not used.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// Files that are not named as images.
    pub(crate) others: Endings,
    /// Images that lie beside the class directories.
    pub(crate) outside: usize,
    /// Directories beside those of the parts.
    pub(crate) directories: usize,
    /// Links to a directory that they are in.
    pub(crate) loops: usize,
}

impl Entries {
    /// The entries of `directory`.
    pub(crate) fn read(directory: &Path, report: &mut Report) -> Result<Self, DataError> {
        let mut entries = Self::default();
        let listed = match directory.read_dir() {
            Ok(listed) => listed,
            Err(error) => return unusable(unreadable(directory, &error)),
        };
        for (i, entry) in listed.enumerate() {
            if i % AT_ONCE == 0 {
                report.tick()?;
            }
            if let Err(error) = entry.and_then(|entry| entries.add(&entry)) {
                return unusable(unreadable(directory, &error));
            }
        }
        entries.directories.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        Ok(entries)
    }

    fn add(&mut self, entry: &std::fs::DirEntry) -> io::Result<()> {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") || LITTER.iter().any(|known| name == *known) {
            return Ok(());
        }
        let kind = entry.file_type()?;
        // A link counts as what it points to; one that points nowhere as a file, to be named later.
        if kind.is_dir() || kind.is_symlink() && entry.path().is_dir() {
            self.directories.push(name);
            return Ok(());
        }
        let ending = Path::new(&name).extension().map(OsStr::to_string_lossy).unwrap_or_default();
        if EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(&ending)) {
            // Whatever it is: what is no file is named when it is to be read.
            self.images.push(name);
        } else {
            *self.others.entry(ending.to_lowercase()).or_default() += 1;
        }
        Ok(())
    }
}

/// The sentence about a directory that cannot be listed.
fn unreadable(directory: &Path, error: &io::Error) -> String {
    let path = directory.display();
    match error.kind() {
        ErrorKind::NotFound => {
            format!("{path} does not exist; name a folder with one directory for each class.")
        }
        ErrorKind::NotADirectory => {
            format!("{path} is not a directory; name a folder with one directory for each class.")
        }
        _ => format!("{path} cannot be read ({error}); see to it that you may."),
    }
}

impl Passed {
    /// Counts files that are no images.
    pub(crate) fn count(&mut self, others: Endings) {
        for (ending, files) in others {
            *self.others.entry(ending).or_default() += files;
        }
    }

    /// One note for each kind.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        let note = |n: usize, one: &str, many: &str| {
            (n > 0).then(|| format!("{n} {} passed over", if n == 1 { one } else { many }))
        };
        let notes = [
            self.files(),
            note(self.outside, "image outside the class directories", "images outside the class directories"),
            note(self.directories, "directory that is no class", "directories that are no classes"),
            note(self.loops, "link to a directory above it", "links to directories above them"),
        ];
        notes.into_iter().flatten()
    }

    /// The files that are no images, the most frequent endings first.
    fn files(&self) -> Option<String> {
        let mut kinds: Vec<(&str, usize)> =
            self.others.iter().map(|(ending, &n)| (ending.as_str(), n)).collect();
        kinds.sort_by_key(|&(_, files)| std::cmp::Reverse(files));
        let total: usize = kinds.iter().map(|(_, files)| files).sum();
        let mut words: Vec<String> = kinds
            .iter()
            .take(NAMED)
            .map(|(ending, files)| match *ending {
                "" => format!("{files} without an extension"),
                ending => format!("{files} .{ending}"),
            })
            .collect();
        if kinds.len() > NAMED {
            let rest: usize = kinds[NAMED..].iter().map(|(_, files)| files).sum();
            words.push(format!("{rest} of {} other kinds", kinds.len() - NAMED));
        }
        let files = if total == 1 { "file" } else { "files" };
        (total > 0).then(|| format!("{total} {files} passed over: {}", words.join(", ")))
    }
}
