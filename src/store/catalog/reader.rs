//! The catalogue read again and again: of thousands of runs, only what changed on disk is read anew.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::catalog::entry::{Entry, date, read_entry};
use crate::store::layout::{self, CHECKPOINTS, LABELS, SUMMARY};
use crate::store::run::lock;

/// Reads the catalogue, and remembers what it has read.
#[derive(Debug, Default)]
pub struct Reader {
    known: HashMap<PathBuf, Known>,
}

/// A run as it was read, and its files at that time.
#[derive(Debug)]
struct Known {
    files: [Option<Mark>; 4],
    entry: Arc<Entry>,
}

/// What tells that a file, or what a directory lists, is another one now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<Metadata> for Mark {
    fn from(of: Metadata) -> Self {
        Self {
            inode: of.ino(),
            length: of.len(),
            modified: (of.mtime(), of.mtime_nsec()),
            changed: (of.ctime(), of.ctime_nsec()),
        }
    }
}

/// The marks of a run: of its summary and labels, which are replaced as a whole, and of its two directories, which
/// change with the names in them. Nothing else of a run changes while nobody trains in it.
fn marks(run: &Path) -> [Option<Mark>; 4] {
    let mark = |path: &Path| fs::metadata(path).ok().map(Mark::from);
    [mark(&run.join(SUMMARY)), mark(&run.join(LABELS)), mark(run), mark(&run.join(CHECKPOINTS))]
}

impl Reader {
    /// The runs in `runs_dir` and those of its sweeps, newest first. A directory that is missing or cannot be read holds none. A run that is
    /// as it was is the same allocation as before.
    pub fn list(&mut self, runs_dir: &Path) -> Vec<Arc<Entry>> {
        let runs_dir = std::path::absolute(runs_dir).unwrap_or_else(|_| runs_dir.to_owned());
        let sweeps = fs::read_dir(layout::sweeps(&runs_dir)).into_iter().flatten().flatten();
        let directories = [runs_dir].into_iter().chain(sweeps.map(|sweep| sweep.path()));
        let entries = directories.filter_map(|directory| fs::read_dir(directory).ok()).flatten();
        let mut before = std::mem::take(&mut self.known);
        let mut dated: Vec<(f64, Arc<Entry>)> = Vec::new();
        for found in entries.flatten() {
            let path = found.path();
            let known = before.remove(&path);
            let hidden = found.file_name().as_encoded_bytes().starts_with(b".");
            if hidden || known.is_none() && !layout::looks_like_run(&path) {
                continue;
            }
            if let Some(known) = read(path.clone(), known) {
                dated.push((date(&known.entry), Arc::clone(&known.entry)));
                self.known.insert(path, known);
            }
        }
        dated.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| y.name.cmp(&x.name)));
        dated.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// The run at `path`; `None` where one that was known looks like a run no more.
fn read(path: PathBuf, known: Option<Known>) -> Option<Known> {
    // The lock first: a run that ends in between is then live for a moment, never interrupted.
    let lock = lock::look(&path);
    let files = marks(&path);
    let Some(known) = known else {
        return Some(Known { files, entry: Arc::new(read_entry(path, lock)) });
    };
    let old = &known.entry;
    let quiet = !old.live && old.summary.is_ok() && matches!(lock, Ok(false));
    if quiet && known.files == files {
        return Some(known);
    }
    if !layout::looks_like_run(&path) {
        return None;
    }
    let entry = read_entry(path, lock);
    let entry = if *known.entry == entry { known.entry } else { Arc::new(entry) };
    Some(Known { files, entry })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::catalog::State;
    use crate::store::catalog::tests::{run, summary};
    use crate::store::labels::{Change, Labels};

    /// Whether both lists have the very same entry of a run of this name.
    fn is_kept(name: &str, one: &[Arc<Entry>], other: &[Arc<Entry>]) -> bool {
        let find = |list: &[Arc<Entry>]| list.iter().find(|entry| entry.name == name).unwrap().clone();
        Arc::ptr_eq(&find(one), &find(other))
    }

    #[test]
    fn the_trials_of_sweeps_are_runs_too() {
        let folder = tempfile::tempdir().unwrap();
        let sweep = layout::sweeps(folder.path()).join("which-k");
        fs::create_dir_all(&sweep).unwrap();
        run(folder.path(), "a", State::Completed, 1.0);
        run(&sweep, "t1", State::Completed, 2.0);
        let list = Reader::default().list(folder.path());
        let names: Vec<&str> = list.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["which-k/t1", "a"]);
        let found = crate::store::run::find(folder.path(), Path::new("which-k/t1")).unwrap();
        assert_eq!(found, crate::store::Target::Run(sweep.join("t1")));
    }

    #[test]
    fn only_a_run_whose_files_changed_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            run(folder.path(), name, State::Completed, 1.0);
        }
        let mut reader = Reader::default();
        let first = reader.list(folder.path());
        Labels::change(&folder.path().join("b"), &Change::Star(true)).unwrap();
        fs::write(folder.path().join("c/checkpoints/more"), "bytes").unwrap();
        let second = reader.list(folder.path());
        assert!(is_kept("a", &first, &second));
        assert!(!is_kept("b", &first, &second) && second.iter().any(|entry| entry.labels.star));
        let bytes = |list: &[Arc<Entry>]| list.iter().find(|entry| entry.name == "c").unwrap().bytes;
        assert_eq!(bytes(&second), bytes(&first) + 5);
    }

    #[test]
    fn a_summary_that_is_replaced_by_one_of_its_length_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        drop(run(folder.path(), "a", State::Stopped, 1.0));
        let mut reader = Reader::default();
        let path = folder.path().join("a").join(SUMMARY);
        let text = fs::read_to_string(&path).unwrap();
        reader.list(folder.path());
        crate::store::atomic::write(&path, text.replace("stopped", "running").as_bytes()).unwrap();
        assert_eq!(reader.list(folder.path())[0].state(), "interrupted");
    }

    #[test]
    fn a_live_run_is_read_every_time_and_its_end_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let held = run(folder.path(), "a", State::Running, 1.0);
        let mut reader = Reader::default();
        let first = reader.list(folder.path());
        assert!(first[0].live);
        assert!(is_kept("a", &first, &reader.list(folder.path())), "it says nothing new");
        held.write_summary(&summary("a", State::Stopped, 1.0)).unwrap();
        drop(held);
        assert_eq!(reader.list(folder.path())[0].state(), "stopped");
    }

    #[test]
    fn a_run_that_appears_or_goes_is_noticed_and_damage_is_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        drop(run(folder.path(), "a", State::Stopped, 1.0));
        drop(run(folder.path(), "b", State::Stopped, 2.0));
        let mut reader = Reader::default();
        reader.list(folder.path());
        fs::remove_dir_all(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("a").join(SUMMARY), "{").unwrap();
        let entries = reader.list(folder.path());
        assert_eq!((entries.len(), entries[0].state()), (1, "damaged"));
        fs::remove_dir_all(folder.path().join("a")).unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        assert!(reader.list(folder.path()).is_empty(), "an empty directory is no run");
        drop(run(folder.path(), "c", State::Stopped, 3.0));
        assert_eq!(reader.list(folder.path()).len(), 1);
    }
}
