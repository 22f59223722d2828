//! The sweeps, how far one is, and its trials with their rungs.

use ratatui::layout::{Constraint, Layout, Rect};

use crate::format::{duration, grouped};
use crate::recipe::keys::text_of;
use crate::sweep::Record;
use crate::sweep::estimate;
use crate::sweep::table::{self, Row, State, shown, spread};
use crate::ui::canvas::Canvas;
use crate::ui::screens::sweeps::form::{FIELDS, Form};
use crate::ui::screens::sweeps::ladder::{self, ladder};
use crate::ui::screens::sweeps::state::{Pane, SweepsScreen};
use crate::ui::widgets::bar::Progress;
use crate::ui::widgets::fit::{cut, from_bottom, from_top, in_view};
use crate::ui::workspace::sweeps::SweepEntry;

/// Parts that can be clicked, beside the panes.
pub(super) const FORM: usize = 2;
/// The most rows of the list of sweeps.
const LISTED: u16 = 6;
/// The widest column of a key.
const WIDEST: usize = 16;

pub(crate) fn draw(screen: &SweepsScreen, canvas: &mut Canvas, area: Rect) {
    if let Some(new) = &screen.form {
        return form(new, canvas, area);
    }
    let sweeps = &canvas.ws.sweeps;
    let Some(current) = screen.current(sweeps) else {
        let inner = canvas.pane(" sweeps ", true, area);
        let text = if sweeps.known {
            "no sweeps yet. n makes one of the recipe in the form: every combination of some values, or values that are \
             drawn, several seeds, and the worst stopped early; `densenet-tui sweep FILE.toml` does the same."
        } else {
            "looking for sweeps."
        };
        return canvas.prose(text, canvas.theme.dim, inner);
    };
    let rows = (sweeps.rows.len() as u16).min(LISTED);
    let [above, below] = Layout::vertical([Constraint::Length(rows + 2), Constraint::Min(0)]).areas(area);
    list(screen, canvas, above);
    trials(screen, current, canvas, below);
}

fn list(screen: &SweepsScreen, canvas: &mut Canvas, area: Rect) {
    let (sweeps, theme) = (&canvas.ws.sweeps, canvas.theme);
    let count = sweeps.rows.len();
    let s = if count == 1 { "" } else { "s" };
    let inner = canvas.pane(format!(" {count} sweep{s} "), screen.pane == Pane::Sweeps, area);
    let row = screen.row(sweeps);
    for (index, at) in in_view(inner, row, count) {
        let sweep = &sweeps.rows[index];
        let text = format!("{:<28} {:<10} {}", cut(&sweep.place.name(), 28), sweep.state(), in_short(sweep));
        let style = match (index == row, &sweep.record, sweep.live) {
            (true, ..) => theme.selected,
            (_, Err(_), _) => theme.bad,
            (_, _, true) => theme.accent,
            _ => theme.text,
        };
        let width = usize::from(inner.width);
        canvas.row((Pane::Sweeps as usize, index), format!("{text:<width$}"), style, at);
    }
}

/// A sweep in a line.
fn in_short(sweep: &SweepEntry) -> String {
    let record = match &sweep.record {
        Ok(record) => record,
        Err(sentence) => return sentence.clone(),
    };
    let plan = &record.plan;
    let measure = plan.spec.search.measure;
    let best = record.standing.ranking().into_iter().next();
    let best = best.map(|best| table::row(plan, &record.standing, best));
    let best = best.and_then(|row| Some((row.trial, row.measure?)));
    let best = best.map_or_else(String::new, |(trial, value)| {
        format!(", {trial} leads with {}", shown(measure, value.mean))
    });
    let (trials, runs) = (plan.trials.len(), plan.runs());
    format!("{} trials, {} runs{best}", grouped(trials as u64), grouped(runs as u64))
}

fn trials(screen: &SweepsScreen, sweep: &SweepEntry, canvas: &mut Canvas, area: Rect) {
    let theme = canvas.theme;
    let name = sweep.place.name();
    let record = match &sweep.record {
        Ok(record) => record,
        Err(sentence) => {
            let inner = canvas.pane(format!(" {name} "), screen.pane == Pane::Trials, area);
            return canvas.prose(sentence.clone(), theme.bad, inner);
        }
    };
    let title = format!(" {name}: {} ", record.plan.spec.search.measure);
    let inner = canvas.pane(title, screen.pane == Pane::Trials, area);
    let (top, rest) = from_top(inner, 2);
    progress(sweep, record, canvas, top);
    let (foot, body) = from_bottom(rest, 2);
    let ranking = record.standing.ranking();
    let row = screen.trial.min(ranking.len().saturating_sub(1));
    let widths = widths(record);
    let (head, body) = from_top(body, 1);
    canvas.text(titles(record, &widths), theme.dim, head);
    let running: Vec<usize> = sweep.running().iter().map(|(job, _)| job.trial).collect();
    let width = usize::from(inner.width);
    for (index, at) in in_view(body, row, ranking.len()) {
        let of = &table::row(&record.plan, &record.standing, ranking[index]);
        let is_running = running.contains(&of.index);
        let text = line(record, of, is_running, &widths, canvas);
        let style = match (index == row && screen.pane == Pane::Trials, of.state) {
            (true, _) => theme.selected,
            (_, State::Failed) => theme.bad,
            (_, State::Dropped) => theme.dim,
            (_, State::Completed) => theme.good,
            _ if is_running => theme.accent,
            _ => theme.text,
        };
        canvas.row((Pane::Trials as usize, index), format!("{text:<width$}"), style, at);
    }
    if let Some(trial) = ranking.get(row) {
        about(sweep, record, &table::row(&record.plan, &record.standing, *trial), canvas, foot);
    }
}

/// How much is done, what runs, and how long the rest will take.
fn progress(sweep: &SweepEntry, record: &Record, canvas: &mut Canvas, area: Rect) {
    let (plan, standing) = (&record.plan, &record.standing);
    let (share, left) = estimate::of_record(record, canvas.ws.now);
    let rung = match plan.rungs.len() {
        1 => String::new(),
        count => format!("rung {} of {count}", standing.rung() + 1),
    };
    let left = match left {
        _ if record.is_finished() => "done".into(),
        Some(seconds) if sweep.live => format!("{:.0} %, {} left", 100.0 * share, duration(seconds)),
        _ => format!("{:.0} %", 100.0 * share),
    };
    let (above, below) = from_top(area, 1);
    let bar = Progress { label: &rung, share, text: &left, theme: canvas.theme, glyphs: canvas.glyphs };
    canvas.render_widget(&bar, above);
    let under_way: Vec<String> = sweep
        .running()
        .into_iter()
        .map(|(job, run)| {
            let done = sweep.epochs.get(&run).copied().unwrap_or(0);
            format!("{run}: epoch {} of {}", (done + 1).min(plan.rungs[job.rung]), plan.rungs[job.rung])
        })
        .collect();
    let text = match (under_way.is_empty(), sweep.state()) {
        (false, _) => format!("training {}", under_way.join(", ")),
        (true, "paused") => "paused: all of it is saved, and space goes on bit for bit.".into(),
        (true, "completed") => {
            format!("the best recipe is {}; b takes it into the form.", sweep.place.best().display())
        }
        _ => "starting.".into(),
    };
    canvas.text(text, canvas.theme.dim, below);
}

/// The widths of the keys' columns.
fn widths(record: &Record) -> Vec<(String, usize)> {
    let longest = |key: &String| {
        let cells = record.plan.trials.iter().flat_map(|trial| &trial.values);
        let cells = cells.filter(|(known, _)| known == key).map(|(_, value)| text_of(value).chars().count());
        cells.max().unwrap_or(0).max(key.chars().count()).min(WIDEST)
    };
    table::keys(&record.plan).into_iter().map(|key| (key.clone(), longest(&key))).collect()
}

fn titles(record: &Record, widths: &[(String, usize)]) -> String {
    let keys: Vec<String> =
        widths.iter().map(|(key, width)| format!("{:<width$}", cut(key, *width))).collect();
    let measure = record.plan.spec.search.measure.to_string();
    format!(
        "{:<6}{}  {}  {:<20}{:<16}state",
        "trial",
        keys.join("  "),
        ladder::head(record),
        cut(&measure, 19),
        "test"
    )
}

fn line(record: &Record, row: &Row, running: bool, widths: &[(String, usize)], canvas: &Canvas) -> String {
    let search = &record.plan.spec.search;
    let values: Vec<String> = widths
        .iter()
        .map(|(key, width)| {
            format!("{:<width$}", cut(&row.values.get(key).map_or("-".into(), text_of), *width))
        })
        .collect();
    let measure = spread(row.measure, search.seeds, |value| shown(search.measure, value));
    let test = spread(row.test, search.seeds, |share| format!("{:.2} %", 100.0 * share));
    let state = match row.state {
        State::Open if running => "running",
        State::Open => "waiting",
        other => other.word(),
    };
    let ladder = ladder(record, row.index, running, canvas.glyphs);
    format!("{:<6}{}  {ladder}  {measure:<20}{test:<16}{state}", row.trial, values.join("  "))
}

/// The trial under the cursor: what its seeds came to, and why it ended.
fn about(sweep: &SweepEntry, record: &Record, row: &Row, canvas: &mut Canvas, area: Rect) {
    let theme = canvas.theme;
    let parameters =
        row.parameters.map_or_else(String::new, |count| format!("{} parameters, ", grouped(count)));
    let first =
        format!("{}/{}: {parameters}{} of training", sweep.place.name(), row.trial, duration(row.seconds));
    let last = record.standing.decisions().iter().find(|decision| decision.dropped.contains(&row.index));
    let (second, style) = match (&row.reason, last) {
        (Some(reason), _) => (format!("failed: {reason}"), theme.bad),
        (_, Some(decision)) => {
            let (epochs, kept) = (record.plan.rungs[decision.rung], decision.promoted.len());
            let place = decision.dropped.iter().position(|trial| *trial == row.index).unwrap_or(0) + kept + 1;
            (
                format!(
                    "dropped after {epochs} epochs, as number {place} of {}",
                    kept + decision.dropped.len()
                ),
                theme.dim,
            )
        }
        (None, None) => {
            (format!("{} of {} epochs", row.epochs, record.plan.rungs.last().unwrap_or(&0)), theme.dim)
        }
    };
    let (above, below) = from_top(area, 1);
    canvas.text(first, theme.dim, above);
    canvas.text(second, style, below);
}

/// The form of a new sweep, with what it means below.
fn form(form: &Form, canvas: &mut Canvas, area: Rect) {
    let theme = canvas.theme;
    let inner = canvas.pane(" new sweep of the recipe in the form ", true, area);
    let (lines, rest) = from_top(inner, FIELDS.len() as u16);
    let width = usize::from(inner.width);
    for ((index, field), at) in FIELDS.iter().enumerate().zip(lines.rows()) {
        let here = index == form.row;
        let text = format!("{:<12}{}", field.name, form.texts[index]);
        let style = if here { theme.selected } else { theme.text };
        canvas.row((FORM, index), format!("{:<width$}", cut(&text, width)), style, at);
    }
    let (help, rest) = from_top(Rect { y: rest.y + 1, height: rest.height.saturating_sub(1), ..rest }, 2);
    canvas.prose(FIELDS[form.row].help, theme.dim, help);
    let (text, style) = match form.plan(&canvas.ws.draft.recipe) {
        Ok((plan, _)) => {
            let rungs: Vec<String> = plan.rungs.iter().map(ToString::to_string).collect();
            let (trials, all) = (grouped(plan.trials.len() as u64), grouped(plan.runs() as u64));
            (
                format!(
                    "{trials} trials, {all} runs, {} epochs; ctrl-r starts them, esc leaves.",
                    rungs.join(", ")
                ),
                theme.good,
            )
        }
        Err(sentence) => (sentence, theme.bad),
    };
    canvas.prose(text, style, rest);
}
