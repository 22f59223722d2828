//! Curves of runs in one chart: each by itself, or the mean of each group.

use std::path::PathBuf;

use ratatui::layout::Rect;

use crate::sweep::measure::mean_and_deviation;
use crate::ui::canvas::Canvas;
use crate::ui::curves::{Curves, mean};
use crate::ui::screens::runs::state::{Metric, RunsScreen};
use crate::ui::widgets::axis::Axis;
use crate::ui::widgets::axis::unit::Unit;
use crate::ui::widgets::chart::{Chart, Line};
use crate::ui::widgets::series::Series;
use crate::ui::workspace::runs::{GROUPED, Runs};

/// A curve of the chart.
struct Drawn {
    name: String,
    points: Vec<(f64, f64)>,
    band: Vec<(f64, f64, f64)>,
    style: usize,
    marker: char,
}

/// The runs of a group that are in the chart.
#[derive(Clone, Default)]
struct Members {
    /// Best accuracies, where there are some.
    best: Vec<f64>,
    curves: Vec<Vec<(f64, f64)>>,
}

impl Drawn {
    fn line(&self) -> Line<'_> {
        let Self { name, points, band, style, marker } = self;
        Line { name, points, faint: &[], band, style: *style, marker: *marker }
    }
}

pub(crate) fn draw(screen: &RunsScreen, canvas: &mut Canvas, area: Rect) {
    let ws = canvas.ws;
    let (metric, drawn) = (screen.metric.word(), ws.runs.drawn());
    let read = drawn.iter().filter_map(|path| ws.runs.curves.get(path)?.as_ref().ok());
    let damaged = match read.map(|curves| curves.damaged).sum() {
        0 => String::new(),
        1 => ", one damaged line skipped".into(),
        n => format!(", {n} damaged lines skipped"),
    };
    let inner = canvas.pane(format!(" {metric} of {}{damaged} ", which(&ws.runs)), false, area);
    let over = ws.view.x_axis;
    let mut trouble = None;
    let mut found: Vec<(PathBuf, Vec<(f64, f64)>)> = Vec::new();
    for path in drawn {
        let name = || path.file_name().unwrap_or_default().to_string_lossy();
        match ws.runs.curves.get(&path) {
            Some(Ok(curves)) => {
                found.push((path.clone(), curves.over(series(curves, screen.metric).points(), over)));
            }
            Some(Err(sentence)) => trouble = Some(sentence.clone()),
            None => trouble = Some(format!("reading the journal of {}.", name())),
        }
    }
    if found.iter().all(|(_, points)| points.is_empty()) {
        let text = trouble.unwrap_or_else(|| format!("no {metric} recorded."));
        return canvas.prose(text, canvas.theme.dim, inner);
    }
    let curves = if ws.runs.group().is_some() { means(found, canvas) } else { singly(found) };
    let accuracy = screen.metric == Metric::ValidationAccuracy;
    let chart = Chart {
        lines: curves.iter().map(Drawn::line).collect(),
        x: over.axis(ws.view.log_x, None),
        y: Axis {
            log: ws.view.log_y && !accuracy,
            unit: if accuracy { Unit::Percent } else { Unit::Number },
            ..Axis::default()
        },
        dots: &[],
        marks: &[],
        cursor: None,
        theme: canvas.theme,
        glyphs: canvas.glyphs,
    };
    canvas.render_widget(&chart, inner);
}

/// Which runs are in the chart.
fn which(runs: &Runs) -> String {
    match (runs.group(), runs.marked.is_empty()) {
        (None, true) => "this run".into(),
        (None, false) => "the marked runs".into(),
        (Some(key), true) if runs.shown().len() > GROUPED => {
            format!("the first {GROUPED} runs, mean by {key}")
        }
        (Some(key), true) => format!("these runs, mean by {key}"),
        (Some(key), false) => format!("the marked runs, mean by {key}"),
    }
}

/// A curve for each run.
fn singly(found: Vec<(PathBuf, Vec<(f64, f64)>)>) -> Vec<Drawn> {
    let drawn = |(style, ((path, points), marker)): (usize, ((PathBuf, _), char))| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Drawn { name, points, band: Vec::new(), style, marker }
    };
    found.into_iter().zip("*o+x#@".chars().cycle()).enumerate().map(drawn).collect()
}

/// The mean of each group with a band of one standard deviation. Runs without a group are left out.
fn means(found: Vec<(PathBuf, Vec<(f64, f64)>)>, canvas: &Canvas) -> Vec<Drawn> {
    let runs = &canvas.ws.runs;
    let mut groups = vec![Members::default(); runs.groups().names().len()];
    for (path, points) in found {
        let Some(group) = runs.group_of(&path) else { continue };
        let best = runs.find(&path).and_then(|run| Some(run.summary()?.best?.accuracy));
        groups[group].best.extend(best);
        groups[group].curves.push(points);
    }
    let drawn = |(style, Members { best, curves }): (usize, Members)| {
        let places = mean::of_curves(&curves);
        let band = |at: &mean::At| (at.x, at.mean - at.deviation, at.mean + at.deviation);
        let name = legend(&runs.groups().names()[style], curves.len(), &best, canvas);
        (!places.is_empty()).then(|| Drawn {
            name,
            points: places.iter().map(|at| (at.x, at.mean)).collect(),
            band: if curves.len() > 1 { places.iter().map(band).collect() } else { Vec::new() },
            style,
            marker: canvas.glyphs.group(style).chars().next().unwrap_or('*'),
        })
    };
    groups.into_iter().enumerate().filter_map(drawn).collect()
}

/// A group, its runs, and mean and standard deviation of their best accuracies.
fn legend(name: &str, runs: usize, best: &[f64], canvas: &Canvas) -> String {
    let dot = canvas.glyphs.dot();
    let s = if runs == 1 { "" } else { "s" };
    let figures = match mean_and_deviation(best) {
        None => String::new(),
        Some((mean, _)) if best.len() == 1 => format!(" {dot} best {:.2}%", 100.0 * mean),
        Some((mean, deviation)) => format!(" {dot} best {:.2} ± {:.2}%", 100.0 * mean, 100.0 * deviation),
    };
    format!("{name} {dot} {runs} run{s}{figures}")
}

fn series(curves: &Curves, metric: Metric) -> &Series {
    match metric {
        Metric::ValidationLoss if !curves.validation_loss.is_empty() => &curves.validation_loss,
        Metric::ValidationAccuracy if !curves.validation_accuracy.is_empty() => &curves.validation_accuracy,
        Metric::ValidationAccuracy => &curves.accuracy,
        Metric::ValidationLoss | Metric::TrainingLoss => &curves.loss,
    }
}
