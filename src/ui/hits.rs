//! The areas of a frame that can be clicked.

use ratatui::layout::{Position, Rect};

use crate::ui::keys::binding::Tab;

/// Something that can be clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Tab(Tab),
    /// A row of a part of the screen, which knows what its parts are.
    Part {
        part: usize,
        row: usize,
    },
    /// A row of the prompt.
    Choice(usize),
}

/// The targets of a frame.
#[derive(Debug, Default)]
pub(crate) struct Hits(Vec<(Rect, Target)>);

impl Hits {
    pub(crate) fn add(&mut self, area: Rect, target: Target) {
        self.0.push((area, target));
    }

    /// The topmost target at a cell, and its area.
    pub(crate) fn at(&self, column: u16, row: u16) -> Option<(Rect, Target)> {
        let position = Position::new(column, row);
        self.0.iter().rev().find(|(area, _)| area.contains(position)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_drawn_last_lies_on_top() {
        let (row, choice) = (Target::Part { part: 0, row: 1 }, Target::Choice(0));
        let hits = Hits(vec![(Rect::new(0, 0, 10, 10), row), (Rect::new(2, 2, 3, 1), choice)]);
        assert_eq!(hits.at(3, 2), Some((Rect::new(2, 2, 3, 1), choice)));
        assert_eq!(hits.at(3, 3).map(|(_, target)| target), Some(row));
        assert_eq!(hits.at(10, 0), None);
    }
}
