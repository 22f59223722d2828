//! Where this program keeps things, by the conventions of the system.

mod complete;
mod typed;

use std::path::PathBuf;

use directories::ProjectDirs;

pub use complete::{common, complete};
pub use typed::{meant, meant_in};

/// The directories of this program.
#[derive(Clone, Debug)]
pub struct Paths {
    /// `config.toml` is here.
    pub config: PathBuf,
    /// `runs` is here.
    pub data: PathBuf,
    /// Where the interface keeps its state.
    pub state: PathBuf,
    /// What can be made again is here.
    pub cache: PathBuf,
}

impl Paths {
    /// The system's places for this user; the current directory where there is no home.
    pub fn of_this_user() -> Self {
        match ProjectDirs::from("", "", "densenet-tui") {
            Some(dirs) => Self {
                config: dirs.config_dir().to_owned(),
                data: dirs.data_dir().to_owned(),
                state: dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned(),
                cache: dirs.cache_dir().to_owned(),
            },
            None => Self { config: ".".into(), data: ".".into(), state: ".".into(), cache: ".".into() },
        }
    }

    /// The file of this user's settings.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// A theme file of this user.
    pub fn theme_file(&self, name: &str) -> PathBuf {
        self.config.join("themes").join(format!("{name}.toml"))
    }

    /// The last recipe and the settings of the view.
    pub fn state_file(&self) -> PathBuf {
        self.state.join("state.toml")
    }

    /// The kernels that were compiled for the GPUs of this machine.
    pub fn kernels(&self) -> PathBuf {
        self.cache.join("kernels")
    }

    /// The pictures that were decoded.
    pub fn images(&self) -> PathBuf {
        self.cache.join("images")
    }

    /// Where published data sets are kept.
    pub fn datasets(&self) -> PathBuf {
        self.data.join("datasets")
    }

    /// Where published weights are kept.
    pub fn weights(&self) -> PathBuf {
        self.data.join("weights")
    }

    /// The directory of all runs, unless told otherwise.
    pub fn runs(&self) -> PathBuf {
        self.data.join("runs")
    }
}
