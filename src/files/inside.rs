//! Files in an open directory: its path is not resolved again, so it stays the same directory even when it is
//! renamed or replaced.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat};

use crate::files::kind::check;

/// Opens the directory at `path`, for [`open_inside`].
pub fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

/// Opens (or creates, where `flags` say so) the regular file `name` in `directory`; anything else there is
/// an error that says what it is.
pub fn open_inside(directory: impl AsFd, name: &Path, flags: OFlags) -> io::Result<File> {
    // O_PATH does not open the file itself, so a device is only inspected.
    #[cfg(target_os = "linux")]
    match openat(&directory, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(found) => check(&File::from(found).metadata()?)?,
        Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = flags | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(directory, name, flags, Mode::from_raw_mode(0o666))?);
    check(&file.metadata()?)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_opened_in_its_directory_whatever_that_is_called_by_then() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        std::fs::create_dir(&old).unwrap();
        let directory = open_directory(&old).unwrap();
        std::fs::rename(&old, &new).unwrap();
        std::fs::create_dir(&old).unwrap();
        open_inside(&directory, Path::new("file"), OFlags::WRONLY | OFlags::CREATE).unwrap();
        assert!(new.join("file").is_file() && !old.join("file").exists());
        std::fs::remove_dir_all(&new).unwrap();
        let gone = open_inside(&directory, Path::new("file"), OFlags::WRONLY | OFlags::CREATE);
        assert_eq!(gone.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_nothing_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let directory = open_directory(folder.path()).unwrap();
        rustix::fs::mkfifoat(&directory, "pipe", Mode::RWXU).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("device")).unwrap();
        for (name, what) in [("pipe", "a named pipe"), ("device", "a device"), (".", "a directory")] {
            for flags in [OFlags::RDONLY, OFlags::RDWR | OFlags::CREATE] {
                let error = open_inside(&directory, Path::new(name), flags).unwrap_err();
                assert_eq!(error.to_string(), format!("it is {what}, not a file"));
            }
        }
    }
}
