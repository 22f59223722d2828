//! The checkpoint files of a run: which there are, which one to read, which ones to keep.

use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, unlinkat};

use crate::store::checkpoint::OTHER_VERSION;
use crate::store::run::CHECKPOINTS;
use crate::store::{Checkpoint, StoreError};

/// Kept beside the best.
const NEWEST: usize = 2;

/// What is left where a run has nothing to go on from.
const ANEW: &str = "start it again under another name, or delete it first";

/// The file of a checkpoint after `step` steps.
pub(super) fn file_name(step: u64) -> String {
    format!("step-{step:08}.safetensors")
}

fn step_of(path: &Path) -> Option<u64> {
    let digits = path.file_name()?.to_str()?.strip_prefix("step-")?.strip_suffix(".safetensors")?;
    let step = digits.parse().ok()?;
    // Only names that we write: two spellings of a step would be two files.
    path.ends_with(file_name(step)).then_some(step)
}

/// The checkpoints of the run at `run` with their steps, oldest first. None where there are none.
pub fn checkpoints(run: &Path) -> Vec<(u64, PathBuf)> {
    in_directory(&run.join(CHECKPOINTS))
}

/// The checkpoints in the directory of the file at `path`, oldest first, that one included.
pub fn beside(path: &Path) -> Vec<(u64, PathBuf)> {
    path.parent().map_or_else(Vec::new, in_directory)
}

fn in_directory(directory: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut found: Vec<(u64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            step_of(&path).map(|step| (step, path))
        })
        .collect();
    found.sort_unstable();
    found
}

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
        Some(place) => Ok(all.swap_remove(place).1),
        None => all.pop().map(|(_, path)| path).ok_or_else(|| no_checkpoint(run)),
    }
}

fn no_checkpoint(run: &Path) -> StoreError {
    StoreError::unusable(run, "it holds no checkpoint", ANEW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checkpoint::example;

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
    fn checkpoints_are_listed_by_step_as_numbers_and_strangers_are_not() {
        let run = run(&[100_000_000, 99_999_999, 2]);
        for stranger in ["step-2.safetensors", "step-00000003.pt", ".step-00000004.safetensors.tmp"] {
            fs::write(run.path().join(CHECKPOINTS).join(stranger), "").unwrap();
        }
        let steps: Vec<u64> = checkpoints(run.path()).into_iter().map(|(s, _)| s).collect();
        assert_eq!(steps, [2, 99_999_999, 100_000_000]);
        assert!(checkpoints(&run.path().join("nowhere")).is_empty());
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
