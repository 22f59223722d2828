//! The table of runs, the curves of those that are marked, and a run's checkpoints.

use crate::format::{bytes, day, duration, grouped};
use crate::store::catalog::{Entry, Summary};
use crate::ui::hits::{Canvas, Target};
use crate::ui::screens::runs::state::RunsScreen;
use crate::ui::workspace::Workspace;
use crate::ui::workspace::runs::value;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::ui::curves::Curves;
use crate::ui::screens::runs::checkpoints;
use crate::ui::screens::runs::state::{Metric, Pane};
use crate::ui::widgets::axis::{Axis, Unit};
use crate::ui::widgets::chart::{Chart, Line as Curve};
use crate::ui::widgets::pane::{cut, pane, scrolled};
use crate::ui::widgets::series::Series;

/// Columns of the table before the hyperparameters: name, state, epoch, best, last, test.
const NAME: usize = 28;

pub(crate) fn draw(screen: &RunsScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let rows = ws.runs.count() as u16;
    let table_height = (rows + 5).clamp(8, (area.height / 2).max(8));
    let [upper, lower] = Layout::vertical([Constraint::Length(table_height), Constraint::Min(0)]).areas(area);
    if rows == 0 || lower.height < 6 {
        return table(screen, ws, canvas, area);
    }
    table(screen, ws, canvas, upper);
    match &screen.opened {
        Some((_, found)) => {
            let width = (lower.width / 2).min(64);
            let [left, right] =
                Layout::horizontal([Constraint::Length(width), Constraint::Min(0)]).areas(lower);
            checkpoints::draw(screen, ws, found, canvas, left);
            curves(screen, ws, canvas, right);
        }
        None => curves(screen, ws, canvas, lower),
    }
}

fn table(screen: &RunsScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let theme = &ws.settings.theme;
    let rows = ws.runs.shown();
    let filter = if ws.runs.filter.is_empty() {
        String::new()
    } else {
        format!(", {} of {} with \"{}\"", rows.len(), ws.runs.count(), ws.runs.filter)
    };
    let s = if ws.runs.count() == 1 { "" } else { "s" };
    let title = format!(" {} run{s}, {}{filter} ", ws.runs.count(), ws.runs.order.word());
    let block = pane(&ws.settings.theme, ws.settings.glyphs, title, screen.pane == Pane::Table);
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    if rows.is_empty() {
        let place = ws.settings.options.runs_dir.display();
        let text = match (ws.runs.count(), ws.runs.known) {
            (0, false) => "looking for runs.".to_owned(),
            (0, true) => {
                format!("no runs in {place} yet. Recipe (1) designs a network, ctrl-r there trains it.")
            }
            _ => "no run has these words; esc shows all.".to_owned(),
        };
        let text = Paragraph::new(Span::styled(text, theme.dim));
        canvas.render_widget(text.wrap(Wrap { trim: true }), inner);
        return;
    }
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(inner);
    let all = ws.runs.differences();
    let keys = &all[screen.column.min(all.len())..];
    let widths: Vec<usize> = keys
        .iter()
        .map(|key| {
            rows.iter().map(|row| value(row, key).chars().count()).max().unwrap_or(0).max(key.len()).min(18)
        })
        .collect();
    let width = usize::from(inner.width);
    let differing = |of: &dyn Fn(&str) -> String| {
        let cell = |(key, &width): (&String, &usize)| format!("{:<width$}", cut(&of(key), width));
        keys.iter().zip(&widths).map(cell).collect::<Vec<_>>().join("  ")
    };
    let line = |name: &str, [state, epoch, best, last, test]: [&str; 5], rest: &str| {
        let text =
            format!("{:<NAME$} {state:<12}{epoch:>7}{best:>8}{last:>8}{test:>8}  {rest}", cut(name, NAME));
        cut(&format!("{text:<width$}"), width)
    };
    let more = if screen.column > 0 { ws.settings.glyphs.left() } else { " " };
    let titles = line("  name", ["state", "epoch", "best %", "last %", "test %"], &differing(&str::to_owned));
    let titles = titles.replacen("test %  ", &format!("test % {more}"), 1);
    canvas.render_widget(Span::styled(titles, theme.dim), head);
    let height = usize::from(body.height);
    let row = ws.runs.row.min(rows.len() - 1);
    let first = scrolled(row, rows.len(), height);
    let percent = |share: Option<f64>| share.map_or_else(|| "-".into(), |x| format!("{:.2}", 100.0 * x));
    let glyphs = ws.settings.glyphs;
    for (place, of) in rows.iter().enumerate().skip(first).take(height) {
        let marked = ws.runs.marked.contains(&of.path);
        let sign = if marked { glyphs.marked() } else { " " };
        let summary = of.summary();
        let (epoch, epochs) = summary.map_or((0, 0), |summary| (summary.epoch, summary.recipe.epochs));
        let text = line(
            &format!("{sign} {}", of.name),
            [
                of.state(),
                &format!("{epoch}/{epochs}"),
                &percent(summary.and_then(|summary| Some(summary.best?.accuracy))),
                &percent(summary.and_then(Summary::last_accuracy)),
                &percent(summary.and_then(|summary| Some(summary.test?.accuracy))),
            ],
            &differing(&|key| value(of, key)),
        );
        let style = match (place == row, of.trouble().is_some(), of.live) {
            (true, ..) => theme.selected,
            (_, true, _) => theme.bad,
            (_, _, true) => theme.accent,
            _ => theme.text,
        };
        let at = Rect { y: body.y + (place - first) as u16, height: 1, ..body };
        canvas.render_widget(Span::styled(text, style), at);
        canvas.hit(at, Target::Part { part: Pane::Table as usize, row: place });
    }
    canvas.render_widget(about(ws, rows[row]), foot);
}

/// The run under the cursor in two lines.
fn about<'a>(ws: &Workspace, row: &Entry) -> Paragraph<'a> {
    let theme = &ws.settings.theme;
    let (Some(summary), None) = (row.summary(), row.trouble()) else {
        let sentence = row.trouble().unwrap_or_default();
        let text = Line::styled(format!("{}: {sentence}", row.name), theme.bad);
        return Paragraph::new(text).wrap(Wrap { trim: true });
    };
    let parent = summary.parent.as_ref().map_or_else(String::new, |parent| format!(", from {parent}"));
    let first = format!(
        "{}, {} parameters, step {} of {}, {} of training{parent}",
        summary.network,
        grouped(summary.parameters),
        grouped(summary.step),
        grouped(summary.total_steps),
        duration(summary.seconds),
    );
    let second = format!(
        "started {}, last word {}, {} on disk",
        day(ws.settings.utc_offset, summary.created),
        day(ws.settings.utc_offset, summary.updated),
        bytes(row.bytes)
    );
    Paragraph::new(vec![Line::styled(first, theme.dim), Line::styled(second, theme.dim)])
}

/// The marked runs, or the one under the cursor, in one chart.
fn curves(screen: &RunsScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let what = if ws.runs.marked.is_empty() { "this run" } else { "the marked runs" };
    let damaged: usize = ws
        .runs
        .drawn()
        .iter()
        .filter_map(|path| ws.runs.curves.get(path)?.as_ref().ok())
        .map(|curves| curves.damaged)
        .sum();
    let damaged = match damaged {
        0 => String::new(),
        1 => ", one damaged line passed over".into(),
        n => format!(", {n} damaged lines passed over"),
    };
    let block = pane(
        &ws.settings.theme,
        ws.settings.glyphs,
        format!(" {} of {what}{damaged} ", screen.metric.word()),
        false,
    );
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    let over = ws.view.x_axis;
    let mut trouble = None;
    let mut found: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for path in ws.runs.drawn() {
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
        let text = trouble.unwrap_or_else(|| format!("no {} was told.", screen.metric.word()));
        let text = Paragraph::new(Span::styled(text, ws.settings.theme.dim)).wrap(Wrap { trim: true });
        return canvas.render_widget(text, inner);
    }
    let lines: Vec<Curve> = found
        .iter()
        .zip("*o+x#@".chars().cycle())
        .enumerate()
        .map(|(style, ((name, points), marker))| Curve { name, points, faint: &[], style, marker })
        .collect();
    let accuracy = screen.metric == Metric::ValidationAccuracy;
    let chart = Chart {
        title: "",
        lines,
        x: over.axis(ws.view.log_x, None),
        y: Axis {
            label: String::new(),
            log: ws.view.log_y && !accuracy,
            bounds: None,
            unit: if accuracy { Unit::Percent } else { Unit::Number },
        },
        marks: &[],
        cursor: None,
        theme: &ws.settings.theme,
        glyphs: ws.settings.glyphs,
    };
    canvas.render_widget(&chart, inner);
}

fn series(curves: &Curves, measure: Metric) -> &Series {
    match measure {
        Metric::ValidationLoss if !curves.validation_loss.is_empty() => &curves.validation_loss,
        Metric::ValidationAccuracy if !curves.validation_accuracy.is_empty() => &curves.validation_accuracy,
        Metric::ValidationAccuracy => &curves.accuracy,
        Metric::ValidationLoss | Metric::TrainingLoss => &curves.loss,
    }
}
