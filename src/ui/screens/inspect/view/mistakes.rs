//! The most confident mistakes as pictures: a gallery, or a list with one of them.

use crate::ui::hits::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::protocol::event::{Inspection, Mistake};
use crate::ui::screens::inspect::places::{CAPTION, Gallery, Places};
use crate::ui::screens::inspect::view::class;
use crate::ui::widgets::pane::{cut, scrolled};
use crate::ui::widgets::picture::Picture;

/// Cells of the list beside a picture.
const LIST: u16 = 43;

pub(crate) fn draw(
    screen: &InspectScreen,
    ws: &Workspace,
    found: &Inspection,
    places: &Places,
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let mistakes = screen.mistakes();
    let line = Rect { height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let about = about(screen, ws, found, mistakes.len());
    canvas.render_widget(Span::styled(cut(&about, usize::from(line.width)), theme.dim), line);
    if mistakes.is_empty() || body.is_empty() {
        return;
    }
    match places.gallery {
        // News above the view may have taken the last row of pictures.
        Some(gallery) => {
            let rows = usize::from(body.height / gallery.tile().1).max(1);
            grid(screen, ws, found, &mistakes, Gallery { rows, ..gallery }, canvas, body);
        }
        None => list(screen, ws, found, &mistakes, canvas, body),
    }
}

/// What is listed.
fn about(screen: &InspectScreen, ws: &Workspace, found: &Inspection, shown: usize) -> String {
    let Some((label, prediction)) = screen.pair else {
        return if found.mistakes.is_empty() {
            "every image was right.".into()
        } else {
            format!("the {shown} wrong images that the network is surest of, the worst first")
        };
    };
    let all = found.confusion.get(label).and_then(|row| row.get(prediction)).copied().unwrap_or(0);
    format!(
        "{shown} of the {all} images of {} that the network says are {}; esc shows all mistakes",
        class(ws, found, label),
        class(ws, found, prediction)
    )
}

fn grid(
    screen: &InspectScreen,
    ws: &Workspace,
    found: &Inspection,
    all: &[&Mistake],
    gallery: Gallery,
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let (across, down) = gallery.tile();
    let here = screen.mistake.min(all.len() - 1);
    let rows = all.len().div_ceil(gallery.columns);
    let first = scrolled(here / gallery.columns, rows, gallery.rows) * gallery.columns;
    for (shown, of) in all.iter().skip(first).take(gallery.columns * gallery.rows).enumerate() {
        let (column, row) = ((shown % gallery.columns) as u16, (shown / gallery.columns) as u16);
        let tile = Rect::new(area.x + column * across, area.y + row * down, gallery.picture, down);
        let tile = tile.intersection(area);
        let picture = Rect { height: tile.height.saturating_sub(CAPTION), ..tile };
        draw_picture(ws, found, of, canvas, picture);
        let style = if first + shown == here { theme.selected } else { theme.text };
        let caption = Rect { y: picture.bottom(), height: tile.height - picture.height, ..tile };
        canvas.render_widget(Paragraph::new(captions(ws, found, of, tile.width)).style(style), caption);
    }
}

/// What it is and what the network says; how sure, and which image.
fn captions<'a>(ws: &Workspace, found: &Inspection, of: &Mistake, width: u16) -> Vec<Line<'a>> {
    let arrow = ws.settings.glyphs.arrow();
    let room = (usize::from(width).saturating_sub(3) / 2).max(4);
    vec![
        Line::raw(format!(
            "{} {arrow} {}",
            cut(&class(ws, found, of.label), room),
            cut(&class(ws, found, of.prediction), room)
        )),
        Line::raw(format!("{:.2} % #{}", 100.0 * of.probability, of.index)),
    ]
}

fn list(
    screen: &InspectScreen,
    ws: &Workspace,
    found: &Inspection,
    all: &[&Mistake],
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let width = LIST.min(area.width * 3 / 5);
    let place = Rect { width, ..area };
    let right = Rect { x: area.x + width + 1, width: area.width.saturating_sub(width + 1), ..area };
    let here = screen.mistake.min(all.len() - 1);
    let first = scrolled(here, all.len(), usize::from(place.height));
    let room = (usize::from(width).saturating_sub(13) / 2).max(4);
    let arrow = ws.settings.glyphs.arrow();
    let lines = all.iter().enumerate().skip(first).take(usize::from(place.height)).map(|(row, of)| {
        let text = format!(
            "{:>room$} {arrow} {:<room$} {:>6.2} %",
            cut(&class(ws, found, of.label), room),
            cut(&class(ws, found, of.prediction), room),
            100.0 * of.probability
        );
        Line::styled(text, if row == here { theme.selected } else { theme.text })
    });
    canvas.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), place);
    let picture = Rect { height: right.height.saturating_sub(1), ..right };
    let drawn = draw_picture(ws, found, all[here], canvas, picture);
    let below = Rect { y: drawn.bottom(), height: 1, ..right }.intersection(right);
    let text = format!("image #{}; {} of {} here", all[here].index, here + 1, all.len());
    canvas.render_widget(Span::styled(cut(&text, usize::from(below.width)), theme.dim), below);
}

/// The image; the cells it takes.
fn draw_picture(ws: &Workspace, found: &Inspection, of: &Mistake, canvas: &mut Canvas, area: Rect) -> Rect {
    let (level, glyphs) = (ws.settings.theme.level, ws.settings.glyphs);
    let image = Picture { planes: &of.pixels, side: found.side, level, glyphs };
    let cells = image.fit(area);
    canvas.render_widget(&image, cells);
    cells
}
