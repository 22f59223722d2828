//! A picture, the classes that the network sees in it, and where.

use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

use crate::cam::{self, Map};
use crate::protocol::event::Explanation;
use crate::ui::canvas::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::screens::inspect::view::parts::footer;
use crate::ui::style::colours::ColourLevel;
use crate::ui::widgets::bar::{Bar, Bars};
use crate::ui::widgets::fit::from_bottom;
use crate::ui::widgets::picture::Picture;

/// Cells of the bars beside a picture at least.
const LEAST: u16 = 30;
/// Cells of the colours in the legend.
const LEGEND: u16 = 11;

pub(crate) fn draw(screen: &InspectScreen, canvas: &mut Canvas, area: Rect) {
    let predict = &screen.predict;
    let Some((what, found)) = &predict.found else {
        let text = "no picture yet: p asks for the path of one, or for the number of an image; enter on a mistake \
                    shows why it is one.";
        canvas.prose(text, canvas.theme.dim, area);
        return;
    };
    let name = |label: usize| found.prediction.classes.get(label).map_or("?", String::as_str);
    let label = found.label.map_or_else(String::new, |label| format!(", which is {}", name(label)));
    let toggle = if predict.bare { "a: show the map" } else { "a: hide the map" };
    let legend = canvas.glyphs.text(&format!("{what}{label}; {toggle}")).into_owned();
    let area = footer(canvas, &predict.pointed(), &legend, area);
    let class = predict.class().unwrap_or_default();
    let map = Map {
        cells: found.map(class),
        side: found.cells,
        shown: [0.0, 0.0, found.side as f64, found.side as f64],
    };
    let shown = !predict.bare && !map.cells.is_empty();
    let planes = if shown { mapped(found, &map, canvas.theme.level) } else { found.pixels.clone() };
    let (level, glyphs) = (canvas.theme.level, canvas.glyphs);
    let image = Picture { planes: &planes, side: found.side, level, glyphs };
    let left = Rect { width: area.width.saturating_sub(LEAST + 1), ..area };
    let (legend, above) = from_bottom(left, u16::from(shown));
    let cells = canvas.picture(&image, above);
    if shown {
        let below = Rect { y: cells.bottom(), ..legend };
        colours(canvas, map.most(), below.intersection(left));
    }
    let right = Rect { x: cells.right() + 1, width: area.right().saturating_sub(cells.right() + 1), ..area };
    bars(screen, found, canvas, right.intersection(area));
}

/// The picture with the map over it; without colours the map alone, where it is positive.
fn mapped(found: &Explanation, map: &Map, level: ColourLevel) -> Vec<u8> {
    let plane = found.side * found.side;
    let mut rgb: Vec<u8> = (0..plane)
        .flat_map(|i| [0, 1, 2].map(|c| found.pixels.get(c * plane + i).copied().unwrap_or(0)))
        .collect();
    if level == ColourLevel::None {
        map.brighten(&mut rgb, found.side);
    } else {
        map.colour(&mut rgb, found.side);
    }
    (0..3).flat_map(|c| rgb.iter().skip(c).step_by(3).copied()).collect()
}

/// What the colours of the map mean.
fn colours(canvas: &mut Canvas, most: f32, area: Rect) {
    let level = canvas.theme.level;
    if level == ColourLevel::None {
        let text = format!("bright: evidence for the class, up to {most:.1}");
        return canvas.text(text, canvas.theme.dim, area);
    }
    let mut spans = vec![Span::styled(format!("{:.1} ", -most), canvas.theme.dim)];
    spans.extend((0..LEGEND).map(|x| {
        let [r, g, b] = cam::shade(2.0 * f32::from(x) / f32::from(LEGEND - 1) - 1.0);
        Span::styled(" ", Style::new().bg(level.map(Color::Rgb(r, g, b))))
    }));
    spans.push(Span::styled(format!(" {most:+.1}"), canvas.theme.dim));
    canvas.render_widget(Line::from_iter(spans), area);
}

fn bars(screen: &InspectScreen, found: &Explanation, canvas: &mut Canvas, area: Rect) {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let probabilities = found.prediction.probabilities();
    let bar = |class: usize| {
        let label = found.prediction.classes.get(class).map_or("?", String::as_str);
        let text = format!("{:>5.1} %", 100.0 * probabilities[class]);
        Bar { label: glyphs.text(label).into_owned(), value: probabilities[class], text }
    };
    let rows: Vec<Bar> = found.prediction.ranked().into_iter().map(bar).collect();
    let cursor = Some(screen.predict.row);
    canvas.render_widget(&Bars { rows: &rows, full: Some(1.0), cursor, theme, glyphs }, area);
}
