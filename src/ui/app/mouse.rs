//! The mouse, by what the last frame put where it points.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::ui::app::dispatch::{act, go};
use crate::ui::effect::Effect;
use crate::ui::hits::Target;
use crate::ui::keys::{Action, Screen};
use crate::ui::overlay::update::choose;
use crate::ui::screens::{recipe, runs};
use crate::ui::workspace::App;

pub(crate) fn mouse(app: &mut App, mouse: MouseEvent) -> Vec<Effect> {
    let hit = app.hits.at(mouse.column, mouse.row);
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => match hit {
            Some((_, Target::Choice(row))) => choose(app, row),
            // What lies over the screen keeps the mouse from what is below it.
            _ if app.prompt.is_some() => Vec::new(),
            Some((area, target)) => click(app, target, share(mouse.column, area.x, area.width)),
            None => Vec::new(),
        },
        _ if app.prompt.is_some() => Vec::new(),
        MouseEventKind::Drag(MouseButton::Left) => {
            if let Some((area, Target::Chart(pane))) = hit {
                app.train.pane = pane;
                app.train.cursor = Some(share(mouse.column, area.x, area.width));
            }
            Vec::new()
        }
        MouseEventKind::Down(MouseButton::Right) => {
            app.train.held = hit.map(|(area, _)| share(mouse.column, area.x, area.width));
            Vec::new()
        }
        MouseEventKind::Drag(MouseButton::Right) => {
            if let (Some((area, Target::Chart(_))), Some(held)) = (hit, app.train.held) {
                let here = share(mouse.column, area.x, area.width);
                app.train.pan(held - here);
                app.train.held = Some(here);
            }
            Vec::new()
        }
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            let up = mouse.kind == MouseEventKind::ScrollUp;
            match hit {
                Some((area, Target::Chart(_))) if app.screen == Screen::Train => {
                    let about = share(mouse.column, area.x, area.width);
                    app.train.zoom_about(if up { 0.8 } else { 1.25 }, about);
                    Vec::new()
                }
                Some((_, Target::TreeLine(_))) => {
                    app.recipe.pane = recipe::state::Pane::Tree;
                    act(app, if up { Action::Up } else { Action::Down })
                }
                Some((_, Target::Field(_))) => {
                    app.recipe.pane = recipe::state::Pane::Form;
                    act(app, if up { Action::Up } else { Action::Down })
                }
                _ => act(app, if up { Action::Up } else { Action::Down }),
            }
        }
        _ => Vec::new(),
    }
}

/// Where a column lies between the ends of an area, 0 to 1.
fn share(column: u16, x: u16, width: u16) -> f64 {
    f64::from(column.saturating_sub(x)) / f64::from(width.saturating_sub(1).max(1))
}

fn click(app: &mut App, target: Target, share: f64) -> Vec<Effect> {
    match target {
        Target::Screen(screen) => return go(app, screen),
        Target::Field(row) => {
            let again = app.recipe.pane == recipe::state::Pane::Form && app.recipe.row == row;
            (app.recipe.pane, app.recipe.row) = (recipe::state::Pane::Form, row);
            if again {
                return act(app, Action::Enter);
            }
        }
        Target::TreeLine(row) => {
            (app.recipe.pane, app.recipe.tree_row) = (recipe::state::Pane::Tree, row);
            if let Ok(plan) = app.recipe.plan()
                && matches!(app.recipe.tree(&plan).get(row), Some(recipe::state::TreeLine::Block { .. }))
            {
                app.recipe.toggle(&plan);
            }
        }
        Target::Chart(pane) => (app.train.pane, app.train.cursor) = (pane, Some(share)),
        Target::Run(row) => {
            let again = app.runs.pane == runs::state::Pane::Table && app.runs.row == row;
            (app.runs.pane, app.runs.row) = (runs::state::Pane::Table, row);
            return if again { act(app, Action::Enter) } else { runs::update::curves(app) };
        }
        Target::Checkpoint(row) => {
            (app.runs.pane, app.runs.checkpoint) = (runs::state::Pane::Checkpoints, row);
        }
        Target::Choice(_) => {}
    }
    Vec::new()
}
