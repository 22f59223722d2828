//! What a message changes, and what is to be done about it.

pub(crate) mod dispatch;
mod events;
mod mouse;
#[cfg(test)]
mod tests;
pub(crate) mod view;

use crossterm::event::{KeyEvent, KeyEventKind};
use signal_hook::consts::{SIGHUP, SIGUSR1};

use crate::monitor::{Exit, signals};
use crate::protocol::{Command, StopReason};
use crate::ui::effect::{Answer, Disk, Effect, Msg};
use crate::ui::workspace::{App, Leaving, OnHangup};

/// What is said when a run was asked to end.
pub(crate) const FINISHING: &str = "finishing the step and saving.";

/// What is to be done when the interface opens.
pub(crate) fn opening(app: &mut App) -> Vec<Effect> {
    match app.settings.resume.take() {
        Some((target, overrides)) => crate::ui::screens::runs::update::resume_with(app, target, overrides),
        None => Vec::new(),
    }
}

/// Takes a message in.
pub(crate) fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    app.dirty |= match &msg {
        Msg::Tick(_) => app.clock_runs(),
        Msg::Answer(answer) => !matches!(&**answer, Answer::Runs(rows) if app.runs.has(rows)),
        _ => true,
    };
    match msg {
        Msg::Key(key) => press(app, key),
        Msg::Mouse(mouse) => mouse::mouse(app, mouse),
        Msg::Paste(text) => crate::ui::overlay::update::paste(app, &text),
        Msg::Resize(columns, rows) => {
            app.size = (columns, rows);
            Vec::new()
        }
        Msg::Event(stamped) => events::hear(app, &stamped),
        Msg::EngineGone => {
            app.complain("the engine is gone; the last checkpoint is untouched.");
            app.leaving.take().map(|_| Effect::Quit(Exit::FAILED)).into_iter().collect()
        }
        Msg::Printed(line) => {
            app.log.say(app.now, line);
            Vec::new()
        }
        Msg::Signal(signal) => signalled(app, signal),
        Msg::Tick(now) => {
            app.now = now;
            if app.screen == crate::ui::keys::Screen::Runs {
                return vec![Effect::Disk(Disk::ListRuns)];
            }
            Vec::new()
        }
        Msg::Resumed => Vec::new(),
        Msg::Broken => vec![Effect::Quit(Exit::FAILED)],
        Msg::Answer(answer) => answered(app, *answer),
    }
}

fn press(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    app.notice = None;
    if app.prompt.is_some() {
        return crate::ui::overlay::update::press(app, key);
    }
    match app.settings.keys.action(app.screen, key) {
        Some(action) => dispatch::act(app, action),
        None => Vec::new(),
    }
}

/// SIGUSR1 saves the run; what asks for an end, or SIGHUP, ends the program after the run is saved.
fn signalled(app: &mut App, signal: i32) -> Vec<Effect> {
    let command = |command| vec![Effect::Command(Box::new(command))];
    let background = matches!(app.leaving, Some(Leaving::Background(_)));
    let code = match signal {
        SIGUSR1 if app.training() => return command(Command::Save),
        _ if signal == SIGHUP || signals::stops(signal) => u8::try_from(128 + signal).unwrap_or(1),
        _ => return Vec::new(),
    };
    if background && (signal == SIGHUP || !app.training()) {
        // It is on its way to where no terminal is needed.
        return Vec::new();
    }
    if !app.training() {
        return vec![Effect::Quit(Exit(code))];
    }
    let (leaving, reason) = match &app.monitor.head {
        Some(head) if signal == SIGHUP && app.settings.on_hangup == OnHangup::Background => {
            (Leaving::Background(head.run_dir.clone()), StopReason::Asked)
        }
        _ => (Leaving::Quit(code), StopReason::Signal(signal)),
    };
    app.say(if signal == SIGHUP { FINISHING } else { signals::sentence(true) });
    match app.leaving.replace(leaving) {
        Some(_) => Vec::new(),
        None => command(Command::Stop(reason)),
    }
}

fn answered(app: &mut App, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Runs(rows) => {
            app.runs.take(rows);
            return crate::ui::screens::runs::update::curves(app);
        }
        Answer::Journal(path, read) => {
            let curves = read.map(|(events, damaged)| {
                let mut curves = crate::ui::curves::Curves::default();
                curves.damaged = damaged;
                for event in &events {
                    curves.hear(event);
                }
                curves
            });
            app.runs.keep(path, curves);
        }
        Answer::Past(Ok(events)) => {
            app.train.remember(&events);
            let mut past = crate::monitor::Monitor::default();
            for event in &events {
                past.apply(event);
            }
            app.monitor.best = app.monitor.best.or(past.best);
        }
        Answer::Checkpoints(path, rows) => {
            if let Some((opened, known)) = &mut app.runs.opened
                && *opened == path
            {
                *known = rows;
            }
        }
        Answer::Exported(Ok(path)) => app.say(format!("the copy is {}.", path.display())),
        Answer::TakenBack(Ok(path)) => return crate::ui::screens::runs::update::resume(app, path),
        Answer::RecipeRead(Ok(recipe)) => {
            app.recipe = crate::ui::screens::recipe::state::RecipeScreen::new(&recipe);
            app.screen = crate::ui::keys::Screen::Recipe;
            app.say("the recipe was read.");
        }
        Answer::RecipeWritten(Ok(path)) => app.say(format!("the recipe is in {}.", path.display())),
        Answer::Deleted(Ok(name)) => {
            app.say(format!("{name} was deleted."));
            app.runs.close();
            return vec![Effect::Disk(Disk::ListRuns)];
        }
        Answer::Background(Ok(())) => return vec![Effect::Quit(Exit::FINE)],
        Answer::Background(Err(sentence)) => {
            app.leaving = None;
            app.complain(sentence);
        }
        Answer::Remembered(Ok(())) => {}
        Answer::Exported(Err(sentence))
        | Answer::Remembered(Err(sentence))
        | Answer::TakenBack(Err(sentence))
        | Answer::Past(Err(sentence))
        | Answer::RecipeRead(Err(sentence))
        | Answer::RecipeWritten(Err(sentence))
        | Answer::Deleted(Err(sentence)) => app.complain(sentence),
    }
    Vec::new()
}

/// Does an action as its key would.
#[cfg(test)]
pub(crate) fn press_for_tests(app: &mut App, action: crate::ui::keys::Action) -> Vec<Effect> {
    dispatch::act(app, action)
}
