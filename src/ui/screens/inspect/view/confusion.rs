//! The confusion matrix, and the pairs that are confused most.

use crate::format::grouped;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::protocol::event::Inspection;
use crate::ui::canvas::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::screens::inspect::view::parts::{footer, pair as names};
use crate::ui::screens::inspect::words::{images, share, worst};
use crate::ui::widgets::fit::from_bottom;
use crate::ui::widgets::matrix::{Grid, Matrix};

/// Cells that the list of pairs needs beside the matrix.
const SIDE: u16 = 34;

pub(crate) fn draw(screen: &InspectScreen, found: &Inspection, canvas: &mut Canvas, area: Rect) {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let matrix =
        Matrix { classes: &found.classes, counts: &found.confusion, cursor: screen.cell, theme, glyphs };
    let (_, above) = from_bottom(area, 2);
    let pairs_beside = above.width >= SIDE + 50;
    let room = Rect { width: above.width - if pairs_beside { SIDE } else { 0 }, ..above };
    let grid = matrix.grid(room);
    canvas.render_widget(&matrix, room);
    footer(canvas, &screen.pointed(), &sum(canvas, found, &grid), area);
    let (across, down) = grid.size();
    let list = if pairs_beside {
        let left = above.x + (across + 3).min(above.width - SIDE + 2);
        Rect { x: left, width: above.right() - left, ..above }
    } else {
        let top = (above.y + down + 1).min(above.bottom());
        Rect { y: top, height: above.bottom() - top, ..above }
    };
    let pairs = pairs(screen, canvas, found, list);
    canvas.render_widget(Paragraph::new(pairs), list);
}

/// The number of images in the matrix, and the part of it in view.
fn sum(canvas: &Canvas, found: &Inspection, grid: &Grid) -> String {
    let classes = found.classes.len();
    let right: usize = (0..classes).filter_map(|class| found.confusion.get(class)?.get(class)).sum();
    let part = |name: &str, first: usize, shown: usize| {
        let (dash, last) = (canvas.glyphs.dash(), first + shown);
        let text = format!("; {name} {}{dash}{last} of {classes}", (first + 1).min(last));
        if shown < classes { text } else { String::new() }
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
fn pairs<'a>(screen: &InspectScreen, canvas: &Canvas, found: &Inspection, area: Rect) -> Vec<Line<'a>> {
    let theme = canvas.theme;
    if area.height < 2 {
        return Vec::new();
    }
    let mut lines = vec![Line::styled("most confused (enter: its pictures)", theme.title)];
    let arrow = canvas.glyphs.arrow();
    let room = (usize::from(area.width).saturating_sub(18) / 2).clamp(6, 16);
    for pair in worst(found, usize::from(area.height) - 1) {
        let all = found.confusion[pair.label].iter().sum();
        let here = screen.cell == (pair.label, pair.prediction);
        let [label, prediction] = names(canvas, found, (pair.label, pair.prediction), room);
        let counts = format!("{:>5}{:>8}", pair.images, share(pair.images, all));
        lines.push(Line::styled(
            format!("{label:>room$} {arrow} {prediction:<room$}{counts}"),
            if here { theme.selected } else { theme.text },
        ));
    }
    if lines.len() == 1 {
        lines = vec![Line::styled("every image was right.", theme.good)];
    }
    lines
}
