//! The Train screen: a run's progress and its charts.

pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod update;
pub(crate) mod view;

use ratatui::layout::Rect;

use crate::protocol::{Event, Stamped};
use crate::ui::effect::{Acted, DONE, Effect};
use crate::ui::hits::Canvas;
use crate::ui::keys::binding::{Motion, Tab};
use crate::ui::screen::{Mouse, Screen, Spot};
use crate::ui::screens::train::state::TrainScreen;
use crate::ui::workspace::Workspace;

impl Screen for TrainScreen {
    fn draw(&self, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
        view::draw(self, ws, canvas, area);
    }

    fn moved(&mut self, motion: Motion, _ws: &mut Workspace) -> Acted {
        match motion {
            Motion::NextPane | Motion::Down => self.pane = self.pane.other(true),
            Motion::PreviousPane | Motion::Up => self.pane = self.pane.other(false),
            Motion::Enter => self.maximised = !self.maximised,
            Motion::Left => self.move_cursor(-0.02),
            Motion::Right => self.move_cursor(0.02),
            Motion::PageUp => self.move_cursor(-0.2),
            Motion::PageDown => self.move_cursor(0.2),
            Motion::Top => self.cursor = Some(0.0),
            Motion::Bottom => self.cursor = Some(1.0),
        }
        DONE
    }

    fn mouse(&mut self, mouse: Mouse, spot: Option<Spot>, ws: &mut Workspace) -> Acted {
        match (mouse, spot) {
            (Mouse::Click | Mouse::Drag, Some(spot)) => {
                (self.pane, self.cursor) = (state::Pane::ALL[spot.part], Some(spot.share));
            }
            (Mouse::Hold, spot) => self.held = spot.map(|spot| spot.share),
            (Mouse::Pull, Some(spot)) => {
                if let Some(held) = self.held.replace(spot.share) {
                    self.pan(held - spot.share);
                }
            }
            (Mouse::Scroll { up }, Some(spot)) => self.zoom_about(if up { 0.8 } else { 1.25 }, spot.share),
            (Mouse::Scroll { up }, None) => {
                return self.moved(if up { Motion::Up } else { Motion::Down }, ws);
            }
            _ => {}
        }
        DONE
    }

    fn back(&mut self, _ws: &mut Workspace) {
        if self.maximised {
            self.maximised = false;
        } else {
            self.reset_view();
        }
    }

    fn copied(&self, ws: &Workspace) -> String {
        ws.live.head().map(|head| head.run_dir.display().to_string()).unwrap_or_default()
    }

    fn event(&mut self, stamped: &Stamped, ws: &mut Workspace) -> Vec<Effect> {
        match &stamped.event {
            Event::Started(_) => self.thaw(),
            // Those that nobody asked for are in the log.
            Event::Saved { step, .. } if self.asked_to_save || ws.tab == Tab::Train => {
                self.asked_to_save = false;
                ws.say(format!("saved after step {step}."));
            }
            Event::Paused { step } => ws.say(format!("paused after step {step}; space goes on.")),
            Event::Continued { .. } => ws.say("going on."),
            Event::Changed { .. } => ws.say("changed from the next step on."),
            Event::Evaluated { figures, .. } => {
                ws.say(format!("loss {:.4}, accuracy {:.2} %.", figures.loss, 100.0 * figures.accuracy));
            }
            _ => {}
        }
        Vec::new()
    }
}
