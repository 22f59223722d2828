//! Actions: what a key, the palette or the mouse asks for.

use crate::ui::effect::{Disk, Effect};
use crate::ui::keys::{Action, Screen};
use crate::ui::overlay::update as prompting;
use crate::ui::prompt::{Prompt, Purpose};
use crate::ui::screens::{data, inspect, log, recipe, runs, train};
use crate::ui::workspace::App;

/// Does `action`, or says why not.
pub(crate) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit if app.training() => app.prompt = Some(prompting::leaving()),
        Action::Quit => return vec![Effect::Quit(crate::monitor::Exit::FINE)],
        Action::Help => app.prompt = Some(Prompt::help()),
        Action::Palette => app.prompt = Some(Prompt::palette()),
        Action::Theme => app.prompt = Some(Prompt::themes()),
        Action::CommandLine => app.prompt = Some(Prompt::line(Purpose::CommandLine, ":", "")),
        Action::Filter => filter(app),
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::ReleaseMouse => {
            app.mouse = !app.mouse;
            app.say(if app.mouse { "the mouse is the interface's." } else { "the mouse is the terminal's." });
            return vec![Effect::Mouse(app.mouse)];
        }
        Action::Screen(screen) => return go(app, screen),
        Action::Back => back(app),
        Action::Copy => return copy(app),
        _ => {
            return match app.screen {
                Screen::Recipe => recipe::update::act(app, action),
                Screen::Train => train::update::act(app, action),
                Screen::Runs => runs::update::act(app, action),
                Screen::Inspect => inspect::update::act(app, action),
                Screen::Data => data::update::act(app, action),
                Screen::Log => log::update::act(app, action),
            };
        }
    }
    Vec::new()
}

/// Shows a screen.
pub(crate) fn go(app: &mut App, screen: Screen) -> Vec<Effect> {
    app.screen = screen;
    match screen {
        Screen::Runs => vec![Effect::Disk(Disk::ListRuns)],
        Screen::Data => data::update::enter(app),
        _ => Vec::new(),
    }
}

/// One layer out.
fn back(app: &mut App) {
    match app.screen {
        Screen::Runs if app.runs.opened.is_some() => app.runs.close(),
        Screen::Runs if app.runs.filter.is_empty() => app.runs.marked.clear(),
        Screen::Runs => app.runs.filter.clear(),
        Screen::Log => app.log.filter.clear(),
        Screen::Train if app.train.maximised => app.train.maximised = false,
        Screen::Train => app.train.reset_view(),
        Screen::Inspect => (app.inspect.pair, app.inspect.mistake) = (None, 0),
        _ => {}
    }
}

fn filter(app: &mut App) {
    let text = match app.screen {
        Screen::Runs => app.runs.filter.clone(),
        Screen::Log => app.log.filter.clone(),
        _ => return app.complain("nothing to filter here; Runs and Log can be."),
    };
    app.prompt = Some(Prompt::line(Purpose::Filter, "filter", text));
}

fn copy(app: &mut App) -> Vec<Effect> {
    let text = match app.screen {
        Screen::Recipe => app.recipe.text(app.recipe.field().key),
        Screen::Runs => match app.runs.chosen() {
            Some(row) => row.path.display().to_string(),
            None => app.runs.current().map(|row| row.path.display().to_string()).unwrap_or_default(),
        },
        Screen::Train => {
            app.monitor.head.as_ref().map(|h| h.run_dir.display().to_string()).unwrap_or_default()
        }
        Screen::Log => app.log.last_shown().unwrap_or_default(),
        Screen::Inspect => app.inspect.pointed(),
        Screen::Data => String::new(),
    };
    if text.is_empty() {
        app.complain("nothing to copy here.");
        return Vec::new();
    }
    app.say(format!("copied {text}"));
    vec![Effect::Copy(text)]
}

/// A row moved by an action, within `count` rows.
pub(crate) fn moved(row: usize, action: Action, count: usize) -> Option<usize> {
    let last = count.saturating_sub(1);
    Some(match action {
        Action::Up => row.saturating_sub(1),
        Action::Down => (row + 1).min(last),
        Action::PageUp => row.saturating_sub(10),
        Action::PageDown => (row + 10).min(last),
        Action::Top => 0,
        Action::Bottom => last,
        _ => return None,
    })
}
