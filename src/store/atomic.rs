//! Replacing a file so that a kill, a full disk or a power cut leaves the old one or the new one, whole.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::store::error::StoreError;

/// Puts `bytes` at `path`: written beside, synced, renamed, directory synced. On an error the
/// temporary is gone and the file that was there is untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_inside(CWD, path, bytes).map_err(|error| StoreError::failed(path, error))
}

/// The same at `path` inside of an opened directory.
pub(crate) fn write_inside(directory: impl AsFd, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fill = |file: &mut File| file.write_all(bytes);
    replace(directory.as_fd(), path, &temporary(path), fill, &|error| error)
}

/// The same of a file that `fill` writes piece by piece.
pub fn write_by(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    replace(CWD, path, &temporary(path), fill, &|error| StoreError::failed(path, error))
}

/// The same, under `unfinished` in the same directory until it is whole.
pub fn write_beside(
    path: &Path,
    unfinished: &str,
    fill: impl FnOnce(&mut File) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let temporary = path.with_file_name(unfinished);
    replace(CWD, path, &temporary, fill, &|error| StoreError::failed(path, error))
}

fn replace<E>(
    directory: BorrowedFd,
    path: &Path,
    temporary: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), E>,
    failed: &dyn Fn(io::Error) -> E,
) -> Result<(), E> {
    let written = create(directory, temporary).map_err(failed).and_then(|mut file| {
        fill(&mut file)?;
        file.sync_all().map_err(failed)?;
        drop(file);
        renameat(directory, temporary, directory, path).map_err(|error| failed(error.into()))?;
        sync_directory_inside(directory, path.parent().unwrap_or(Path::new(""))).map_err(failed)
    });
    written.inspect_err(|_| {
        // Nothing to add if this fails too: the next write clears it away.
        let _ = unlinkat(directory, temporary, AtFlags::empty());
    })
}

fn create(directory: BorrowedFd, temporary: &Path) -> io::Result<File> {
    match unlinkat(directory, temporary, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    // `EXCL`: never through a link that somebody put there.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    Ok(File::from(openat(directory, temporary, flags, Mode::from_raw_mode(0o666))?))
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

/// Makes the names in `directory` (empty: the current one) survive a power cut.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    sync_directory_inside(CWD, directory)
}

fn sync_directory_inside(directory: impl AsFd, path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match File::from(openat(directory, path, flags, Mode::empty())?).sync_all() {
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
