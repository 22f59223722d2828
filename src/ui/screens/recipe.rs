//! The Recipe screen: a form over the recipe's keys, and the network that it makes.

pub(crate) mod state;
pub(crate) mod tree;
pub(crate) mod update;
pub(crate) mod view;

use ratatui::layout::Rect;

use crate::ui::effect::{Acted, Effect, JobResult};
use crate::ui::hits::Canvas;
use crate::ui::keys::binding::{Motion, Tab};
use crate::ui::keys::recipe::Do;
use crate::ui::screen::{Mouse, Screen, Spot};
use crate::ui::screens::recipe::state::RecipeScreen;
use crate::ui::workspace::Workspace;

impl Screen for RecipeScreen {
    fn draw(&self, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
        view::draw(self, ws, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        match motion {
            Motion::Enter => return self.act(Do::Edit, None, ws),
            _ => self.go(motion, ws),
        }
        Ok(Vec::new())
    }

    fn mouse(&mut self, mouse: Mouse, spot: Option<Spot>, ws: &mut Workspace) -> Acted {
        self.point(mouse, spot, ws)
    }

    fn copied(&self, ws: &Workspace) -> String {
        ws.draft.text(self.field().name)
    }

    fn done(&mut self, result: &JobResult, ws: &mut Workspace) -> Vec<Effect> {
        match result {
            JobResult::RecipeRead(recipe) => {
                self.take(recipe, ws);
                ws.say("the recipe was read.");
                return vec![Effect::Show(Tab::Recipe)];
            }
            JobResult::RecipeWritten(path) => ws.say(format!("the recipe is in {}.", path.display())),
            _ => {}
        }
        Vec::new()
    }
}
