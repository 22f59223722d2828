//! What a thing under a file's name is, and the error where it is no regular file.

use std::error::Error;
use std::fmt;
use std::fs::{FileType, Metadata};
use std::io;

#[cfg(unix)]
use std::os::unix::fs::FileTypeExt;

/// What is wrong with a thing under a file's name: a clause, whatever the system may say.
#[derive(Debug)]
struct Unfit(String);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Unfit {}

pub(super) fn unfit(kind: io::ErrorKind, clause: impl Into<String>) -> io::Error {
    io::Error::new(kind, Unfit(clause.into()))
}

/// Whether `error` is about what the thing is that was opened here, and not about the system; its text is then a
/// clause.
pub fn is_unfit(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Unfit>())
}

/// Refuses anything but a regular file.
pub(super) fn check(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let kind = if found.is_dir() { io::ErrorKind::IsADirectory } else { io::ErrorKind::InvalidInput };
    Err(unfit(kind, format!("it is {}, not a file", name(found.file_type()))))
}

/// What a thing is that is no regular file, with its article.
fn name(kind: FileType) -> &'static str {
    if kind.is_dir() {
        return "a directory";
    }
    #[cfg(unix)]
    for (is, name) in [
        (kind.is_fifo(), "a named pipe"),
        (kind.is_socket(), "a socket"),
        (kind.is_char_device() || kind.is_block_device(), "a device"),
    ] {
        if is {
            return name;
        }
    }
    "something else"
}
