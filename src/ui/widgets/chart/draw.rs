//! Drawing a chart: where everything lies, then curves, marks and the read-out.

use super::canvas::Canvas;
use super::frame::Frame;
use super::{Chart, readout};
use crate::ui::widgets::pen;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

impl Chart<'_> {
    pub(crate) fn plot(&self, area: Rect) -> Rect {
        Frame::of(self, area).plot
    }

    /// The cells of the lone points; `None` for one beside the plot.
    pub(crate) fn cells(&self, area: Rect) -> Vec<Option<(u16, u16)>> {
        let frame = Frame::of(self, area);
        self.dots.iter().map(|dot| frame.cell(self, dot.at)).collect()
    }

    fn dots(&self, frame: &Frame, buffer: &mut Buffer) {
        for dot in self.dots {
            let Some((column, row)) = frame.cell(self, dot.at) else { continue };
            let plot = frame.plot;
            if dot.spread > 0.0 {
                let at = |y: f64, edge| frame.row(self, y).unwrap_or(edge);
                let (top, bottom) =
                    (at(dot.at.1 + dot.spread, plot.top()), at(dot.at.1 - dot.spread, plot.bottom() - 1));
                for row in top..=bottom {
                    pen::dot(
                        buffer,
                        plot,
                        (column, row),
                        self.glyphs.vertical(),
                        self.theme.faint(dot.style),
                    );
                }
            }
            let style = if dot.selected { self.theme.selected } else { self.theme.curve(dot.style) };
            pen::dot(buffer, plot, (column, row), self.marker_of(dot).encode_utf8(&mut [0; 4]), style);
        }
    }

    fn curves(&self, frame: &Frame, buffer: &mut Buffer) -> bool {
        let mut canvas = Canvas::new(frame.plot);
        for (number, line) in self.lines.iter().enumerate() {
            let ends = |&(x, low, high): &(f64, f64, f64)| {
                let (x, low) = frame.share(self, (x, low))?;
                Some((x, low, frame.share(self, (x, high)).map_or(low, |(_, high)| high)))
            };
            canvas.band(number, line.band.iter().map(ends));
        }
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
        self.dots(&frame, buffer);
        self.marks(&frame, buffer, false);
        if any || !self.dots.is_empty() {
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
