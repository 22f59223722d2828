//! A run: where it is, and its charts.

use crate::format::clock;
use crate::ui::hits::{Canvas, Target};
use crate::ui::screens::train::state::TrainScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::ui::curves::Curves;
use crate::ui::screens::train::state::{Pane, smoothing};
use crate::ui::screens::train::status;
use crate::ui::widgets::axis::{Axis, Unit};
use crate::ui::widgets::chart::{Chart, Line as Curve, Mark};
use crate::ui::widgets::pane::{cut, pane};
use crate::ui::widgets::series::Series;

/// Rows that the charts need for two of them one above the other.
const TWO_ROWS: u16 = 22;
/// Columns that two charts beside each other need.
const TWO_COLUMNS: u16 = 72;
/// Rows of a screen that has room for what was said last.
const WITH_EVENTS: u16 = 36;

pub(crate) fn draw(screen: &TrainScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let head = Constraint::Length(status::height(ws));
    let [head, charts] = Layout::vertical([head, Constraint::Min(1)]).areas(area);
    status::draw(screen, ws, canvas, head);
    if screen.shown(&ws.live.curves).loss.is_empty()
        && screen.shown(&ws.live.curves).validation_loss.is_empty()
    {
        return empty(ws, canvas, charts);
    }
    let events = if area.height >= WITH_EVENTS { 7 } else { 0 };
    let [charts, said] = Layout::vertical([Constraint::Min(1), Constraint::Length(events)]).areas(charts);
    if events > 0 {
        last_said(ws, canvas, said);
    }
    for (of, area) in places(screen, charts) {
        chart(screen, ws, of, canvas, area);
    }
}

/// Which charts are drawn and where: all four, the pair of the one in hand, or that alone.
fn places(screen: &TrainScreen, area: Rect) -> Vec<(Pane, Rect)> {
    let here = screen.pane;
    if screen.maximised || area.width < TWO_COLUMNS {
        return vec![(here, area)];
    }
    let halves = |area| -> [Rect; 2] {
        Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area)
    };
    let (main, side) = ([Pane::Loss, Pane::Accuracy], [Pane::Rate, Pane::Speed]);
    let pair = |panes: [Pane; 2], area| panes.into_iter().zip(halves(area)).collect::<Vec<_>>();
    if area.height < TWO_ROWS {
        return pair(if main.contains(&here) { main } else { side }, area);
    }
    let [upper, lower] =
        Layout::vertical([Constraint::Percentage(65), Constraint::Percentage(35)]).areas(area);
    let mut all = pair(main, upper);
    all.extend(pair(side, lower));
    all
}

fn empty(ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let text = if ws.live.training() {
        "waiting for the first step."
    } else if let Some(crate::monitor::End::Failed(message, _)) = &ws.live.monitor.end {
        message
    } else {
        "nothing is being trained. Recipe (1) designs a network, ctrl-r there starts; Runs (3) has what was."
    };
    let text = Paragraph::new(Span::styled(text, ws.settings.theme.dim)).block(pane(
        &ws.settings.theme,
        ws.settings.glyphs,
        " training ",
        true,
    ));
    canvas.render_widget(text.wrap(Wrap { trim: true }), area);
}

fn last_said(ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let theme = &ws.settings.theme;
    let block = pane(&ws.settings.theme, ws.settings.glyphs, " said last ", false);
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    let lines: Vec<Line> = ws
        .log
        .newest(usize::from(inner.height))
        .map(|said| {
            Line::from(vec![
                Span::styled(format!("{}  ", clock(ws.settings.utc_offset, said.time)), theme.dim),
                Span::styled(cut(&said.text, usize::from(inner.width).saturating_sub(10)), theme.text),
            ])
        })
        .collect();
    canvas.render_widget(Paragraph::new(lines), inner);
}

fn chart(screen: &TrainScreen, ws: &Workspace, of: Pane, canvas: &mut Canvas, area: Rect) {
    let curves = screen.shown(&ws.live.curves);
    let block = pane(&ws.settings.theme, ws.settings.glyphs, Line::raw(title(ws, of)), of == screen.pane);
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    let over = |points: Vec<(f64, f64)>| curves.over(points, ws.view.x_axis);
    let points = |series: &Series| over(series.points().collect());
    let smooth = |series: &Series| {
        if smoothing(ws.view) > 0.0 { over(series.smoothed(smoothing(ws.view))) } else { points(series) }
    };
    let (main, other, unit, log) = match of {
        Pane::Loss => (&curves.loss, Some(&curves.validation_loss), Unit::Number, ws.view.log_y),
        Pane::Accuracy => (&curves.accuracy, Some(&curves.validation_accuracy), Unit::Percent, false),
        Pane::Rate => (&curves.rate, None, Unit::Number, ws.view.log_y),
        Pane::Speed => (&curves.speed, None, Unit::Number, false),
    };
    // What the learning rate is and what was measured is not smoothed away.
    let smoothed = if of == Pane::Rate { points(main) } else { smooth(main) };
    let raw = if smoothing(ws.view) > 0.0 && of != Pane::Rate { points(main) } else { Vec::new() };
    let second = other.map(points).unwrap_or_default();
    let name = if other.is_some() { "training" } else { "" };
    let mut drawn = vec![Curve { name, points: &smoothed, faint: &raw, style: 0, marker: '*' }];
    if !second.is_empty() {
        drawn.push(Curve { name: "validation", points: &second, faint: &[], style: 1, marker: 'o' });
    }
    let marks = marks(ws, curves, of);
    let bounds = x_bounds(screen, ws, curves);
    let x = ws.view.x_axis.axis(ws.view.log_x, Some(bounds));
    let chart = Chart {
        title: "",
        lines: drawn,
        x: x.clone(),
        y: Axis { label: String::new(), log, bounds: None, unit },
        marks: &marks,
        cursor: screen.cursor.map(|share| x.at(bounds, share)),
        theme: &ws.settings.theme,
        glyphs: ws.settings.glyphs,
    };
    canvas.hit(chart.plot(inner), Target::Part { part: of as usize, row: 0 });
    canvas.render_widget(&chart, inner);
}

/// Where something changed, and the best epoch.
fn marks(ws: &Workspace, curves: &Curves, of: Pane) -> Vec<Mark> {
    let at = |step| curves.at(step, ws.view.x_axis);
    let mut marks: Vec<Mark> = curves
        .annotations
        .iter()
        .map(|of| Mark { x: at(of.step), glyph: '|', label: of.what.clone() })
        .collect();
    if let Some(best) = curves.best
        && matches!(of, Pane::Loss | Pane::Accuracy)
    {
        let glyph = ws.settings.glyphs.star().chars().next().unwrap_or('*');
        marks.push(Mark { x: at(best), glyph, label: "best".into() });
    }
    marks
}

/// What of the x axis is shown.
fn x_bounds(screen: &TrainScreen, ws: &Workspace, curves: &Curves) -> (f64, f64) {
    let last = curves.loss.last().or(curves.validation_loss.last()).map_or(1.0, |(step, _)| step);
    let end = curves.at(last, ws.view.x_axis).max(f64::MIN_POSITIVE);
    let first = curves.loss.points().next().map_or(1.0, |(step, _)| step.max(1.0));
    let begin = if ws.view.log_x { curves.at(first, ws.view.x_axis).min(end / 2.0) } else { 0.0 };
    match screen.window {
        Some((from, to)) => {
            let axis = Axis { log: ws.view.log_x, ..Axis::default() };
            (axis.at((begin, end), from), axis.at((begin, end), to))
        }
        None => (begin, end),
    }
}

fn title(ws: &Workspace, of: Pane) -> String {
    let smoothing = smoothing(ws.view);
    let smoothed = if smoothing > 0.0 { format!(", smoothed {smoothing}") } else { String::new() };
    match of {
        Pane::Loss => format!(" loss, nats{smoothed} "),
        Pane::Accuracy => format!(" accuracy{smoothed} "),
        Pane::Rate => " learning rate ".into(),
        Pane::Speed => format!(" images a second{smoothed} "),
    }
}
