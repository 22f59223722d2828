//! Training images, each beside what augmentation makes of it in epoch 1.

use ratatui::layout::Rect;

use crate::protocol::event::{Preview, Sample};
use crate::ui::canvas::Canvas;
use crate::ui::screens::data::state::{DataScreen, GAP, Pairs};
use crate::ui::widgets::fit::{from_bottom, scrolled};
use crate::ui::widgets::picture::Picture;

pub(crate) fn draw(screen: &DataScreen, found: &Preview, pairs: Pairs, canvas: &mut Canvas, area: Rect) {
    let (theme, glyphs, all) = (canvas.theme, canvas.glyphs, found.samples.len());
    let rows = all.div_ceil(pairs.columns);
    let first = scrolled(screen.row / pairs.columns, rows, pairs.rows) * pairs.columns;
    let shown = (pairs.columns * pairs.rows).min(all - first.min(all));
    let (begin, end) = ((first + 1).min(all), first + shown);
    let (arrow, dash) = (glyphs.arrow(), glyphs.dash());
    let heading = format!(" before {arrow} after augmentation, {begin}{dash}{end} of {all} ");
    let inner = canvas.pane(heading, true, area);
    let (across, down) = (2 * pairs.picture + 2 * GAP, pairs.picture.div_ceil(2) + 1);
    for (index, sample) in found.samples.iter().enumerate().skip(first).take(shown) {
        let (column, row) = ((index - first) % pairs.columns, (index - first) / pairs.columns);
        let (x, y) = (inner.x + column as u16 * across, inner.y + row as u16 * down);
        let tile = Rect::new(x, y, 2 * pairs.picture + GAP, down).intersection(inner);
        if tile.is_empty() {
            continue;
        }
        let (line, images) = from_bottom(tile, 1);
        pair(found, sample, pairs.picture, canvas, images);
        let name = found.classes.get(sample.label).map_or("?", String::as_str);
        let style = if index == screen.row { theme.selected } else { theme.dim };
        canvas.text(format!("{} {}", sample.label, glyphs.text(name)), style, line);
    }
}

/// The image before, an arrow, the image after.
fn pair(found: &Preview, sample: &Sample, width: u16, canvas: &mut Canvas, area: Rect) {
    let (level, glyphs) = (canvas.theme.level, canvas.glyphs);
    let left = Rect { width: width.min(area.width), ..area };
    let right = Rect { x: area.x + width + GAP, width, ..area }.intersection(area);
    for (planes, area) in [(&sample.before, left), (&sample.after, right)] {
        canvas.picture(&Picture { planes, side: found.side, level, glyphs }, area);
    }
    let arrow = Rect { x: area.x + width + GAP / 2, y: area.y + area.height / 2, width: 1, height: 1 };
    canvas.text(glyphs.arrow(), canvas.theme.accent, arrow.intersection(area));
}
