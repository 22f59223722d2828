//! What a download tells of itself, and why it may end.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

/// Something to tell a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A clause about what has happened.
    Said(String),
    /// How far it is.
    Progress {
        /// What is being done, as in `downloading`.
        doing: &'static str,
        /// The file.
        file: &'static str,
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
}

/// Hears the news, often enough to break off within a second.
pub type Tell<'a> = &'a mut dyn FnMut(News) -> ControlFlow<()>;

/// Why a download ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was broken off.
    Stopped,
    /// What is wrong, and what would help.
    Sentence(String),
}

impl Failure {
    /// The failure of something done at `path`.
    pub(crate) fn at(path: &Path, what: &str, error: &io::Error) -> Self {
        Self::Sentence(format!("{} {what} ({error}).", path.display()))
    }
}

/// Tells how far it is; an error where it is to be broken off.
pub(crate) fn progress(
    tell: Tell,
    doing: &'static str,
    file: &'static str,
    done: u64,
    total: u64,
) -> Result<(), Failure> {
    match tell(News::Progress { doing, file, done, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Failure::Stopped),
    }
}
