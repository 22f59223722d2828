//! The table of runs, and what is below it.

use std::path::Path;

use ratatui::layout::{Constraint, Layout, Rect};

use crate::format::{bytes, day, duration, grouped};
use crate::plain;
use crate::store::catalog::{Entry, Summary};
use crate::ui::canvas::Canvas;
use crate::ui::screens::runs::state::{Lower, Pane, RunsScreen};
use crate::ui::screens::runs::{chart, checkpoints, differences, points};
use crate::ui::widgets::fit::{cut, from_top, in_view};
use crate::ui::widgets::pen;
use crate::ui::workspace::groups::SEED;
use crate::ui::workspace::runs::{Difference, Row};

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
            picture(screen, canvas, right);
        }
        None => picture(screen, canvas, lower),
    }
}

/// The lower half: curves, points or differences.
fn picture(screen: &RunsScreen, canvas: &mut Canvas, area: Rect) {
    match screen.lower {
        Lower::Curves => chart::draw(screen, canvas, area),
        Lower::Scatter => points::draw(screen, canvas, area),
        Lower::Differences => differences::draw(screen, canvas, area),
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
            _ if ws.runs.filter().text().is_empty() => {
                "every run is in the archive; A shows them.".to_owned()
            }
            _ => "no run is like this; esc shows all.".to_owned(),
        };
        return canvas.prose(text, theme.dim, inner);
    }
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(inner);
    let grouped = group_column(canvas);
    let all = ws.runs.differences();
    // Groups by a key are its column already.
    let rest = |of: &&Difference| grouped.is_none() || Some(of.key) != ws.runs.group();
    let keys: Vec<&Difference> = all.iter().skip(screen.column).filter(rest).collect();
    let width = usize::from(inner.width);
    let differing = |of: &dyn Fn(&str) -> String| {
        let cell = |width: usize, text: &str| format!("{:<width$}", cut(text, width));
        let group = grouped.iter().map(|(title, width)| cell(*width, &of(title)));
        let rest =
            keys.iter().map(|Difference { key, width }| cell((*width).max(key.len()).min(18), &of(key)));
        group.chain(rest).collect::<Vec<_>>().join("  ")
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
            &format!("{sign}{star}{}{}", if grouped.is_some() { "  " } else { "" }, of.name),
            [
                of.state(),
                &format!("{epoch}/{epochs}"),
                &percent(summary.and_then(|summary| Some(summary.best?.accuracy))),
                &percent(summary.and_then(Summary::last_accuracy)),
                &percent(summary.and_then(|summary| Some(summary.test?.accuracy))),
            ],
            &differing(&|key| match &grouped {
                Some((title, _)) if title == key => {
                    group_of(of, canvas).map_or_else(String::new, |(_, name)| name)
                }
                _ => of.value(key),
            }),
        );
        let style = match (index == row, of.trouble().is_some(), of.live) {
            (true, ..) => theme.selected,
            _ if of.labels.archived => theme.dim,
            (_, true, _) => theme.bad,
            (_, _, true) => theme.accent,
            _ => theme.text,
        };
        canvas.row((Pane::Table as usize, index), text, style, at);
        if let Some((number, _)) = group_of(of, canvas) {
            let end = at.x + at.width.min(3);
            pen::dot(canvas.buffer_mut(), at, (end - 1, at.y), glyphs.group(number), theme.curve(number));
        }
    }
    if let Some(row) = ws.runs.current() {
        about(row, canvas, foot);
    }
}

/// The title of the column that names the groups, and its width; `None` without groups.
fn group_column(canvas: &Canvas) -> Option<(String, usize)> {
    let group = canvas.ws.runs.group()?;
    let title = if group == SEED { "group".to_owned() } else { group.to_owned() };
    let names = canvas.ws.runs.groups().names().iter();
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0).max(title.len()).min(30);
    Some((title, width))
}

/// The number of a run's group, and its name.
fn group_of(row: &Row, canvas: &Canvas) -> Option<(usize, String)> {
    let number = canvas.ws.runs.group_of(&row.path)?;
    Some((number, canvas.ws.runs.groups().names()[number].clone()))
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
