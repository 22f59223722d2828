//! The state that is saved between sessions: the last recipe and the view.

use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files;
use crate::recipe::Recipe;
use crate::ui::curves::XAxis;

/// The state as its file has it; missing keys have their defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) view: ViewState,
    pub(crate) recipe: Option<Recipe>,
}

/// How the charts and the list of runs are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ViewState {
    pub(crate) smoothing: usize,
    pub(crate) log_y: bool,
    pub(crate) log_x: bool,
    pub(crate) x_axis: XAxis,
    pub(crate) order: Order,
}

/// The order of the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    #[default]
    Newest,
    Best,
    Test,
    Largest,
    Name,
}

impl Order {
    pub(crate) const fn word(self) -> &'static str {
        ["newest first", "best validation first", "best test first", "most parameters first", "by name"]
            [self as usize]
    }

    pub(crate) const fn next(self) -> Self {
        [Self::Best, Self::Test, Self::Largest, Self::Name, Self::Newest][self as usize]
    }
}

impl State {
    /// Reads `file`; a missing one is an empty state, one that cannot be read too, with a sentence.
    pub(crate) fn read(file: &Path) -> (Self, Option<String>) {
        let state = match files::read_text(file) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
                format!("line {line}: {}", error.message())
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => return (Self::default(), None),
            Err(error) => Err(format!("it cannot be read ({error})")),
        };
        match state {
            Ok(state) => (state, None),
            Err(clause) => {
                let file = file.display();
                let sentence = format!("{file}: {clause}; the last recipe and view are forgotten.");
                (Self::default(), Some(sentence))
            }
        }
    }

    /// Replaces `file` in one piece.
    pub(crate) fn write(&self, file: &Path) -> Result<(), String> {
        let mut kept = self.clone();
        // The next time it may be somewhere else.
        kept.recipe.iter_mut().for_each(Recipe::anchor_paths);
        let text = toml::to_string(&kept).map_err(|error| error.to_string())?;
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)
                .map_err(|error| format!("{}: {error}.", directory.display()))?;
        }
        crate::store::atomic::write(file, text.as_bytes()).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;

    #[test]
    fn what_is_written_is_read_again_and_damage_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/state.toml");
        assert_eq!(State::read(&file), (State::default(), None));
        let view = ViewState { smoothing: 2, log_y: true, x_axis: XAxis::Epoch, ..ViewState::default() };
        let recipe = Some(Recipe { lr: 0.3, ..Recipe::defaults(Data::Shapes) });
        let state = State { view, recipe };
        state.write(&file).unwrap();
        assert_eq!(State::read(&file), (state, None));
        std::fs::write(&file, "[view]\nlog_y = 3\n").unwrap();
        let (state, sentence) = State::read(&file);
        assert_eq!(state, State::default());
        assert!(sentence.unwrap().contains("line 2"));
    }
}
