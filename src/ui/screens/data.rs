//! The Data screen: samples before and after augmentation, and the balance of the classes.

pub(crate) mod balance;
pub(crate) mod samples;
pub(crate) mod state;
pub(crate) mod update;
pub(crate) mod view;

use ratatui::layout::Rect;

use crate::protocol::{Answer, Event, Stamped};
use crate::ui::effect::{Acted, DONE, Effect};
use crate::ui::hits::Canvas;
use crate::ui::keys::binding::Motion;
use crate::ui::keys::data::Do;
use crate::ui::screen::Screen;
use crate::ui::screens::data::state::DataScreen;
use crate::ui::workspace::Workspace;

impl Screen for DataScreen {
    fn draw(&self, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
        view::draw(self, ws, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        match motion {
            Motion::Enter => return self.act(Do::Preview, ws),
            _ => self.walk(motion, ws),
        }
        DONE
    }

    /// What costs next to nothing is read at once, the first time.
    fn shown(&mut self, ws: &mut Workspace) -> Vec<Effect> {
        let new = ws.preview.is_none() && !self.asked && self.trouble.is_none();
        if new && ws.draft.recipe.data.set().built_in { self.preview(ws) } else { Vec::new() }
    }

    fn event(&mut self, stamped: &Stamped, ws: &mut Workspace) -> Vec<Effect> {
        match &stamped.event {
            Event::Answered { id, answer } if self.awaits(*id) => match answer {
                Ok(answer) => {
                    if let Answer::Preview(preview) = &**answer {
                        self.take(preview.clone(), ws);
                    }
                }
                Err(why) => self.refuse(&why.message),
            },
            _ => {}
        }
        Vec::new()
    }
}
