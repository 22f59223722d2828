//! A run on disk: checkpoints, journal, summary, lock, and the catalogue of runs.
//!
//! Bytes only: no tensor of candle, no thread, no clock. What the engine hands over is written so that a
//! kill at any moment leaves either the old file or the new one; what is read is believed only after
//! its hash.

pub mod atomic;
pub mod cache;
pub mod catalog;
pub mod checkpoint;
pub mod journal;
pub mod run;

use std::io;
use std::path::{Path, PathBuf};

pub use catalog::{Entry, State, Summary};
pub use checkpoint::{Array, Checkpoint, Meta, Progress};
pub use journal::Journal;
pub use run::{RunDir, Target};

/// Why something on disk could not be used or written: one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Wrong input: a missing, damaged, foreign or locked thing, or a place that cannot be written to.
    #[error("{path}: {problem}; {advice}.")]
    Unusable {
        /// The file or the directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// Writing failed on the way.
    #[error("{path}: it could not be written because {}; {}.", reason(.source), remedy(.source))]
    Failed {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The state itself must not be written: a reader would have to refuse it.
    #[error("{path}: it was not written because {problem}; the files written before are as they were.")]
    Unwritable {
        /// The file that was to be written.
        path: PathBuf,
        /// What is wrong with the state.
        problem: String,
    },
}

impl StoreError {
    /// Something that cannot be used; `problem` and `advice` are clauses without a full stop.
    pub(crate) fn unusable(path: &Path, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), problem: problem.into(), advice: advice.into() }
    }

    /// Something that could not be read.
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::unusable(path, format!("it cannot be read because {}", reason(error)), remedy(error))
    }

    /// A place in which nothing can be created, found out before anything is trained.
    pub(crate) fn closed(path: &Path, error: &io::Error) -> Self {
        Self::unusable(
            path,
            format!("it cannot be written to because {}", reason(error)),
            "make it writable and make room, or use another --runs-dir",
        )
    }

    /// A write that failed.
    pub(crate) fn failed(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Failed { path, source }
    }

    /// The same before anything is trained: a place that cannot be written to is wrong input.
    #[must_use]
    pub(crate) fn at_the_start(self) -> Self {
        match self {
            Self::Failed { path, source } => Self::closed(&path, &source),
            other => other,
        }
    }

    /// The same while something is trained: nobody can be asked for another place.
    #[must_use]
    pub(crate) fn on_the_way(self) -> Self {
        match self {
            Self::Unusable { path, problem, .. } => Self::failed(&path, io::Error::other(problem)),
            other => other,
        }
    }

    /// The same with other advice, where a caller knows better what to do.
    #[must_use]
    pub(crate) fn advising(self, better: impl Into<String>) -> Self {
        match self {
            Self::Unusable { path, problem, .. } => Self::Unusable { path, problem, advice: better.into() },
            other => other,
        }
    }

    /// Whether it is wrong usage or unusable input (exit 2), not a failure on the way (exit 1).
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Unusable { .. })
    }
}

/// What the system said, in words for a person; its own words where there is nothing plainer.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".into(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".into(),
        io::ErrorKind::ReadOnlyFilesystem => "its file system is read-only".into(),
        io::ErrorKind::PermissionDenied => "permission is denied".into(),
        io::ErrorKind::NotFound => "it does not exist".into(),
        _ => format!("of this error: {error}"),
    }
}

/// What a person can do about it.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space and resume the run",
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "make it accessible or use another directory"
        }
        io::ErrorKind::NotFound => "check its path",
        _ => "check the disk",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_a_plain_sentence_and_a_failure_on_the_way() {
        let error = StoreError::failed(Path::new("runs/a/x"), io::ErrorKind::StorageFull.into());
        assert_eq!(
            error.to_string(),
            "runs/a/x: it could not be written because the disk is full; free some space and resume the run."
        );
        assert!(!error.is_input());
    }

    #[test]
    fn a_directory_that_cannot_be_written_to_is_wrong_input_and_says_what_to_do() {
        let error = StoreError::closed(Path::new("/mnt"), &io::ErrorKind::ReadOnlyFilesystem.into());
        assert!(error.is_input());
        assert_eq!(
            error.to_string(),
            "/mnt: it cannot be written to because its file system is read-only; make it writable and make room, or use another --runs-dir."
        );
    }
}
