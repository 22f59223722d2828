//! The table of runs, the curves of those that are marked, and a run's checkpoints.

use std::path::Path;

use ratatui::layout::{Constraint, Layout, Rect};

use crate::format::{bytes, day, duration, grouped};
use crate::plain;
use crate::store::catalog::{Entry, Summary};
use crate::ui::canvas::Canvas;
use crate::ui::curves::Curves;
use crate::ui::screens::runs::checkpoints;
use crate::ui::screens::runs::state::{Metric, Pane, RunsScreen};
use crate::ui::widgets::axis::Axis;
use crate::ui::widgets::axis::unit::Unit;
use crate::ui::widgets::chart::{Chart, Line as Curve};
use crate::ui::widgets::fit::{cut, from_top, in_view};
use crate::ui::widgets::series::Series;
use crate::ui::workspace::runs::Difference;

/// Columns of the table before the hyperparameters: name, state, epoch, best, last, test.
const NAME: usize = 28;

pub(crate) fn draw(screen: &RunsScreen, canvas: &mut Canvas, area: Rect) {
    let rows = canvas.ws.runs.count().min(usize::from(area.height)) as u16;
    let table_height = (rows + 5).clamp(8, (area.height / 2).max(8));
    let [upper, lower] = Layout::vertical([Constraint::Length(table_height), Constraint::Min(0)]).areas(area);
    if rows == 0 || lower.height < 6 {
        return table(screen, canvas, area);
    }
    table(screen, canvas, upper);
    match &screen.opened {
        Some((_, found)) => {
            let width = (lower.width / 2).min(64);
            let [left, right] =
                Layout::horizontal([Constraint::Length(width), Constraint::Min(0)]).areas(lower);
            checkpoints::draw(screen, found, canvas, left);
            curves(screen, canvas, right);
        }
        None => curves(screen, canvas, lower),
    }
}

fn table(screen: &RunsScreen, canvas: &mut Canvas, area: Rect) {
    let (ws, theme, glyphs) = (canvas.ws, canvas.theme, canvas.glyphs);
    let (rows, archived) = (ws.runs.shown(), ws.runs.archived());
    let shown = rows.len();
    let left_out = if ws.runs.shows_archived() { 0 } else { archived };
    let count = ws.runs.count() - left_out;
    let filter = match ws.runs.filter().text() {
        "" => String::new(),
        words => format!(", {shown} of {count} with \"{words}\""),
    };
    let s = if count == 1 { "" } else { "s" };
    let archive = if left_out > 0 { format!(", {left_out} archived") } else { String::new() };
    let title = format!(" {count} run{s}{archive}, {}{filter} ", ws.runs.order().word());
    let inner = canvas.pane(title, screen.pane == Pane::Table, area);
    if shown == 0 {
        let folder = ws.settings.options.runs_dir.display();
        let text = match (ws.runs.count(), ws.runs.known) {
            (0, false) => "looking for runs.".to_owned(),
            (0, true) => {
                format!("no runs in {folder} yet. Recipe (1) designs a network, ctrl-r there trains it.")
            }
            _ if ws.runs.filter().text().is_empty() => "every run is in the archive; A shows them.".to_owned(),
            _ => "no run is like this; esc shows all.".to_owned(),
        };
        return canvas.prose(text, theme.dim, inner);
    }
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(inner);
    let all = ws.runs.differences();
    let keys = &all[screen.column.min(all.len())..];
    let width = usize::from(inner.width);
    let differing = |of: &dyn Fn(&str) -> String| {
        let cell = |Difference { key, width }: &Difference| {
            let width = (*width).max(key.len()).min(18);
            format!("{:<width$}", cut(&of(key), width))
        };
        keys.iter().map(cell).collect::<Vec<_>>().join("  ")
    };
    let line = |name: &str, [state, epoch, best, last, test]: [&str; 5], rest: &str| {
        let text =
            format!("{:<NAME$} {state:<12}{epoch:>7}{best:>8}{last:>8}{test:>8}  {rest}", cut(name, NAME));
        format!("{text:<width$}")
    };
    let more = if screen.column > 0 { glyphs.left() } else { " " };
    let titles = line("  name", ["state", "epoch", "best %", "last %", "test %"], &differing(&str::to_owned));
    let titles = titles.replacen("test %  ", &format!("test % {more}"), 1);
    canvas.text(titles, theme.dim, head);
    let row = ws.runs.row.min(shown - 1);
    let percent = |share: Option<f64>| share.map_or_else(|| "-".into(), |x| format!("{:.2}", 100.0 * x));
    let view: Vec<_> = in_view(body, row, shown).collect();
    let first = view.first().map_or(0, |(index, _)| *index);
    for ((index, at), of) in view.into_iter().zip(rows.skip(first)) {
        let marked = ws.runs.marked.contains(&of.path);
        let sign = if marked { glyphs.marked() } else { " " };
        let star = if of.labels.star { glyphs.star() } else { " " };
        let summary = of.summary();
        let (epoch, epochs) = summary.map_or((0, 0), |summary| (summary.epoch, summary.recipe.epochs));
        let text = line(
            &format!("{sign}{star}{}", of.name),
            [
                of.state(),
                &format!("{epoch}/{epochs}"),
                &percent(summary.and_then(|summary| Some(summary.best?.accuracy))),
                &percent(summary.and_then(Summary::last_accuracy)),
                &percent(summary.and_then(|summary| Some(summary.test?.accuracy))),
            ],
            &differing(&|key| of.value(key)),
        );
        let style = match (index == row, of.trouble().is_some(), of.live) {
            (true, ..) => theme.selected,
            _ if of.labels.archived => theme.dim,
            (_, true, _) => theme.bad,
            (_, _, true) => theme.accent,
            _ => theme.text,
        };
        canvas.row((Pane::Table as usize, index), text, style, at);
    }
    if let Some(row) = ws.runs.current() {
        about(row, canvas, foot);
    }
}

/// The run under the cursor in two lines; what a person says of it comes before its dates.
fn about(row: &Entry, canvas: &mut Canvas, area: Rect) {
    let (utc_offset, theme) = (canvas.ws.settings.utc_offset, canvas.theme);
    let (Some(summary), None) = (row.summary(), row.trouble()) else {
        let sentence = row.trouble().unwrap_or_default();
        return canvas.prose(format!("{}: {sentence}", row.name), theme.bad, area);
    };
    let parent = summary.parent.as_ref().map_or_else(String::new, |parent| format!(", from {parent}"));
    let weights = summary.recipe.weights.as_deref().and_then(Path::file_name);
    let weights =
        weights.map_or_else(String::new, |name| format!(", from {}", plain::line(&name.to_string_lossy())));
    let first = format!(
        "{}, {} parameters, step {} of {}, {} of training{parent}{weights}",
        summary.network,
        grouped(summary.parameters),
        grouped(summary.step),
        grouped(summary.total_steps),
        duration(summary.seconds),
    );
    let second = format!(
        "{}started {}, last word {}, {} on disk",
        said_of(row),
        day(utc_offset, summary.created),
        day(utc_offset, summary.updated),
        bytes(row.bytes)
    );
    let (above, below) = from_top(area, 1);
    canvas.text(first, theme.dim, above);
    canvas.text(second, theme.dim, below);
}

/// The tags and the note of a run, each as a sentence with a blank behind it.
fn said_of(row: &Entry) -> String {
    let tags = match &row.labels.tags[..] {
        [] => String::new(),
        tags => format!("tagged {}", tags.join(", ")),
    };
    let archived = if row.labels.archived { "archived" } else { "" };
    let parts = [archived, &tags, &row.labels.note].map(|part| part.trim_end_matches('.'));
    parts.into_iter().filter(|part| !part.is_empty()).flat_map(|part| [part, ". "]).collect()
}

/// The marked runs, or the one under the cursor, in one chart.
fn curves(screen: &RunsScreen, canvas: &mut Canvas, area: Rect) {
    let ws = canvas.ws;
    let what = if ws.runs.marked.is_empty() { "this run" } else { "the marked runs" };
    let (metric, drawn) = (screen.metric.word(), ws.runs.drawn());
    let read = drawn.iter().filter_map(|path| ws.runs.curves.get(path)?.as_ref().ok());
    let damaged = match read.map(|curves| curves.damaged).sum() {
        0 => String::new(),
        1 => ", one damaged line skipped".into(),
        n => format!(", {n} damaged lines skipped"),
    };
    let inner = canvas.pane(format!(" {metric} of {what}{damaged} "), false, area);
    let over = ws.view.x_axis;
    let mut trouble = None;
    let mut found: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for path in drawn {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match ws.runs.curves.get(&path) {
            Some(Ok(curves)) => {
                found.push((name, curves.over(series(curves, screen.metric).points(), over)));
            }
            Some(Err(sentence)) => trouble = Some(sentence.clone()),
            None => trouble = Some(format!("reading the journal of {name}.")),
        }
    }
    if found.iter().all(|(_, points)| points.is_empty()) {
        let text = trouble.unwrap_or_else(|| format!("no {metric} recorded."));
        return canvas.prose(text, canvas.theme.dim, inner);
    }
    let lines: Vec<Curve> = found
        .iter()
        .zip("*o+x#@".chars().cycle())
        .enumerate()
        .map(|(style, ((name, points), marker))| Curve { name, points, faint: &[], style, marker })
        .collect();
    let accuracy = screen.metric == Metric::ValidationAccuracy;
    let chart = Chart {
        lines,
        x: over.axis(ws.view.log_x, None),
        y: Axis {
            log: ws.view.log_y && !accuracy,
            unit: if accuracy { Unit::Percent } else { Unit::Number },
            ..Axis::default()
        },
        marks: &[],
        cursor: None,
        theme: canvas.theme,
        glyphs: canvas.glyphs,
    };
    canvas.render_widget(&chart, inner);
}

fn series(curves: &Curves, metric: Metric) -> &Series {
    match metric {
        Metric::ValidationLoss if !curves.validation_loss.is_empty() => &curves.validation_loss,
        Metric::ValidationAccuracy if !curves.validation_accuracy.is_empty() => &curves.validation_accuracy,
        Metric::ValidationAccuracy => &curves.accuracy,
        Metric::ValidationLoss | Metric::TrainingLoss => &curves.loss,
    }
}
