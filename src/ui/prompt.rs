//! What lies over a screen and takes the keys: a line to type, a question, a list, help.

use std::path::PathBuf;

use crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::recipe::presets::PRESETS;
use crate::ui::keys::{Action, BINDINGS};
use crate::ui::style::theme::Theme;

/// Characters that a typed line may have.
pub(crate) const LONGEST: usize = 4096;

/// What a typed line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The value of a recipe's key.
    Field(&'static str),
    /// A new learning rate of the run.
    Rate,
    /// New epochs of the run.
    Epochs,
    /// The file a recipe is written to.
    WriteRecipe,
    /// The file a recipe is read from.
    ReadRecipe,
    /// The file this checkpoint is copied to.
    Export(PathBuf),
    /// Epochs in all, with which this complete run goes on.
    Longer(PathBuf),
    /// The learning rate with which this diverged run goes on.
    Calmer(PathBuf),
    /// The filter of the screen.
    Filter,
    /// An action by its name, and what it takes.
    CommandLine,
}

/// A question with its answers, the safest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) answers: Vec<(&'static str, Reply)>,
    pub(crate) row: usize,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Nothing,
    Background,
    StopAndSave,
    Delete(PathBuf),
    /// So many epochs in all for the run in training.
    Epochs(usize),
    /// Go on with this run, to so many epochs in all.
    Longer(PathBuf, usize),
    /// Stop the process that trains this run, and go on with it here.
    TakeBack(PathBuf),
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) choice: Choice,
}

/// What choosing an item means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Choice {
    Do(Action),
    /// By its place in the table.
    Preset(usize),
    /// By its name.
    Theme(&'static str),
}

/// What lies over the screen.
#[derive(Clone, Debug)]
pub(crate) enum Prompt {
    /// The keys whose row has every typed word.
    Help {
        input: Input,
        row: usize,
    },
    Line {
        purpose: Purpose,
        title: String,
        input: Input,
        trouble: Option<String>,
    },
    Question(Question),
    /// The items that have every typed word.
    List {
        title: &'static str,
        items: Vec<Item>,
        input: Input,
        row: usize,
    },
}

impl Prompt {
    pub(crate) fn help() -> Self {
        Self::Help { input: Input::default(), row: 0 }
    }

    pub(crate) fn line(purpose: Purpose, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Line { purpose, title: title.into(), input: Input::new(text.into()), trouble: None }
    }

    /// Every action.
    pub(crate) fn palette() -> Self {
        let item = |binding: &crate::ui::keys::Binding| {
            let place = binding.screen.map_or_else(String::new, |screen| format!(" ({})", screen.title()));
            Item {
                name: binding.name.into(),
                about: format!("{}{place}", binding.help),
                choice: Choice::Do(binding.action),
            }
        };
        Self::list("find an action", BINDINGS.iter().map(item).collect())
    }

    /// The networks of the paper.
    pub(crate) fn presets() -> Self {
        let item = |(place, preset): (usize, &crate::recipe::presets::Preset)| Item {
            name: preset.name.into(),
            about: format!(
                "{:>5.2} M parameters{}",
                preset.parameters as f64 / 1e6,
                preset.errors.c10_plus.map_or_else(String::new, |e| format!(", CIFAR-10+ error {e} %"))
            ),
            choice: Choice::Preset(place),
        };
        Self::list("a network of the paper", PRESETS.iter().enumerate().map(item).collect())
    }

    /// The themes that are built in.
    pub(crate) fn themes() -> Self {
        let item = |&name: &&'static str| Item {
            name: name.into(),
            about: String::new(),
            choice: Choice::Theme(name),
        };
        Self::list("theme", Theme::names().iter().map(item).collect())
    }

    fn list(title: &'static str, items: Vec<Item>) -> Self {
        Self::List { title, items, input: Input::default(), row: 0 }
    }

    /// Takes over a key that edits what is typed; whether there was room for it.
    pub(crate) fn edit(&mut self, key: KeyEvent) -> bool {
        self.change(|input| {
            let before = input.clone();
            input.handle_event(&Event::Key(key));
            let length = |input: &Input| input.value().chars().count();
            let fits = length(input) <= LONGEST.max(length(&before));
            if !fits {
                *input = before;
            }
            fits
        })
    }

    /// Puts text where the cursor is, without control characters, as far as there is room; whether all of it fitted.
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        self.change(|input| {
            let (value, cursor) = (input.value(), input.cursor());
            let room = LONGEST.saturating_sub(value.chars().count());
            let mut new = text.chars().filter(|c| !c.is_control());
            let (before, after): (String, String) =
                (value.chars().take(cursor).collect(), value.chars().skip(cursor).collect());
            let taken: String = new.by_ref().take(room).collect();
            let cursor = cursor + taken.chars().count();
            *input = input.clone().with_value(before + &taken + &after).with_cursor(cursor);
            new.next().is_none()
        })
    }

    /// Changes the line that is typed, where there is one.
    fn change(&mut self, change: impl FnOnce(&mut Input) -> bool) -> bool {
        match self {
            Self::Line { input, trouble, .. } => {
                *trouble = None;
                change(input)
            }
            Self::List { input, row, .. } | Self::Help { input, row } => {
                *row = 0;
                change(input)
            }
            Self::Question(_) => true,
        }
    }
}

/// Items whose name or description has every word of `typed`, in their order.
pub(crate) fn matching<'a>(items: &'a [Item], typed: &str) -> Vec<&'a Item> {
    items.iter().filter(|item| has_words(&format!("{} {}", item.name, item.about), typed)).collect()
}

/// Whether `text` has every word of `typed`, whatever the case.
pub(crate) fn has_words(text: &str, typed: &str) -> bool {
    let text = text.to_lowercase();
    typed.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_finds_an_action_by_any_of_its_words() {
        let Prompt::List { items, .. } = Prompt::palette() else { panic!("a list") };
        let names = |typed| matching(&items, typed).iter().map(|item| item.name.clone()).collect::<Vec<_>>();
        assert_eq!(names("rate LEARNING"), ["rate"]);
        assert_eq!(names("").len(), BINDINGS.len());
        assert!(names("no such thing").is_empty());
    }
}
