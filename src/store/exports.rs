//! Where an exported model is written: looked at before the work, and written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files;
use crate::store::atomic;
use crate::store::error::StoreError;
use crate::store::layout::{JOURNAL, LABELS, RECIPE, SUMMARY, looks_like_run, run_of};
use crate::store::run::check_name;

/// What a model is called whose run has a name that no file may have.
const NAMELESS: &str = "model";

/// The place of an exported model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its file.
    pub file: PathBuf,
}

impl Place {
    /// The file that `output` names, or the directory it is to be in (the current one, if there is none); called
    /// `run` with `ending` where it has no name. Refused is what nothing can be written to, and what is lost if it is:
    /// `source`, which is exported, and files of a run.
    pub fn new(output: Option<&Path>, run: &str, ending: &str, source: &Path) -> Result<Self, StoreError> {
        let name = if check_name(run).is_ok() { run } else { NAMELESS };
        let named = format!("{name}.{ending}");
        let file = match output {
            None => PathBuf::from(named),
            Some(directory) if directory.is_dir() => directory.join(named),
            Some(file) => file.to_owned(),
        };
        let place = Self { file };
        place.check(source)?;
        Ok(place)
    }

    /// The name of its file.
    pub fn name(&self) -> String {
        self.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Its card.
    pub fn card(&self) -> PathBuf {
        self.file.with_file_name(format!("{}.md", self.name()))
    }

    /// The file called `name` beside it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.file.with_file_name(name)
    }

    fn check(&self, source: &Path) -> Result<(), StoreError> {
        let unusable = |problem: &str| {
            Err(StoreError::unusable(&self.file, problem, "name another file for the export"))
        };
        let Some(name) = self.file.file_name() else { return unusable("it is not the name of a file") };
        let parent = match self.file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if !parent.is_dir() {
            let problem = "there is no such directory";
            return Err(StoreError::unusable(parent, problem, "create it, or name another file"));
        }
        for path in [&self.file, &self.card()] {
            files::check_replaceable(path).map_err(|error| StoreError::stuck(path, &error))?;
        }
        let real = |path: &Path| path.canonicalize().ok();
        if real(&self.file).is_some_and(|file| Some(file) == real(source)) {
            return unusable("it is the very model that is to be exported");
        }
        let parent = real(parent).unwrap_or_else(|| parent.to_owned());
        let of_run = [RECIPE, SUMMARY, JOURNAL, LABELS].iter().any(|of_run| name == *of_run);
        if run_of(&parent.join(name)).is_some() || of_run && looks_like_run(&parent) {
            return unusable("it would be a file of a run, which no export may replace");
        }
        Ok(())
    }
}

/// Writes `files`, each whole. Where one fails, those before it that are new go again.
pub fn write(files: &[(PathBuf, Vec<u8>)]) -> Result<(), StoreError> {
    let mut new = Vec::new();
    for (path, bytes) in files {
        let is_new = !path.exists();
        atomic::write(path, bytes).inspect_err(|_| {
            for path in &new {
                // The failure is told; there is nothing to add.
                _ = fs::remove_file(path);
            }
        })?;
        if is_new {
            new.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path, output: &str) -> Result<Place, StoreError> {
        Place::new(Some(&folder.join(output)), "a", "onnx", &folder.join("source"))
    }

    fn refusal(found: Result<Place, StoreError>) -> String {
        let error = found.unwrap_err();
        assert!(error.is_input());
        error.to_string()
    }

    #[test]
    fn a_file_is_called_as_asked_or_as_its_run_in_the_directory_that_was_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(place(folder.path(), "b.bin").unwrap().file, folder.path().join("b.bin"));
        let in_folder = place(folder.path(), "").unwrap();
        assert_eq!(in_folder.file, folder.path().join("a.onnx"));
        assert_eq!(in_folder.card(), folder.path().join("a.onnx.md"));
        let here = |run| Place::new(None, run, "onnx", Path::new("x")).unwrap().file;
        assert_eq!(here("a"), Path::new("a.onnx"));
        assert_eq!(here("../a"), Path::new("model.onnx"));
    }

    #[test]
    fn what_cannot_be_a_file_is_refused_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("c.onnx.md")).unwrap();
        let missing = refusal(place(folder.path(), "no/a.onnx"));
        assert!(missing.contains("there is no such directory; create it"), "{missing}");
        let card = refusal(place(folder.path(), "c.onnx"));
        assert!(card.contains("c.onnx.md") && card.contains("it is a directory"), "{card}");
        #[cfg(unix)]
        {
            let device = refusal(Place::new(Some(Path::new("/dev/full")), "a", "onnx", Path::new("x")));
            assert!(device.contains("it is a device"), "{device}");
        }
    }

    #[test]
    fn nothing_that_is_needed_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("checkpoints")).unwrap();
        for name in ["source", "recipe.toml"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert!(refusal(place(folder.path(), "source")).contains("the very model"));
        for of_run in ["recipe.toml", "checkpoints/step-00000001.safetensors"] {
            assert!(refusal(place(folder.path(), of_run)).contains("a file of a run"), "{of_run}");
        }
        assert!(place(folder.path(), "a.onnx").is_ok());
    }

    #[test]
    fn where_a_file_cannot_be_written_the_new_ones_before_it_go_again() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| (folder.path().join(name), b"new".to_vec());
        fs::write(folder.path().join("old"), "old").unwrap();
        let error = write(&[at("first"), at("old"), at("no/such/folder")]).unwrap_err();
        assert!(!error.is_input(), "{error}");
        assert!(!folder.path().join("first").exists());
        assert_eq!(fs::read(folder.path().join("old")).unwrap(), b"new");
        write(&[at("first"), at("second")]).unwrap();
        assert_eq!(fs::read(folder.path().join("second")).unwrap(), b"new");
    }
}
