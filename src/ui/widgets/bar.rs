//! Bars: how far something is, and how much of each.

use super::pen::{put, shorten, width};
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

/// How far something is, in one row.
#[derive(Clone, Debug)]
pub(crate) struct Progress<'a> {
    /// What it is.
    pub(crate) label: &'a str,
    /// How far, 0 to 1.
    pub(crate) share: f64,
    /// What is said behind the bar; percent where empty.
    pub(crate) text: &'a str,
    /// Colours.
    pub(crate) theme: &'a Theme,
    /// Signs.
    pub(crate) glyphs: Glyphs,
}

/// One row of a list of bars.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    /// What it is.
    pub(crate) label: String,
    /// How long.
    pub(crate) value: f64,
    /// What is written behind it.
    pub(crate) text: String,
}

/// Horizontal bars with their values: how many images of each class, how many of them right.
#[derive(Clone, Debug)]
pub(crate) struct Bars<'a> {
    /// From top to bottom.
    pub(crate) rows: &'a [Bar],
    /// The value of a full bar; the greatest where `None`.
    pub(crate) full: Option<f64>,
    /// The row that is pointed at; what is too long scrolls with it.
    pub(crate) cursor: Option<usize>,
    /// Which of the theme's curves the bars look like.
    pub(crate) style: usize,
    /// Colours.
    pub(crate) theme: &'a Theme,
    /// Signs.
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
        // Rounded down: full is said only of what is full.
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

impl Bars<'_> {
    /// The first bar that shows in so many rows.
    fn first(&self, rows: u16) -> usize {
        let rows = usize::from(rows);
        let cursor = self.cursor.unwrap_or(0);
        cursor.saturating_sub(rows / 2).min(self.rows.len().saturating_sub(rows))
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
        let shown = self.rows.iter().enumerate().skip(self.first(area.height));
        for (row, (place, item)) in (area.top()..area.bottom()).zip(shown) {
            let here = self.cursor == Some(place);
            if here {
                buffer.set_style(Rect { y: row, height: 1, ..area }, self.theme.selected);
            }
            let pick = |style: Style| if here { self.theme.selected } else { style };
            let label = shorten(&self.glyphs.text(&item.label), label_cells, self.glyphs);
            put(buffer, area, (area.x, row), &label, pick(self.theme.text));
            let left = area.x.saturating_add(label_cells + 1);
            let share = if full > 0.0 { item.value / full } else { 0.0 };
            let (filled, _) = bar(share, cells, self.glyphs);
            put(buffer, area, (left, row), &filled, self.theme.curve(self.style));
            let text = shorten(&self.glyphs.text(&item.text), text_cells, self.glyphs);
            let right = area.right().saturating_sub(width(&text));
            if right > left {
                put(buffer, area, (right, row), &text, pick(self.theme.text));
            }
        }
    }
}

#[cfg(test)]
mod tests;
