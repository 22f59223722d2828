//! Curves over an axis: in Braille dots, or in a character each where Braille or colour is missing.
//! Where things lie is a pure function of the chart and its area, for the drawing and for the mouse.

mod canvas;
mod frame;
mod readout;

use super::axis::Axis;
use super::pen;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;
use canvas::Canvas;
use frame::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

/// Share of the height that a fitted y axis leaves free above and below.
const MARGIN: f64 = 0.03;

/// Markers for lines whose own cannot be drawn.
const MARKERS: [char; 6] = ['*', '+', 'o', 'x', '#', '@'];

/// A chart, as plain data.
#[derive(Clone, Debug)]
pub(crate) struct Chart<'a> {
    /// What stands above it.
    pub(crate) title: &'a str,
    /// The curves; later ones lie on top.
    pub(crate) lines: Vec<Line<'a>>,
    /// The horizontal axis.
    pub(crate) x: Axis,
    /// The vertical axis.
    pub(crate) y: Axis,
    /// Where something happened.
    pub(crate) marks: &'a [Mark],
    /// The x that is read out.
    pub(crate) cursor: Option<f64>,
    /// Colours.
    pub(crate) theme: &'a Theme,
    /// Signs.
    pub(crate) glyphs: Glyphs,
}

/// A curve: points in order of x; NaN is a gap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// As the legend calls it.
    pub(crate) name: &'a str,
    /// What is drawn.
    pub(crate) points: &'a [(f64, f64)],
    /// The raw curve behind a smoothed one; may be empty.
    pub(crate) faint: &'a [(f64, f64)],
    /// Which of the theme's curves it looks like.
    pub(crate) style: usize,
    /// What draws it without Braille.
    pub(crate) marker: char,
}

/// Something that happened at an x: a vertical line with a sign on top.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    /// Where.
    pub(crate) x: f64,
    /// The sign.
    pub(crate) glyph: char,
    /// What the legend says of it.
    pub(crate) label: String,
}

impl<'a> Line<'a> {
    /// The points as they were measured.
    fn raw(&self) -> &'a [(f64, f64)] {
        if self.faint.is_empty() { self.points } else { self.faint }
    }
}

impl Chart<'_> {
    /// The ends of both axes: those that were asked for, or fitted; y to what x shows.
    pub(crate) fn bounds(&self) -> ((f64, f64), (f64, f64)) {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().chain(line.faint));
        let x = self.x.fit(points().map(|(x, _)| *x), 0.0);
        let seen = points().filter(|(place, _)| (x.0..=x.1).contains(place));
        (x, self.y.fit(seen.map(|(_, y)| *y), MARGIN))
    }

    /// The rectangle that the curves are drawn in.
    pub(crate) fn plot(&self, area: Rect) -> Rect {
        Frame::of(self, area).plot
    }

    /// Points that x shows and y has no room or no place for.
    fn off_scale(&self, (x, y): ((f64, f64), (f64, f64))) -> usize {
        let hidden = |point: &(f64, f64)| {
            let beside = self.x.takes(point.0) && !(x.0..=x.1).contains(&point.0);
            let drawn = self.x.takes(point.0) && self.y.takes(point.1) && (y.0..=y.1).contains(&point.1);
            !beside && !drawn
        };
        self.lines.iter().map(|line| line.raw().iter().filter(|point| hidden(point)).count()).sum()
    }

    /// Whether lines are told apart by their markers instead of Braille in colours.
    fn by_markers(&self) -> bool {
        !self.glyphs.unicode || (self.theme.is_monochrome() && self.lines.len() > 1)
    }

    /// The marker of a line: its own where the terminal can show it in one cell.
    fn marker(&self, line: &Line<'_>) -> char {
        let own = line.marker;
        let fits = (self.glyphs.unicode || own.is_ascii())
            && own != ' '
            && pen::width(own.encode_utf8(&mut [0; 4])) == 1;
        if fits && !own.is_control() { own } else { MARKERS[line.style % MARKERS.len()] }
    }

    /// The sign of a mark, under the same condition.
    fn sign(&self, mark: &Mark) -> char {
        let own = mark.glyph;
        let fits = self.glyphs.unicode || own.is_ascii();
        if fits && !own.is_control() && pen::width(own.encode_utf8(&mut [0; 4])) == 1 { own } else { '!' }
    }

    fn curves(&self, frame: &Frame, buffer: &mut Buffer) -> bool {
        let mut canvas = Canvas::new(frame.plot);
        for (number, line) in self.lines.iter().enumerate() {
            canvas.curve(number, true, line.faint.iter().map(|point| frame.share(self, *point)));
        }
        for (number, line) in self.lines.iter().enumerate() {
            canvas.curve(number, false, line.points.iter().map(|point| frame.share(self, *point)));
        }
        let by_markers = self.by_markers();
        let mut any = false;
        for (at, ink) in canvas.inked() {
            any = true;
            let line = &self.lines[ink.line];
            let style = if ink.faint { self.theme.faint(line.style) } else { self.theme.curve(line.style) };
            let sign = match (by_markers, ink.faint) {
                (false, _) => ink.braille(),
                (true, true) => self.glyphs.dot().chars().next().unwrap_or('.'),
                (true, false) => self.marker(line),
            };
            pen::dot(buffer, frame.plot, at, sign.encode_utf8(&mut [0; 4]), style);
        }
        any
    }

    fn marks(&self, frame: &Frame, buffer: &mut Buffer, lines: bool) {
        for mark in self.marks {
            let Some(column) = frame.column(self, mark.x) else { continue };
            let plot = frame.plot;
            if lines {
                for row in plot.top() + 1..plot.bottom() {
                    pen::dot(buffer, plot, (column, row), self.glyphs.dashed(), self.theme.dim);
                }
            } else {
                let at = (column, plot.top());
                pen::dot(buffer, plot, at, self.sign(mark).encode_utf8(&mut [0; 4]), self.theme.warn);
            }
        }
    }
}

impl Widget for &Chart<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let frame = Frame::of(self, area);
        frame.draw(self, buffer);
        self.marks(&frame, buffer, true);
        let cursor = self.cursor.and_then(|x| frame.cursor(self, x));
        if let Some(column) = cursor {
            for row in frame.plot.top()..frame.plot.bottom() {
                pen::dot(buffer, frame.plot, (column, row), self.glyphs.vertical(), self.theme.accent);
            }
        }
        let any = self.curves(&frame, buffer);
        self.marks(&frame, buffer, false);
        if any {
            if let Some(column) = cursor {
                readout::draw(self, &frame, column, buffer);
            }
        } else {
            let text = "nothing to show yet";
            let left = frame.plot.left() + frame.plot.width.saturating_sub(pen::width(text)) / 2;
            let row = frame.plot.top() + frame.plot.height / 2;
            pen::put(buffer, frame.plot, (left, row), text, self.theme.dim);
        }
    }
}

impl Widget for Chart<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        (&self).render(area, buffer);
    }
}

/// A style that stands out of its line.
fn strong(style: Style) -> Style {
    style.remove_modifier(Modifier::DIM).add_modifier(Modifier::BOLD)
}

#[cfg(test)]
mod tests;
