//! A run: where it is, and its charts.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::ui::app::view::{clock, cut, pane};
use crate::ui::curves::{Curves, Over};
use crate::ui::hits::Target;
use crate::ui::screens::train::state::Pane;
use crate::ui::screens::train::status;
use crate::ui::widgets::axis::{Axis, Unit};
use crate::ui::widgets::chart::{Chart, Line as Curve, Mark};
use crate::ui::widgets::series::Series;
use crate::ui::workspace::App;

/// Rows that the charts need for two of them one above the other.
const TWO_ROWS: u16 = 22;
/// Columns that two charts beside each other need.
const TWO_COLUMNS: u16 = 72;
/// Rows of a screen that has room for what was said last.
const WITH_EVENTS: u16 = 36;

pub(crate) fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let head = Constraint::Length(status::height(app));
    let [head, charts] = Layout::vertical([head, Constraint::Min(1)]).areas(area);
    status::draw(app, frame, head);
    if app.train.shown().loss.is_empty() && app.train.shown().validation_loss.is_empty() {
        return empty(app, frame, charts);
    }
    let events = if area.height >= WITH_EVENTS { 7 } else { 0 };
    let [charts, said] = Layout::vertical([Constraint::Min(1), Constraint::Length(events)]).areas(charts);
    if events > 0 {
        last_said(app, frame, said);
    }
    for (of, area) in places(app, charts) {
        chart(app, of, frame, area);
    }
}

/// Which charts are drawn and where: all four, the pair of the one in hand, or that alone.
fn places(app: &App, area: Rect) -> Vec<(Pane, Rect)> {
    let here = app.train.pane;
    if app.train.maximised || area.width < TWO_COLUMNS {
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

fn empty(app: &App, frame: &mut Frame, area: Rect) {
    let text = if app.training() {
        "waiting for the first step."
    } else if let Some(crate::monitor::End::Failed(message, _)) = &app.monitor.end {
        message
    } else {
        "nothing is being trained. Recipe (1) designs a network, ctrl-r there starts; Runs (3) has what was."
    };
    let text =
        Paragraph::new(Span::styled(text, app.settings.theme.dim)).block(pane(app, " training ", true));
    frame.render_widget(text.wrap(Wrap { trim: true }), area);
}

fn last_said(app: &App, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let block = pane(app, " said last ", false);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines: Vec<Line> = app
        .log
        .newest(usize::from(inner.height))
        .map(|said| {
            Line::from(vec![
                Span::styled(format!("{}  ", clock(app, said.time)), theme.dim),
                Span::styled(cut(&said.text, usize::from(inner.width).saturating_sub(10)), theme.text),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn chart(app: &App, of: Pane, frame: &mut Frame, area: Rect) {
    let screen = &app.train;
    let curves = screen.shown();
    let block = pane(app, Line::raw(title(app, of)), of == screen.pane);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let over = |points: Vec<(f64, f64)>| curves.over(points, screen.over);
    let points = |series: &Series| over(series.points().collect());
    let smooth = |series: &Series| {
        if screen.smoothing() > 0.0 { over(series.smoothed(screen.smoothing())) } else { points(series) }
    };
    let (main, other, unit, log) = match of {
        Pane::Loss => (&curves.loss, Some(&curves.validation_loss), Unit::Number, screen.log_y),
        Pane::Accuracy => (&curves.accuracy, Some(&curves.validation_accuracy), Unit::Percent, false),
        Pane::Rate => (&curves.rate, None, Unit::Number, screen.log_y),
        Pane::Speed => (&curves.speed, None, Unit::Number, false),
    };
    // What the learning rate is and what was measured is not smoothed away.
    let smoothed = if of == Pane::Rate { points(main) } else { smooth(main) };
    let raw = if screen.smoothing() > 0.0 && of != Pane::Rate { points(main) } else { Vec::new() };
    let second = other.map(points).unwrap_or_default();
    let name = if other.is_some() { "training" } else { "" };
    let mut drawn = vec![Curve { name, points: &smoothed, faint: &raw, style: 0, marker: '*' }];
    if !second.is_empty() {
        drawn.push(Curve { name: "validation", points: &second, faint: &[], style: 1, marker: 'o' });
    }
    let marks = marks(app, curves, of);
    let bounds = x_bounds(app, curves);
    let x = Axis {
        label: x_label(screen.over).into(),
        log: screen.log_x,
        bounds: Some(bounds),
        unit: x_unit(screen.over),
    };
    let chart = Chart {
        title: "",
        lines: drawn,
        x: x.clone(),
        y: Axis { label: String::new(), log, bounds: None, unit },
        marks: &marks,
        cursor: screen.cursor.map(|share| x.at(bounds, share)),
        theme: &app.settings.theme,
        glyphs: app.settings.glyphs,
    };
    app.hits.put(chart.plot(inner), Target::Chart(of));
    frame.render_widget(&chart, inner);
}

/// Where something changed, and the best epoch.
fn marks(app: &App, curves: &Curves, of: Pane) -> Vec<Mark> {
    let at = |step| curves.at(step, app.train.over);
    let mut marks: Vec<Mark> = curves
        .turns
        .iter()
        .map(|turn| Mark { x: at(turn.step), glyph: '|', label: turn.what.clone() })
        .collect();
    if let Some(best) = curves.best
        && matches!(of, Pane::Loss | Pane::Accuracy)
    {
        let glyph = app.settings.glyphs.star().chars().next().unwrap_or('*');
        marks.push(Mark { x: at(best), glyph, label: "best".into() });
    }
    marks
}

/// What of the x axis is shown.
fn x_bounds(app: &App, curves: &Curves) -> (f64, f64) {
    let last = curves.loss.last().or(curves.validation_loss.last()).map_or(1.0, |(step, _)| step);
    let end = curves.at(last, app.train.over).max(f64::MIN_POSITIVE);
    let first = curves.loss.points().next().map_or(1.0, |(step, _)| step.max(1.0));
    let begin = if app.train.log_x { curves.at(first, app.train.over).min(end / 2.0) } else { 0.0 };
    match app.train.window {
        Some((from, to)) => {
            let axis = Axis { log: app.train.log_x, ..Axis::default() };
            (axis.at((begin, end), from), axis.at((begin, end), to))
        }
        None => (begin, end),
    }
}

pub(crate) const fn x_label(over: Over) -> &'static str {
    match over {
        Over::Step => "step",
        Over::Epoch => "epoch",
        Over::Time => "training time",
    }
}

pub(crate) const fn x_unit(over: Over) -> Unit {
    match over {
        Over::Step => Unit::Step,
        Over::Epoch => Unit::Number,
        Over::Time => Unit::Seconds,
    }
}

fn title(app: &App, of: Pane) -> String {
    let smoothing = app.train.smoothing();
    let smoothed = if smoothing > 0.0 { format!(", smoothed {smoothing}") } else { String::new() };
    match of {
        Pane::Loss => format!(" loss, nats{smoothed} "),
        Pane::Accuracy => format!(" accuracy{smoothed} "),
        Pane::Rate => " learning rate ".into(),
        Pane::Speed => format!(" images a second{smoothed} "),
    }
}
