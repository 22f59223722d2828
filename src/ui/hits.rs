//! The canvas of a frame, and where the frame put what can be clicked.

use std::ops::{Deref, DerefMut};

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::ui::keys::binding::Tab;

/// Something that can be clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A screen's name.
    Tab(Tab),
    /// A row of a part of the screen, which knows what its parts are.
    Part { part: usize, row: usize },
    /// A row of what lies over the screen.
    Choice(usize),
}

/// The targets of a frame.
#[derive(Debug, Default)]
pub(crate) struct Hits(Vec<(Rect, Target)>);

impl Hits {
    /// What lies on top at a cell, and where it is.
    pub(crate) fn at(&self, column: u16, row: u16) -> Option<(Rect, Target)> {
        let position = Position::new(column, row);
        self.0.iter().rev().find(|(area, _)| area.contains(position)).copied()
    }
}

/// What a frame is drawn on.
pub(crate) struct Canvas<'a, 'b> {
    frame: &'a mut Frame<'b>,
    pub(crate) hits: Hits,
}

impl<'a, 'b> Canvas<'a, 'b> {
    pub(crate) fn new(frame: &'a mut Frame<'b>) -> Self {
        Self { frame, hits: Hits::default() }
    }

    /// Makes an area a target.
    pub(crate) fn hit(&mut self, area: Rect, target: Target) {
        self.hits.0.push((area, target));
    }
}

impl<'b> Deref for Canvas<'_, 'b> {
    type Target = Frame<'b>;

    fn deref(&self) -> &Frame<'b> {
        self.frame
    }
}

impl<'b> DerefMut for Canvas<'_, 'b> {
    fn deref_mut(&mut self) -> &mut Frame<'b> {
        self.frame
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
