//! The checkpoints of a run: which one to read, which ones to keep.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, unlinkat};

use crate::store::checkpoint::{Checkpoint, OTHER_VERSION};
use crate::store::error::StoreError;
use crate::store::layout::{checkpoints, file_name, step_of};

/// Kept beside the best.
const NEWEST: usize = 2;

/// Advice where a run has nothing to resume from.
const ANEW: &str = "start it again under another name, or delete it first";

/// Removes the checkpoints in `directory` before `newest` that are neither the one before it nor the `best`.
///
/// Those after `newest` stay: the run went back past them because they are damaged, and they are not
/// ours to lose. A file that cannot be removed only takes space.
pub(super) fn prune(directory: impl AsFd, newest: u64, best: Option<u64>) {
    let Ok(entries) = Dir::read_from(&directory) else {
        return;
    };
    let mut steps: Vec<u64> = entries
        .flatten()
        .filter_map(|entry| step_of(Path::new(entry.file_name().to_str().ok()?)))
        .filter(|step| *step <= newest)
        .collect();
    steps.sort_unstable();
    for step in steps.iter().rev().skip(NEWEST) {
        if best != Some(*step) {
            let _ = unlinkat(&directory, file_name(*step), AtFlags::empty());
        }
    }
}

/// The newest checkpoint of the run at `run` that is whole, and a sentence for each newer one that is not.
pub fn newest_good(run: &Path) -> Result<(PathBuf, Checkpoint, Vec<String>), StoreError> {
    let mut refused = Vec::new();
    for (_, path) in checkpoints(run).into_iter().rev() {
        match Checkpoint::read(&path) {
            Ok(checkpoint) => {
                let sentences = refused
                    .into_iter()
                    .map(|error: StoreError| {
                        let advice = format!("the next older good one is {}", path.display());
                        error.advising(advice).to_string()
                    })
                    .collect();
                return Ok((path, checkpoint, sentences));
            }
            Err(error) => refused.push(error),
        }
    }
    Err(match refused.into_iter().next() {
        Some(newest) if newest.advises(OTHER_VERSION) => newest,
        Some(newest) => newest.advising(format!("there is no older good one, so {ANEW}")),
        None => no_checkpoint(run),
    })
}

/// The best checkpoint of the run at `run`, by what its newest readable one says; the newest where that
/// names none or its file is not there.
pub fn best_checkpoint(run: &Path) -> Result<PathBuf, StoreError> {
    let mut all = checkpoints(run);
    let best = all
        .iter()
        .rev()
        .find_map(|(_, path)| Checkpoint::read_meta(path).ok())
        .and_then(|meta| meta.progress.best);
    let best = best.and_then(|best| all.iter().position(|(step, _)| *step == best.step));
    match best {
        Some(index) => Ok(all.swap_remove(index).1),
        None => all.pop().map(|(_, path)| path).ok_or_else(|| no_checkpoint(run)),
    }
}

fn no_checkpoint(run: &Path) -> StoreError {
    StoreError::unusable(run, "it holds no checkpoint", ANEW)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::checkpoint::example;
    use crate::store::layout::CHECKPOINTS;

    fn run(steps: &[u64]) -> tempfile::TempDir {
        let run = tempfile::tempdir().unwrap();
        fs::create_dir(run.path().join(CHECKPOINTS)).unwrap();
        for step in steps {
            example(*step).write(&file(run.path(), *step)).unwrap();
        }
        run
    }

    fn file(run: &Path, step: u64) -> PathBuf {
        run.join(CHECKPOINTS).join(file_name(step))
    }

    #[test]
    fn the_best_is_what_the_newest_readable_one_says() {
        // The example's best is step 2.
        let run = run(&[1, 2, 3, 4]);
        assert_eq!(best_checkpoint(run.path()).unwrap(), file(run.path(), 2));
        fs::write(file(run.path(), 4), "damaged").unwrap();
        assert_eq!(best_checkpoint(run.path()).unwrap(), file(run.path(), 2));
        fs::remove_file(file(run.path(), 2)).unwrap();
        assert_eq!(best_checkpoint(run.path()).unwrap(), file(run.path(), 4));
        let empty = tempfile::tempdir().unwrap();
        assert!(best_checkpoint(empty.path()).unwrap_err().is_input());
    }
}
