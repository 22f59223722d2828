//! Other epochs for a run: asked about first where they make its learning rate jump.

use std::path::PathBuf;

use crate::protocol::{Change, Command, Overrides};
use crate::recipe::Recipe;
use crate::recipe::jump::Jump;
use crate::ui::effect::Effect;
use crate::ui::prompt::{Prompt, Question, Reply};
use crate::ui::screens::runs::state::RunRow;
use crate::ui::screens::runs::update::resume_with;
use crate::ui::workspace::App;

/// The run in training gets so many epochs in all, unless that is a question first.
pub(crate) fn change(app: &mut App, epochs: usize) -> Vec<Effect> {
    let head = app.monitor.head.as_ref();
    let jump = head.and_then(|head| jump(&head.recipe, epochs, app.monitor.step, head.steps_per_epoch));
    match jump {
        Some(jump) => ask(app, &jump, "leave the epochs as they are", Reply::Epochs(epochs)),
        None => changed(app, epochs),
    }
}

/// The run in training gets so many epochs in all.
pub(crate) fn changed(app: &mut App, epochs: usize) -> Vec<Effect> {
    app.say("the epochs change after this step.");
    vec![Effect::Command(Box::new(Command::Change(Change::Epochs(epochs))))]
}

/// A run on disk goes on to so many epochs in all, unless that is a question first.
pub(crate) fn longer(app: &mut App, run: PathBuf, epochs: usize) -> Vec<Effect> {
    let row = app.runs.shown().into_iter().find(|row| row.path == run);
    let jump = row.and_then(|row| jump(row.recipe.as_ref()?, epochs, row.step, steps_per_epoch(row)?));
    match jump {
        Some(jump) => ask(app, &jump, "leave it as it is", Reply::Longer(run, epochs)),
        None => gone_on(app, run, epochs),
    }
}

/// A run on disk goes on to so many epochs in all.
pub(crate) fn gone_on(app: &mut App, run: PathBuf, epochs: usize) -> Vec<Effect> {
    resume_with(app, run, Overrides { epochs: Some(epochs), ..Overrides::default() })
}

fn ask(app: &mut App, jump: &Jump, no: &'static str, yes: Reply) -> Vec<Effect> {
    app.prompt = Some(Prompt::Question(Question {
        text: jump.sentence(),
        answers: vec![(no, Reply::Nothing), ("let it jump", yes)],
        row: 0,
    }));
    Vec::new()
}

fn jump(recipe: &Recipe, epochs: usize, step: u64, per_epoch: u64) -> Option<Jump> {
    Jump::between(recipe, &Recipe { epochs, ..recipe.clone() }, step, per_epoch)
}

/// Steps in an epoch of a run on disk. One that a limit of steps ended within an epoch does not say it; as few as
/// can be puts its last step into the epoch it was in.
fn steps_per_epoch(row: &RunRow) -> Option<u64> {
    let recipe = row.recipe.as_ref()?;
    let (steps, epochs) = match recipe.steps {
        None => (row.total_steps, recipe.epochs),
        Some(_) => (row.step, row.epoch),
    };
    Some(steps.div_ceil(epochs.max(1) as u64)).filter(|&steps| steps > 0)
}
