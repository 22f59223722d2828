//! The catalogue of runs: what `summary.json` says of each, without opening a journal or a checkpoint.

mod entry;
pub mod filter;
mod reader;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::checkpoint::Checkpoint;
use crate::store::layout;

pub use entry::{Entry, entry, read_summary};
pub use reader::Reader;
pub use summary::{Last, State, Summary, network};

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

/// The runs in `runs_dir`, newest first. A directory that is missing or cannot be read holds none.
pub fn list(runs_dir: &Path) -> Vec<Entry> {
    Reader::default().list(runs_dir).into_iter().map(Arc::unwrap_or_clone).collect()
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

#[cfg(test)]
pub(in crate::store) mod tests {
    use super::*;
    use crate::protocol::Figures;
    use crate::recipe::{Data, Recipe};
    use crate::store::RunDir;
    use crate::store::checkpoint::example;

    pub(in crate::store) fn summary(name: &str, state: State, created: f64) -> Summary {
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

    pub(in crate::store) fn run(runs_dir: &Path, name: &str, state: State, created: f64) -> RunDir {
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
