//! The confusion matrix, and the pairs that are confused most.

use crate::format::grouped;
use crate::ui::hits::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::protocol::event::Inspection;
use crate::ui::screens::inspect::pairs::worst;
use crate::ui::screens::inspect::view::{class, footed, readout};
use crate::ui::screens::inspect::words::{images, share};
use crate::ui::widgets::matrix::{Grid, Matrix};
use crate::ui::widgets::pane::cut;

/// Cells that the list of pairs needs beside the matrix.
const SIDE: u16 = 34;

pub(crate) fn draw(
    screen: &InspectScreen,
    ws: &Workspace,
    found: &Inspection,
    canvas: &mut Canvas,
    area: Rect,
) {
    let (theme, glyphs) = (&ws.settings.theme, ws.settings.glyphs);
    let matrix =
        Matrix { classes: &found.classes, counts: &found.confusion, cursor: screen.cell, theme, glyphs };
    let (above, line) = footed(area);
    let (above, total) = footed(above);
    let pairs_beside = above.width >= SIDE + 50;
    let room = Rect { width: above.width - if pairs_beside { SIDE } else { 0 }, ..above };
    let grid = matrix.grid(room);
    canvas.render_widget(&matrix, room);
    readout(ws, &screen.pointed(), canvas, line);
    canvas
        .render_widget(Span::styled(cut(&sum(ws, found, &grid), usize::from(total.width)), theme.dim), total);
    let (across, down) = grid.size();
    let list = if pairs_beside {
        let left = above.x + (across + 3).min(above.width - SIDE + 2);
        Rect { x: left, width: above.right() - left, ..above }
    } else {
        let top = (above.y + down + 1).min(above.bottom());
        Rect { y: top, height: above.bottom() - top, ..above }
    };
    canvas.render_widget(Paragraph::new(pairs(screen, ws, found, list)), list);
}

/// What the matrix is, what of it shows, and how many images it counts.
fn sum(ws: &Workspace, found: &Inspection, grid: &Grid) -> String {
    let classes = found.classes.len();
    let right: usize = (0..classes).filter_map(|class| found.confusion.get(class)?.get(class)).sum();
    let part = |name: &str, first: usize, shown: usize| {
        if shown < classes {
            let dash = ws.settings.glyphs.dash();
            format!("; {name} {}{dash}{} of {classes}", (first + 1).min(first + shown), first + shown)
        } else {
            String::new()
        }
    };
    format!(
        "sum {} images, {} right ({}){}{}",
        grouped(images(found) as u64),
        grouped(right as u64),
        share(right, images(found)),
        part("rows", grid.first.0, grid.shown.0),
        part("columns", grid.first.1, grid.shown.1)
    )
}

/// The pairs that are confused most.
fn pairs<'a>(screen: &InspectScreen, ws: &Workspace, found: &Inspection, area: Rect) -> Vec<Line<'a>> {
    let theme = &ws.settings.theme;
    if area.height < 2 {
        return Vec::new();
    }
    let mut lines = vec![Line::styled("most confused (enter: its pictures)", theme.title)];
    let arrow = ws.settings.glyphs.arrow();
    let room = (usize::from(area.width).saturating_sub(18) / 2).clamp(6, 16);
    for pair in worst(found, usize::from(area.height) - 1) {
        let all = found.confusion[pair.label].iter().sum();
        let here = screen.cell == (pair.label, pair.prediction);
        lines.push(Line::styled(
            format!(
                "{:>room$} {arrow} {:<room$}{:>5}{:>8}",
                cut(&class(ws, found, pair.label), room),
                cut(&class(ws, found, pair.prediction), room),
                pair.images,
                share(pair.images, all)
            ),
            if here { theme.selected } else { theme.text },
        ));
    }
    if lines.len() == 1 {
        lines = vec![Line::styled("every image was right.", theme.good)];
    }
    lines
}
