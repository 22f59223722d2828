//! What can be done on the Inspect screen.

use std::path::PathBuf;

use crate::protocol::Command;
use crate::protocol::command::{EvaluateFile, Split};
use crate::ui::app::dispatch::moved;
use crate::ui::effect::{Disk, Effect};
use crate::ui::keys::{Action, Screen};
use crate::ui::screens::body;
use crate::ui::screens::inspect::epochs;
use crate::ui::screens::inspect::places::Places;
use crate::ui::screens::inspect::state::{Order, Target, View};
use crate::ui::screens::inspect::words::split;
use crate::ui::workspace::App;

pub(crate) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let screen = &mut app.inspect;
    match action {
        Action::NextView | Action::NextPane => screen.turn(true),
        Action::PreviousView | Action::PreviousPane => screen.turn(false),
        Action::Inspect => return inspect(app),
        Action::Enter | Action::Pair if screen.found.is_none() => return inspect(app),
        Action::Enter | Action::Pair => pair(app),
        Action::Split => next_split(app),
        Action::Sort => {
            let (order, word) = match screen.order {
                Order::Label => (Order::Worst, "the least accurate class first."),
                Order::Worst => (Order::Label, "classes in their own order."),
            };
            screen.order = order;
            app.say(word);
        }
        Action::NextBlock | Action::PreviousBlock => {
            let last = screen.blocks().saturating_sub(1);
            let before = screen.block.saturating_sub(1);
            screen.block = if action == Action::NextBlock { (screen.block + 1).min(last) } else { before };
            screen.link = screen.clamped(screen.link);
        }
        Action::ByRow => screen.by_row = !screen.by_row,
        _ => walk(app, action),
    }
    Vec::new()
}

/// Moves the cursor of the view.
fn walk(app: &mut App, action: Action) {
    let known = epochs::known(app);
    let (epochs, classes) = (known.len(), known.last().map_or(0, |(_, shares)| shares.len()));
    let side = app.inspect.inspection().map_or(1, |found| found.side);
    let places = Places::of(body(app.size), side);
    let (columns, page) = (places.columns(), places.page());
    let screen = &mut app.inspect;
    match screen.view {
        View::Confusion => {
            let all = screen.inspection().map_or(0, |found| found.classes.len());
            screen.cell = across(screen.cell, action, (all, all), page);
        }
        View::Classes => {
            let listed = screen.classes();
            let row = listed.iter().position(|(label, _)| *label == screen.class).unwrap_or(0);
            let row = paged(row, action, listed.len(), page);
            screen.class = listed.get(row).map_or(0, |(label, _)| *label);
        }
        View::Epochs => match action {
            Action::Left => screen.back = (screen.back + 1).min(epochs.saturating_sub(1)),
            Action::Right => screen.back = screen.back.saturating_sub(1),
            _ => screen.class = paged(screen.class, action, classes, page),
        },
        View::Mistakes => {
            let (row, last) = (screen.mistake, screen.mistakes().len().saturating_sub(1));
            screen.mistake = match action {
                Action::Left => row.saturating_sub(1),
                Action::Right => (row + 1).min(last),
                Action::Up if row < columns => row,
                Action::Up => row - columns,
                Action::Down if row + columns > last => row,
                Action::Down => row + columns,
                _ => paged(row, action, last + 1, page * columns),
            };
        }
        View::Reuse => {
            let cells = screen.inspection().and_then(|found| found.reuse.get(screen.block));
            let extent = cells.map_or((0, 0), |of| (of.cells.len(), of.cells.first().map_or(0, Vec::len)));
            screen.link = screen.clamped(across(screen.link, action, extent, page));
        }
        View::Scales => {
            let rows = screen.inspection().map_or(0, |found| found.scales.len());
            screen.layer = paged(screen.layer, action, rows, page);
        }
    }
}

/// A row moved by an action, a page being `page` rows.
fn paged(row: usize, action: Action, count: usize, page: usize) -> usize {
    match action {
        Action::PageUp => row.saturating_sub(page),
        Action::PageDown => (row + page).min(count.saturating_sub(1)),
        _ => moved(row, action, count).unwrap_or(row),
    }
}

/// A cell of a table of so many rows and columns moved by an action.
fn across(
    (row, column): (usize, usize),
    action: Action,
    size: (usize, usize),
    page: usize,
) -> (usize, usize) {
    match action {
        Action::Left => (row, column.saturating_sub(1)),
        Action::Right => (row, (column + 1).min(size.1.saturating_sub(1))),
        _ => (paged(row, action, size.0, page), column),
    }
}

/// To the mistakes of the pair, or of all pairs, under the cursor.
fn pair(app: &mut App) {
    let screen = &mut app.inspect;
    let Some(found) = screen.inspection() else { return };
    let (label, prediction) = screen.cell;
    if screen.view != View::Confusion {
        return app.say("i inspects again; v shows the next view.");
    }
    let images = found.confusion.get(label).and_then(|row| row.get(prediction)).copied().unwrap_or(0);
    if label == prediction || images == 0 {
        return app.say("no mistakes there.");
    }
    screen.show_pair((label, prediction));
}

/// The run that Inspect is about: the one that was asked about, unless another began since.
fn in_hand(app: &App) -> Option<Target> {
    let head = app.monitor.head.as_ref();
    let head = head.map(|head| Target { name: head.run.clone(), path: head.run_dir.clone() });
    let chosen = || app.runs.current().map(|row| Target { name: row.name.clone(), path: row.path.clone() });
    app.inspect.target.clone().or(head).or_else(chosen)
}

fn inspect(app: &mut App) -> Vec<Effect> {
    let Some(Target { name, path }) = in_hand(app) else {
        app.complain("no run to inspect; train one, or choose one on the Runs screen with i.");
        return Vec::new();
    };
    ask(app, &name, path)
}

/// Whether the run has images of its own for validation, as far as is known; and whether it is complete,
/// so that its test images were seen already.
fn state_of(app: &App, target: &Target) -> (bool, bool) {
    if let Some(head) = app.monitor.head.as_ref().filter(|head| head.run_dir == target.path) {
        return (head.validation_images > 0, app.monitor.test.is_some());
    }
    let row = app.runs.shown().into_iter().find(|row| row.path == target.path);
    let validation = row.and_then(|row| row.recipe.as_ref()).and_then(|recipe| recipe.validation);
    (validation != Some(0), row.is_some_and(|row| row.test.is_some()))
}

/// Chooses the images of the next inspection.
fn next_split(app: &mut App) {
    let (validation, complete) = in_hand(app).map_or((true, false), |target| state_of(app, &target));
    let next = match app.inspect.split {
        Split::Train if complete => Split::Test,
        Split::Train | Split::Test if validation => Split::Validation,
        _ => Split::Train,
    };
    let closed = if complete { "" } else { " (test images stay unseen until a run is complete)" };
    app.inspect.split = next;
    app.say(format!("i inspects the {} images{closed}.", split(next)));
}

/// Asks the engine to inspect a run's best network.
pub(crate) fn ask(app: &mut App, name: &str, path: PathBuf) -> Vec<Effect> {
    app.screen = Screen::Inspect;
    if let Some(target) = app.inspect.awaited() {
        let text = format!("{} is being inspected; ask again after that.", target.name);
        app.complain(text);
        return Vec::new();
    }
    let target = Target { name: name.to_owned(), path: path.clone() };
    let (validation, complete) = state_of(app, &target);
    app.inspect.split = match app.inspect.split {
        Split::Test if complete => Split::Test,
        Split::Validation | Split::Test if validation => Split::Validation,
        _ => Split::Train,
    };
    app.inspect.ask(target);
    let options = app.settings.options.clone();
    let split = app.inspect.split;
    let question = EvaluateFile { target: path.clone(), data: None, data_dir: None, split, options };
    let mut effects = vec![Effect::Command(Box::new(Command::Inspect(question)))];
    // What was told of the epochs before this program began is in the journal.
    let own = app.monitor.head.as_ref().is_some_and(|head| head.run_dir == path && head.step == 0);
    // A checkpoint has none beside it.
    if !own && path.extension().is_none_or(|kind| kind != "safetensors") {
        effects.push(Effect::Disk(Disk::ReadJournal(path)));
    }
    effects
}
