//! What this user has settled for good: `config.toml`, all of it optional.
//!
//! ```toml
//! runs_dir = "/data/runs"
//! [recipe]            # any key of a recipe
//! data_dir = "/data"
//! ```

use std::path::{Path, PathBuf};

use toml::Value;

use crate::recipe::layered::{Layer, LayerError};

/// The settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The directory of all runs.
    pub runs_dir: Option<PathBuf>,
    /// Keys of a recipe that differ from the defaults.
    pub recipe: Option<Layer>,
    /// What was not understood, one sentence each.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads `file`; a missing one is an empty one, one that is no TOML an error.
    pub fn read(file: &Path) -> Result<Self, LayerError> {
        let source = file.display().to_string();
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(LayerError {
                    source_name: source,
                    sentence: format!("it cannot be read ({error})."),
                });
            }
        };
        Ok(Self::of(Layer::parse(source, &text)?))
    }

    fn of(Layer { source, table }: Layer) -> Self {
        let mut config = Self::default();
        for (key, value) in table {
            match (key.as_str(), value) {
                ("runs_dir", Value::String(dir)) => config.runs_dir = Some(dir.into()),
                ("recipe", Value::Table(table)) => {
                    config.recipe = Some(Layer { source: source.clone(), table });
                }
                (key, _) => {
                    config.warnings.push(format!("{source}: `{key}` is no setting; it is passed over."));
                }
            }
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_a_warning_and_the_rest_holds() {
        let text = "runs_dir = \"r\"\ncolour = 3\n[recipe]\nepochs = 2\n";
        let config = Config::of(Layer::parse("config.toml", text).unwrap());
        assert_eq!(config.runs_dir, Some(PathBuf::from("r")));
        assert_eq!(config.recipe.unwrap().table["epochs"], Value::Integer(2));
        assert_eq!(config.warnings, ["config.toml: `colour` is no setting; it is passed over."]);
    }
}
