//! Where a sweep is: its directory, and the files in it beside the runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::store::run;

/// What its file said when it began.
const FILE: &str = "sweep.toml";
/// What has come of it.
const RECORD: &str = "sweep.jsonl";
/// The best recipe.
const BEST: &str = "best.toml";
/// Recipes of its runs.
const RECIPES: &str = ".recipes";
/// What its runs printed.
const LOGS: &str = ".logs";

/// A sweep's directory, which is the runs directory of its trials, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(PathBuf);

impl Place {
    /// That of the sweep `name` among the runs in `runs_dir`.
    pub fn new(runs_dir: &Path, name: &str) -> Self {
        Self(run::sweeps(runs_dir).join(name))
    }

    /// That in this directory.
    pub fn at(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// That whose own file this is, if it is one's.
    pub fn of_file(file: &Path) -> Option<Self> {
        let directory = std::path::absolute(file).ok()?.parent()?.to_owned();
        let place = Self(directory);
        (file.file_name()? == FILE && place.record().is_file()).then_some(place)
    }

    /// All sweeps among the runs in `runs_dir`, by name.
    pub fn all(runs_dir: &Path) -> Vec<Self> {
        let mut found: Vec<Self> = fs::read_dir(run::sweeps(runs_dir))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| Self(entry.path()))
            .filter(|place| place.record().is_file())
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.0.file_name().unwrap_or_default().to_string_lossy().into()
    }

    /// The file of the sweep, as it was when the sweep began.
    pub fn file(&self) -> PathBuf {
        self.0.join(FILE)
    }

    /// The record of the sweep.
    pub fn record(&self) -> PathBuf {
        self.0.join(RECORD)
    }

    /// The best recipe.
    pub fn best(&self) -> PathBuf {
        self.0.join(BEST)
    }

    /// The directory of a run.
    pub fn run(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The recipe that a run is started with.
    pub fn recipe(&self, name: &str) -> PathBuf {
        self.0.join(RECIPES).join(format!("{name}.toml"))
    }

    /// What a run printed.
    pub fn log(&self, name: &str) -> PathBuf {
        self.0.join(LOGS).join(format!("{name}.log"))
    }

    /// Makes the directories.
    pub fn make(&self) -> std::io::Result<()> {
        fs::create_dir_all(self.0.join(RECIPES))?;
        fs::create_dir_all(self.0.join(LOGS))
    }
}
