//! The values of all lines at the cursor, in a small box beside it.

use super::frame::Frame;
use super::{Chart, Line};
use crate::ui::widgets::axis::unit::value;
use crate::ui::widgets::pen::{self, put, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use std::fmt::Write;

/// Below this (cells) a plot has no room for a box.
const LEAST: (u16, u16) = (10, 2);

/// The point that is nearest in x, if the line is anywhere near the cursor.
fn nearest(points: &[(f64, f64)], x: f64, (left, right): (f64, f64)) -> Option<(f64, f64)> {
    let first = points.iter().find(|point| !point.0.is_nan())?.0;
    let last = points.iter().rev().find(|point| !point.0.is_nan())?.0;
    if last < left || first > right {
        return None;
    }
    let apart = |point: &&(f64, f64)| (point.0 - x).abs();
    points.iter().min_by(|a, b| apart(a).total_cmp(&apart(b))).copied()
}

/// A line's row: its value, the raw one where it is smoothed, and where it is when that is not `x`.
fn row_of(chart: &Chart<'_>, frame: &Frame, line: &Line<'_>, x: f64, near: (f64, f64)) -> String {
    let number = |y: f64| value(y, chart.y.unit);
    let name = chart.glyphs.text(line.name);
    let Some((place, y)) = nearest(line.points, x, near) else { return format!("{name} -") };
    let mut row = format!("{name} {}", number(y)).trim_start().to_owned();
    if let Some((_, raw)) = nearest(line.faint, x, near) {
        let _ = write!(row, " (raw {})", number(raw));
    }
    if frame.column(chart, place) != frame.column(chart, x) {
        let _ = write!(row, " at {}", value(place, chart.x.unit));
    }
    row
}

pub(super) fn draw(chart: &Chart<'_>, frame: &Frame, column: u16, buffer: &mut Buffer) {
    let (plot, theme) = (frame.plot, chart.theme);
    let asked = chart.cursor.unwrap_or_default().clamp(frame.x.0, frame.x.1);
    let near = frame.near(chart, asked);
    // The values are measured ones: of the nearest points, not interpolated.
    let points = || chart.lines.iter().filter_map(|line| nearest(line.points, asked, near));
    let apart = |point: &(f64, f64)| (point.0 - asked).abs();
    let x = points().min_by(|a, b| apart(a).total_cmp(&apart(b))).map_or(asked, |point| point.0);
    for line in &chart.lines {
        let Some((place, y)) = nearest(line.points, x, near) else { continue };
        if let (Some(column), Some(row)) = (frame.column(chart, place), frame.row(chart, y)) {
            let style = theme.curve(line.style).remove_modifier(Modifier::DIM).add_modifier(Modifier::BOLD);
            pen::dot(buffer, plot, (column, row), chart.glyphs.point(), style);
        }
    }
    if plot.width < LEAST.0 || plot.height < LEAST.1 {
        return;
    }
    let label = if chart.x.label.is_empty() { "x" } else { &chart.x.label };
    let head = format!("{} {}", chart.glyphs.text(label), value(x, chart.x.unit));
    let mut rows = vec![(head, theme.title)];
    for line in &chart.lines {
        rows.push((row_of(chart, frame, line, x, near), theme.curve(line.style)));
    }
    rows.truncate(usize::from(plot.height));
    let wanted = rows.iter().map(|(text, _)| width(text)).max().unwrap_or(0).saturating_add(2);
    let right = plot.right() - column - 1;
    let left = column - plot.left();
    // To the right where it fits; otherwise on the side with more room.
    let (begin, cells) = if wanted <= right || right >= left {
        (column + 1, wanted.min(right))
    } else {
        (column - wanted.min(left), wanted.min(left))
    };
    let area = Rect::new(begin, plot.top(), cells, rows.len() as u16);
    for (row, (text, style)) in (area.top()..).zip(rows) {
        pen::fill(buffer, Rect { y: row, height: 1, ..area }, " ", Style::reset().patch(theme.text));
        let text = pen::shorten(&text, cells.saturating_sub(2), chart.glyphs);
        put(buffer, area, (begin + 1, row), &text, style);
    }
}
