//! Where this program keeps things, by the conventions of the system.

use std::path::PathBuf;

use directories::ProjectDirs;

/// The directories of this program.
#[derive(Clone, Debug)]
pub struct Paths {
    /// `config.toml` is here.
    pub config: PathBuf,
    /// `runs` is here.
    pub data: PathBuf,
}

impl Paths {
    /// The system's places for this user; the current directory where there is no home.
    pub fn of_this_user() -> Self {
        match ProjectDirs::from("", "", "densenet-tui") {
            Some(dirs) => Self { config: dirs.config_dir().to_owned(), data: dirs.data_dir().to_owned() },
            None => Self { config: PathBuf::from("."), data: PathBuf::from(".") },
        }
    }

    /// The file of this user's settings.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The directory of all runs, unless told otherwise.
    pub fn runs(&self) -> PathBuf {
        self.data.join("runs")
    }
}
