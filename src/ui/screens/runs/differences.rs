//! The keys in which the recipes of some runs differ, with the value of each, and their figures.

use ratatui::layout::{Constraint, Layout, Rect};

use crate::format::{duration, grouped};
use crate::store::catalog::Summary;
use crate::ui::canvas::Canvas;
use crate::ui::screens::runs::state::{Pane, RunsScreen};
use crate::ui::widgets::fit::cut;
use crate::ui::widgets::pen;
use crate::ui::workspace::runs::{Row, Runs, differing};

/// Columns of a value at most.
const WIDEST: usize = 28;

/// A figure of a run, as it is shown.
type Figure = fn(&Summary) -> Option<String>;

/// Figures that are compared too.
const FIGURES: [(&str, Figure); 5] = [
    ("parameters", |run| Some(grouped(run.parameters))),
    ("best %", |run| Some(percent(run.best?.accuracy))),
    ("test %", |run| Some(percent(run.test?.accuracy))),
    ("epoch", |run| Some(run.epoch.to_string())),
    ("time", |run| Some(duration(run.seconds))),
];

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// Rows of the list: what is compared, the value of each run, and whether it is a key of the recipe.
pub(crate) fn rows(runs: &[&Row]) -> Vec<(&'static str, Vec<String>, bool)> {
    let keys = differing(runs.iter().copied()).into_iter();
    let keys = keys.map(|key| (key, runs.iter().map(|run| run.value(key)).collect(), true));
    let figure = |run: &&Row, of: Figure| run.summary().and_then(of).unwrap_or_else(|| "-".into());
    let figures =
        FIGURES.iter().map(|&(name, of)| (name, runs.iter().map(|run| figure(run, of)).collect(), false));
    keys.chain(figures).collect()
}

/// What is there to see, in the title; or the sentence about what is to be done for that.
fn title(all: &Runs, compared: usize, keys: usize) -> Result<String, &'static str> {
    match (compared, all.marked.len()) {
        (0, _) => Err(
            "nothing to compare: space marks a run, then the cursor shows how another one differs from it; \
                       of more than one that are marked, each has a column.",
        ),
        (1, _) => Err("this is the marked run; put the cursor on the one to compare it with, or mark more."),
        _ if keys == 0 => Ok("the recipes are the same".into()),
        (2, _) => Ok(format!("two runs differ in {keys} key{}", if keys == 1 { "" } else { "s" })),
        (n, _) => Ok(format!("{n} runs differ in {keys} key{}", if keys == 1 { "" } else { "s" })),
    }
}

pub(crate) fn draw(screen: &RunsScreen, canvas: &mut Canvas, area: Rect) {
    let (ws, theme, glyphs) = (canvas.ws, canvas.theme, canvas.glyphs);
    let runs = ws.runs.compared();
    let all = rows(&runs);
    let keys = all.iter().filter(|(.., of_recipe)| *of_recipe).count();
    let focus = screen.pane == Pane::Lower;
    let title = match title(&ws.runs, runs.len(), keys) {
        Ok(title) => title,
        Err(sentence) => {
            let inner = canvas.pane(" differences ", focus, area);
            return canvas.prose(sentence, theme.dim, inner);
        }
    };
    let (skipped, first) = (screen.scrolled.0.min(all.len() - 1), screen.scrolled.1.min(runs.len() - 1));
    let name = all.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let width = |column: usize| {
        let values = all.iter().map(|(_, values, _)| values[column].chars().count()).max().unwrap_or(0);
        runs[column].name.chars().count().max(values).min(WIDEST)
    };
    let room = usize::from(area.width.saturating_sub(2));
    let mut columns: Vec<(usize, usize)> = Vec::new();
    let mut used = name;
    for column in first..runs.len() {
        let width = width(column);
        if used + 2 + width > room && !columns.is_empty() {
            break;
        }
        used += 2 + width;
        columns.push((column, width));
    }
    let part = match (first + 1, first + columns.len()) {
        (1, last) if last == runs.len() => String::new(),
        (from, to) => format!(", columns {from} to {to}"),
    };
    let inner = canvas.pane(format!(" {title}{part} "), focus, area);
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    let line = |label: &str, cell: &dyn Fn(usize) -> String| {
        let cells = columns.iter().map(|&(column, width)| format!("  {:<width$}", cut(&cell(column), width)));
        format!("{label:<name$}{}", cells.collect::<String>())
    };
    canvas.text(line("", &|column| runs[column].name.clone()), theme.dim, head);
    let mut begin = head.x + name as u16;
    for &(column, width) in &columns {
        let style = if ws.runs.marked.contains(&runs[column].path) { theme.title } else { theme.accent };
        let text = cut(&runs[column].name, width);
        pen::put(canvas.buffer_mut(), head, (begin + 2, head.y), &glyphs.text(&text), style);
        begin += 2 + width as u16;
    }
    for ((label, values, of_recipe), at) in all.iter().skip(skipped).zip(body.rows()) {
        let style = if *of_recipe { theme.text } else { theme.dim };
        canvas.text(line(label, &|column| values[column].clone()), style, at);
    }
}
