//! Curves over an axis: in Braille dots, or in a character each where Braille or colour is missing.
//! Where things lie is a pure function of the chart and its area, for the drawing and for the mouse.

mod canvas;
mod draw;
mod frame;
mod readout;

use super::axis::Axis;
use super::pen;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;

/// Share of the height that a fitted y axis leaves free above and below.
const MARGIN: f64 = 0.03;

/// Markers for lines whose own cannot be drawn.
const MARKERS: [char; 6] = ['*', '+', 'o', 'x', '#', '@'];

#[derive(Clone, Debug)]
pub(crate) struct Chart<'a> {
    /// The curves; later ones lie on top.
    pub(crate) lines: Vec<Line<'a>>,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Lone points, over the curves; later ones lie on top.
    pub(crate) dots: &'a [Dot],
    /// Where something happened.
    pub(crate) marks: &'a [Mark],
    /// The x that is read out.
    pub(crate) cursor: Option<f64>,
    pub(crate) theme: &'a Theme,
    pub(crate) glyphs: Glyphs,
}

/// A curve: points in order of x; NaN is a gap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// As the legend calls it.
    pub(crate) name: &'a str,
    pub(crate) points: &'a [(f64, f64)],
    /// The raw curve behind a smoothed one; may be empty.
    pub(crate) faint: &'a [(f64, f64)],
    /// Lower and upper end of the band around it, in order of x; may be empty.
    pub(crate) band: &'a [(f64, f64, f64)],
    /// Which of the theme's curves it looks like.
    pub(crate) style: usize,
    /// Draws it without Braille.
    pub(crate) marker: char,
}

/// A lone point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dot {
    pub(crate) at: (f64, f64),
    /// How far the bar through it reaches up and down; 0 for none.
    pub(crate) spread: f64,
    /// Which of the theme's curves it looks like.
    pub(crate) style: usize,
    pub(crate) marker: char,
    /// Under the cursor.
    pub(crate) selected: bool,
}

/// Something that happened at an x: a vertical line with a sign on top.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) x: f64,
    pub(crate) glyph: char,
    /// Its text in the legend.
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
        let curves = self.lines.iter().flat_map(|line| line.points.iter().chain(line.faint).copied());
        let ends =
            self.lines.iter().flat_map(|line| line.band).flat_map(|&(x, low, high)| [(x, low), (x, high)]);
        let bar = |dot: &Dot| {
            let (x, y) = dot.at;
            [(x, y - dot.spread), (x, y), (x, y + dot.spread)]
        };
        let points = || curves.clone().chain(ends.clone()).chain(self.dots.iter().flat_map(bar));
        // A point at the very edge would lie on the axis.
        let margin = if self.dots.is_empty() { 0.0 } else { MARGIN };
        let x = self.x.fit(points().map(|(x, _)| x), margin);
        let seen = points().filter(|(place, _)| (x.0..=x.1).contains(place));
        (x, self.y.fit(seen.map(|(_, y)| y), MARGIN))
    }

    /// Points that x shows and y has no room or no place for.
    fn off_scale(&self, (x, y): ((f64, f64), (f64, f64))) -> usize {
        let hidden = |point: &(f64, f64)| {
            let beside = self.x.takes(point.0) && !(x.0..=x.1).contains(&point.0);
            let drawn = self.x.takes(point.0) && self.y.takes(point.1) && (y.0..=y.1).contains(&point.1);
            !beside && !drawn
        };
        let curves = self.lines.iter().flat_map(Line::raw);
        curves.filter(|point| hidden(point)).count() + self.dots.iter().filter(|dot| hidden(&dot.at)).count()
    }

    /// Whether markers distinguish the lines instead of colours of Braille.
    fn by_markers(&self) -> bool {
        !self.glyphs.unicode || (self.theme.is_monochrome() && self.lines.len() > 1)
    }

    /// The marker of a lone point: its own where the terminal can show it.
    fn marker_of(&self, dot: &Dot) -> char {
        if self.shows(dot.marker) { dot.marker } else { MARKERS[dot.style % MARKERS.len()] }
    }

    /// The marker of a line: its own where the terminal can show it in one cell.
    fn marker(&self, line: &Line<'_>) -> char {
        let own = line.marker;
        if own != ' ' && self.shows(own) { own } else { MARKERS[line.style % MARKERS.len()] }
    }

    /// The sign of a mark, under the same condition.
    fn sign(&self, mark: &Mark) -> char {
        if self.shows(mark.glyph) { mark.glyph } else { '!' }
    }

    fn shows(&self, sign: char) -> bool {
        (self.glyphs.unicode || sign.is_ascii())
            && !sign.is_control()
            && pen::width(sign.encode_utf8(&mut [0; 4])) == 1
    }
}

#[cfg(test)]
mod tests;
