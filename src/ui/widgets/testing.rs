//! Shared by the tests of the widgets.

use crate::ui::style::theme::Theme;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

/// A built-in theme.
pub(super) fn theme(name: &str) -> Theme {
    Theme::builtin(name).expect("built in")
}

/// Fails when drawing touches a cell outside of the area, on a screen larger than it on every side, or
/// goes wrong on a screen smaller than it.
pub(super) fn stays_inside(area: Rect, draw: impl Fn(Rect, &mut Buffer)) -> Result<(), TestCaseError> {
    let screen = Rect::new(0, 0, area.right() + 3, area.bottom() + 3);
    let untouched = Cell::new("%");
    let mut buffer = Buffer::filled(screen, untouched.clone());
    draw(area, &mut buffer);
    for (index, cell) in buffer.content.iter().enumerate() {
        let at = buffer.pos_of(index);
        prop_assert!(area.contains(at.into()) || *cell == untouched, "outside, at {:?}: {:?}", at, cell);
    }
    let mut small = Buffer::empty(Rect::new(area.x, area.y, area.width / 2, area.height / 2));
    draw(area, &mut small);
    Ok(())
}
