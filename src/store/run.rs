//! A run's directory: `recipe.toml`, `journal.jsonl`, `summary.json`, `checkpoints/` and the lock.
//!
//! Directly under the runs directory lie only runs and dot-files, so a run is found by its name alone.

mod files;
mod lock;
mod name;
mod probe;
mod target;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::recipe::Recipe;
use crate::store::{Checkpoint, Journal, StoreError, Summary, atomic};

pub use files::{best_checkpoint, checkpoints, next_older_good, read_checkpoint};
pub use lock::{held, holder};
pub use name::check as check_name;
pub use probe::probe;
pub use target::{Target, find, looks_like_run, run_of};

/// What the run trains, as it was started.
pub const RECIPE: &str = "recipe.toml";
/// Every event.
pub const JOURNAL: &str = "journal.jsonl";
/// State, best and last figures.
pub const SUMMARY: &str = "summary.json";
/// Where the checkpoints are.
pub const CHECKPOINTS: &str = "checkpoints";

/// A run that this process, and no other, writes to: it holds the lock for as long as it lives.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    name: String,
    _lock: lock::Lock,
}

impl RunDir {
    /// Creates a run in `runs_dir`, which is created too where it is missing. A given `name` must be
    /// free; without one it is `stem`, or `stem-2`, `stem-3` … where that is taken.
    pub fn create(
        runs_dir: &Path,
        name: Option<&str>,
        stem: &str,
        recipe: &Recipe,
    ) -> Result<Self, StoreError> {
        name::check(name.unwrap_or(stem))
            .map_err(|problem| StoreError::unusable(runs_dir, problem, "choose another --name"))?;
        let closed = |error: io::Error| StoreError::closed(runs_dir, &error);
        let runs_dir = std::path::absolute(runs_dir).map_err(closed)?;
        fs::create_dir_all(&runs_dir).map_err(closed)?;
        let path = create_directory(&runs_dir, name, stem)?;
        Self::fill(&path, recipe).inspect_err(|_| {
            // It was made a moment ago and holds nothing yet that anyone could miss.
            let _ = fs::remove_dir_all(&path);
        })
    }

    /// What every run has from its beginning.
    fn fill(path: &Path, recipe: &Recipe) -> Result<Self, StoreError> {
        let run = Self::locked(path)?;
        let closed = |error: io::Error| StoreError::closed(path, &error);
        fs::create_dir(path.join(CHECKPOINTS)).map_err(closed)?;
        run.write_recipe(recipe).map_err(|error| match error {
            StoreError::Failed { source, .. } => closed(source),
            other => other,
        })?;
        atomic::sync_directory(path.parent().unwrap_or(path)).map_err(closed)?;
        Ok(run)
    }

    /// Opens the run at `path` and takes its lock.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(|error| StoreError::unreadable(path, &error))?;
        if !looks_like_run(&path) {
            return Err(target::no_run(&path));
        }
        let run = Self::locked(&path)?;
        atomic::clear_leftovers(&path);
        atomic::clear_leftovers(&path.join(CHECKPOINTS));
        Ok(run)
    }

    fn locked(path: &Path) -> Result<Self, StoreError> {
        let lock = lock::Lock::take(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into();
        let path = path.to_owned();
        Ok(Self { path, name, _lock: lock })
    }

    /// The run's directory, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's name: its directory's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The recipe the run was started with; `None` where its file is missing or damaged, which its
    /// checkpoints make up for.
    pub fn recipe(&self) -> Option<Recipe> {
        Recipe::from_toml(&fs::read_to_string(self.path.join(RECIPE)).ok()?).ok()
    }

    /// Replaces the recipe file.
    pub fn write_recipe(&self, recipe: &Recipe) -> Result<(), StoreError> {
        atomic::write(&self.path.join(RECIPE), recipe.to_toml().as_bytes())
    }

    /// Replaces the summary.
    pub fn write_summary(&self, summary: &Summary) -> Result<(), StoreError> {
        let path = self.path.join(SUMMARY);
        let mut text = serde_json::to_string_pretty(summary).map_err(|error| StoreError::Unwritable {
            path: path.clone(),
            problem: format!("its state cannot be put in words ({error})"),
        })?;
        text.push('\n');
        atomic::write(&path, text.as_bytes())
    }

    /// The journal, to go on with it.
    pub fn journal(&self) -> Result<Journal, StoreError> {
        Journal::open(&self.path.join(JOURNAL))
    }

    /// Writes `checkpoint` under its step, then removes those that need not be kept: all but the
    /// newest two and the best. Nothing is removed before the new one is safe.
    pub fn save(&self, checkpoint: &Checkpoint) -> Result<PathBuf, StoreError> {
        let directory = self.path.join(CHECKPOINTS);
        // Somebody may have tidied up an empty one; a real failure shows in the write.
        let _ = fs::create_dir(&directory);
        let progress = &checkpoint.meta.progress;
        let path = directory.join(files::file_name(progress.step));
        checkpoint.write(&path)?;
        files::prune(&self.path, progress.step, progress.best.map(|best| best.step));
        Ok(path)
    }

    /// The newest checkpoint that is whole, and a sentence for each newer one that is not.
    pub fn newest_good(&self) -> Result<(PathBuf, Checkpoint, Vec<String>), StoreError> {
        files::newest_good(&self.path)
    }
}

fn create_directory(runs_dir: &Path, name: Option<&str>, stem: &str) -> Result<PathBuf, StoreError> {
    let create = |word: &str| {
        let path = runs_dir.join(word);
        fs::create_dir(&path).map(|()| path)
    };
    let closed = |error: io::Error| StoreError::closed(runs_dir, &error);
    if let Some(name) = name {
        return create(name).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::unusable(
                &runs_dir.join(name),
                "there is such a run already",
                format!("choose another --name, or go on with it by --resume {name}"),
            ),
            _ => closed(error),
        });
    }
    let mut word = stem.to_owned();
    for number in 2u32.. {
        match create(&word) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => word = format!("{stem}-{number}"),
            result => return result.map_err(closed),
        }
    }
    Err(closed(io::ErrorKind::AlreadyExists.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Best;
    use crate::recipe::Data;
    use crate::store::checkpoint::example;

    fn run() -> (tempfile::TempDir, RunDir) {
        let folder = tempfile::tempdir().unwrap();
        let recipe = Recipe::defaults(Data::Shapes);
        let run = RunDir::create(&folder.path().join("runs"), Some("a"), "stem", &recipe).unwrap();
        (folder, run)
    }

    fn steps(run: &RunDir) -> Vec<u64> {
        checkpoints(run.path()).into_iter().map(|(step, _)| step).collect()
    }

    fn at(step: u64, best: u64) -> Checkpoint {
        let mut checkpoint = example(step);
        checkpoint.meta.progress.best = Some(Best { epoch: 1, step: best, loss: 1.0, accuracy: 0.5 });
        checkpoint
    }

    #[test]
    fn a_new_run_has_its_recipe_and_lies_alone_in_the_runs_directory() {
        let (folder, run) = run();
        assert!(run.path().is_absolute());
        assert_eq!(run.name(), "a");
        let text = fs::read_to_string(run.path().join(RECIPE)).unwrap();
        assert_eq!(Recipe::from_toml(&text), Ok(Recipe::defaults(Data::Shapes)));
        assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 1);
    }

    #[test]
    fn a_given_name_must_be_free_and_a_made_one_is_numbered() {
        let (folder, _run) = run();
        let runs_dir = folder.path().join("runs");
        let recipe = Recipe::defaults(Data::Shapes);
        let create = |name| RunDir::create(&runs_dir, name, "shapes", &recipe);
        let taken = create(Some("a")).unwrap_err();
        assert!(taken.is_input() && taken.to_string().contains("--resume a"), "{taken}");
        let names: Vec<String> = (0..3).map(|_| create(None).unwrap().name().to_owned()).collect();
        assert_eq!(names, ["shapes", "shapes-2", "shapes-3"]);
        assert!(create(Some("../b")).unwrap_err().is_input());
    }

    #[test]
    fn a_runs_directory_that_cannot_be_is_wrong_input_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let recipe = Recipe::defaults(Data::Shapes);
        let error = RunDir::create(&file.join("runs"), None, "a", &recipe).unwrap_err();
        assert!(error.is_input() && error.to_string().contains("--runs-dir"), "{error}");
        assert!(error.to_string().contains("file/runs"), "{error}");
    }

    #[test]
    fn one_process_at_a_time_and_the_lock_ends_with_its_holder() {
        let (_folder, run) = run();
        let path = run.path().to_owned();
        let refused = RunDir::open(&path).unwrap_err();
        assert!(refused.is_input());
        assert!(refused.to_string().contains("another process"), "{refused}");
        drop(run);
        RunDir::open(&path).unwrap();
    }

    #[test]
    fn a_directory_that_is_no_run_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let error = RunDir::open(folder.path()).unwrap_err();
        assert!(error.is_input() && error.to_string().contains("not a run"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_newest_two_and_the_best_are_kept() {
        let (_folder, run) = run();
        for (step, best, kept) in [
            (0, 0, vec![0]),
            (10, 10, vec![0, 10]),
            (20, 10, vec![10, 20]),
            (30, 10, vec![10, 20, 30]),
            (40, 10, vec![10, 30, 40]),
            (50, 50, vec![40, 50]),
        ] {
            let path = run.save(&at(step, best)).unwrap();
            assert_eq!(Checkpoint::read(&path).unwrap().meta.progress.step, step);
            assert_eq!(steps(&run), kept, "after step {step}");
        }
        let (last, _) = checkpoints(run.path()).pop().map(|(s, p)| (p, s)).unwrap();
        assert!(last.ends_with("checkpoints/step-00000050.safetensors"), "{last:?}");
        assert!(best_checkpoint(run.path()).unwrap().ends_with(last));
    }

    #[test]
    fn a_save_that_fails_removes_nothing() {
        let (_folder, run) = run();
        run.save(&at(10, 10)).unwrap();
        run.save(&at(20, 20)).unwrap();
        fs::create_dir(run.path().join("checkpoints/.step-00000030.safetensors.tmp")).unwrap();
        run.save(&at(30, 30)).unwrap_err();
        assert_eq!(steps(&run), [10, 20]);
    }

    #[test]
    fn a_damaged_checkpoint_is_passed_over_for_the_next_older_good_one() {
        let (_folder, run) = run();
        for step in [10, 20, 30] {
            run.save(&at(step, 10)).unwrap();
        }
        for name in ["step-00000020.safetensors", "step-00000030.safetensors"] {
            let path = run.path().join(CHECKPOINTS).join(name);
            let mut bytes = fs::read(&path).unwrap();
            bytes.truncate(500);
            fs::write(&path, bytes).unwrap();
        }
        let (path, checkpoint, sentences) = run.newest_good().unwrap();
        assert!(path.ends_with("step-00000010.safetensors"));
        assert_eq!(checkpoint.meta.progress.step, 10);
        assert_eq!(sentences.len(), 2);
        assert!(sentences[0].contains("step-00000030.safetensors: it is damaged"), "{}", sentences[0]);
        assert!(sentences[0].ends_with("step-00000010.safetensors."), "{}", sentences[0]);
        // Going on from there does not lose the good one to the damaged ones.
        run.save(&at(15, 10)).unwrap();
        assert_eq!(steps(&run), [10, 15, 20, 30]);
    }

    #[test]
    fn a_run_without_a_good_checkpoint_says_so() {
        let (_folder, run) = run();
        let none = run.newest_good().unwrap_err();
        assert!(none.is_input() && none.to_string().contains("no checkpoint"), "{none}");
        fs::write(run.path().join("checkpoints/step-00000001.safetensors"), "x").unwrap();
        let bad = run.newest_good().unwrap_err();
        assert!(bad.to_string().contains("step-00000001.safetensors"), "{bad}");
    }
}
