//! The scatter of runs as it is drawn: points by group, the Pareto front, the paper's results, and a read-out.

use ratatui::layout::Rect;

use crate::ui::canvas::Canvas;
use crate::ui::hits::Target;
use crate::ui::screens::runs::scatter::{Point, Points, Scatter, stairs};
use crate::ui::screens::runs::state::{Pane, RunsScreen};
use crate::ui::widgets::axis::Axis;
use crate::ui::widgets::axis::unit::value;
use crate::ui::widgets::chart::{Chart, Dot, Line};
use crate::ui::widgets::fit::from_bottom;
use crate::ui::workspace::groups::SEED;

pub(crate) fn draw(screen: &RunsScreen, canvas: &mut Canvas, area: Rect) {
    let (ws, theme, glyphs) = (canvas.ws, canvas.theme, canvas.glyphs);
    let scatter = &screen.scatter;
    let points = scatter.points(&ws.runs);
    let by = ws.runs.group().map_or_else(String::new, |key| format!(", by {key}"));
    let title = format!(" {} against {}{by} ", scatter.measure.word(), scatter.against.word());
    let inner = canvas.pane(title, screen.pane == Pane::Lower, area);
    let Some(here) = scatter.under_cursor(&points) else {
        let text =
            format!("no run that is shown has {} and {}.", scatter.measure.word(), scatter.against.word());
        return canvas.prose(text, theme.dim, inner);
    };
    let (line, plot) = from_bottom(inner, 1);
    let names = ws.runs.groups().names();
    let sign = |text: &str| text.chars().next().unwrap_or('*');
    let (front_style, paper_style) = (names.len().max(1), names.len().max(1) + 1);
    let marker = |point: &Point| match (point.group, point.runs) {
        (_, 0) => sign(glyphs.hollow()),
        (Some(group), _) => sign(glyphs.group(group)),
        (None, _) => sign(glyphs.point()),
    };
    let style = |point: &Point| if point.runs == 0 { paper_style } else { point.group.unwrap_or(0) };
    let mut dots: Vec<Dot> = points
        .all
        .iter()
        .map(|point| Dot {
            at: (point.x, point.y),
            spread: point.deviation,
            style: style(point),
            marker: marker(point),
            selected: false,
        })
        .collect();
    // The one under the cursor lies on top.
    dots.push(Dot { selected: true, ..dots[here] });
    let front = stairs(&scatter.front(&points));
    let paper = points.paper.map(|data| format!("paper, table 2, {data}"));
    let entry = |name, style, marker: &str| Line {
        name,
        points: &[],
        faint: &[],
        band: &[],
        style,
        marker: sign(marker),
    };
    let present = |group: usize| points.all.iter().any(|point| point.group == Some(group));
    let groups = names.iter().enumerate().filter(|(group, _)| present(*group));
    let mut lines: Vec<Line> =
        groups.map(|(group, name)| entry(name.as_str(), group, glyphs.group(group))).collect();
    lines.push(Line { faint: &front, ..entry("Pareto front", front_style, glyphs.dot()) });
    lines.extend(paper.iter().map(|name| entry(name, paper_style, glyphs.hollow())));
    let chart = Chart {
        lines,
        x: Axis {
            label: scatter.against.word().into(),
            log: scatter.log_x,
            unit: scatter.against.unit(),
            ..Axis::default()
        },
        y: Axis { log: scatter.log_y, unit: scatter.measure.unit(), ..Axis::default() },
        dots: &dots,
        marks: &[],
        cursor: None,
        theme,
        glyphs,
    };
    canvas.render_widget(&chart, plot);
    for (row, cell) in chart.cells(plot).into_iter().take(points.all.len()).enumerate() {
        if let Some((column, line)) = cell {
            canvas.hit(Rect::new(column, line, 1, 1), Target::Part { part: Pane::Lower as usize, row });
        }
    }
    let text = words(scatter, &points, here, ws.runs.group() == Some(SEED));
    canvas.text(glyphs.text(&text).into_owned(), theme.text, line);
}

/// What is under the cursor, in words.
pub(crate) fn words(scatter: &Scatter, points: &Points, here: usize, means: bool) -> String {
    let Some(point) = points.all.get(here) else { return String::new() };
    let (x, y) = (value(point.x, scatter.against.unit()), value(point.y, scatter.measure.unit()));
    let spread = match (point.runs, means) {
        (0, _) => " (paper, table 2)".to_owned(),
        (1, true) => " (1 run)".to_owned(),
        (runs, true) => format!(" ± {} ({runs} runs)", value(point.deviation, scatter.measure.unit())),
        _ => String::new(),
    };
    format!("{}: {} {x}, {} {y}{spread}", point.name, scatter.against.word(), scatter.measure.word())
}
