//! A screen as the application knows it, and the part of the terminal that it has.

use std::time::Duration;

use ratatui::layout::Rect;

use crate::protocol::Stamped;
use crate::ui::canvas::Canvas;
use crate::ui::effect::{Acted, DONE, Effect, JobResult};
use crate::ui::keys::binding::Motion;
use crate::ui::workspace::Workspace;

/// Time between two readings of the disk.
const AGAIN: Duration = Duration::from_secs(2);

/// A screen has its own state, reads and changes the workspace, and reaches other screens by effects alone. What its
/// keys do is a method of its own, because its actions have a type of their own.
pub(crate) trait Screen {
    fn draw(&self, canvas: &mut Canvas, area: Rect);

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted;

    /// What it reads from the disk, when it is shown and again and again while it is.
    fn reading(&self) -> Vec<Effect> {
        Vec::new()
    }

    fn shown(&mut self, _ws: &mut Workspace) -> Vec<Effect> {
        self.reading()
    }

    /// The interval of [`Self::tick`] while it is shown.
    fn pulse(&self) -> Option<Duration> {
        (!self.reading().is_empty()).then_some(AGAIN)
    }

    fn tick(&self) -> Vec<Effect> {
        self.reading()
    }

    /// The mouse; the wheel moves by rows.
    fn mouse(&mut self, mouse: Mouse, _spot: Option<Spot>, ws: &mut Workspace) -> Acted {
        match mouse {
            Mouse::Scroll { up } => self.moved(if up { Motion::Up } else { Motion::Down }, ws),
            _ => DONE,
        }
    }

    /// Undoes what was opened, filtered or zoomed last.
    fn back(&mut self, _ws: &mut Workspace) {}

    /// The value under the cursor.
    fn copied(&self, _ws: &Workspace) -> String {
        String::new()
    }

    /// The filter of what it lists; `None` where nothing can be filtered.
    fn filter(&self, _ws: &Workspace) -> Option<String> {
        None
    }

    /// Filters what it lists, as far as the text is understood; the error says what is not.
    fn set_filter(&mut self, _text: String, _ws: &mut Workspace) -> Acted {
        DONE
    }

    /// An event of the engine, whether the screen is shown or not.
    fn event(&mut self, _stamped: &Stamped, _ws: &mut Workspace) {}

    /// The result of a job, whoever started it.
    fn done(&mut self, _result: &JobResult, _ws: &mut Workspace) -> Vec<Effect> {
        Vec::new()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mouse {
    Click,
    Drag,
    /// The other button is pressed, and dragged.
    Hold,
    Pull,
    Scroll {
        up: bool,
    },
}

/// Where the mouse is: a part of the screen, its row, and how far across it, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spot {
    pub(crate) part: usize,
    pub(crate) row: usize,
    pub(crate) share: f64,
}

/// The area of a screen on a terminal of these columns and rows: all but tabs and footer.
pub(crate) fn body((columns, rows): (u16, u16)) -> Rect {
    Rect::new(0, 1.min(rows), columns, rows.saturating_sub(3))
}
