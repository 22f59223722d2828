//! The reuse of features within the dense blocks: figure 5 of the paper, a map for each block.

use ratatui::layout::Rect;

use crate::protocol::event::{Inspection, Reuse};
use crate::ui::canvas::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::screens::inspect::view::parts::footer;
use crate::ui::widgets::axis::unit::Unit;
use crate::ui::widgets::fit::from_top;
use crate::ui::widgets::heat::Heat;

/// Cells of the name of a target, with the one behind it.
const LABEL: usize = 7;
/// Cells between two maps.
const GAP: usize = 2;

/// What there is to say of a network that is not dense.
const WITHOUT: &str = "No map: only a layer of a dense network reads every layer before it by weights of its own. In a plain \
                       network a layer reads the one before it alone, in a residual one the sum of all before it, in which no \
                       weight tells one from another.";

pub(crate) fn draw(screen: &InspectScreen, found: &Inspection, canvas: &mut Canvas, area: Rect) {
    let blocks = &found.reuse;
    if blocks.is_empty() {
        return canvas.prose(WITHOUT, canvas.theme.dim, area);
    }
    let legend = if screen.by_row {
        "row reads column; shade: mean |w| over the row's greatest (n: |w| itself)"
    } else {
        "row reads column; shade: mean |w|, as in the paper's figure 5 (n: by row)"
    };
    let area = footer(canvas, &screen.pointed(), legend, area);
    let Some(chosen) = blocks.get(screen.block) else { return };
    let widths: Vec<usize> = blocks.iter().map(|of| LABEL + 2 * sources(of)).collect();
    let needed = widths.iter().sum::<usize>() + GAP * (blocks.len() - 1);
    if blocks.len() < 2 || needed > usize::from(area.width) {
        return map(screen, found, chosen, canvas, area);
    }
    let spare = (usize::from(area.width) - needed) / blocks.len();
    let mut left = area.x;
    for (of, width) in blocks.iter().zip(widths) {
        // A cell is three columns at most, or holds its number.
        let width = (width + spare.min(6 * sources(of))) as u16;
        map(screen, found, of, canvas, Rect { x: left, width, ..area }.intersection(area));
        left += width + GAP as u16;
    }
}

fn sources(of: &Reuse) -> usize {
    of.cells.first().map_or(0, Vec::len)
}

fn map(screen: &InspectScreen, found: &Inspection, of: &Reuse, canvas: &mut Canvas, area: Rect) {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let here = of.block.saturating_sub(1) == screen.block;
    let (line, body) = from_top(area, 1);
    let sign = if here { glyphs.closed() } else { " " };
    let text = format!("{sign} block {} of {}", of.block, found.reuse.len());
    canvas.text(text, if here { theme.title } else { theme.dim }, line);
    let mut columns: Vec<String> = (0..sources(of)).map(|source| source.to_string()).collect();
    columns.iter_mut().take(1).for_each(|input| *input = "in".into());
    let last = of.cells.len().saturating_sub(1);
    let mut rows: Vec<String> = (1..=of.cells.len()).map(|target| target.to_string()).collect();
    let end = if of.block == found.reuse.len() { "class." } else { "trans." };
    rows.iter_mut().skip(last).for_each(|target| *target = end.into());
    let values: Vec<f64> = of.cells.iter().flat_map(|row| shades(row, screen.by_row)).collect();
    let most = found.reuse.iter().flat_map(|of| of.cells.iter().flatten().flatten());
    let most = if screen.by_row { 1.0 } else { most.copied().fold(0.0, f64::max) };
    let heat = Heat {
        rows: &rows,
        columns: &columns,
        values: &values,
        range: Some((0.0, most)),
        unit: Unit::Number,
        cursor: here.then_some(screen.link),
        marked: Some(last),
        theme,
        glyphs,
    };
    canvas.render_widget(&heat, body);
}

/// The values of a target's row; NaN where it reads nothing.
fn shades(row: &[Option<f64>], by_row: bool) -> impl Iterator<Item = f64> {
    let most = row.iter().flatten().copied().fold(0.0, f64::max);
    let scale = if by_row && most > 0.0 { most } else { 1.0 };
    row.iter().map(move |cell| cell.map_or(f64::NAN, |weight| weight / scale))
}
