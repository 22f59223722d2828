//! A table of numbers as shades: a confusion matrix, the use of earlier layers by later ones.

use super::axis::unit::{Unit, value};
use super::fit::scrolled;
use super::pen::{self, put, shorten, width};
use crate::ui::style::colours::ink;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

/// Cells of the screen that a shade without a number takes at most.
const WIDEST: u16 = 3;

const SHADES: u16 = 9;

#[derive(Clone, Debug)]
pub(crate) struct Heat<'a> {
    pub(crate) rows: &'a [String],
    pub(crate) columns: &'a [String],
    /// Row after row; NaN, and what is not there, is left blank.
    pub(crate) values: &'a [f64],
    /// The least and the greatest shade; of the values where `None`.
    pub(crate) range: Option<(f64, f64)>,
    pub(crate) unit: Unit,
    /// Row and column that are pointed at; what is too large scrolls with it.
    pub(crate) cursor: Option<(usize, usize)>,
    /// A row that is not like the others.
    pub(crate) marked: Option<usize>,
    pub(crate) theme: &'a Theme,
    pub(crate) glyphs: Glyphs,
}

struct Grid {
    area: Rect,
    /// Cells of the screen per column.
    cell: u16,
    /// Whether numbers have room.
    numbers: bool,
    /// The first row and column that show, and how many do.
    first: (usize, usize),
    shown: (usize, usize),
}

impl Heat<'_> {
    fn at(&self, row: usize, column: usize) -> Option<f64> {
        self.values.get(row * self.columns.len() + column).copied().filter(|value| value.is_finite())
    }

    /// The ends of the shades.
    pub(crate) fn range(&self) -> (f64, f64) {
        if let Some((low, high)) = self.range.filter(|(low, high)| (high - low).is_finite() && low <= high) {
            return (low, high);
        }
        let finite = self.values.iter().copied().filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high { (0.0, 1.0) } else { (low, high) }
    }

    fn grid(&self, area: Rect) -> Grid {
        let label = self.rows.iter().map(|name| width(name)).max().unwrap_or(0).min(area.width / 3);
        let left = if label > 0 { label + 1 } else { 0 };
        let (top, foot) = (u16::from(area.height >= 3), u16::from(area.height >= 4));
        let grid = Rect::new(area.x + left, area.y + top, area.width - left, area.height - top - foot);
        let columns = self.columns.len().clamp(1, usize::from(u16::MAX)) as u16;
        let number = |v: &f64| width(&value(*v, self.unit)) + 1;
        let widest = self.values.iter().filter(|v| v.is_finite()).map(number).max().unwrap_or(2);
        let numbers = widest.saturating_mul(columns) <= grid.width;
        let cell = if numbers {
            widest.max((grid.width / columns).min(7))
        } else {
            (grid.width / columns).clamp(1, WIDEST)
        };
        let shown = (
            self.rows.len().min(usize::from(grid.height)),
            self.columns.len().min(usize::from(grid.width / cell)),
        );
        let cursor = self.cursor.unwrap_or_default();
        let first =
            (scrolled(cursor.0, self.rows.len(), shown.0), scrolled(cursor.1, self.columns.len(), shown.1));
        Grid { area: grid, cell, numbers, first, shown }
    }

    /// A shade over some cells, with a number where there is one.
    fn shade(&self, buffer: &mut Buffer, area: Rect, share: f64, number: &str, modifier: Modifier) {
        let from = area.right().saturating_sub(width(number)).max(area.left());
        let (sign, style) = match self.theme.heat_at(share) {
            Some(colour) => (" ", ink(colour).bg(colour)),
            None => (self.sign(share), self.theme.text),
        };
        let style = style.add_modifier(modifier);
        // Signs close to a number would be read as part of it.
        pen::fill(buffer, area, if number.is_empty() { sign } else { " " }, style);
        pen::dot(buffer, area, (area.x, area.y), sign, style);
        put(buffer, area, (from, area.y), number, style);
    }

    /// The shade of a share where there is no colour.
    fn sign(&self, share: f64) -> &'static str {
        let shades = self.glyphs.shades();
        let index = (share * (shades.len() - 1) as f64).round() as usize;
        shades[index.min(shades.len() - 1)]
    }

    fn labels(&self, area: Rect, grid: &Grid, buffer: &mut Buffer) {
        let theme = self.theme;
        let marked = |here: bool| if here { theme.focus } else { theme.dim };
        let left = grid.area.x - area.x;
        for shown in 0..grid.shown.0 {
            let row = grid.first.0 + shown;
            let name = shorten(&self.glyphs.text(&self.rows[row]), left.saturating_sub(1), self.glyphs);
            let here = self.cursor.is_some_and(|cursor| cursor.0 == row);
            let style = if !here && self.marked == Some(row) { theme.title } else { marked(here) };
            let line = Rect { y: grid.area.y + shown as u16, height: 1, ..area };
            pen::put_before(buffer, line, grid.area.x.saturating_sub(1), &name, style);
        }
        if grid.area.y == area.y {
            return;
        }
        // Narrow columns are named one by one only as far as the names have room.
        let names = &self.columns[grid.first.1..grid.first.1 + grid.shown.1];
        let longest = names.iter().map(|name| width(name)).max().unwrap_or(0);
        let every = if grid.cell >= 4 {
            1
        } else {
            (usize::from(longest) + 1).div_ceil(usize::from(grid.cell)).max(1)
        };
        for (shown, name) in names.iter().enumerate() {
            let here = self.cursor.is_some_and(|cursor| cursor.1 == grid.first.1 + shown);
            if !shown.is_multiple_of(every) {
                continue;
            }
            let room = grid.cell.saturating_mul(every as u16);
            let name = shorten(&self.glyphs.text(name), room - u16::from(room > 1), self.glyphs);
            let left = grid.area.x + shown as u16 * grid.cell;
            let left = if grid.numbers { left + grid.cell.saturating_sub(width(&name)) } else { left };
            put(buffer, area, (left, area.y), &name, marked(here));
        }
    }

    /// The range from its least to its greatest shade, and what part of the table shows.
    fn legend(&self, area: Rect, grid: &Grid, buffer: &mut Buffer) {
        let row = Rect::new(area.x, grid.area.y + grid.shown.0 as u16, area.width, 1);
        let (low, high) = self.range();
        let mut column = put(buffer, row, (row.x, row.y), &value(low, self.unit), self.theme.dim) + 1;
        for shade in 0..SHADES {
            let cell = Rect::new(column, row.y, 1, 1).intersection(row);
            if !cell.is_empty() {
                self.shade(buffer, cell, f64::from(shade) / f64::from(SHADES - 1), "", Modifier::empty());
            }
            column += 1;
        }
        column = put(buffer, row, (column + 1, row.y), &value(high, self.unit), self.theme.dim) + 2;
        let part = |name: &str, first: usize, shown: usize, all: usize| {
            let text = format!("{name} {}-{} of {all}", first + 1, first + shown);
            if shown < all { text } else { String::new() }
        };
        for text in [
            part("rows", grid.first.0, grid.shown.0, self.rows.len()),
            part("columns", grid.first.1, grid.shown.1, self.columns.len()),
        ] {
            column = put(buffer, row, (column, row.y), &text, self.theme.dim) + u16::from(!text.is_empty());
        }
    }
}

impl Widget for &Heat<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let grid = self.grid(area);
        let (low, high) = self.range();
        for down in 0..grid.shown.0 {
            for across in 0..grid.shown.1 {
                let (row, column) = (grid.first.0 + down, grid.first.1 + across);
                let here = self.cursor == Some((row, column));
                let modifier = if here { Modifier::REVERSED } else { Modifier::empty() };
                let left = grid.area.x + across as u16 * grid.cell;
                let cell = Rect::new(left, grid.area.y + down as u16, grid.cell, 1);
                let Some(number) = self.at(row, column) else {
                    buffer.set_style(cell.intersection(area), Style::new().add_modifier(modifier));
                    continue;
                };
                let share = if high > low { ((number - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
                let text = if grid.numbers { value(number, self.unit) } else { String::new() };
                self.shade(buffer, cell, share, &text, modifier);
            }
        }
        self.labels(area, &grid, buffer);
        if grid.area.bottom() < area.bottom() {
            self.legend(area, &grid, buffer);
        }
    }
}

#[cfg(test)]
mod tests;
