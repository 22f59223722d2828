//! Training images, each beside what augmentation makes of it in epoch 1.

use crate::ui::hits::Canvas;
use crate::ui::screens::data::state::DataScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::protocol::event::{Preview, Sample};
use crate::ui::screens::data::state::{GAP, Places};
use crate::ui::widgets::pane::{cut, pane, scrolled};
use crate::ui::widgets::picture::Picture;

pub(crate) fn draw(
    screen: &DataScreen,
    ws: &Workspace,
    found: &Preview,
    places: &Places,
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let pairs = places.pairs;
    let rows = found.samples.len().div_ceil(pairs.columns);
    let first = scrolled(screen.row / pairs.columns, rows, pairs.rows) * pairs.columns;
    let shown = (pairs.columns * pairs.rows).min(found.samples.len() - first.min(found.samples.len()));
    let heading = format!(
        " before {} after augmentation, {}{}{} of {} ",
        ws.settings.glyphs.arrow(),
        (first + 1).min(found.samples.len()),
        ws.settings.glyphs.dash(),
        first + shown,
        found.samples.len()
    );
    let block = pane(
        &ws.settings.theme,
        ws.settings.glyphs,
        cut(&heading, usize::from(area.width).saturating_sub(2)),
        true,
    );
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    let (across, down) = (2 * pairs.picture + 2 * GAP, pairs.picture.div_ceil(2) + 1);
    for (place, sample) in found.samples.iter().enumerate().skip(first).take(shown) {
        let (column, row) = ((place - first) % pairs.columns, (place - first) / pairs.columns);
        let tile = Rect::new(
            inner.x + column as u16 * across,
            inner.y + row as u16 * down,
            2 * pairs.picture + GAP,
            down,
        )
        .intersection(inner);
        if tile.is_empty() {
            continue;
        }
        pair(ws, found, sample, pairs.picture, canvas, tile);
        let name = found.classes.get(sample.label).map_or("?", String::as_str);
        let text = format!("{} {}", sample.label, ws.settings.glyphs.text(name));
        let style = if place == screen.row { theme.selected } else { theme.dim };
        let line = Rect { y: tile.bottom() - 1, height: 1, ..tile };
        canvas.render_widget(Span::styled(cut(&text, usize::from(line.width)), style), line);
    }
}

/// The image before, an arrow, the image after.
fn pair(ws: &Workspace, found: &Preview, sample: &Sample, width: u16, canvas: &mut Canvas, tile: Rect) {
    let (level, glyphs) = (ws.settings.theme.level, ws.settings.glyphs);
    let height = tile.height.saturating_sub(1);
    let left = Rect { width: width.min(tile.width), height, ..tile };
    let right = Rect { x: tile.x + width + GAP, width, height, ..tile }.intersection(tile);
    for (planes, area) in [(&sample.before, left), (&sample.after, right)] {
        canvas.render_widget(&Picture { planes, side: found.side, level, glyphs }, area);
    }
    let arrow = Rect { x: tile.x + width + GAP / 2, y: tile.y + height / 2, width: 1, height: 1 };
    canvas.render_widget(Span::styled(glyphs.arrow(), ws.settings.theme.accent), arrow.intersection(tile));
}
