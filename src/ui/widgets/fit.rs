//! Text and lists that fit into an area, and areas cut in two.

use ratatui::layout::Rect;

/// Text cut to `width` columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}

/// The first of `count` rows in view, so that `row` is in view too, where `height` rows are.
pub(crate) fn scrolled(row: usize, count: usize, height: usize) -> usize {
    row.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// The rows of a list that are in view, so that `row` is among them, with their places.
pub(crate) fn in_view(area: Rect, row: usize, count: usize) -> impl Iterator<Item = (usize, Rect)> {
    (scrolled(row, count, usize::from(area.height))..count).zip(area.rows())
}

/// At most `rows` rows at the top of an area, and the rest of it.
pub(crate) fn from_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let height = rows.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// At most `rows` rows at the bottom of an area, and the rest of it.
pub(crate) fn from_bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    let (rest, bottom) = from_top(area, area.height.saturating_sub(rows));
    (bottom, rest)
}
