//! The Runs screen: the runs on disk, their curves and their checkpoints.

pub(crate) mod checkpoints;
pub(crate) mod state;
pub(crate) mod update;
pub(crate) mod view;

use std::time::Duration;

use ratatui::layout::Rect;

use crate::ui::effect::{Acted, Effect, JobResult};
use crate::ui::hits::Canvas;
use crate::ui::keys::binding::Motion;
use crate::ui::screen::{Mouse, Screen, Spot};
use crate::ui::screens::runs::state::RunsScreen;
use crate::ui::workspace::Workspace;

impl Screen for RunsScreen {
    fn draw(&self, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
        view::draw(self, ws, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        self.go(motion, ws)
    }

    fn shown(&mut self, _ws: &mut Workspace) -> Vec<Effect> {
        self.tick()
    }

    fn pulse(&self) -> Option<Duration> {
        Some(Duration::from_secs(2))
    }

    fn tick(&self) -> Vec<Effect> {
        Self::reload()
    }

    fn mouse(&mut self, mouse: Mouse, spot: Option<Spot>, ws: &mut Workspace) -> Acted {
        self.point(mouse, spot, ws)
    }

    fn back(&mut self, ws: &mut Workspace) {
        if self.opened.is_some() {
            self.close();
        } else if ws.runs.filter.is_empty() {
            ws.runs.marked.clear();
        } else {
            ws.runs.filter.clear();
        }
    }

    fn copied(&self, ws: &Workspace) -> String {
        let path = self.chosen().map(|row| &row.path).or(ws.runs.current().map(|row| &row.path));
        path.map(|path| path.display().to_string()).unwrap_or_default()
    }

    fn filter(&self, ws: &Workspace) -> Option<String> {
        Some(ws.runs.filter.clone())
    }

    fn set_filter(&mut self, text: String, ws: &mut Workspace) -> Vec<Effect> {
        (ws.runs.filter, ws.runs.row) = (text, 0);
        update::curves(ws)
    }

    fn done(&mut self, result: &JobResult, ws: &mut Workspace) -> Vec<Effect> {
        self.settle(result, ws)
    }
}
