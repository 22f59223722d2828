//! A run in the catalogue, as its directory shows it.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::files;
use crate::store::catalog::summary::{State, Summary};
use crate::store::checkpoint::Checkpoint;
use crate::store::error::StoreError;
use crate::store::labels::Labels;
use crate::store::layout;
use crate::store::run::lock;

/// A run in the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its directory, absolute.
    pub path: PathBuf,
    /// What its summary says, or the sentence that says why there is none.
    pub summary: Result<Summary, String>,
    /// What a person says of it.
    pub labels: Labels,
    /// Whether a process is training in it.
    pub live: bool,
    /// Bytes of its files.
    pub bytes: u64,
}

impl Entry {
    /// Its summary, if that could be read.
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref().ok()
    }

    /// What is wrong with it, in a sentence.
    pub fn trouble(&self) -> Option<&str> {
        self.summary
            .as_ref()
            .map_or_else(|sentence| Some(sentence.as_str()), |summary| summary.message.as_deref())
    }

    /// Whether its process was killed: its summary says that it runs, but no process trains in it.
    pub fn interrupted(&self) -> bool {
        !self.live && self.summary().is_some_and(|summary| summary.state == State::Running)
    }

    /// The word for its state: `running`, `interrupted`, `completed`, `stopped`, `diverged`, `failed`, `starting` before its first summary,
    /// or `damaged` where its summary cannot be read.
    pub fn state(&self) -> &'static str {
        match &self.summary {
            Err(_) if self.live => "starting",
            Err(_) => "damaged",
            Ok(_) if self.interrupted() => "interrupted",
            // A resumed run holds the lock before it reports anything.
            Ok(_) if self.live => State::Running.word(),
            Ok(summary) => summary.state.word(),
        }
    }
}

/// The catalogue's entry of the run at `path`.
pub fn entry(path: PathBuf) -> Entry {
    // The lock first: a run that ends in between is then live for a moment, never interrupted.
    let lock = lock::look(&path);
    read_entry(path, lock)
}

/// The same where it is known whether a process trains in it.
pub(super) fn read_entry(path: PathBuf, lock: Result<bool, StoreError>) -> Entry {
    let live = lock.as_ref().is_ok_and(|held| *held);
    Entry {
        name: layout::name(&path),
        summary: lock.and_then(|_| read_summary(&path)).map_err(|error| error.to_string()),
        labels: Labels::read(&path),
        bytes: size(&path),
        path,
        live,
    }
}

/// Bytes of the files of a run.
fn size(run: &Path) -> u64 {
    let of = |directory: &Path| {
        let files = fs::read_dir(directory).into_iter().flatten().flatten();
        files
            .filter_map(|file| file.metadata().ok())
            .filter(fs::Metadata::is_file)
            .map(|file| file.len())
            .sum::<u64>()
    };
    of(run) + of(&run.join(layout::CHECKPOINTS))
}

/// The summary of the run at `run`.
pub fn read_summary(run: &Path) -> Result<Summary, StoreError> {
    let path = run.join(layout::SUMMARY);
    let bytes = files::read(&path, files::LARGEST_TEXT)
        .map_err(|error| StoreError::unreadable(&path, &error).advising(remedy(run)))?;
    let damaged =
        |why: &dyn Display| StoreError::unusable(&path, format!("it is damaged ({why})"), remedy(run));
    let summary: Summary = serde_json::from_slice(&bytes).map_err(|error| damaged(&error))?;
    match summary.recipe.validate() {
        Ok(()) => Ok(summary),
        Err(problems) => Err(damaged(&problems[0].to_string().trim_end_matches('.'))),
    }
}

/// How the run at `run` gets a summary again.
fn remedy(run: &Path) -> &'static str {
    let mut checkpoints = layout::checkpoints(run).into_iter();
    if lock::held(run) {
        "the process that trains the run writes it anew"
    } else if checkpoints.any(|(_, path)| Checkpoint::read_meta(&path).is_ok()) {
        "resume the run to have it written anew"
    } else {
        "the run has no checkpoint to go on from, so delete it and start another"
    }
}

/// When a run was started; for one without a summary, when its directory last changed.
pub(super) fn date(entry: &Entry) -> f64 {
    entry.summary.as_ref().map_or_else(
        |_| {
            fs::metadata(&entry.path)
                .and_then(|about| about.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH)
                .duration_since(UNIX_EPOCH)
                .map_or(0.0, |age| age.as_secs_f64())
        },
        |summary| summary.created,
    )
}
