//! Writing into a buffer without leaving an area.

use crate::ui::style::glyphs::Glyphs;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

/// Cells that a text takes.
pub(crate) fn width(text: &str) -> u16 {
    Span::raw(text).width().min(usize::from(u16::MAX)) as u16
}

/// Writes a text at a cell, as much of it as lies in the area; the column behind it.
pub(crate) fn put(buffer: &mut Buffer, area: Rect, at: (u16, u16), text: &str, style: Style) -> u16 {
    let area = area.intersection(buffer.area);
    let (x, y) = at;
    if x < area.left() || x >= area.right() || y < area.top() || y >= area.bottom() {
        return x;
    }
    buffer.set_stringn(x, y, text, usize::from(area.right() - x), style).0
}

/// Sets one cell to a character one cell wide; what was bold or dim there is no longer.
pub(crate) fn dot(buffer: &mut Buffer, area: Rect, at: (u16, u16), sign: &str, style: Style) {
    if area.contains(at.into())
        && let Some(cell) = buffer.cell_mut(at)
    {
        cell.modifier = Modifier::empty();
        cell.set_symbol(sign).set_style(style);
    }
}

/// Fills an area with a character one cell wide.
pub(crate) fn fill(buffer: &mut Buffer, area: Rect, sign: &str, style: Style) {
    area.positions().for_each(|at| dot(buffer, area, at.into(), sign, style));
}

/// Writes a text that ends before a column, in the first row of an area; what has no room there is cut at the end.
pub(crate) fn put_before(buffer: &mut Buffer, area: Rect, end: u16, text: &str, style: Style) {
    put(buffer, area, (end.saturating_sub(width(text)).max(area.x), area.y), text, style);
}

/// The text in at most `cells` cells, an ellipsis for what was cut off.
pub(crate) fn shorten(text: &str, cells: u16, glyphs: Glyphs) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 1;
    for letter in text.chars() {
        used += Span::raw(letter.to_string()).width();
        if used > usize::from(cells) {
            break;
        }
        short.push(letter);
    }
    if cells > 0 {
        short.push_str(glyphs.ellipsis());
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_its_cells_with_an_ellipsis() {
        let glyphs = Glyphs { unicode: true };
        assert_eq!(shorten("validation", 10, glyphs), "validation");
        assert_eq!(shorten("validation", 6, glyphs), "valid…");
        assert_eq!(shorten("宽宽宽", 4, glyphs), "宽…");
        assert_eq!(shorten("validation", 1, glyphs), "…");
        assert_eq!(shorten("validation", 0, glyphs), "");
        assert_eq!(shorten("validation", 4, Glyphs { unicode: false }), "val~");
    }
}
