//! The actions and moves of the Data screen.

use ratatui::layout::Rect;

use crate::protocol::{Answer, Question, Stamped};
use crate::ui::canvas::Canvas;
use crate::ui::effect::{Acted, DONE, Effect, Job, JobResult};
use crate::ui::keys::binding::Motion;
use crate::ui::keys::data::Do;
use crate::ui::screen::{Screen, body};
use crate::ui::screens::data::state::{DataScreen, Places};
use crate::ui::screens::data::view;
use crate::ui::workspace::Workspace;

/// Samples in a preview.
const SAMPLES: usize = 48;

impl Screen for DataScreen {
    fn draw(&self, canvas: &mut Canvas, area: Rect) {
        view::draw(self, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        if motion == Motion::Enter {
            return self.act(Do::Preview, ws);
        }
        let Some((_, found)) = &ws.preview else { return DONE };
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
        DONE
    }

    /// Data that costs next to nothing is read at once, the first time.
    fn shown(&mut self, ws: &mut Workspace) -> Vec<Effect> {
        let new = ws.preview.is_none() && !self.asked.waits() && self.asked.trouble.is_none();
        if new && ws.draft.recipe.data.set().built_in { self.preview(ws) } else { Vec::new() }
    }

    fn done(&mut self, result: &JobResult, ws: &mut Workspace) -> Vec<Effect> {
        let JobResult::Fetched(word, end) = result else { return Vec::new() };
        self.fetching = false;
        match end {
            Ok(()) => {
                ws.notify(format!("{word} was downloaded."));
                let about = ws.draft.recipe.data.set().word == *word;
                if about { self.preview(ws) } else { Vec::new() }
            }
            Err(sentence) => {
                ws.warn(sentence.clone());
                Vec::new()
            }
        }
    }

    fn event(&mut self, stamped: &Stamped, ws: &mut Workspace) {
        if let Some(Answer::Preview(preview)) = self.asked.answered(&stamped.event) {
            self.take(preview.clone(), ws);
        }
    }
}

impl DataScreen {
    pub(crate) fn act(&mut self, what: Do, ws: &mut Workspace) -> Acted {
        match what {
            Do::Preview => Ok(self.preview(ws)),
            Do::Fetch => {
                let set = ws.draft.recipe.data.set();
                if set.built_in {
                    // It is there already.
                    return Ok(self.preview(ws));
                }
                if set.archives.is_empty() {
                    return Err(format!("{} is nothing to download.", set.usage()));
                }
                if self.fetching {
                    return Err("it is being downloaded.".into());
                }
                self.fetching = true;
                ws.notify(format!("downloading {}; the Log says when it is there.", set.title));
                Ok(vec![Effect::Job(Job::Fetch(set.word))])
            }
        }
    }

    fn preview(&mut self, ws: &mut Workspace) -> Vec<Effect> {
        if self.asked.waits() {
            // Where there is nothing to show yet, the screen itself says so.
            if ws.preview.is_some() {
                ws.notify("the images are being read.");
            }
            return Vec::new();
        }
        let recipe = Box::new(ws.draft.recipe.clone());
        self.about = Some(recipe.clone());
        vec![self.asked.ask(Question::Preview { recipe, count: SAMPLES }, ws)]
    }
}
