//! Bars: how far something is, and how much of each.

use super::fit::in_view;
use super::pen::{put, put_before, shorten, width};
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

/// How far something is (`share`, 0 to 1), in one row.
#[derive(Clone, Debug)]
pub(crate) struct Progress<'a> {
    pub(crate) label: &'a str,
    pub(crate) share: f64,
    /// The text behind the bar; percent if empty.
    pub(crate) text: &'a str,
    pub(crate) theme: &'a Theme,
    pub(crate) glyphs: Glyphs,
}

/// One row of a list of bars, with a text behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: f64,
    pub(crate) text: String,
}

/// Horizontal bars with their values: how many images of each class, how many of them right.
#[derive(Clone, Debug)]
pub(crate) struct Bars<'a> {
    pub(crate) rows: &'a [Bar],
    /// The value of a full bar; the greatest where `None`.
    pub(crate) full: Option<f64>,
    /// The row that is pointed at; what is too long scrolls with it.
    pub(crate) cursor: Option<usize>,
    pub(crate) theme: &'a Theme,
    pub(crate) glyphs: Glyphs,
}

/// A bar as text: `share` of `cells` filled, to an eighth of a cell where there are such signs.
fn bar(share: f64, cells: u16, glyphs: Glyphs) -> (String, String) {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let parts = glyphs.eighths();
    let fine = parts.len() + 1;
    let filled = (share * f64::from(cells) * fine as f64).round() as usize;
    let whole = filled / fine;
    let part = (filled % fine).checked_sub(1).map_or("", |part| parts[part]);
    let rest = usize::from(cells) - whole - usize::from(!part.is_empty());
    (format!("{}{part}", glyphs.full().repeat(whole)), glyphs.empty().repeat(rest))
}

impl Widget for &Progress<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let share = if self.share.is_nan() { 0.0 } else { self.share.clamp(0.0, 1.0) };
        // Rounded down: only a full bar says 100 %.
        let percent = format!("{:3.0}%", (100.0 * share + 1e-9).floor());
        let text = if self.text.is_empty() { percent.into() } else { self.glyphs.text(self.text) };
        let label = shorten(&self.glyphs.text(self.label), area.width / 3, self.glyphs);
        let mut column = put(buffer, area, (area.x, area.y), &label, self.theme.text);
        column += u16::from(!label.is_empty());
        let room = area.right().saturating_sub(column);
        let cells = room.saturating_sub(width(&text) + 1);
        if cells > 0 {
            let (filled, rest) = bar(share, cells, self.glyphs);
            column = put(buffer, area, (column, area.y), &filled, self.theme.good);
            column = put(buffer, area, (column, area.y), &rest, self.theme.border) + 1;
        }
        let text = shorten(&text, area.right().saturating_sub(column), self.glyphs);
        put(buffer, area, (column, area.y), &text, self.theme.text);
    }
}

impl Widget for &Bars<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let longest =
            |text: fn(&Bar) -> &str| self.rows.iter().map(|bar| width(text(bar))).max().unwrap_or(0);
        let label_cells = longest(|bar| &bar.label).min(area.width / 3);
        let text_cells = longest(|bar| &bar.text).min(area.width / 5 * 2);
        let cells = area.width.saturating_sub(label_cells + text_cells + 2);
        let greatest =
            self.rows.iter().map(|bar| bar.value).filter(|value| value.is_finite()).fold(0.0, f64::max);
        let full = self.full.filter(|full| full.is_finite() && *full > 0.0).unwrap_or(greatest);
        for (index, line) in in_view(area, self.cursor.unwrap_or(0), self.rows.len()) {
            let (row, item) = (line.y, &self.rows[index]);
            let here = self.cursor == Some(index);
            if here {
                buffer.set_style(line, self.theme.selected);
            }
            let pick = |style: Style| if here { self.theme.selected } else { style };
            let label = shorten(&self.glyphs.text(&item.label), label_cells, self.glyphs);
            put(buffer, area, (area.x, row), &label, pick(self.theme.text));
            let left = area.x.saturating_add(label_cells + 1);
            let share = if full > 0.0 { item.value / full } else { 0.0 };
            let (filled, _) = bar(share, cells, self.glyphs);
            put(buffer, area, (left, row), &filled, self.theme.curve(0));
            let text = shorten(&self.glyphs.text(&item.text), text_cells, self.glyphs);
            if area.right().saturating_sub(width(&text)) > left {
                put_before(buffer, line, area.right(), &text, pick(self.theme.text));
            }
        }
    }
}

#[cfg(test)]
mod tests;
