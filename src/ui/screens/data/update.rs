//! What can be done on the Data screen.

use crate::protocol::{Command, Question};
use crate::ui::effect::{Acted, Effect};
use crate::ui::keys::binding::Motion;
use crate::ui::keys::data::Do;
use crate::ui::screen::body;
use crate::ui::screens::data::state::{DataScreen, Places};
use crate::ui::workspace::Workspace;

/// Samples that the screen asks for.
const SAMPLES: usize = 48;

impl DataScreen {
    #[expect(clippy::unnecessary_wraps, reason = "the result of an action, as on every screen")]
    pub(crate) fn act(&mut self, what: Do, ws: &mut Workspace) -> Acted {
        match what {
            Do::Preview => Ok(self.preview(ws)),
        }
    }

    /// Moves among the samples.
    pub(crate) fn walk(&mut self, motion: Motion, ws: &Workspace) {
        let Some((_, found)) = &ws.preview else { return };
        let (row, count) = (self.row, found.samples.len());
        let last = count.saturating_sub(1);
        let pairs = Places::of(body(ws.size), found.side).pairs;
        self.row = match motion {
            Motion::Left => row.saturating_sub(1),
            Motion::Right => (row + 1).min(last),
            Motion::Up => row.checked_sub(pairs.columns).unwrap_or(row),
            Motion::Down if row + pairs.columns <= last => row + pairs.columns,
            Motion::Down => row,
            _ => motion.row(row, count, pairs.columns * pairs.rows).unwrap_or(row),
        };
    }

    pub(crate) fn preview(&mut self, ws: &mut Workspace) -> Vec<Effect> {
        if self.asked {
            // Where there is nothing to show yet, the screen itself says so.
            if ws.preview.is_some() {
                ws.say("the images are being read.");
            }
            return Vec::new();
        }
        let recipe = Box::new(ws.draft.recipe.clone());
        self.ask(&recipe);
        self.question = ws.next_question();
        let question = Question::Preview { recipe, count: SAMPLES };
        vec![Effect::Command(Box::new(Command::Ask { id: self.question, question }))]
    }
}
