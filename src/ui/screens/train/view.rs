//! A run: where it is, and its charts.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::format::clock;
use crate::monitor::End;
use crate::ui::canvas::Canvas;
use crate::ui::curves::Curves;
use crate::ui::hits::Target;
use crate::ui::saved_state::ViewState;
use crate::ui::screens::train::state::{Pane, TrainScreen, smoothing};
use crate::ui::screens::train::status;
use crate::ui::widgets::axis::Axis;
use crate::ui::widgets::axis::unit::Unit;
use crate::ui::widgets::chart::{Chart, Line as Curve, Mark};
use crate::ui::widgets::series::Series;

/// Rows that the charts need for two of them one above the other.
const TWO_ROWS: u16 = 22;
/// Columns that two charts beside each other need.
const TWO_COLUMNS: u16 = 72;
/// Rows of a screen that has room for the latest messages.
const WITH_EVENTS: u16 = 36;

pub(crate) fn draw(screen: &TrainScreen, canvas: &mut Canvas, area: Rect) {
    let head = Constraint::Length(status::height(canvas.ws));
    let [head, charts] = Layout::vertical([head, Constraint::Min(1)]).areas(area);
    status::draw(screen, canvas, head);
    let curves = screen.shown(&canvas.ws.live.curves);
    if curves.loss.is_empty() && curves.validation_loss.is_empty() {
        return empty(canvas, charts);
    }
    let events = if area.height >= WITH_EVENTS { 7 } else { 0 };
    let [charts, messages] = Layout::vertical([Constraint::Min(1), Constraint::Length(events)]).areas(charts);
    if events > 0 {
        latest(canvas, messages);
    }
    for (of, area) in places(screen, charts) {
        chart(screen, curves, of, canvas, area);
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

fn empty(canvas: &mut Canvas, area: Rect) {
    let live = &canvas.ws.live;
    let text = if live.training() {
        "waiting for the first step."
    } else if let Some(End::Failed(message, _)) = &live.monitor.end {
        message
    } else {
        "nothing is being trained. Recipe (1) designs a network, ctrl-r there starts; Runs (3) has what was."
    };
    let inner = canvas.pane(" training ", true, area);
    canvas.prose(text, canvas.theme.dim, inner);
}

fn latest(canvas: &mut Canvas, area: Rect) {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let inner = canvas.pane(" latest messages ", false, area);
    for (entry, at) in ws.log.newest(usize::from(inner.height)).zip(inner.rows()) {
        let time = format!("{}  ", clock(ws.settings.utc_offset, entry.time));
        let spans = [Span::styled(time, theme.dim), Span::styled(entry.text.as_str(), theme.text)];
        canvas.render_widget(Line::from_iter(spans), at);
    }
}

fn chart(screen: &TrainScreen, curves: &Curves, of: Pane, canvas: &mut Canvas, area: Rect) {
    let view = canvas.ws.view;
    let inner = canvas.pane(title(view, of), of == screen.pane, area);
    let over = |points: Vec<(f64, f64)>| curves.over(points, view.x_axis);
    let points = |series: &Series| over(series.points().collect());
    let smooth = |series: &Series| {
        if smoothing(view) > 0.0 { over(series.smoothed(smoothing(view))) } else { points(series) }
    };
    let (main, other, unit, log) = match of {
        Pane::Loss => (&curves.loss, Some(&curves.validation_loss), Unit::Number, view.log_y),
        Pane::Accuracy => (&curves.accuracy, Some(&curves.validation_accuracy), Unit::Percent, false),
        Pane::Rate => (&curves.rate, None, Unit::Number, view.log_y),
        Pane::Speed => (&curves.speed, None, Unit::Number, false),
    };
    // The learning rate is exact; smoothing would falsify it.
    let smoothed = if of == Pane::Rate { points(main) } else { smooth(main) };
    let raw = if smoothing(view) > 0.0 && of != Pane::Rate { points(main) } else { Vec::new() };
    let second = other.map(points).unwrap_or_default();
    let name = if other.is_some() { "training" } else { "" };
    let mut drawn = vec![Curve { name, points: &smoothed, faint: &raw, band: &[], style: 0, marker: '*' }];
    if !second.is_empty() {
        drawn.push(Curve {
            name: "validation",
            points: &second,
            faint: &[],
            band: &[],
            style: 1,
            marker: 'o',
        });
    }
    let star = canvas.glyphs.star().chars().next().unwrap_or('*');
    let marks = marks(view, curves, of, star);
    let bounds = x_bounds(screen, view, curves);
    let x = view.x_axis.axis(view.log_x, Some(bounds));
    let chart = Chart {
        lines: drawn,
        x: x.clone(),
        y: Axis { log, unit, ..Axis::default() },
        dots: &[],
        marks: &marks,
        cursor: screen.cursor.map(|share| x.at(bounds, share)),
        theme: canvas.theme,
        glyphs: canvas.glyphs,
    };
    canvas.hit(chart.plot(inner), Target::Part { part: of as usize, row: 0 });
    canvas.render_widget(&chart, inner);
}

/// Where something changed, and the best epoch.
fn marks(view: ViewState, curves: &Curves, of: Pane, star: char) -> Vec<Mark> {
    let at = |step| curves.at(step, view.x_axis);
    let mut marks: Vec<Mark> = curves
        .annotations
        .iter()
        .map(|of| Mark { x: at(of.step), glyph: '|', label: of.what.clone() })
        .collect();
    if let Some(best) = curves.best
        && matches!(of, Pane::Loss | Pane::Accuracy)
    {
        marks.push(Mark { x: at(best), glyph: star, label: "best".into() });
    }
    marks
}

/// The part of the x axis that is shown.
fn x_bounds(screen: &TrainScreen, view: ViewState, curves: &Curves) -> (f64, f64) {
    let last = curves.loss.last().or(curves.validation_loss.last()).map_or(1.0, |(step, _)| step);
    let end = curves.at(last, view.x_axis).max(f64::MIN_POSITIVE);
    let first = curves.loss.points().next().map_or(1.0, |(step, _)| step.max(1.0));
    let begin = if view.log_x { curves.at(first, view.x_axis).min(end / 2.0) } else { 0.0 };
    match screen.window {
        Some((from, to)) => {
            let axis = Axis { log: view.log_x, ..Axis::default() };
            (axis.at((begin, end), from), axis.at((begin, end), to))
        }
        None => (begin, end),
    }
}

fn title(view: ViewState, of: Pane) -> String {
    let smoothing = smoothing(view);
    let smoothed = if smoothing > 0.0 { format!(", smoothed {smoothing}") } else { String::new() };
    match of {
        Pane::Loss => format!(" loss, nats{smoothed} "),
        Pane::Accuracy => format!(" accuracy{smoothed} "),
        Pane::Rate => " learning rate ".into(),
        Pane::Speed => format!(" images a second{smoothed} "),
    }
}
