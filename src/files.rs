//! Opens files: regular ones, also through links, and no other kind, so that no open and no read waits for
//! another process.
//!
//! A named pipe, a terminal or a device in a file's place could block an open for ever, or never end. Every
//! path that a person or another program may have created is opened here.

#[cfg(unix)]
mod inside;
mod kind;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;

use crate::files::kind::{check, unfit};

#[cfg(unix)]
pub use inside::{open_directory, open_inside};
pub use kind::is_unfit;

/// The largest text file (a recipe, a theme, a configuration, a summary) in bytes: about a hundred times what any
/// of them needs.
pub const LARGEST_TEXT: u64 = 256 << 10;

/// Opens the regular file at `path` for reading.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path)
}

/// Opens (or creates, where `options` say so) the regular file at `path`. What is there and is something
/// else is an error that says what it is.
pub fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Opening a device can have side effects, so its kind is checked first.
    match std::fs::metadata(path) {
        Ok(found) => check(&found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // If it is replaced by a pipe between the two checks, the open still does not block.
    #[cfg(unix)]
    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    let file = options.open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Opens the regular file at `path` for reading; one of more than `most` bytes is an error.
pub fn open_up_to(path: &Path, most: u64) -> io::Result<File> {
    let file = open(path)?;
    if file.metadata()?.len() > most { Err(too_large(most)) } else { Ok(file) }
}

/// The bytes of the regular file at `path`; more than `most`, or than there is memory, are an error.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open_up_to(path, most)?;
    let mut bytes = room(file.metadata()?.len())?;
    // Files of /proc say that they are empty, and others may grow.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large(most)) } else { Ok(bytes) }
}

/// The text of the regular file at `path`, of [`LARGEST_TEXT`] at most.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path, LARGEST_TEXT)?)
        .map_err(|_| unfit(io::ErrorKind::InvalidData, "it is not text in UTF-8"))
}

/// Refuses what must not be replaced by a file: anything at `path` that is none.
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        found => check(&found?),
    }
}

/// An empty vector with capacity for `length` bytes.
pub fn room(length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(unfit(
            io::ErrorKind::OutOfMemory,
            format!("its {length} bytes are more than the free memory"),
        )),
    }
}

fn too_large(most: u64) -> io::Error {
    unfit(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[test]
    fn what_is_no_regular_file_is_named_and_nothing_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        mkfifoat(CWD, at("pipe"), Mode::RWXU).unwrap();
        symlink(at("pipe"), at("link")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        std::fs::create_dir(at("directory")).unwrap();
        for (path, what) in [
            (at("pipe"), "it is a named pipe, not a file"),
            (at("link"), "it is a named pipe, not a file"),
            (at("socket"), "it is a socket, not a file"),
            (at("directory"), "it is a directory, not a file"),
            ("/dev/zero".into(), "it is a device, not a file"),
        ] {
            let error = read(&path, 10).unwrap_err();
            assert!(is_unfit(&error));
            assert_eq!(error.to_string(), what);
            assert_eq!(check_replaceable(&path).unwrap_err().to_string(), what);
            let appended = open_with(OpenOptions::new().append(true).create(true), &path).unwrap_err();
            assert_eq!(appended.to_string(), what);
        }
    }

    #[test]
    fn a_file_is_read_through_a_link_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "12345").unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(read(&link, 5).unwrap(), b"12345");
        assert_eq!(read(&link, u64::MAX).unwrap(), b"12345");
        assert_eq!(read(&link, 4).unwrap_err().to_string(), "it has more than 4 bytes");
        assert_eq!(read_text(&link).unwrap(), "12345");
        std::fs::write(&file, [0xff]).unwrap();
        assert_eq!(read_text(&link).unwrap_err().to_string(), "it is not text in UTF-8");
        let none = open(&folder.path().join("none")).unwrap_err();
        assert!(none.kind() == io::ErrorKind::NotFound && !is_unfit(&none));
        check_replaceable(&folder.path().join("none")).unwrap();
    }

    #[test]
    fn a_file_larger_than_memory_is_an_error_and_no_end_of_the_program() {
        let error = room(u64::MAX).unwrap_err();
        assert!(is_unfit(&error));
        assert_eq!(error.to_string(), "its 18446744073709551615 bytes are more than the free memory");
    }
}
