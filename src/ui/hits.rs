//! Where the last frame put what can be clicked.

use std::cell::RefCell;

use ratatui::layout::{Position, Rect};

use crate::ui::keys::Screen;
use crate::ui::screens::train::state::Pane;

/// Something that can be clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A screen's name.
    Screen(Screen),
    /// A row of the form.
    Field(usize),
    /// A line of the tree.
    TreeLine(usize),
    /// The plot of a chart.
    Chart(Pane),
    /// A row of the table of runs.
    Run(usize),
    /// A row of the checkpoints.
    Checkpoint(usize),
    /// A row of what lies over the screen.
    Choice(usize),
}

/// The places. Drawing fills them, the mouse asks for them.
#[derive(Debug, Default)]
pub(crate) struct Hits(RefCell<Vec<(Rect, Target)>>);

impl Hits {
    /// A new frame begins.
    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    pub(crate) fn put(&self, area: Rect, target: Target) {
        self.0.borrow_mut().push((area, target));
    }

    /// What lies on top at a cell, and where it is.
    pub(crate) fn at(&self, column: u16, row: u16) -> Option<(Rect, Target)> {
        let place = Position::new(column, row);
        self.0.borrow().iter().rev().find(|(area, _)| area.contains(place)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_drawn_last_lies_on_top_until_the_next_frame() {
        let hits = Hits::default();
        hits.put(Rect::new(0, 0, 10, 10), Target::Field(1));
        hits.put(Rect::new(2, 2, 3, 1), Target::Choice(0));
        assert_eq!(hits.at(3, 2), Some((Rect::new(2, 2, 3, 1), Target::Choice(0))));
        assert_eq!(hits.at(3, 3).map(|(_, target)| target), Some(Target::Field(1)));
        assert_eq!(hits.at(10, 0), None);
        hits.clear();
        assert_eq!(hits.at(3, 2), None);
    }
}
