//! The catalogue of runs: what `summary.json` says of each, without opening a journal or a checkpoint.

pub mod filter;
mod summary;

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::files;
use crate::store::checkpoint::Checkpoint;
use crate::store::error::StoreError;
use crate::store::labels::Labels;
use crate::store::layout;
use crate::store::run::lock;

pub use summary::{Last, State, Summary, network};

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

/// A checkpoint of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointRow {
    /// Its file.
    pub path: PathBuf,
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epochs: usize,
    /// Bytes of the file.
    pub bytes: u64,
    /// When it was saved, in seconds since 1970.
    pub saved_at: f64,
    /// Whether it is that of the best epoch.
    pub best: bool,
    /// Why it cannot be read, in a sentence.
    pub trouble: Option<String>,
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

/// The runs in `runs_dir`, newest first. A directory that is missing or cannot be read holds none.
pub fn list(runs_dir: &Path) -> Vec<Entry> {
    let runs_dir = std::path::absolute(runs_dir).unwrap_or_else(|_| runs_dir.to_owned());
    let Ok(entries) = fs::read_dir(runs_dir) else {
        return Vec::new();
    };
    let mut dated: Vec<(f64, Entry)> = entries
        .flatten()
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .filter(|path| layout::looks_like_run(path))
        .map(|path| {
            let entry = entry(path);
            (date(&entry), entry)
        })
        .collect();
    dated.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| y.name.cmp(&x.name)));
    dated.into_iter().map(|(_, entry)| entry).collect()
}

/// The catalogue's entry of the run at `path`.
pub fn entry(path: PathBuf) -> Entry {
    // The lock first: a run that ends in between is then live for a moment, never interrupted.
    let lock = lock::look(&path);
    let live = lock.as_ref().is_ok_and(|held| *held);
    Entry {
        name: path.file_name().unwrap_or_default().to_string_lossy().into(),
        summary: lock.and_then(|_| read_summary(&path)).map_err(|error| error.to_string()),
        labels: Labels::read(&path),
        bytes: size(&path),
        path,
        live,
    }
}

/// The checkpoints of a run, newest first, each read and compared with its hash.
pub fn checkpoints(path: &Path) -> Vec<CheckpointRow> {
    let best = read_summary(path).ok().and_then(|summary| summary.best).map(|best| best.step);
    let row = |(step, path): (u64, PathBuf)| {
        let read = Checkpoint::read(&path);
        CheckpointRow {
            step,
            bytes: fs::metadata(&path).map_or(0, |file| file.len()),
            epochs: read.as_ref().map_or(0, |found| found.meta.progress.closed_epochs),
            saved_at: read.as_ref().map_or(0.0, |found| found.meta.saved_at),
            best: best == Some(step),
            trouble: read.err().map(|error| error.to_string()),
            path,
        }
    };
    layout::checkpoints(path).into_iter().rev().map(row).collect()
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
fn date(entry: &Entry) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Figures;
    use crate::recipe::{Data, Recipe};
    use crate::store::RunDir;
    use crate::store::checkpoint::example;

    fn summary(name: &str, state: State, created: f64) -> Summary {
        let recipe = Recipe::defaults(Data::Shapes);
        Summary {
            run: name.into(),
            state,
            message: None,
            network: network(&recipe),
            parameters: 1,
            step: 3,
            total_steps: 9,
            epoch: 1,
            created,
            updated: created,
            seconds: 1.0 / 3.0,
            best: None,
            last: Some(Last { epoch: 1, train: Figures { loss: 2.0, accuracy: 0.5 }, validation: None }),
            test: None,
            parent: None,
            recipe,
        }
    }

    fn run(runs_dir: &Path, name: &str, state: State, created: f64) -> RunDir {
        let run = RunDir::create(runs_dir, Some(name), "", &Recipe::defaults(Data::Shapes)).unwrap().grown();
        run.write_summary(&summary(name, state, created)).unwrap();
        run
    }

    #[test]
    fn runs_are_listed_newest_first_with_what_their_summaries_say() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), "old", State::Completed, 1.0);
        run(folder.path(), "new", State::Diverged, 2.0);
        fs::create_dir(folder.path().join(".cache")).unwrap();
        fs::create_dir(folder.path().join("photos")).unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        let list = list(folder.path());
        let names: Vec<(&str, &str)> = list.iter().map(|e| (e.name.as_str(), e.state())).collect();
        assert_eq!(names, [("new", "diverged"), ("old", "completed")]);
        assert_eq!(list[1].summary, Ok(summary("old", State::Completed, 1.0)));
    }

    #[test]
    fn a_missing_directory_holds_no_runs() {
        assert_eq!(list(Path::new("there/is/no/such/place")), []);
    }

    #[test]
    fn a_run_that_says_it_runs_is_interrupted_once_nobody_trains_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(folder.path(), "a", State::Running, 1.0);
        let state = || list(folder.path())[0].state();
        assert_eq!(state(), "running");
        drop(run);
        assert_eq!(state(), "interrupted");
    }

    #[test]
    fn a_damaged_summary_is_a_sentence_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = run(folder.path(), "a", State::Stopped, 1.0).path().to_owned();
        fs::write(path.join("summary.json"), r#"{"run":"a""#).unwrap();
        let entry = &list(folder.path())[0];
        let sentence = entry.summary.as_ref().unwrap_err();
        assert_eq!((entry.name.as_str(), entry.state()), ("a", "damaged"));
        assert!(sentence.contains("summary.json: it is damaged"), "{sentence}");
    }

    #[test]
    fn a_run_is_to_be_resumed_for_its_summary_only_where_that_is_possible() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(folder.path(), "a", State::Stopped, 1.0);
        let path = run.path().to_owned();
        fs::write(path.join("summary.json"), "").unwrap();
        let ends = |end: &str| {
            let sentence = list(folder.path())[0].summary.clone().unwrap_err();
            assert!(sentence.ends_with(end), "{sentence}");
        };
        ends("the process that trains the run writes it anew.");
        drop(run);
        ends("the run has no checkpoint to go on from, so delete it and start another.");
        example(1).write(&path.join("checkpoints/step-00000001.safetensors")).unwrap();
        ends("resume the run to have it written anew.");
        fs::remove_file(path.join("summary.json")).unwrap();
        ends("it does not exist; resume the run to have it written anew.");
    }

    #[test]
    fn a_summary_with_a_recipe_that_no_run_can_have_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(folder.path(), "a", State::Stopped, 1.0);
        let mut spoiled = summary("a", State::Stopped, 1.0);
        spoiled.recipe.batch_size = 0;
        run.write_summary(&spoiled).unwrap();
        let sentence = list(folder.path())[0].summary.clone().unwrap_err();
        assert!(sentence.contains("it is damaged (`batch_size`: 0 images"), "{sentence}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_a_damaged_run_among_sound_ones() {
        use rustix::fs::{CWD, Mode, mkfifoat};
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), "sound", State::Stopped, 1.0);
        for name in ["recipe.toml", "summary.json", "journal.jsonl", "checkpoints"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            mkfifoat(CWD, folder.path().join(name).join(name), Mode::RWXU).unwrap();
        }
        let list = list(folder.path());
        let damaged = list.iter().filter(|entry| entry.state() == "damaged").count();
        assert_eq!((list.len(), damaged), (5, 4));
        let pipe =
            list.iter().find(|entry| entry.name == "summary.json").unwrap().summary.clone().unwrap_err();
        assert!(pipe.contains("it cannot be read because it is a named pipe, not a file; "), "{pipe}");
    }
}
