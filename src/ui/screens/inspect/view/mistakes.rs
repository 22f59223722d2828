//! The most confident mistakes as pictures: a gallery, or a list with one of them.

use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::protocol::event::{Inspection, Mistake};
use crate::ui::canvas::Canvas;
use crate::ui::screens::inspect::places::{CAPTION, Gallery};
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::screens::inspect::view::parts::{class, pair};
use crate::ui::widgets::fit::{from_bottom, from_top, in_view, scrolled};
use crate::ui::widgets::picture::Picture;

/// Cells of the list beside a picture.
const LIST: u16 = 43;

pub(crate) fn draw(
    screen: &InspectScreen,
    found: &Inspection,
    gallery: Option<Gallery>,
    canvas: &mut Canvas,
    area: Rect,
) {
    let all = screen.mistakes();
    let (line, body) = from_top(area, 1);
    canvas.text(about(screen, canvas, found, all.len()), canvas.theme.dim, line);
    if all.is_empty() || body.is_empty() {
        return;
    }
    let here = screen.mistake.min(all.len() - 1);
    match gallery {
        // News above the view may have taken the last row of pictures.
        Some(gallery) => {
            let rows = usize::from(body.height / gallery.tile().1).max(1);
            grid(found, &all, here, Gallery { rows, ..gallery }, canvas, body);
        }
        None => list(found, &all, here, canvas, body),
    }
}

fn about(screen: &InspectScreen, canvas: &Canvas, found: &Inspection, shown: usize) -> String {
    match screen.pair {
        None if found.mistakes.is_empty() => "every image was right.".into(),
        None => format!("the {shown} wrong images that the network is surest of, the worst first"),
        Some((label, prediction)) => {
            let all = found.confusion.get(label).and_then(|row| row.get(prediction)).copied().unwrap_or(0);
            let [label, prediction] = [label, prediction].map(|of| class(canvas, found, of));
            format!(
                "{shown} of the {all} images of {label} predicted as {prediction}; esc shows all mistakes"
            )
        }
    }
}

fn grid(
    found: &Inspection,
    all: &[&Mistake],
    here: usize,
    gallery: Gallery,
    canvas: &mut Canvas,
    area: Rect,
) {
    let (across, down) = gallery.tile();
    let rows = all.len().div_ceil(gallery.columns);
    let first = scrolled(here / gallery.columns, rows, gallery.rows) * gallery.columns;
    for (shown, of) in all.iter().skip(first).take(gallery.columns * gallery.rows).enumerate() {
        let (column, row) = ((shown % gallery.columns) as u16, (shown / gallery.columns) as u16);
        let tile = Rect::new(area.x + column * across, area.y + row * down, gallery.picture, down);
        let (caption, picture) = from_bottom(tile.intersection(area), CAPTION);
        draw_picture(found, of, canvas, picture);
        let style = if first + shown == here { canvas.theme.selected } else { canvas.theme.text };
        let room = (usize::from(caption.width).saturating_sub(3) / 2).max(4);
        let [label, prediction] = pair(canvas, found, (of.label, of.prediction), room);
        let lines = vec![
            Line::raw(format!("{label} {} {prediction}", canvas.glyphs.arrow())),
            Line::raw(format!("{:.2} % #{}", 100.0 * of.probability, of.index)),
        ];
        canvas.render_widget(Paragraph::new(lines).style(style), caption);
    }
}

fn list(found: &Inspection, all: &[&Mistake], here: usize, canvas: &mut Canvas, area: Rect) {
    let theme = canvas.theme;
    let width = LIST.min(area.width * 3 / 5);
    let left = Rect { width, ..area };
    let right = Rect { x: area.x + width + 1, width: area.width.saturating_sub(width + 1), ..area };
    let room = (usize::from(width).saturating_sub(13) / 2).max(4);
    let arrow = canvas.glyphs.arrow();
    for (row, at) in in_view(left, here, all.len()) {
        let of = all[row];
        let [label, prediction] = pair(canvas, found, (of.label, of.prediction), room);
        let text = format!("{label:>room$} {arrow} {prediction:<room$} {:>6.2} %", 100.0 * of.probability);
        canvas.text(text, if row == here { theme.selected } else { theme.text }, at);
    }
    let picture = Rect { height: right.height.saturating_sub(1), ..right };
    let drawn = draw_picture(found, all[here], canvas, picture);
    let below = Rect { y: drawn.bottom(), height: 1, ..right }.intersection(right);
    let text = format!("image #{}; {} of {} here", all[here].index, here + 1, all.len());
    canvas.text(text, theme.dim, below);
}

/// Draws the image; returns the cells it takes.
fn draw_picture(found: &Inspection, of: &Mistake, canvas: &mut Canvas, area: Rect) -> Rect {
    let (level, glyphs) = (canvas.theme.level, canvas.glyphs);
    canvas.picture(&Picture { planes: &of.pixels, side: found.side, level, glyphs }, area)
}
