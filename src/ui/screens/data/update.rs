//! What can be done on the Data screen.

use crate::protocol::Command;
use crate::recipe::Data;
use crate::ui::app::dispatch::moved;
use crate::ui::effect::Effect;
use crate::ui::keys::Action;
use crate::ui::screens::body;
use crate::ui::screens::data::state::Places;
use crate::ui::workspace::App;

/// Samples that the screen asks for.
const SAMPLES: usize = 48;

/// The screen comes into view: what costs next to nothing is read at once, the first time.
pub(crate) fn enter(app: &mut App) -> Vec<Effect> {
    let new = app.data.found.is_none() && !app.data.asked && app.data.trouble.is_none();
    if new && app.recipe.recipe.data == Data::Shapes { ask(app) } else { Vec::new() }
}

pub(crate) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let Some((_, found)) = &app.data.found else {
        return if action == Action::Enter { ask(app) } else { Vec::new() };
    };
    let (row, last) = (app.data.row, app.data.count().saturating_sub(1));
    let pairs = Places::of(body(app.size), found.side).pairs;
    app.data.row = match action {
        Action::Enter => return ask(app),
        Action::Left => row.saturating_sub(1),
        Action::Right => (row + 1).min(last),
        Action::Up if row >= pairs.columns => row - pairs.columns,
        Action::Down if row + pairs.columns <= last => row + pairs.columns,
        Action::PageUp => row.saturating_sub(pairs.columns * pairs.rows),
        Action::PageDown => (row + pairs.columns * pairs.rows).min(last),
        Action::Top | Action::Bottom => moved(row, action, last + 1).unwrap_or(row),
        _ => row,
    };
    Vec::new()
}

fn ask(app: &mut App) -> Vec<Effect> {
    if app.data.asked {
        app.say("the images are being read.");
        return Vec::new();
    }
    let recipe = app.recipe.recipe.clone();
    app.data.ask(&recipe);
    vec![Effect::Command(Box::new(Command::Preview { recipe: Box::new(recipe), count: SAMPLES }))]
}
