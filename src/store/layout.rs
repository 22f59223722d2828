//! Where the files of a run are: their names, and what looks like a run by them.

use std::fs;
use std::path::{Path, PathBuf};

/// The recipe the run was started with.
pub const RECIPE: &str = "recipe.toml";
/// Every event.
pub const JOURNAL: &str = "journal.jsonl";
/// State, best and last figures.
pub const SUMMARY: &str = "summary.json";
/// What a person says of it; no part of the training.
pub(in crate::store) const LABELS: &str = "labels.json";
/// Where sweeps are, in a runs directory.
const SWEEPS: &str = ".sweeps";
/// Where the checkpoints are.
pub const CHECKPOINTS: &str = "checkpoints";

/// The file of a checkpoint after `step` steps.
pub(in crate::store) fn file_name(step: u64) -> String {
    format!("step-{step:08}.safetensors")
}

/// The step in a file name that [`file_name`] makes.
pub(in crate::store) fn step_of(path: &Path) -> Option<u64> {
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

/// The directory of all sweeps among the runs in `runs_dir`. Each of them is a runs directory itself.
pub fn sweeps(runs_dir: &Path) -> PathBuf {
    runs_dir.join(SWEEPS)
}

/// The name of the run at `path`; of a sweep's run, that of the sweep before it, as in `which-k/t3`.
pub(in crate::store) fn name(path: &Path) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match path.parent() {
        Some(sweep) if sweep.parent().is_some_and(|sweeps| sweeps.ends_with(SWEEPS)) => {
            format!("{}/{}", name(sweep), name(path))
        }
        _ => name(path),
    }
}

/// Whether the directory at `path` holds anything that a run holds.
pub fn looks_like_run(path: &Path) -> bool {
    // What is there and is no file belongs to a damaged run; a directory of such a name to something else.
    let is_one = |name: &&str| path.join(name).symlink_metadata().is_ok_and(|found| !found.is_dir());
    path.join(CHECKPOINTS).is_dir() || [RECIPE, SUMMARY, JOURNAL, CHECKPOINTS].iter().any(is_one)
}

/// The run in whose `checkpoints/` the file at `path` lies.
pub fn run_of(path: &Path) -> Option<PathBuf> {
    let directory = path.parent().filter(|parent| parent.ends_with(CHECKPOINTS))?;
    directory.parent().filter(|run| looks_like_run(run)).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_listed_by_step_as_numbers_and_strangers_are_not() {
        let run = tempfile::tempdir().unwrap();
        let at = |name: &str| run.path().join(CHECKPOINTS).join(name);
        fs::create_dir(run.path().join(CHECKPOINTS)).unwrap();
        for step in [100_000_000, 99_999_999, 2] {
            fs::write(at(&file_name(step)), "").unwrap();
        }
        for stranger in ["step-2.safetensors", "step-00000003.pt", ".step-00000004.safetensors.tmp"] {
            fs::write(at(stranger), "").unwrap();
        }
        let steps: Vec<u64> = checkpoints(run.path()).into_iter().map(|(s, _)| s).collect();
        assert_eq!(steps, [2, 99_999_999, 100_000_000]);
        assert!(checkpoints(&run.path().join("nowhere")).is_empty());
    }
}
