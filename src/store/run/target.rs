//! The target of `--resume` and `evaluate`: a run by name or path, or a checkpoint.

use std::path::{Component, Path, PathBuf};

use crate::store::catalog;
use crate::store::error::StoreError;
use crate::store::layout::{checkpoints, looks_like_run, sweeps};

/// What to resume from or to evaluate; absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A run's directory.
    Run(PathBuf),
    /// A checkpoint file, of a run or on its own.
    File(PathBuf),
}

/// What `word` means: the name of a run in `runs_dir`, or of a sweep's run as in `which-k/t3`, else the path of a run or of a file. A bare word
/// is a name first; `./word` is a path.
pub fn find(runs_dir: &Path, word: &Path) -> Result<Target, StoreError> {
    let absolute =
        |path: &Path| std::path::absolute(path).map_err(|error| StoreError::unreadable(path, &error));
    if let Some(named) = named(runs_dir, word).filter(|named| looks_like_run(named)) {
        return absolute(&named).map(Target::Run);
    }
    if word.is_dir() {
        // `runs/a/.` and the like: the last component is the run's name.
        let path = match word.file_name() {
            Some(_) => absolute(word)?,
            None => word.canonicalize().map_err(|error| StoreError::unreadable(word, &error))?,
        };
        if looks_like_run(&path) {
            return Ok(Target::Run(path));
        }
        return Err(no_run(&path));
    }
    if word.exists() {
        return absolute(word).map(Target::File);
    }
    let advice = match catalog::list(runs_dir).as_slice() {
        [] => "no run is there at all; name the directory of the runs by --runs-dir, or give a path".into(),
        _ => format!("`densenet-tui runs --runs-dir {}` lists those that are there", quoted(runs_dir)),
    };
    let problem = format!("there is no such file and no such run in {}", runs_dir.display());
    Err(StoreError::unusable(word, problem, advice))
}

/// `path` as a word for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The error about a directory that is there, or not, and is no run.
pub(super) fn no_run(path: &Path) -> StoreError {
    let problem =
        if path.is_dir() { "it is not a run, as nothing of a run is in it" } else { "there is no such run" };
    StoreError::unusable(path, problem, "give the name or the directory of a run, or a checkpoint")
}

/// What to do where `name` is the directory `taken` already.
pub(super) fn instead_of(taken: &Path, name: &str) -> String {
    let word = quoted(Path::new(name));
    if checkpoints(taken).is_empty() {
        return "choose another --name".into();
    }
    format!("choose another --name, or go on with it by --resume {word}")
}

/// Where the run is that is called `word`, if that can be a name.
fn named(runs_dir: &Path, word: &Path) -> Option<PathBuf> {
    let mut components = word.components();
    match [components.next(), components.next(), components.next()] {
        [Some(Component::Normal(_)), None, _] => Some(runs_dir.join(word)),
        [Some(Component::Normal(_)), Some(Component::Normal(_)), None] => Some(sweeps(runs_dir).join(word)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::layout::{CHECKPOINTS, run_of};

    #[test]
    fn a_run_is_found_by_name_by_path_and_a_checkpoint_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("a");
        let file = run.join("checkpoints/step-00000001.safetensors");
        fs::create_dir_all(run.join(CHECKPOINTS)).unwrap();
        fs::write(&file, "").unwrap();
        let find = |word: &Path| find(folder.path(), word);
        assert_eq!(find(Path::new("a")).unwrap(), Target::Run(run.clone()));
        assert_eq!(find(&run).unwrap(), Target::Run(run.clone()));
        assert_eq!(find(&run.join("checkpoints/..")).unwrap(), { Target::Run(run.canonicalize().unwrap()) });
        assert_eq!(find(&file).unwrap(), Target::File(file.clone()));
        assert_eq!(run_of(&file), Some(run));
        assert_eq!(run_of(&folder.path().join("other/x.safetensors")), None);
    }

    #[test]
    fn what_is_not_there_or_is_no_run_is_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("photos")).unwrap();
        for (word, reason) in
            [(PathBuf::from("nothing"), "no such run in"), (folder.path().join("photos"), "not a run")]
        {
            let error = find(folder.path(), &word).unwrap_err();
            assert!(error.is_input() && error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn the_runs_are_to_be_listed_where_they_are_and_only_where_there_are_some() {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("Lea's runs");
        let advice = || find(&runs, Path::new("nothing")).unwrap_err().to_string();
        assert!(advice().contains("no run is there at all; name the directory"), "{}", advice());
        fs::create_dir_all(runs.join("a").join(CHECKPOINTS)).unwrap();
        let command = format!("`densenet-tui runs --runs-dir '{}/Lea'\\''s runs'`", folder.path().display());
        assert!(advice().contains(&command), "{}", advice());
        assert_eq!(quoted(Path::new("../runs")), "../runs");
    }
}
