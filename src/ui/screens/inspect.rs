//! The Inspect screen: what a network does with each image.

pub(crate) mod epochs;
pub(crate) mod pairs;
pub(crate) mod places;
pub(crate) mod state;
pub(crate) mod update;
pub(crate) mod view;
pub(crate) mod words;

use ratatui::layout::Rect;

use crate::protocol::{Answer, Event, Stamped};
use crate::ui::effect::{Acted, DONE, Effect};
use crate::ui::hits::Canvas;
use crate::ui::keys::binding::Motion;
use crate::ui::keys::inspect::Do;
use crate::ui::screen::Screen;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::workspace::Workspace;

impl Screen for InspectScreen {
    fn draw(&self, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
        view::draw(self, ws, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        match motion {
            Motion::NextPane => self.turn(true),
            Motion::PreviousPane => self.turn(false),
            Motion::Enter => return self.act(Do::Pair, ws),
            _ => self.walk(motion, ws),
        }
        DONE
    }

    fn back(&mut self, _ws: &mut Workspace) {
        (self.pair, self.mistake) = (None, 0);
    }

    fn copied(&self, _ws: &Workspace) -> String {
        self.pointed()
    }

    fn event(&mut self, stamped: &Stamped, _ws: &mut Workspace) -> Vec<Effect> {
        match &stamped.event {
            Event::Started(_) => self.target = None,
            Event::Answered { id, answer } if self.awaits(*id) => match answer {
                Ok(answer) => {
                    if let Answer::Inspection(found) = &**answer {
                        self.take(found.clone());
                    }
                }
                Err(why) => self.refuse(&why.message),
            },
            _ => {}
        }
        Vec::new()
    }
}
