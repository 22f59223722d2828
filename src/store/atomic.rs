//! Replacing a file so that a kill, a full disk or a power cut leaves the old one or the new one, whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Puts `bytes` at `path`: written beside, synced, renamed, directory synced. On an error the
/// temporary is gone and the file that was there is untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = temporary(path);
    replace(path, &temporary, bytes).map_err(|error| {
        // Nothing to add if this fails too: the next write clears it away.
        let _ = fs::remove_file(&temporary);
        StoreError::failed(path, error)
    })
}

fn replace(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    remove_if_there(temporary)?;
    // `create_new`: never through a link that somebody put there.
    let mut file = OpenOptions::new().write(true).create_new(true).open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, path)?;
    sync_directory(path.parent().unwrap_or(Path::new("")))
}

/// The dot-file beside `path`: the same name each time, so that leftovers of kills do not pile up.
fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

/// Removes what killed writers left in `directory`. Only for the holder of the run's lock.
pub(crate) fn clear_leftovers(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b".") && bytes.ends_with(b".tmp") {
            // A leftover only takes space; the next write to the same name replaces it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the names in `directory` (empty: the current one) survive a power cut.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        // Elsewhere a directory cannot be opened as a file.
        return Ok(());
    }
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    match File::open(directory)?.sync_all() {
        // Some file systems have no such thing as syncing a directory.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_write_replaces_the_file_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("summary.json");
        fs::write(directory.path().join(".summary.json.tmp"), "of a killed process").unwrap();
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["summary.json"]);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("summary.json");
        write(&path, b"old").unwrap();
        fs::create_dir(directory.path().join(".summary.json.tmp")).unwrap();
        let error = write(&path, b"new").unwrap_err();
        assert!(!error.is_input() && error.to_string().contains("summary.json"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_rename_that_fails_takes_the_temporary_away() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs::create_dir(&path).unwrap();
        write(&path, b"new").unwrap_err();
        assert_eq!(names(directory.path()), ["taken"]);
    }

    #[test]
    fn leftovers_are_cleared_and_nothing_else_is() {
        let directory = tempfile::tempdir().unwrap();
        for name in [".step-1.safetensors.tmp", ".lock", "notes.tmp", "step-1.safetensors"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        clear_leftovers(directory.path());
        assert_eq!(names(directory.path()), [".lock", "notes.tmp", "step-1.safetensors"]);
    }
}
