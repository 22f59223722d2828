//! Prompts lie over a screen and take the keys: a line to type, a question, a list, help. Each carries the action
//! that follows.

use std::path::{Path, PathBuf};

use crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::paths;
use crate::recipe::jump::Jump;
use crate::ui::keys::binding::Tab;
use crate::ui::keys::{Action, BINDINGS, Global};
use crate::ui::style::theme::Theme;

/// Characters that a typed line may have.
pub(crate) const LONGEST: usize = 4096;

/// An item of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) action: Action,
    /// The argument of the action.
    pub(crate) argument: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) enum Prompt {
    /// The keys whose row has every typed word.
    Help { input: Input, row: usize },
    /// The action takes what is typed. Where that is a path, `paths` are those that it may become.
    Line { action: Action, title: String, input: Input, trouble: Option<String>, paths: Vec<String> },
    /// The answers, the safest first.
    Question { text: String, answers: Vec<(&'static str, Option<Action>)>, row: usize },
    /// The items that have every typed word.
    List { title: &'static str, items: Vec<Item>, input: Input, row: usize },
}

impl Prompt {
    pub(crate) fn help() -> Self {
        Self::Help { input: Input::default(), row: 0 }
    }

    pub(crate) fn line(action: Action, title: impl Into<String>, text: impl Into<String>) -> Self {
        let input = Input::new(text.into());
        Self::Line { action, title: title.into(), input, trouble: None, paths: Vec::new() }
    }

    /// A question that one answer leaves alone and the other acts upon.
    pub(crate) fn confirm(text: String, no: &'static str, yes: &'static str, action: Action) -> Self {
        Self::Question { text, answers: vec![(no, None), (yes, Some(action))], row: 0 }
    }

    /// Whether the learning rate may jump.
    pub(crate) fn jump(jump: &Jump, no: &'static str, action: Action) -> Self {
        Self::confirm(jump.sentence(), no, "let it jump", action)
    }

    /// The question of someone who quits while a run is trained.
    pub(crate) fn leaving(waiting: usize) -> Self {
        let answer = |text, what| (text, Some(Action::Global(what)));
        Self::Question {
            text: match waiting {
                0 => "A run is being trained. What should happen to it?".into(),
                1 => "A run is being trained, and one waits, which would be forgotten. What should happen?"
                    .into(),
                n => format!(
                    "A run is being trained, and {n} wait, which would be forgotten. What should happen?"
                ),
            },
            answers: vec![
                answer("keep training in the background", Global::LeaveInBackground),
                answer("stop and save", Global::StopAndQuit),
                ("cancel", None),
            ],
            row: 0,
        }
    }

    /// Every action.
    pub(crate) fn palette() -> Self {
        let items = BINDINGS.iter().map(|(tab, binding)| {
            let screen = tab.map(Tab::title).map_or_else(String::new, |title| format!(" ({title})"));
            Item {
                name: binding.name.into(),
                about: format!("{}{screen}", binding.help),
                action: binding.action.clone(),
                argument: None,
            }
        });
        Self::list("find an action", items)
    }

    /// The themes that are built in.
    pub(crate) fn themes() -> Self {
        let items = Theme::names().iter().map(|name| Item {
            name: (*name).into(),
            about: String::new(),
            action: Action::Global(Global::Theme),
            argument: Some(name),
        });
        Self::list("theme", items)
    }

    pub(crate) fn list(title: &'static str, items: impl Iterator<Item = Item>) -> Self {
        Self::List { title, items: items.collect(), input: Input::default(), row: 0 }
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
            Self::Line { input, trouble, paths, .. } => {
                *trouble = None;
                paths.clear();
                change(input)
            }
            Self::List { input, row, .. } | Self::Help { input, row } => {
                *row = 0;
                change(input)
            }
            Self::Question { .. } => true,
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

/// A learning rate as it was typed.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is not a number."))?;
    if rate > 0.0 && rate.is_finite() {
        Ok(rate)
    } else {
        Err("the learning rate must be above 0 and finite.".into())
    }
}

/// A number of epochs as it was typed.
pub(crate) fn epochs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(epochs @ 1..=1_000_000) => Ok(epochs),
        _ => Err("the epochs must be a whole number from 1 to 1000000.".into()),
    }
}

/// The file that was typed.
pub(crate) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("type the name of a file.".into());
    }
    paths::meant(Path::new(text)).map_err(|clause| format!("{clause}."))
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
