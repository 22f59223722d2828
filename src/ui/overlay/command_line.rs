//! The command line: an action's name with its argument, completion, and the lines before.

use crate::ui::keys::{self, Action, BINDINGS, Global, recipe};

const KEPT: usize = 100;
/// Actions that take an argument.
const WITH_ARGUMENT: [&str; 8] = ["rate", "epochs", "frozen", "write", "open", "filter", "theme", "preset"];

#[derive(Debug, Default)]
pub(crate) struct CommandLine {
    /// Oldest first.
    history: Vec<String>,
    /// The index of the line that was recalled.
    recalled: usize,
}

impl CommandLine {
    /// Reads a line: an action and its argument, or nothing. The error is a sentence.
    pub(crate) fn read(&mut self, line: &str) -> Result<Option<(Action, Option<String>)>, String> {
        let line = line.trim();
        if self.history.last().is_none_or(|last| last != line) && !line.is_empty() {
            self.history.push(line.to_owned());
            if self.history.len() > KEPT {
                self.history.remove(0);
            }
        }
        self.recalled = self.history.len();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let argument = Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty());
        match (name, &argument) {
            ("", _) => Ok(None),
            ("q", None) => Ok(Some((Action::Global(Global::Quit), None))),
            ("set", _) => Ok(Some((Action::Recipe(recipe::Do::Set), argument))),
            (_, Some(_)) if !WITH_ARGUMENT.contains(&name) => {
                Err(format!("`{name}` takes nothing, or is no action; ctrl-p finds one."))
            }
            _ => {
                let action = keys::action(name);
                let action = action.ok_or_else(|| format!("`{name}` is no action; ctrl-p finds one."))?;
                Ok(Some((action.clone(), argument)))
            }
        }
    }

    /// The line before the one that was recalled, or the one after it.
    pub(crate) fn recall(&mut self, older: bool) -> String {
        let last = self.history.len();
        self.recalled = if older { self.recalled.saturating_sub(1) } else { (self.recalled + 1).min(last) };
        self.history.get(self.recalled).cloned().unwrap_or_default()
    }
}

/// The longest beginning that all names starting with `typed` share.
pub(crate) fn completion(typed: &str) -> Option<String> {
    let names = BINDINGS.iter().map(|(_, binding)| binding.name).chain(["set"]);
    let mut names = names.filter(|name| name.starts_with(typed));
    let mut common = names.next()?.to_owned();
    for name in names {
        let shared = common.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
        common.truncate(shared);
    }
    Some(common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_completed_as_far_as_it_is_certain() {
        assert_eq!(completion("pau"), Some("pause".into()));
        assert_eq!(completion("zoom"), Some("zoom-".into()));
        assert_eq!(completion("xyz"), None);
    }
}
