//! The six screens' states. Drawing them is in `view`.

use ratatui::layout::Rect;

pub(crate) mod data;
pub(crate) mod inspect;
pub(crate) mod log;
pub(crate) mod recipe;
pub(crate) mod runs;
pub(crate) mod train;

/// What a screen is drawn in, on a terminal of so many columns and rows: all but tabs and footer.
pub(crate) fn body((columns, rows): (u16, u16)) -> Rect {
    Rect::new(0, 1.min(rows), columns, rows.saturating_sub(3))
}
