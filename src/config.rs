//! The user's configuration: `config.toml`, all of it optional.
//!
//! ```toml
//! runs_dir = "/data/runs"     # `~` is the home directory; a relative path is relative to this file
//! theme = "dark"            # built in, or themes/NAME.toml beside this file
//! color = "auto"            # truecolor, 256, 16 or none
//! images = "auto"           # how pictures are shown: kitty, iterm2, sixel, halfblocks or ascii
//! mouse = true
//! bell = true               # at the end of a run of a minute and more
//! on_hangup = "stop"        # or background: training continues when the terminal disappears
//! [keys]                    # by the names that `?` shows
//! quit = ["q", "ctrl-c"]
//! [recipe]                  # any key of a recipe
//! data_dir = "/data"
//! ```

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

use crate::paths;
use crate::recipe::layered::{ConfigLayer, LayerError};

/// The settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The directory of all runs.
    pub runs_dir: Option<PathBuf>,
    /// Name of the interface's theme.
    pub theme: Option<String>,
    /// The colours of the terminal, in the words of `--color`.
    pub color: Option<String>,
    /// How pictures are shown: `auto` or a word of the interface.
    pub images: Option<String>,
    /// Whether the interface captures the mouse.
    pub mouse: Option<bool>,
    /// Whether the end of a long run rings the terminal's bell.
    pub bell: Option<bool>,
    /// Whether training continues in the background when the terminal disappears.
    pub background_on_hangup: bool,
    /// Keys of the interface.
    pub keys: Vec<OwnKeys>,
    /// Keys of a recipe that differ from the defaults.
    pub recipe: Option<ConfigLayer>,
    /// One sentence for each thing that was not understood.
    pub warnings: Vec<String>,
}

/// The keys of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnKeys {
    /// The action's name.
    pub action: String,
    /// Its keys, as they are written in help.
    pub keys: Vec<String>,
    /// File and line, for a warning.
    pub location: String,
}

impl Config {
    /// Reads `file`; a missing one counts as empty, one that is not TOML is an error.
    pub fn read(file: &Path) -> Result<Self, LayerError> {
        let source = file.display().to_string();
        match crate::files::read_text(file) {
            Ok(text) => Self::parse(&source, &text)?.settle_paths(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => {
                Err(LayerError { source_name: source, sentence: format!("it cannot be read ({error}).") })
            }
        }
    }

    /// Resolves its paths: `~` is the home directory, and a relative path is relative to `file`.
    fn settle_paths(mut self, file: &Path) -> Result<Self, LayerError> {
        let directory = file.parent().unwrap_or(Path::new(""));
        let settle = |path: &Path| paths::meant_in(directory, path);
        let wrong = |clause: String| LayerError {
            source_name: file.display().to_string(),
            sentence: format!("`runs_dir`: {clause}."),
        };
        self.runs_dir = self.runs_dir.as_deref().map(settle).transpose().map_err(wrong)?;
        self.recipe.as_mut().map_or(Ok(()), |layer| layer.settle_paths(&settle))?;
        Ok(self)
    }

    fn parse(source: &str, text: &str) -> Result<Self, LayerError> {
        let mut table = ConfigLayer::parse(source, text)?.table;
        let mut config = Self::default();
        // The same text again, this time with the position of everything.
        let Ok(located) = DeTable::parse(text) else {
            return Ok(config);
        };
        let location = |at: usize| format!("{source}: line {}", text[..at].matches('\n').count() + 1);
        for (key, value) in located.into_inner() {
            let done = match (key.get_ref().as_ref(), value.get_ref()) {
                ("keys", DeValue::Table(keys)) => {
                    config.set_keys(keys, &location);
                    Ok(())
                }
                (name, _) => config.set(name, table.remove(name), source),
            };
            if let Err(sentence) = done {
                let location = location(key.span().end);
                config.warnings.push(format!("{location}: {sentence}; it is ignored."));
            }
        }
        Ok(config)
    }

    fn set(&mut self, key: &str, value: Option<Value>, source: &str) -> Result<(), String> {
        match (key, value) {
            ("runs_dir", Some(Value::String(dir))) => self.runs_dir = Some(dir.into()),
            ("theme", Some(Value::String(name))) => self.theme = Some(name),
            ("color", Some(Value::String(word))) => self.color = Some(word),
            ("images", Some(Value::String(word))) => self.images = Some(word),
            ("mouse", Some(Value::Boolean(on))) => self.mouse = Some(on),
            ("bell", Some(Value::Boolean(on))) => self.bell = Some(on),
            ("on_hangup", Some(Value::String(word))) if word == "stop" => self.background_on_hangup = false,
            ("on_hangup", Some(Value::String(word))) if word == "background" => {
                self.background_on_hangup = true;
            }
            ("recipe", Some(Value::Table(table))) => {
                self.recipe = Some(ConfigLayer { source: source.to_owned(), table });
            }
            ("runs_dir" | "theme" | "color" | "images", _) => {
                return Err(format!("`{key}` takes a text in quotes"));
            }
            ("mouse" | "bell", _) => return Err(format!("`{key}` is true or false")),
            ("on_hangup", _) => return Err("`on_hangup` is \"stop\" or \"background\"".into()),
            ("recipe" | "keys", _) => return Err(format!("`{key}` is a table, as in [{key}]")),
            _ => return Err(format!("`{key}` is not a setting")),
        }
        Ok(())
    }

    fn set_keys(&mut self, keys: &DeTable<'_>, location: &dyn Fn(usize) -> String) {
        for (action, value) in keys {
            let location = location(action.span().end);
            let one = |value: &Spanned<DeValue<'_>>| value.get_ref().as_str().map(str::to_owned);
            let words = match value.get_ref() {
                DeValue::Array(items) => items.iter().map(one).collect(),
                _ => one(value).map(|word| vec![word]),
            };
            match words {
                Some(keys) => {
                    self.keys.push(OwnKeys { action: action.get_ref().to_string(), keys, location });
                }
                None => self.warnings.push(format!(
                    "{location}: `{}` takes keys, as in [\"ctrl-r\", \"F5\"]; it is ignored.",
                    action.get_ref()
                )),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_a_warning_with_its_line_and_the_rest_holds() {
        let text = "runs_dir = \"r\"\ncolour = 3\non_hangup = \"fly\"\n[recipe]\nepochs = 2\n[keys]\nquit = \"Q\"\nsave = 3\n";
        let config = Config::parse("config.toml", text).unwrap();
        assert_eq!(config.runs_dir, Some(PathBuf::from("r")));
        assert_eq!(config.recipe.unwrap().table["epochs"], Value::Integer(2));
        let location = "config.toml: line 7".to_owned();
        assert_eq!(config.keys, [OwnKeys { action: "quit".into(), keys: vec!["Q".into()], location }]);
        let mut warnings = config.warnings;
        warnings.sort();
        assert_eq!(
            warnings,
            [
                "config.toml: line 2: `colour` is not a setting; it is ignored.",
                "config.toml: line 3: `on_hangup` is \"stop\" or \"background\"; it is ignored.",
                "config.toml: line 8: `save` takes keys, as in [\"ctrl-r\", \"F5\"]; it is ignored.",
            ]
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused_with_the_line() {
        let error = Config::parse("config.toml", "mouse = true\ntheme = dark\n").unwrap_err();
        assert!(error.to_string().starts_with("config.toml: line 2"), "{error}");
    }
}
