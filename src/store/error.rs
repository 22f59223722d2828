//! Why something on disk could not be used or written, and what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::files;
use crate::store::layout;

/// Why something on disk could not be used or written: one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Wrong input: something missing, damaged, foreign or locked, or a directory that cannot be written to.
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
    #[error("{path}: it could not be written because {}; {}{}.", reason(.source), remedy(.source), resuming(*.resumable))]
    Failed {
        /// The file that was to be written.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
        /// Whether it is a file of a run that has a checkpoint to resume from.
        resumable: bool,
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

    /// A directory for results that cannot be made.
    pub(crate) fn no_directory(path: &Path, error: &io::Error) -> Self {
        Self::unusable(path, format!("it cannot be made because {}", reason(error)), "name another directory")
    }

    /// A directory in which nothing can be created, before training begins.
    pub(crate) fn closed(path: &Path, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "use another --runs-dir",
            _ => "make it writable and make room, or use another --runs-dir",
        };
        Self::unusable(path, format!("it cannot be written to because {}", reason(error)), advice)
    }

    /// A directory in which nothing can be created, wherever it is.
    pub(crate) fn unwritable_directory(path: &Path, error: &io::Error) -> Self {
        Self::unusable(path, format!("it cannot be written to because {}", reason(error)), remedy(error))
    }

    /// A file of a run that is there and cannot be gone on with.
    pub(crate) fn stuck(path: &Path, error: &io::Error) -> Self {
        let advice = if files::is_unfit(error) { remedy(error) } else { "make it writable and make room" };
        Self::unusable(path, format!("it cannot be written to because {}", reason(error)), advice)
    }

    /// A write that failed.
    pub(crate) fn failed(path: &Path, source: io::Error) -> Self {
        let run = layout::run_of(path).or_else(|| path.parent().map(Path::to_owned));
        let resumable = run.is_some_and(|run| !layout::checkpoints(&run).is_empty());
        Self::Failed { path: path.to_owned(), source, resumable }
    }

    /// The same before training begins: a directory that cannot be written to is wrong input.
    #[must_use]
    pub(crate) fn at_the_start(self) -> Self {
        match self {
            Self::Failed { path, source, .. } => Self::closed(&path, &source),
            other => other,
        }
    }

    /// The same during training, when nobody can be asked for another directory.
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

    /// Whether it says to do that.
    pub(crate) fn advises(&self, what: &str) -> bool {
        matches!(self, Self::Unusable { advice, .. } if advice == what)
    }

    /// Whether it is wrong usage or unusable input (exit 2), not a failure on the way (exit 1).
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Unusable { .. })
    }
}

/// The system's error in plain words; in its own where there are none.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".into(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".into(),
        io::ErrorKind::ReadOnlyFilesystem => "its file system is read-only".into(),
        io::ErrorKind::FileTooLarge if !files::is_unfit(error) => {
            "it would exceed the limit for files (`ulimit -f`)".into()
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            "this process may open no more files (`ulimit -n`)".into()
        }
        io::ErrorKind::PermissionDenied => "permission is denied".into(),
        io::ErrorKind::NotFound => "it does not exist".into(),
        io::ErrorKind::AlreadyExists => "something of that name is there already".into(),
        io::ErrorKind::NotADirectory => "a part of its path is a file, not a directory".into(),
        io::ErrorKind::InvalidFilename => "its name is too long or holds what no name may".into(),
        _ if files::is_unfit(error) => error.to_string(),
        _ => format!("of this error: {error}"),
    }
}

/// The remedy.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        io::ErrorKind::OutOfMemory => "free some memory",
        _ if files::is_unfit(error) => "put a file in its place or take it away",
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "make it accessible or use another directory"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            "check its path"
        }
        _ => "check the disk",
    }
}

/// What can be done after that, where there is a checkpoint.
fn resuming(resumable: bool) -> &'static str {
    if resumable { " and resume the run" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_a_plain_sentence_and_a_failure_on_the_way() {
        let error = StoreError::failed(Path::new("runs/a/x"), io::ErrorKind::StorageFull.into());
        assert_eq!(
            error.to_string(),
            "runs/a/x: it could not be written because the disk is full; free some space."
        );
        assert!(!error.is_input());
    }

    #[test]
    fn a_run_is_to_be_resumed_only_where_it_has_a_checkpoint() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = run.path().join(layout::CHECKPOINTS);
        std::fs::create_dir(&checkpoints).unwrap();
        let (summary, next) =
            (run.path().join(layout::SUMMARY), checkpoints.join("step-00000002.safetensors"));
        let ends = |path: &Path, end: &str| {
            let sentence = StoreError::failed(path, io::ErrorKind::StorageFull.into()).to_string();
            assert!(sentence.ends_with(end), "{sentence}");
        };
        ends(&summary, "; free some space.");
        ends(&next, "; free some space.");
        std::fs::write(checkpoints.join("step-00000001.safetensors"), "").unwrap();
        ends(&summary, "; free some space and resume the run.");
        ends(&next, "; free some space and resume the run.");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_named_with_what_can_be_done() {
        let path = Path::new("/dev/null");
        let error = files::open(path).unwrap_err();
        let name = "/dev/null: it cannot be";
        let remedy = "because it is a device, not a file; put a file in its place or take it away.";
        assert_eq!(StoreError::unreadable(path, &error).to_string(), format!("{name} read {remedy}"));
        assert_eq!(StoreError::stuck(path, &error).to_string(), format!("{name} written to {remedy}"));
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
