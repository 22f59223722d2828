//! A confusion matrix: counts by label and prediction, shaded by their share of the label, what is right
//! and what is wrong in two colours; with sums, recall and precision where they have room.

use super::fit::scrolled;
use super::pen::{self, put, put_before, shorten, width};
use crate::ui::style::colours::{ColourLevel, blend, ink, rgb};
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Widget;

/// Cells of the labels: of what the margins are called, and at most.
const LABEL: (u16, u16) = (9, 16);
/// Cells of a number in the margins.
const MARGIN: u16 = 7;
/// Cells of a column at most.
const WIDEST: u16 = 8;

#[derive(Clone, Debug)]
pub(crate) struct Matrix<'a> {
    pub(crate) classes: &'a [String],
    /// `counts[label][prediction]`.
    pub(crate) counts: &'a [Vec<usize>],
    /// Label and prediction that are pointed at; what is too large scrolls with them.
    pub(crate) cursor: (usize, usize),
    pub(crate) theme: &'a Theme,
    pub(crate) glyphs: Glyphs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    label: u16,
    cell: u16,
    /// Whether the counts are written.
    pub(crate) numbers: bool,
    /// The first label and prediction that show, and how many do.
    pub(crate) first: (usize, usize),
    pub(crate) shown: (usize, usize),
    /// Numbers to the right of each row, of images and recall.
    right: u16,
    /// Whether two rows below have the sums and the precision of each column.
    below: bool,
}

impl Grid {
    /// Cells across and down that are drawn in.
    pub(crate) fn size(&self) -> (u16, u16) {
        let across = self.label + 1 + self.shown.1 as u16 * self.cell + self.right * MARGIN;
        (across, 1 + self.shown.0 as u16 + 2 * u16::from(self.below))
    }
}

impl Matrix<'_> {
    fn count(&self, label: usize, prediction: usize) -> usize {
        self.counts.get(label).and_then(|row| row.get(prediction)).copied().unwrap_or(0)
    }

    fn images(&self, label: usize) -> usize {
        self.counts.get(label).map_or(0, |row| row.iter().sum())
    }

    fn predicted(&self, prediction: usize) -> usize {
        (0..self.counts.len()).map(|label| self.count(label, prediction)).sum()
    }

    /// A class as its row is called.
    fn name(&self, label: usize, numbered: bool) -> String {
        let name = self.glyphs.text(&self.classes[label]);
        if numbered { format!("{label:>2} {name}") } else { name.into_owned() }
    }

    pub(crate) fn grid(&self, area: Rect) -> Grid {
        let classes = self.classes.len().min(usize::from(u16::MAX));
        let most = self.counts.iter().flatten().max().copied().unwrap_or(0);
        let digits = (most.to_string().len() as u16 + 1).max(4);
        let longest =
            |numbered| (0..classes).map(|class| width(&self.name(class, numbered))).max().unwrap_or(0);
        let label = longest(false).clamp(LABEL.0, LABEL.1).min(area.width / 3);
        let room = area.width.saturating_sub(label + 1);
        let numbers = (classes as u16).saturating_mul(digits) <= room;
        let (label, digits) = if numbers {
            (label, digits)
        } else {
            (longest(true).clamp(LABEL.0, LABEL.1).min(area.width / 3), 1)
        };
        let room = area.width.saturating_sub(label + 1);
        let needed = (classes as u16).saturating_mul(digits);
        let right = if needed + 2 * MARGIN <= room {
            2
        } else {
            u16::from(needed + MARGIN <= room || (!numbers && room >= 40))
        };
        let room = room.saturating_sub(right * MARGIN);
        let cell =
            (room / (classes as u16).max(1)).clamp(digits, if numbers { WIDEST } else { 3 }.max(digits));
        let below = numbers && usize::from(area.height) >= classes + 3;
        let rows = usize::from(area.height.saturating_sub(1 + 2 * u16::from(below)));
        let shown = (rows.min(classes), usize::from(room / cell).min(classes));
        let first = (scrolled(self.cursor.0, classes, shown.0), scrolled(self.cursor.1, classes, shown.1));
        Grid { label, cell, numbers, first, shown, right, below }
    }

    /// The look of a share of a label's images, right or wrong.
    fn tone(&self, share: f64, right: bool) -> Style {
        let theme = self.theme;
        let role = if right { theme.good } else { theme.bad };
        if share <= 0.0 {
            return theme.dim;
        }
        if theme.level == ColourLevel::None || role.fg.and_then(rgb).is_none() {
            let modifier = if right { Modifier::BOLD } else { Modifier::UNDERLINED };
            return if right || share >= 0.1 { theme.text.add_modifier(modifier) } else { theme.text };
        }
        let (under, over) = (theme.text.bg.and_then(rgb), role.fg.and_then(rgb));
        match (under, over) {
            (Some(under), Some(over)) if theme.level >= ColourLevel::C256 => {
                // Few mistakes are to show as well as many.
                let strength = if right { 0.1 + 0.6 * share } else { 0.1 + 0.8 * share.sqrt() };
                let [r, g, b] = blend(under, over, strength);
                let ground = theme.level.map(Color::Rgb(r, g, b));
                ink(ground).bg(ground)
            }
            _ if share >= 0.25 => role.fg.map_or(role, |colour| ink(colour).bg(colour)),
            _ => Style { bg: theme.text.bg, ..role },
        }
    }

    fn cell(&self, buffer: &mut Buffer, area: Rect, grid: &Grid, (label, prediction): (usize, usize)) {
        let (count, images) = (self.count(label, prediction), self.images(label));
        let share = if images > 0 { count as f64 / images as f64 } else { 0.0 };
        let here = self.cursor == (label, prediction);
        let style = self.tone(share, label == prediction);
        let style = if here { style.add_modifier(Modifier::REVERSED) } else { style };
        if grid.numbers {
            pen::fill(buffer, area, " ", style);
            return put_before(buffer, area, area.right().saturating_sub(1), &count.to_string(), style);
        }
        let shades = self.glyphs.shades();
        let index = (share.sqrt() * (shades.len() - 1) as f64).ceil() as usize;
        let filled = style.bg.is_some_and(|ground| Some(ground) != self.theme.text.bg);
        let sign = if filled && share > 0.0 { " " } else { shades[index.min(shades.len() - 1)] };
        pen::fill(buffer, area, sign, style);
    }

    fn row(&self, buffer: &mut Buffer, area: Rect, grid: &Grid, label: usize) {
        let mark = if self.cursor.0 == label { self.theme.focus } else { self.theme.text };
        let name = shorten(&self.name(label, !grid.numbers), grid.label, self.glyphs);
        put_before(buffer, area, area.x + grid.label, &name, mark);
        let left = area.x + grid.label + 1;
        for shown in 0..grid.shown.1 {
            let cell = Rect::new(left + shown as u16 * grid.cell, area.y, grid.cell, 1).intersection(area);
            self.cell(buffer, cell, grid, (label, grid.first.1 + shown));
        }
        let mut right = left + grid.shown.1 as u16 * grid.cell;
        let recall = percent(self.count(label, label), self.images(label));
        let margins =
            if grid.right == 2 { vec![self.images(label).to_string(), recall] } else { vec![recall] };
        for text in margins.into_iter().take(usize::from(grid.right)) {
            put(buffer, area, (right, area.y), &format!("{text:>6}"), self.theme.dim);
            right += MARGIN;
        }
    }

    /// The predictions above their columns: abbreviated, or the numbers of every tenth.
    fn head(&self, buffer: &mut Buffer, area: Rect, grid: &Grid) {
        let theme = self.theme;
        let corner = shorten("true/pred", grid.label, self.glyphs);
        put(buffer, area, (area.x, area.y), &corner, theme.dim);
        let left = area.x + grid.label + 1;
        for shown in 0..grid.shown.1 {
            let class = grid.first.1 + shown;
            let style = if self.cursor.1 == class { theme.focus } else { theme.dim };
            let at = left + shown as u16 * grid.cell;
            if grid.numbers {
                let name: String = self.name(class, false).chars().take(usize::from(grid.cell) - 1).collect();
                let cell = Rect { x: at, width: grid.cell, ..area };
                put_before(buffer, cell.intersection(area), at + grid.cell - 1, &name, style);
            } else if class.is_multiple_of(10) || shown == 0 && class % 10 < 7 {
                put(buffer, area, (at, area.y), &class.to_string(), theme.dim);
            }
        }
        let mut right = left + grid.shown.1 as u16 * grid.cell;
        for text in ["images", "recall"].into_iter().skip(2 - usize::from(grid.right)) {
            put(buffer, area, (right, area.y), text, theme.dim);
            right += MARGIN;
        }
    }

    /// How often each class was predicted, and the precision of that.
    fn foot(&self, buffer: &mut Buffer, area: Rect, grid: &Grid) {
        type Text<'a> = &'a dyn Fn(usize) -> String;
        let sums: Text<'_> = &|class| self.predicted(class).to_string();
        let precision: Text<'_> = &|class| percent(self.count(class, class), self.predicted(class));
        for (row, name, text) in [(0, "predicted", sums), (1, "precision", precision)] {
            let area = Rect { y: area.y + row, height: 1, ..area };
            let name = shorten(name, grid.label, self.glyphs);
            put_before(buffer, area, area.x + grid.label, &name, self.theme.dim);
            for shown in 0..grid.shown.1 {
                let mut text = text(grid.first.1 + shown);
                if width(&text) >= grid.cell {
                    text = text.split('.').next().unwrap_or_default().to_owned();
                }
                let end = area.x + grid.label + 1 + (shown as u16 + 1) * grid.cell - 1;
                put_before(buffer, area, end, &text, self.theme.dim);
            }
        }
    }
}

/// A share in percent, without the sign; a dash of none.
fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "-".into() } else { format!("{:.1}", 100.0 * part as f64 / whole as f64) }
}

impl Widget for &Matrix<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() || self.classes.is_empty() {
            return;
        }
        let grid = self.grid(area);
        self.head(buffer, Rect { height: 1, ..area }, &grid);
        for shown in 0..grid.shown.0 {
            let row = Rect { y: area.y + 1 + shown as u16, height: 1, ..area };
            self.row(buffer, row, &grid, grid.first.0 + shown);
        }
        if grid.below {
            let top = area.y + 1 + grid.shown.0 as u16;
            self.foot(buffer, Rect { y: top, height: 2, ..area }, &grid);
        }
    }
}

#[cfg(test)]
mod tests;
