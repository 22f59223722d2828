//! A run's directory: `recipe.toml`, `journal.jsonl`, `summary.json`, `checkpoints/` and the lock.
//!
//! Directly under the runs directory lie only runs and dot-files, so a run is found by its name alone.

mod files;
pub(in crate::store) mod hold;
mod holder;
mod leftover;
pub(in crate::store) mod lock;
mod name;
mod probe;
mod target;

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Access, AtFlags, Mode, OFlags, accessat, mkdirat, openat};
use rustix::io::Errno;

use crate::files as regular;
use crate::recipe::Recipe;
use crate::store::atomic;
use crate::store::catalog::Summary;
use crate::store::checkpoint::Checkpoint;
use crate::store::error::StoreError;
use crate::store::journal::Journal;
use crate::store::layout;

pub use files::{best_checkpoint, newest_good};
use hold::hold_to_delete;
pub use hold::{Hold, Standing, hold};
pub use holder::Process;
pub use layout::{
    CHECKPOINTS, JOURNAL, RECIPE, SUMMARY, beside, checkpoints, looks_like_run, run_of, sweeps,
};
pub use lock::{BEAT, held, held_by_child, trainer};
pub use name::{check as check_name, check_text};
pub use probe::probe;
pub use target::{Target, find};

/// A run that this process, and no other, writes to: it holds the lock for as long as it lives, and writes only in
/// the directory whose lock that is.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    name: String,
    hold: Arc<Hold>,
    /// Whether nothing is saved in it yet: then it goes again with this handle.
    newborn: Cell<bool>,
    /// Directories above it that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

/// What became of the run's directory when it was [settled](RunDir::settle).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is where it was.
    Here,
    /// It has another path.
    Moved,
    /// It was created again, with its recipe only.
    Anew,
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
        check_text(runs_dir)?;
        let closed = |error: io::Error| StoreError::closed(runs_dir, &error);
        let runs_dir = std::path::absolute(runs_dir).map_err(closed)?;
        let made = probe::missing(&runs_dir);
        let create = || {
            fs::create_dir_all(&runs_dir).map_err(closed)?;
            let path = match name {
                Some(name) => named(&runs_dir, name)?,
                None => numbered(&runs_dir, stem).map_err(closed)?,
            };
            Self::fill(&path, recipe).map_err(StoreError::at_the_start)
        };
        let mut run = create().inspect_err(|_| probe::remove_empty(&made))?;
        run.made = made;
        Ok(run)
    }

    /// The same run as if something were saved in it.
    #[cfg(test)]
    pub(crate) fn grown(self) -> Self {
        self.newborn.set(false);
        self
    }

    /// What every run has from its beginning, in a directory with nothing in it; one that cannot have it goes again.
    fn fill(path: &Path, recipe: &Recipe) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::failed(path, error);
        // Whoever finds an unlocked directory with nothing in it may begin there, even in one made a moment ago.
        let undo = || {
            if leftover::is_leftover(path) {
                let _ = fs::remove_dir_all(path);
            }
        };
        let run = Self::locked(path, lock::SYSTEM).inspect_err(|_| {
            if !held(path) {
                undo();
            }
        })?;
        let fill = || {
            if !leftover::is_leftover(path) {
                return Err(taken(path));
            }
            leftover::clear(path).map_err(failed)?;
            atomic::clear_leftovers(&path.join(CHECKPOINTS));
            match mkdirat(run.hold.directory(), CHECKPOINTS, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failed(error.into())),
            }
            run.write_recipe(recipe)?;
            atomic::sync_directory(path.parent().unwrap_or(path)).map_err(failed)
        };
        fill().inspect_err(|_| undo())?;
        run.newborn.set(true);
        Ok(run)
    }

    /// Opens the run at `path` and takes its lock.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(|error| StoreError::unreadable(path, &error))?;
        if !looks_like_run(&path) {
            return Err(target::no_run(&path));
        }
        check_text(&path)?;
        let run = Self::locked(&path, lock::SYSTEM).map_err(StoreError::at_the_start)?;
        atomic::clear_leftovers(&path);
        atomic::clear_leftovers(&path.join(CHECKPOINTS));
        Ok(run)
    }

    fn locked(path: &Path, locking: lock::Locking) -> Result<Self, StoreError> {
        let hold = Arc::new(Hold::take(path, locking)?);
        let (newborn, made) = (Cell::new(false), Vec::new());
        Ok(Self { path: path.to_owned(), name: name_of(path), hold, newborn, made })
    }

    /// The directory and its lock, to show that they are held.
    pub fn hold(&self) -> &Arc<Hold> {
        &self.hold
    }

    /// Sees to it that there is a directory that is this process's to write in: the one it has, under whatever name
    /// it now is, with its lock and its recipe; or, where that is gone or another's, a new one under the same name,
    /// or `NAME-2`, `NAME-3` … where that is taken.
    pub fn settle(&mut self, recipe: &Recipe) -> Result<Settled, StoreError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::failed(&path, source)
        };
        let mut settled = Settled::Here;
        let mut standing = self.hold.standing(&self.path).map_err(failed(&self.path))?;
        if let Standing::Moved(path) = standing {
            (self.name, self.path, settled) = (name_of(&path), path, Settled::Moved);
            standing = self.hold.standing(&self.path).map_err(failed(&self.path))?;
        }
        let is_ours = match standing {
            // Whoever moves it again finds a run that follows.
            Standing::Ours | Standing::Moved(_) => true,
            Standing::Unlocked | Standing::Taken(_) => self.hold.take_again(&self.path).is_ok(),
            Standing::Gone | Standing::Replaced => false,
        };
        if !is_ours {
            let runs_dir = self.path.parent().unwrap_or(Path::new("/")).to_owned();
            let path = fs::create_dir_all(&runs_dir)
                .and_then(|()| numbered(&runs_dir, &self.name))
                .map_err(failed(&self.path))?;
            *self = Self::fill(&path, recipe).map_err(StoreError::on_the_way)?;
            return Ok(Settled::Anew);
        }
        let recipe_file = accessat(self.hold.directory(), RECIPE, Access::EXISTS, AtFlags::empty());
        if recipe_file == Err(Errno::NOENT) {
            self.write_recipe(recipe)?;
        }
        Ok(settled)
    }

    /// Removes a directory that was created again and in which nothing could be saved.
    pub fn discard(&self) {
        if matches!(self.hold.standing(&self.path), Ok(Standing::Ours)) {
            let _ = fs::remove_dir_all(&self.path);
        }
    }

    /// Whether it can be written: its directory is somewhere, and this process's.
    pub fn is_held(&self) -> bool {
        let standing = self.hold.standing(&self.path);
        matches!(standing, Ok(Standing::Ours | Standing::Unlocked | Standing::Moved(_)))
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
        Recipe::from_toml(&crate::files::read_text(&self.path.join(RECIPE)).ok()?).ok()
    }

    /// Replaces the recipe file.
    pub fn write_recipe(&self, recipe: &Recipe) -> Result<(), StoreError> {
        let unwritable = |problem| StoreError::Unwritable { path: self.path.join(RECIPE), problem };
        self.write(Path::new(RECIPE), recipe.to_toml().map_err(unwritable)?.as_bytes())
    }

    /// Replaces a file of the run.
    fn write(&self, file: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        self.hold
            .check()
            .and_then(|()| atomic::write_inside(self.hold.directory(), file, bytes))
            .map_err(|error| StoreError::failed(&self.path.join(file), error))
    }

    /// Replaces the summary.
    pub fn write_summary(&self, summary: &Summary) -> Result<(), StoreError> {
        let path = self.path.join(SUMMARY);
        let mut text = serde_json::to_string_pretty(summary).map_err(|error| StoreError::Unwritable {
            path: path.clone(),
            problem: format!("its state cannot be put in words ({error})"),
        })?;
        text.push('\n');
        self.write(Path::new(SUMMARY), text.as_bytes())
    }

    /// The journal, opened for appending.
    pub fn journal(&self) -> Result<Journal, StoreError> {
        Journal::of(&self.hold).map_err(|error| StoreError::stuck(&self.path.join(JOURNAL), &error))
    }

    /// Writes `checkpoint` under its step, then removes those that need not be kept: all but the
    /// newest two and the best. Nothing is removed before the new one is safe.
    pub fn save(&self, checkpoint: &Checkpoint) -> Result<PathBuf, StoreError> {
        // Somebody may have tidied up an empty one; a real failure shows in the write.
        let _ = mkdirat(self.hold.directory(), CHECKPOINTS, Mode::from_raw_mode(0o777));
        let progress = &checkpoint.meta.progress;
        let file = Path::new(CHECKPOINTS).join(layout::file_name(progress.step));
        let path = self.path.join(&file);
        self.write(&file, &checkpoint.encode(&path)?)?;
        self.newborn.set(false);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if let Ok(directory) = openat(self.hold.directory(), CHECKPOINTS, flags, Mode::empty()) {
            files::prune(directory, progress.step, progress.best.map(|best| best.step));
        }
        Ok(path)
    }

    /// The newest checkpoint that is whole, and a sentence for each newer one that is not.
    pub fn newest_good(&self) -> Result<(PathBuf, Checkpoint, Vec<String>), StoreError> {
        files::newest_good(&self.path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if self.newborn.get() {
            self.discard();
            probe::remove_empty(&self.made);
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into()
}

/// The directory of a run whose name is given: a new one, or one that a start with the same name has left with nothing
/// in it.
fn named(runs_dir: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let path = runs_dir.join(name);
    if leftover::is_leftover(&path) && !held(&path) {
        return Ok(path);
    }
    match fs::create_dir(&path) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(taken(&path)),
        Err(error) => Err(StoreError::closed(runs_dir, &error)),
    }
}

/// The error about a name that another run has.
fn taken(path: &Path) -> StoreError {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    StoreError::unusable(path, "there is such a run already", target::instead_of(path, &name))
}

/// Makes a directory under a free name: `stem`, `stem-2`, `stem-3` …
fn numbered(runs_dir: &Path, stem: &str) -> io::Result<PathBuf> {
    let mut path = runs_dir.join(stem);
    for number in 2u32.. {
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = runs_dir.join(format!("{stem}-{number}"));
            }
            result => return result.map(|()| path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Deletes a run in which no process trains, and returns its name; the error is a sentence.
pub fn delete(path: &Path) -> Result<String, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Held until it is gone, so that no process begins to train in it meanwhile.
    let _held = hold_to_delete(path).map_err(|error| format!("{name} was not deleted. {error}"))?;
    fs::remove_dir_all(path).map(|()| name).map_err(|error| format!("{}: {error}.", path.display()))
}

/// Copies a checkpoint to a file or into a directory, where no file of that name may exist; the error is a sentence.
pub fn export(from: &Path, to: &Path) -> Result<PathBuf, String> {
    let to = if to.is_dir() { to.join(from.file_name().unwrap_or_default()) } else { to.to_owned() };
    if to.exists() {
        return Err(format!("{} is there already; choose another name.", to.display()));
    }
    let bytes = regular::read(from, u64::MAX)
        .map_err(|error| format!("{}: it cannot be read ({error}).", from.display()))?;
    atomic::write(&to, &bytes).map_err(|error| error.to_string())?;
    Ok(to)
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
        let run = RunDir::create(&folder.path().join("runs"), Some("a"), "stem", &recipe).unwrap().grown();
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
        let (folder, run) = run();
        let runs_dir = folder.path().join("runs");
        let recipe = Recipe::defaults(Data::Shapes);
        let create = |name| RunDir::create(&runs_dir, name, "shapes", &recipe).map(RunDir::grown);
        let taken = create(Some("a")).unwrap_err();
        assert!(taken.is_input() && taken.to_string().ends_with("choose another --name."), "{taken}");
        run.save(&at(1, 1)).unwrap();
        let taken = create(Some("a")).unwrap_err();
        assert!(taken.to_string().contains("--resume a"), "{taken}");
        let names: Vec<String> = (0..3).map(|_| create(None).unwrap().name().to_owned()).collect();
        assert_eq!(names, ["shapes", "shapes-2", "shapes-3"]);
        assert!(create(Some("../b")).unwrap_err().is_input());
    }

    #[test]
    fn a_directory_that_a_killed_start_left_is_begun_in_anew_and_one_with_anything_else_in_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = Recipe::defaults(Data::Shapes);
        let create = || RunDir::create(folder.path(), Some("a"), "", &recipe);
        let path = folder.path().join("a");
        fs::create_dir(&path).unwrap();
        drop(create().unwrap().grown());
        fs::write(path.join(JOURNAL), "of the first start").unwrap();
        fs::write(path.join(CHECKPOINTS).join(".step-00000000.safetensors.tmp"), "torn").unwrap();
        let run = create().unwrap();
        assert!(!path.join(JOURNAL).exists());
        assert_eq!(fs::read_dir(path.join(CHECKPOINTS)).unwrap().count(), 0);
        run.save(&at(0, 0)).unwrap();
        drop(run);
        let refused = create().unwrap_err().to_string();
        assert!(refused.contains("--resume a"), "{refused}");
        assert_eq!(steps(&RunDir::open(&path).unwrap()), [0]);
        fs::remove_dir_all(path.join(CHECKPOINTS)).unwrap();
        fs::write(path.join("notes.txt"), "mine").unwrap();
        assert!(create().unwrap_err().is_input());
        assert!(path.join("notes.txt").exists());
    }

    #[test]
    fn a_run_in_which_nothing_was_saved_goes_with_its_handle_and_what_was_made_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let runs_dir = folder.path().join("data/runs");
        let recipe = Recipe::defaults(Data::Shapes);
        drop(RunDir::create(&runs_dir, Some("a"), "", &recipe).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let run = RunDir::create(&runs_dir, Some("a"), "", &recipe).unwrap();
        run.save(&at(0, 0)).unwrap();
        drop(run);
        assert_eq!(checkpoints(&runs_dir.join("a")).len(), 1);
        drop(RunDir::create(&runs_dir, Some("b"), "", &recipe).unwrap());
        assert_eq!(fs::read_dir(&runs_dir).unwrap().count(), 1);
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

    #[test]
    fn a_run_that_is_gone_is_made_anew_and_one_whose_name_is_taken_beside_it() {
        let (folder, mut run) = run();
        let recipe = Recipe::defaults(Data::Shapes);
        let runs_dir = folder.path().join("runs");
        assert_eq!(run.settle(&recipe).unwrap(), Settled::Here);
        fs::remove_dir_all(&runs_dir).unwrap();
        assert!(!run.is_held() && run.save(&at(10, 10)).is_err() && run.journal().is_err());
        assert_eq!(run.settle(&recipe).unwrap(), Settled::Anew);
        assert_eq!((run.name(), run.path(), run.recipe()), ("a", &*runs_dir.join("a"), Some(recipe.clone())));
        run.save(&at(10, 10)).unwrap();

        fs::remove_dir_all(run.path()).unwrap();
        let mut other = RunDir::create(&runs_dir, Some("a"), "", &recipe).unwrap().grown();
        other.save(&at(5, 5)).unwrap();
        assert!(run.save(&at(20, 20)).is_err() && run.write_recipe(&recipe).is_err());
        assert_eq!(run.settle(&recipe).unwrap(), Settled::Anew);
        run.save(&at(20, 20)).unwrap();
        assert_eq!((run.name(), steps(&run), steps(&other)), ("a-2", vec![20], vec![5]));

        fs::rename(run.path(), runs_dir.join("b")).unwrap();
        run.save(&at(30, 30)).unwrap();
        assert_eq!(run.settle(&recipe).unwrap(), Settled::Moved);
        fs::remove_file(run.path().join(RECIPE)).unwrap();
        assert_eq!(run.settle(&recipe).unwrap(), Settled::Here);
        assert_eq!((run.name(), steps(&run), run.recipe()), ("b", vec![20, 30], Some(recipe.clone())));

        // Nothing can be made where the runs directory is a file: a failure on the way, for the next save to try again.
        fs::remove_dir_all(&runs_dir).unwrap();
        fs::write(&runs_dir, "").unwrap();
        let failed = other.settle(&recipe).unwrap_err();
        assert!(!failed.is_input() && failed.to_string().contains("runs/a"), "{failed}");
    }

    #[test]
    fn a_run_that_somebody_trains_is_not_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = Recipe::defaults(Data::Shapes);
        let run = RunDir::create(folder.path(), Some("a"), "", &recipe).unwrap().grown();
        let path = run.path().to_owned();
        let refused = delete(&path).unwrap_err();
        assert!(
            refused.starts_with("a was not deleted.") && refused.contains("is training in it"),
            "{refused}"
        );
        assert!(path.join(RECIPE).is_file());
        drop(run);
        assert_eq!(delete(&path), Ok("a".into()));
        assert!(!path.exists());
    }

    #[test]
    fn a_checkpoint_is_copied_where_nothing_is_yet() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("step-1.safetensors");
        fs::write(&from, "weights").unwrap();
        let sub = folder.path().join("sub");
        fs::create_dir(&sub).unwrap();
        let to = export(&from, &sub).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "weights");
        assert!(export(&from, &to).unwrap_err().contains("is there already"));
        assert!(export(&from, &folder.path().join("nowhere/x")).is_err());
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RWXU).unwrap();
        assert!(
            export(&pipe, &folder.path().join("copy"))
                .unwrap_err()
                .contains("(it is a named pipe, not a file)")
        );
        assert!(export(&from, &pipe).unwrap_err().contains("is there already"));
    }
}
