//! The reuse of features within the dense blocks: figure 5 of the paper, a map for each block.

use crate::ui::hits::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::protocol::event::{Inspection, Reuse};
use crate::ui::screens::inspect::view::{footed, readout};
use crate::ui::widgets::axis::Unit;
use crate::ui::widgets::heat::Heat;
use crate::ui::widgets::pane::cut;

/// Cells of the name of a target, with the one behind it.
const LABEL: usize = 7;
/// Cells between two maps.
const GAP: usize = 2;

pub(crate) fn draw(
    screen: &InspectScreen,
    ws: &Workspace,
    found: &Inspection,
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let blocks = &found.reuse;
    let (above, line) = footed(area);
    let (above, legend) = footed(above);
    readout(ws, &screen.pointed(), canvas, line);
    let what = if screen.by_row {
        "row reads column; shade: mean |w| over the row's greatest (n: |w| itself)"
    } else {
        "row reads column; shade: mean |w|, as in the paper's figure 5 (n: by row)"
    };
    canvas.render_widget(Span::styled(cut(what, usize::from(legend.width)), theme.dim), legend);
    let Some(chosen) = blocks.get(screen.block) else { return };
    let widths: Vec<usize> = blocks.iter().map(|of| LABEL + 2 * sources(of)).collect();
    let needed = widths.iter().sum::<usize>() + GAP * (blocks.len() - 1);
    if blocks.len() < 2 || needed > usize::from(above.width) {
        return map(screen, ws, found, chosen, canvas, above);
    }
    let spare = (usize::from(above.width) - needed) / blocks.len();
    let mut left = above.x;
    for (of, width) in blocks.iter().zip(widths) {
        // A cell is three columns at most, or holds its number.
        let width = (width + spare.min(6 * sources(of))) as u16;
        map(screen, ws, found, of, canvas, Rect { x: left, width, ..above }.intersection(above));
        left += width + GAP as u16;
    }
}

fn sources(of: &Reuse) -> usize {
    of.cells.first().map_or(0, Vec::len)
}

fn map(
    screen: &InspectScreen,
    ws: &Workspace,
    found: &Inspection,
    of: &Reuse,
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let place = of.block.saturating_sub(1);
    let here = place == screen.block;
    let line = Rect { height: area.height.min(1), ..area };
    let body = Rect { y: area.y + line.height, height: area.height - line.height, ..area };
    let sign = if here { ws.settings.glyphs.closed() } else { " " };
    let text = format!("{sign} block {} of {}", of.block, found.reuse.len());
    let style = if here { theme.title } else { theme.dim };
    canvas.render_widget(Span::styled(cut(&text, usize::from(line.width)), style), line);
    let columns: Vec<String> =
        (0..sources(of)).map(|source| if source == 0 { "in".into() } else { source.to_string() }).collect();
    let last = of.cells.len().saturating_sub(1);
    let end = if of.block == found.reuse.len() { "class." } else { "trans." };
    let rows: Vec<String> = (0..of.cells.len())
        .map(|target| if target == last { end.into() } else { (target + 1).to_string() })
        .collect();
    let values: Vec<f64> = of.cells.iter().flat_map(|row| shades(row, screen.by_row)).collect();
    let most = found.reuse.iter().flat_map(|of| of.cells.iter().flatten().flatten());
    let most = if screen.by_row { 1.0 } else { most.copied().fold(0.0, f64::max) };
    let heat = Heat {
        rows: &rows,
        columns: &columns,
        values: &values,
        range: Some((0.0, most)),
        unit: Unit::Number,
        numbers: true,
        cursor: here.then_some(screen.link),
        marked: Some(last),
        theme,
        glyphs: ws.settings.glyphs,
    };
    canvas.render_widget(&heat, body);
}

/// The values of a target's row; NaN where it reads nothing.
fn shades(row: &[Option<f64>], by_row: bool) -> impl Iterator<Item = f64> {
    let most = row.iter().flatten().copied().fold(0.0, f64::max);
    let scale = if by_row && most > 0.0 { most } else { 1.0 };
    row.iter().map(move |cell| cell.map_or(f64::NAN, |weight| weight / scale))
}
