//! What can be done on the Runs screen.

use std::path::PathBuf;

use crate::protocol::{Command, Overrides};
use crate::ui::app::dispatch::moved;
use crate::ui::effect::{Disk, Effect};
use crate::ui::keys::{Action, Screen};
use crate::ui::prompt::{Prompt, Purpose, Question, Reply};
use crate::ui::screens::inspect::update::ask;
use crate::ui::screens::recipe::state::RecipeScreen;
use crate::ui::screens::runs::state::{Pane, RunRow};
use crate::ui::workspace::App;

pub(crate) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if app.runs.pane == Pane::Checkpoints {
        return checkpoint(app, action);
    }
    let count = app.runs.shown().len();
    if let Some(row) = moved(app.runs.row, action, count) {
        app.runs.row = row;
        return curves(app);
    }
    match action {
        Action::Left => app.runs.column = app.runs.column.saturating_sub(1),
        Action::Right => {
            app.runs.column = (app.runs.column + 1).min(app.runs.differences().len().saturating_sub(1));
        }
        Action::Sort => {
            app.runs.next_order();
            app.say(app.runs.order.word());
        }
        Action::NextView => app.runs.measure = app.runs.measure.next(),
        Action::XAxis => app.train.over = app.train.over.next(),
        Action::LogY => app.train.log_y = !app.train.log_y,
        Action::Reload => return vec![Effect::Disk(Disk::ListRuns)],
        _ => {
            if let Some(row) = app.runs.current().cloned() {
                return with_run(app, action, row);
            }
            app.complain("there is no run here.");
        }
    }
    Vec::new()
}

/// Reads the journals that the chart lacks.
pub(crate) fn curves(app: &App) -> Vec<Effect> {
    app.runs.wanted().into_iter().map(|path| Effect::Disk(Disk::ReadJournal(path))).collect()
}

fn with_run(app: &mut App, action: Action, row: RunRow) -> Vec<Effect> {
    match action {
        Action::Mark => {
            app.runs.mark();
            return curves(app);
        }
        Action::Enter | Action::NextPane | Action::PreviousPane => {
            app.runs.opened = Some((row.path.clone(), Vec::new()));
            (app.runs.pane, app.runs.checkpoint) = (Pane::Checkpoints, 0);
            let mut effects = curves(app);
            effects.push(Effect::Disk(Disk::ReadCheckpoints(row.path)));
            return effects;
        }
        Action::Resume if app.training() => app.complain("a run is being trained here; stop it first."),
        Action::Resume if row.live => {
            app.prompt = Some(Prompt::Question(Question {
                text: format!(
                    "{} is being trained by another process. Have it save and stop there, and go on here?",
                    row.name
                ),
                answers: vec![
                    ("leave it there", Reply::Nothing),
                    ("take it back", Reply::TakeBack(row.path)),
                ],
                row: 0,
            }));
        }
        Action::Resume => return go_on(app, row),
        Action::Clone => match &row.recipe {
            Some(recipe) => {
                app.recipe = RecipeScreen::new(recipe);
                app.screen = Screen::Recipe;
                app.say(format!("the recipe of {}; ctrl-r starts a new run with it.", row.name));
            }
            None => app.complain(row.trouble.unwrap_or_else(|| "its recipe cannot be read.".into())),
        },
        Action::Inspect => return ask(app, &row.name, row.path.clone()),
        Action::Delete if row.live => app.complain(format!("{} is being trained; stop it first.", row.name)),
        Action::Delete => {
            app.prompt = Some(Prompt::Question(Question {
                text: format!("Delete {} with all its checkpoints? There is no way back.", row.name),
                answers: vec![("keep it", Reply::Nothing), ("delete it", Reply::Delete(row.path))],
                row: 0,
            }));
        }
        _ => {}
    }
    Vec::new()
}

fn checkpoint(app: &mut App, action: Action) -> Vec<Effect> {
    let count = app.runs.opened.as_ref().map_or(0, |(_, rows)| rows.len());
    if let Some(row) = moved(app.runs.checkpoint, action, count) {
        app.runs.checkpoint = row;
        return Vec::new();
    }
    match action {
        Action::NextPane | Action::PreviousPane => {
            app.runs.pane = Pane::Table;
            return Vec::new();
        }
        Action::NextView => app.runs.measure = app.runs.measure.next(),
        Action::XAxis => app.train.over = app.train.over.next(),
        Action::LogY => app.train.log_y = !app.train.log_y,
        _ => {}
    }
    let Some(row) = app.runs.chosen().cloned() else {
        return Vec::new();
    };
    match action {
        Action::Resume | Action::Inspect if row.trouble.is_some() => {
            app.complain(row.trouble.unwrap_or_default());
        }
        Action::Resume if app.training() => app.complain("a run is being trained here; stop it first."),
        Action::Resume => return resume(app, row.path),
        Action::Inspect => {
            let name = format!("step {}", row.step);
            return ask(app, &name, row.path);
        }
        Action::Export => {
            let name = row.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            app.prompt = Some(Prompt::line(Purpose::Export(row.path), "copy the checkpoint to", name));
        }
        _ => {}
    }
    Vec::new()
}

/// Goes on with a run; one that is complete needs more epochs, one that diverged a lower learning rate.
fn go_on(app: &mut App, row: RunRow) -> Vec<Effect> {
    let recipe = row.recipe.as_ref();
    match row.state {
        "completed" => {
            let epochs = recipe.map_or(0, |recipe| recipe.epochs);
            let title = format!("{} is complete; it goes on to this many epochs in all", row.name);
            app.prompt = Some(Prompt::line(Purpose::Longer(row.path), title, (2 * epochs).to_string()));
        }
        "diverged" => {
            let rate = recipe.map_or(0.1, |recipe| recipe.lr);
            let title = format!("{} diverged; it goes on with this learning rate", row.name);
            app.prompt = Some(Prompt::line(Purpose::Calmer(row.path), title, (rate / 2.0).to_string()));
        }
        _ => return resume(app, row.path),
    }
    Vec::new()
}

/// Goes on with a run, or begins a new one with the checkpoint in a file.
pub(crate) fn resume(app: &mut App, target: PathBuf) -> Vec<Effect> {
    resume_with(app, target, Overrides::default())
}

/// The same with some of its recipe changed.
pub(crate) fn resume_with(app: &mut App, target: PathBuf, overrides: Overrides) -> Vec<Effect> {
    app.screen = Screen::Train;
    app.say(format!("going on with {}.", target.file_name().unwrap_or_default().display()));
    vec![Effect::Command(Box::new(Command::Resume {
        target,
        overrides: Box::new(overrides),
        options: Box::new(app.settings.options.clone()),
    }))]
}
