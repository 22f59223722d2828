//! What can be done on the Recipe screen.

use crate::protocol::{Command, Start};
use crate::ui::app::dispatch::moved;
use crate::ui::effect::{Disk, Effect};
use crate::ui::keys::{Action, Screen};
use crate::ui::prompt::{Prompt, Purpose};
use crate::ui::saved_state::State;
use crate::ui::screens::recipe::state::{FIELDS, Pane};
use crate::ui::workspace::App;

pub(crate) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let screen = &mut app.recipe;
    if let Action::NextPane | Action::PreviousPane = action {
        screen.pane = if screen.pane == Pane::Form { Pane::Tree } else { Pane::Form };
        return Vec::new();
    }
    match (screen.pane, action) {
        (_, Action::Start) => return start(app),
        (_, Action::Preset) => app.prompt = Some(Prompt::presets()),
        (_, Action::AllBlocks) => screen.toggle_all(),
        (_, Action::SaveRecipe) => {
            app.prompt = Some(Prompt::line(Purpose::WriteRecipe, "write the recipe to", "recipe.toml"));
        }
        (_, Action::LoadRecipe) => {
            app.prompt = Some(Prompt::line(Purpose::ReadRecipe, "read a recipe from", "recipe.toml"));
        }
        (Pane::Form, Action::Enter) => {
            let field = screen.field();
            app.prompt = Some(Prompt::line(Purpose::Field(field.key), field.key, screen.text(field.key)));
        }
        (Pane::Form, Action::NextChoice | Action::Right | Action::Left) => {
            if !screen.next_choice(action != Action::Left) && action == Action::NextChoice {
                app.say("enter edits this field.");
            }
        }
        (Pane::Form, Action::ResetField) => screen.reset(),
        (Pane::Form, _) => screen.row = moved(screen.row, action, FIELDS.len()).unwrap_or(screen.row),
        (Pane::Tree, _) => {
            if let Ok(plan) = screen.plan() {
                let lines = screen.tree(&plan).len();
                match moved(screen.tree_row, action, lines) {
                    Some(row) => screen.tree_row = row,
                    None if matches!(
                        action,
                        Action::Enter | Action::NextChoice | Action::Left | Action::Right
                    ) =>
                    {
                        screen.toggle(&plan);
                    }
                    None => {}
                }
            }
        }
    }
    Vec::new()
}

fn start(app: &mut App) -> Vec<Effect> {
    if app.training() {
        app.complain("a run is being trained; stop it first (S on the Train screen).");
        return Vec::new();
    }
    if let Some(problem) = app.recipe.problems.first() {
        let (field, sentence) = (problem.field, problem.sentence.clone());
        app.recipe.row = FIELDS.iter().position(|row| row.key == field).unwrap_or(app.recipe.row);
        app.complain(format!("{field}: {sentence}"));
        return Vec::new();
    }
    app.screen = Screen::Train;
    app.say("starting.");
    let (recipe, options) = (app.recipe.recipe.clone(), app.settings.options.clone());
    let name = app.settings.name.take();
    let state = Disk::Remember(Box::new(State::of(app)), app.settings.state_file.clone());
    let start = Command::Start(Box::new(Start { recipe, name, options }));
    vec![Effect::Command(Box::new(start)), Effect::Disk(state)]
}
