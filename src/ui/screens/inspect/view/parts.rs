//! Parts that several views share.

use ratatui::layout::Rect;

use crate::protocol::event::Inspection;
use crate::ui::canvas::Canvas;
use crate::ui::screens::inspect::words::name;
use crate::ui::widgets::fit::{cut, from_bottom};

/// The read-out of the cursor in the last line of an area, a legend above it; the rest of the area.
pub(super) fn footer(canvas: &mut Canvas, pointed: &str, legend: &str, area: Rect) -> Rect {
    let (line, rest) = from_bottom(area, 1);
    readout(canvas, pointed, line);
    let (line, rest) = from_bottom(rest, 1);
    canvas.text(legend, canvas.theme.dim, line);
    rest
}

pub(super) fn readout(canvas: &mut Canvas, text: &str, area: Rect) {
    canvas.text(canvas.glyphs.text(text), canvas.theme.accent, area);
}

/// A class by its name, as the terminal can show it.
pub(super) fn class(canvas: &Canvas, found: &Inspection, label: usize) -> String {
    canvas.glyphs.text(name(found, label)).into_owned()
}

/// The names of a label and a prediction, each cut to `room`.
pub(super) fn pair(canvas: &Canvas, found: &Inspection, of: (usize, usize), room: usize) -> [String; 2] {
    [of.0, of.1].map(|label| cut(&class(canvas, found, label), room))
}
