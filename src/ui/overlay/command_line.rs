//! What was typed into a line is meant.

use std::path::{Path, PathBuf};

use crate::paths;
use crate::protocol::{Change, Command, Overrides};
use crate::recipe::presets::PRESETS;
use crate::ui::app::dispatch::act;
use crate::ui::effect::{Disk, Effect};
use crate::ui::keys::{Action, BINDINGS, Screen};
use crate::ui::overlay::update::set_theme;
use crate::ui::prompt::{Prompt, Purpose};
use crate::ui::screens::runs::update as runs;
use crate::ui::screens::runs::update::resume_with;
use crate::ui::workspace::App;

/// Lines of the command line that are remembered.
const KEPT: usize = 100;

/// Does what `text` asks for; the error is a sentence.
pub(crate) fn accept(app: &mut App, purpose: &Purpose, text: &str) -> Result<Vec<Effect>, String> {
    let text = text.trim();
    match purpose {
        Purpose::Field(key) => app.recipe.set(key, text).map(|()| Vec::new()),
        Purpose::Rate => {
            let rate = rate(text)?;
            app.say("the learning rate changes after this step.");
            Ok(vec![Effect::Command(Box::new(Command::Change(Change::Lr(rate))))])
        }
        Purpose::Epochs => {
            let epochs = epochs(text)?;
            Ok(crate::ui::screens::runs::epochs::change(app, epochs))
        }
        Purpose::Longer(run) => {
            let epochs = epochs(text)?;
            Ok(crate::ui::screens::runs::epochs::longer(app, run.clone(), epochs))
        }
        Purpose::Calmer(run) => {
            let overrides = Overrides { lr: Some(rate(text)?), ..Overrides::default() };
            Ok(resume_with(app, run.clone(), overrides))
        }
        Purpose::WriteRecipe | Purpose::ReadRecipe | Purpose::Export(_) if text.is_empty() => {
            Err("type the name of a file.".into())
        }
        Purpose::WriteRecipe => {
            let recipe = Box::new(app.recipe.recipe.clone());
            Ok(vec![Effect::Disk(Disk::WriteRecipe { path: path(text)?, recipe })])
        }
        Purpose::ReadRecipe => Ok(vec![Effect::Disk(Disk::ReadRecipe(path(text)?))]),
        Purpose::Export(from) => Ok(vec![Effect::Disk(Disk::Export { from: from.clone(), to: path(text)? })]),
        Purpose::Filter => Ok(Vec::new()),
        Purpose::CommandLine => command(app, text),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is not a number."))?;
    if rate > 0.0 && rate.is_finite() {
        Ok(rate)
    } else {
        Err("the learning rate must be above 0 and finite.".into())
    }
}

fn epochs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(epochs @ 1..=1_000_000) => Ok(epochs),
        _ => Err("the epochs must be a whole number from 1 to 1000000.".into()),
    }
}

/// The path that is meant.
fn path(text: &str) -> Result<PathBuf, String> {
    paths::meant(Path::new(text)).map_err(|clause| format!("{clause}."))
}

/// A line of the command line: an action's name, and what it takes.
fn command(app: &mut App, line: &str) -> Result<Vec<Effect>, String> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    if app.history.last().is_none_or(|last| last != line) && !line.is_empty() {
        app.history.push(line.to_owned());
        if app.history.len() > KEPT {
            app.history.remove(0);
        }
    }
    app.recalled = app.history.len();
    match (name, rest) {
        ("", _) => Ok(Vec::new()),
        ("q", "") => Ok(act(app, Action::Quit)),
        ("set", rest) => {
            let (key, value) = rest.split_once(char::is_whitespace).ok_or("set takes a key and a value.")?;
            app.recipe.set(key, value.trim())?;
            app.say(format!("{key} is {}.", app.recipe.text(key)));
            Ok(Vec::new())
        }
        (_, "") => match action(name) {
            Some(action) => Ok(act(app, action)),
            None => Err(format!("`{name}` is no action; ctrl-p finds one.")),
        },
        ("rate", rate) => needs_a_run(app).and_then(|()| accept(app, &Purpose::Rate, rate)),
        ("epochs", epochs) => needs_a_run(app).and_then(|()| accept(app, &Purpose::Epochs, epochs)),
        ("write", file) => accept(app, &Purpose::WriteRecipe, file),
        ("open", file) => accept(app, &Purpose::ReadRecipe, file),
        ("filter", words) => Ok(set_filter(app, words.to_owned())),
        ("theme", theme) => {
            set_theme(app, theme);
            Ok(Vec::new())
        }
        ("preset", preset) => {
            let place = PRESETS.iter().position(|row| row.name == preset);
            let place = place.ok_or_else(|| format!("there is no preset `{preset}`; p lists them."))?;
            take_preset(app, place);
            Ok(Vec::new())
        }
        _ => Err(format!("`{name}` takes nothing, or is no action; ctrl-p finds one.")),
    }
}

/// The network of a preset, by its place in the table.
pub(crate) fn take_preset(app: &mut App, place: usize) {
    let name = app.recipe.take_preset(place);
    app.say(format!("the network of {name}; data and training are as they were."));
}

fn needs_a_run(app: &App) -> Result<(), String> {
    if app.training() { Ok(()) } else { Err("nothing is being trained.".into()) }
}

fn action(name: &str) -> Option<Action> {
    BINDINGS.iter().find(|binding| binding.name == name).map(|binding| binding.action)
}

/// What the begin of a name is completed to: the longest that all its actions share.
pub(crate) fn completion(typed: &str) -> Option<String> {
    let mut names =
        BINDINGS.iter().map(|binding| binding.name).chain(["set"]).filter(|name| name.starts_with(typed));
    let mut common = names.next()?.to_owned();
    for name in names {
        let shared = common.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
        common.truncate(shared);
    }
    Some(common)
}

/// Brings a line of the command line back.
pub(crate) fn recall(app: &mut App, older: bool) {
    let last = app.history.len();
    app.recalled = if older { app.recalled.saturating_sub(1) } else { (app.recalled + 1).min(last) };
    let text = app.history.get(app.recalled).cloned().unwrap_or_default();
    if let Some(Prompt::Line { input, trouble, .. }) = &mut app.prompt {
        *input = tui_input::Input::new(text);
        *trouble = None;
    }
}

/// Filters what the screen lists.
pub(crate) fn set_filter(app: &mut App, text: String) -> Vec<Effect> {
    match app.screen {
        Screen::Runs => {
            app.runs.filter = text;
            app.runs.row = 0;
            return runs::curves(app);
        }
        Screen::Log => {
            app.log.filter = text;
            app.log.behind = 0;
        }
        _ => {}
    }
    Vec::new()
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
