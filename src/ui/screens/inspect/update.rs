//! The actions and moves of the Inspect screen.

use crate::store::catalog::Entry;
use std::path::Path;

use ratatui::layout::Rect;

use crate::protocol::command::Split;
use crate::protocol::{Answer, CheckpointQuery, Event, Picture, Question, Stamped};
use crate::ui::canvas::Canvas;
use crate::ui::effect::{Acted, DONE, Effect, Job, ask};
use crate::ui::keys::Action;
use crate::ui::keys::binding::Motion;
use crate::ui::keys::inspect::Do;
use crate::ui::prompt::Prompt;
use crate::ui::screen::{Screen, body};
use crate::ui::screens::inspect::places::Places;
use crate::ui::screens::inspect::state::{InspectScreen, Order, Target, View};
use crate::ui::screens::inspect::words::split;
use crate::ui::screens::inspect::{epochs, predict, view};
use crate::ui::workspace::Workspace;

const NO_RUN: &str = "no run to inspect; train one, or choose one on the Runs screen with i.";
const PICTURE: &str = "which picture? a path, or the number of an image of the split";

impl Screen for InspectScreen {
    fn draw(&self, canvas: &mut Canvas, area: Rect) {
        view::draw(self, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        match motion {
            Motion::NextPane => self.turn(true),
            Motion::PreviousPane => self.turn(false),
            Motion::Enter => return self.act(Do::Pair, None, ws),
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

    fn event(&mut self, stamped: &Stamped, _ws: &mut Workspace) {
        if let Event::Started(_) = stamped.event {
            self.target = None;
        }
        self.predict.take(&stamped.event);
        if let Some(Answer::Inspection(found)) = self.asked.answered(&stamped.event) {
            self.take(found.clone());
        }
    }
}

impl InspectScreen {
    pub(crate) fn act(&mut self, what: Do, argument: Option<&str>, ws: &mut Workspace) -> Acted {
        match what {
            Do::NextView => self.turn(true),
            Do::PreviousView => self.turn(false),
            Do::Ask(name, path) => return self.question(Target { name, path }, ws),
            Do::Pair if self.view == View::Mistakes && self.mistake().is_some() => {
                let picture = self.mistake().map(|of| Picture::Image(of.index));
                return picture.map_or(DONE, |picture| self.explain(picture, ws));
            }
            Do::Picture => match argument {
                None => return ask(Prompt::line(Action::Inspect(what), PICTURE, "")),
                Some(typed) => return self.explain(predict::meant(typed)?, ws),
            },
            Do::Map => self.predict.bare = !self.predict.bare,
            Do::Pair if self.found.is_some() => self.show_mistakes(ws),
            Do::Inspect | Do::Pair => {
                return self.question(self.in_hand(ws).ok_or(NO_RUN)?, ws);
            }
            Do::Split => self.next_split(ws),
            Do::Order => {
                let (order, word) = match self.order {
                    Order::Label => (Order::Worst, "the least accurate class first."),
                    Order::Worst => (Order::Label, "classes in their own order."),
                };
                self.order = order;
                ws.notify(word);
            }
            Do::NextBlock => self.show_block((self.block + 1).min(self.blocks().saturating_sub(1))),
            Do::PreviousBlock => self.show_block(self.block.saturating_sub(1)),
            Do::ByRow => self.by_row = !self.by_row,
        }
        DONE
    }

    /// Asks the engine what a picture is, and why.
    fn explain(&mut self, picture: Picture, ws: &mut Workspace) -> Acted {
        if let Some(what) = self.predict.awaited() {
            return Err(format!("{what} is being looked at; ask again after that."));
        }
        let target = self.in_hand(ws).ok_or(NO_RUN)?;
        // The number of a mistake counts the images that were inspected.
        let split = self.inspection().map_or_else(|| self.split(), |found| found.split);
        let (path, options) = (target.path.clone(), ws.settings.options.clone());
        let query = CheckpointQuery { target: path, data: None, data_dir: None, split, options };
        self.view = View::Predict;
        Ok(vec![self.predict.ask(query, picture, ws)])
    }

    fn show_block(&mut self, block: usize) {
        self.block = block;
        self.link = self.clamped(self.link);
    }

    /// Moves the cursor of the view.
    fn walk(&mut self, motion: Motion, ws: &Workspace) {
        let known = epochs::known(self, ws);
        let (epochs, classes) = (known.len(), known.last().map_or(0, |(_, shares)| shares.len()));
        let side = self.inspection().map_or(1, |found| found.side);
        let places = Places::of(body(ws.size), side);
        let (columns, page) = (places.columns(), places.page());
        match self.view {
            View::Confusion => {
                let all = self.inspection().map_or(0, |found| found.classes.len());
                self.cell = across(self.cell, motion, (all, all), page);
            }
            View::Classes => {
                let listed = self.classes();
                let row = listed.iter().position(|(label, _)| *label == self.class).unwrap_or(0);
                let row = paged(row, motion, listed.len(), page);
                self.class = listed.get(row).map_or(0, |(label, _)| *label);
            }
            View::Epochs => match motion {
                Motion::Left => self.back = (self.back + 1).min(epochs.saturating_sub(1)),
                Motion::Right => self.back = self.back.saturating_sub(1),
                _ => self.class = paged(self.class, motion, classes, page),
            },
            View::Mistakes => {
                let (row, last) = (self.mistake, self.mistakes().len().saturating_sub(1));
                self.mistake = match motion {
                    Motion::Left => row.saturating_sub(1),
                    Motion::Right => (row + 1).min(last),
                    Motion::Up => row.checked_sub(columns).unwrap_or(row),
                    Motion::Down if row + columns > last => row,
                    Motion::Down => row + columns,
                    _ => paged(row, motion, last + 1, page * columns),
                };
            }
            View::Reuse => {
                let cells = self.inspection().and_then(|found| found.reuse.get(self.block));
                let extent =
                    cells.map_or((0, 0), |of| (of.cells.len(), of.cells.first().map_or(0, Vec::len)));
                self.link = self.clamped(across(self.link, motion, extent, page));
            }
            View::Predict => self.predict.walk(motion, page),
            View::Scales => {
                let rows = self.inspection().map_or(0, |found| found.scales.len());
                self.layer = paged(self.layer, motion, rows, page);
            }
        }
    }

    /// To the mistakes of the pair, or of all pairs, under the cursor.
    fn show_mistakes(&mut self, ws: &mut Workspace) {
        let Some(found) = self.inspection() else { return };
        let (label, prediction) = self.cell;
        if self.view != View::Confusion {
            return ws.notify("i inspects again; v shows the next view.");
        }
        let images = found.confusion.get(label).and_then(|row| row.get(prediction)).copied().unwrap_or(0);
        if label == prediction || images == 0 {
            return ws.notify("no mistakes there.");
        }
        self.show_pair((label, prediction));
    }

    /// The run that Inspect is about: the one that was asked about, unless another began since.
    fn in_hand(&self, ws: &Workspace) -> Option<Target> {
        let of = |name: &str, path: &Path| Target { name: name.into(), path: path.into() };
        let head = || ws.live.head().map(|head| of(&head.run, &head.run_dir));
        let chosen = || ws.runs.current().map(|row| of(&row.name, &row.path));
        self.target.clone().or_else(head).or_else(chosen)
    }

    /// Chooses the images of the next inspection.
    fn next_split(&mut self, ws: &mut Workspace) {
        let (validation, complete) = self.in_hand(ws).map_or((true, false), |target| state_of(ws, &target));
        self.split = Some(match self.split() {
            Split::Train if complete => Split::Test,
            Split::Train | Split::Test if validation => Split::Validation,
            _ => Split::Train,
        });
        let closed = if complete { "" } else { " (test images stay unseen until a run is complete)" };
        ws.notify(format!("i inspects the {} images{closed}.", split(self.split())));
    }

    /// Asks the engine to inspect the best network of a run, or a checkpoint.
    fn question(&mut self, target: Target, ws: &mut Workspace) -> Acted {
        if let Some(target) = self.awaited() {
            return Err(format!("{} is being inspected; ask again after that.", target.name));
        }
        let (validation, complete) = state_of(ws, &target);
        self.split = Some(match self.split() {
            Split::Test if complete => Split::Test,
            Split::Validation | Split::Test if validation => Split::Validation,
            _ => Split::Train,
        });
        let path = target.path.clone();
        (self.target, self.about) = (Some(target.clone()), Some(target));
        let (split, options) = (self.split(), ws.settings.options.clone());
        let query = CheckpointQuery { target: path.clone(), data: None, data_dir: None, split, options };
        let mut effects = vec![self.asked.ask(Question::Inspect(query), ws)];
        // The epochs before this program began are in the journal.
        let own = ws.live.head().is_some_and(|head| head.run_dir == path && head.step == 0);
        // A checkpoint has none beside it.
        if !own && path.extension().is_none_or(|kind| kind != "safetensors") {
            effects.push(Effect::Job(Job::ReadJournal(path)));
        }
        Ok(effects)
    }
}

/// Whether the run has images of its own for validation, as far as is known; and whether it is complete,
/// so that its test images were seen already.
fn state_of(ws: &Workspace, target: &Target) -> (bool, bool) {
    if let Some(head) = ws.live.head().filter(|head| head.run_dir == target.path) {
        return (head.validation_images > 0, ws.live.monitor.test.is_some());
    }
    let row = ws.runs.find(&target.path);
    let summary = row.and_then(Entry::summary);
    let validation = summary.and_then(|summary| summary.recipe.validation);
    (validation != Some(0), summary.is_some_and(|summary| summary.test.is_some()))
}

/// A row moved, `page` rows to a page.
fn paged(row: usize, motion: Motion, count: usize, page: usize) -> usize {
    motion.row(row, count, page).unwrap_or(row)
}

/// A cell of a table of `size` (rows, columns), moved.
fn across(
    (row, column): (usize, usize),
    motion: Motion,
    size: (usize, usize),
    page: usize,
) -> (usize, usize) {
    match motion {
        Motion::Left => (row, column.saturating_sub(1)),
        Motion::Right => (row, (column + 1).min(size.1.saturating_sub(1))),
        _ => (paged(row, motion, size.0, page), column),
    }
}
