//! The surroundings of the curves: where the plot lies, its legend and its axes.

use super::{Chart, Mark};
use crate::ui::widgets::axis::ticks::Tick;
use crate::ui::widgets::pen::{self, put, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Below this size (cells) an axis would take more than it gives.
const WITH_AXES: (u16, u16) = (16, 5);

/// From this height on, the x axis has a line of its own.
const WITH_LINE: u16 = 8;

/// Shares beyond this are as good as this, and products with a size stay finite.
const FAR: f64 = 1e6;

pub(super) struct Frame {
    /// The rows above the plot.
    head: Rect,
    pub(super) plot: Rect,
    /// The ends of the axes.
    pub(super) x: (f64, f64),
    y: (f64, f64),
    /// Labels of the y axis; none where there is no room for axes.
    y_ticks: Vec<Tick>,
    legend: Vec<Entry>,
    axes: bool,
    line: bool,
}

/// A piece of the legend: a sign, what it stands for, and where it is put.
struct Entry {
    sign: String,
    sign_style: Style,
    text: String,
    text_style: Style,
    at: Option<(u16, u16)>,
}

impl Entry {
    fn new(sign: impl Into<String>, sign_style: Style, text: impl Into<String>, text_style: Style) -> Self {
        Self { sign: sign.into(), sign_style, text: text.into(), text_style, at: None }
    }

    fn width(&self) -> u16 {
        let gap = u16::from(!self.sign.is_empty());
        width(&self.sign).saturating_add(gap).saturating_add(width(&self.text))
    }
}

impl Frame {
    pub(super) fn of(chart: &Chart<'_>, area: Rect) -> Self {
        let (x, y) = chart.bounds();
        let axes = area.width >= WITH_AXES.0 && area.height >= WITH_AXES.1;
        let line = axes && area.height >= WITH_LINE;
        let mut legend = entries(chart, (x, y));
        let most = match area.height {
            0..3 => 0,
            3..8 => 1,
            8..16 => 2,
            _ => 3,
        };
        let rows = flow(&mut legend, area.width, most);
        let foot = if axes { 1 + u16::from(line) } else { 0 };
        let height = area.height.saturating_sub(rows + foot);
        let y_ticks = if axes {
            let most = usize::from(height / 2).clamp(1, 12);
            chart.y.ticks(y, |ticks| ticks.len() <= most)
        } else {
            Vec::new()
        };
        let widest = y_ticks.iter().map(|tick| width(&tick.label)).max().unwrap_or(0);
        let gutter = if axes { widest.min(area.width / 3) + 1 } else { 0 };
        let plot = Rect::new(area.x + gutter, area.y + rows, area.width - gutter, height);
        let head = Rect::new(area.x, area.y, area.width, rows);
        Self { head, plot, x, y, y_ticks, legend, axes, line }
    }

    /// Both shares of a point; `None` where it has no place.
    pub(super) fn share(&self, chart: &Chart<'_>, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = (chart.x.share(self.x, x)?, chart.y.share(self.y, y)?);
        Some((x.clamp(-FAR, FAR), y.clamp(-FAR, FAR)))
    }

    /// The column of an x; `None` beside the plot.
    pub(super) fn column(&self, chart: &Chart<'_>, x: f64) -> Option<u16> {
        let share = chart.x.share(self.x, x).filter(|share| (0.0..=1.0).contains(share))?;
        let dots = f64::from(self.plot.width) * 2.0 - 1.0;
        (self.plot.width > 0).then(|| self.plot.left() + ((share * dots).round() / 2.0) as u16)
    }

    /// The column of the cursor, at an edge where its x lies beyond.
    pub(super) fn cursor(&self, chart: &Chart<'_>, x: f64) -> Option<u16> {
        if x.is_nan() { None } else { self.column(chart, x.clamp(self.x.0, self.x.1)) }
    }

    /// The row of a y; `None` above and below the plot.
    pub(super) fn row(&self, chart: &Chart<'_>, y: f64) -> Option<u16> {
        let share = chart.y.share(self.y, y).filter(|share| (0.0..=1.0).contains(share))?;
        let dots = f64::from(self.plot.height) * 4.0 - 1.0;
        (self.plot.height > 0).then(|| self.plot.top() + (((1.0 - share) * dots).round() / 4.0) as u16)
    }

    /// The cell of a point; `None` beside the plot.
    pub(super) fn cell(&self, chart: &Chart<'_>, (x, y): (f64, f64)) -> Option<(u16, u16)> {
        Some((self.column(chart, x)?, self.row(chart, y)?))
    }

    /// How much of x a column covers around `x`, on both sides.
    pub(super) fn near(&self, chart: &Chart<'_>, x: f64) -> (f64, f64) {
        let share = chart.x.share(self.x, x).unwrap_or(0.0);
        let one = 1.0 / f64::from(self.plot.width.max(1));
        (chart.x.at(self.x, share - one), chart.x.at(self.x, share + one))
    }

    pub(super) fn draw(&self, chart: &Chart<'_>, buffer: &mut Buffer) {
        for entry in &self.legend {
            let Some(at) = entry.at else { continue };
            let at = (self.head.x + at.0, self.head.y + at.1);
            let next = put(buffer, self.head, at, &entry.sign, entry.sign_style);
            let gap = u16::from(!entry.sign.is_empty());
            let room = self.head.right().saturating_sub(next + gap);
            let text = pen::shorten(&entry.text, room, chart.glyphs);
            put(buffer, self.head, (next + gap, at.1), &text, entry.text_style);
        }
        if self.axes {
            self.draw_y(chart, buffer);
            self.draw_x(chart, buffer);
        }
    }

    fn draw_y(&self, chart: &Chart<'_>, buffer: &mut Buffer) {
        let (glyphs, theme, plot) = (chart.glyphs, chart.theme, self.plot);
        let area = Rect::new(self.head.x, plot.y, plot.x - self.head.x, plot.height + u16::from(self.line));
        let line = area.right() - 1;
        for row in plot.top()..plot.bottom() {
            pen::dot(buffer, area, (line, row), glyphs.vertical(), theme.border);
        }
        for tick in &self.y_ticks {
            let Some(row) = self.row(chart, tick.value) else { continue };
            let label = pen::shorten(&tick.label, area.width - 1, glyphs);
            put(buffer, area, (line - width(&label), row), &label, theme.dim);
            pen::dot(buffer, area, (line, row), glyphs.tick_left(), theme.border);
        }
        if self.line {
            pen::dot(buffer, area, (line, plot.bottom()), glyphs.corner(), theme.border);
        }
    }

    fn draw_x(&self, chart: &Chart<'_>, buffer: &mut Buffer) {
        let (glyphs, theme, plot) = (chart.glyphs, chart.theme, self.plot);
        let below = Rect::new(plot.x, plot.bottom(), plot.width, 1 + u16::from(self.line));
        if self.line {
            for column in plot.left()..plot.right() {
                pen::dot(buffer, below, (column, below.y), glyphs.horizontal(), theme.border);
            }
        }
        let row = below.bottom() - 1;
        let name = glyphs.text(&chart.x.label);
        let named = width(&name) < plot.width / 3;
        let end = if named { plot.right() - width(&name) - 1 } else { plot.right() };
        if named {
            put(buffer, below, (end + 1, row), &name, theme.dim);
        }
        for (column, left, label) in self.x_labels(chart, end) {
            put(buffer, below, (left, row), &label, theme.dim);
            if self.line {
                pen::dot(buffer, below, (column, below.y), glyphs.tick_below(), theme.border);
            }
        }
    }

    /// Labels below the plot that end before `end`, three cells apart: their tick, begin and text.
    fn x_labels(&self, chart: &Chart<'_>, end: u16) -> Vec<(u16, u16, String)> {
        let place = |tick: &Tick| {
            let column = self.column(chart, tick.value)?;
            let left = column.saturating_sub(width(&tick.label) / 2).max(self.plot.left());
            (left + width(&tick.label) <= end).then(|| (column, left, tick.label.clone()))
        };
        let ticks = chart.x.ticks(self.x, |ticks| {
            let placed: Vec<_> = ticks.iter().filter_map(place).collect();
            placed.windows(2).all(|pair| pair[0].1 + width(&pair[0].2) + 3 <= pair[1].1)
        });
        ticks.iter().filter_map(place).collect()
    }
}

/// The y axis, lines, marks and the note of what could not be drawn.
fn entries(chart: &Chart<'_>, bounds: ((f64, f64), (f64, f64))) -> Vec<Entry> {
    let (glyphs, theme) = (chart.glyphs, chart.theme);
    let plain = Style::new();
    let mut entries = Vec::new();
    if !chart.y.label.is_empty() {
        entries.push(Entry::new("", plain, glyphs.text(&chart.y.label), theme.dim));
    }
    for line in chart.lines.iter().filter(|line| !line.name.is_empty()) {
        // A line without a curve stands for lone points.
        let by_marker = chart.by_markers() || line.raw().is_empty() && !chart.dots.is_empty();
        let sign = if by_marker { chart.marker(line).to_string() } else { glyphs.horizontal().repeat(2) };
        entries.push(Entry::new(sign, theme.curve(line.style), glyphs.text(line.name), theme.text));
    }
    let mut listed: Vec<&Mark> = Vec::new();
    for mark in chart.marks {
        if listed.iter().all(|other| (other.glyph, &other.label) != (mark.glyph, &mark.label)) {
            listed.push(mark);
            let sign = chart.sign(mark).to_string();
            entries.push(Entry::new(sign, theme.warn, glyphs.text(&mark.label), theme.dim));
        }
    }
    let off = chart.off_scale(bounds);
    if off > 0 {
        entries.push(Entry::new("", plain, format!("{off} off-scale"), theme.warn));
    }
    entries
}

/// Puts the entries into rows of a width; what has no room becomes `+n`. The rows that were needed.
fn flow(entries: &mut Vec<Entry>, width: u16, most: u16) -> u16 {
    if most == 0 || entries.is_empty() || width == 0 {
        return 0;
    }
    let (mut column, mut row, mut hidden) = (0_u16, 0, 0);
    for entry in entries.iter_mut() {
        let needed = entry.width();
        let begin = if column == 0 { 0 } else { column + 2 };
        // The last row keeps room for the number that did not fit.
        let room = if row + 1 == most { width.saturating_sub(4) } else { width };
        if column == 0 || begin.saturating_add(needed) <= room {
            entry.at = Some((begin, row));
            column = begin.saturating_add(needed).min(width);
        } else if row + 1 < most {
            row += 1;
            entry.at = Some((0, row));
            column = needed.min(width);
        } else {
            hidden += 1;
        }
    }
    if hidden > 0 {
        let mut more = Entry::new("", Style::new(), format!("+{hidden}"), Style::new());
        more.at = Some((width.saturating_sub(more.width()), row));
        entries.push(more);
    }
    row + 1
}
