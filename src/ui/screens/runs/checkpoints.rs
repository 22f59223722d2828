//! The checkpoints of the run that was opened.

use ratatui::layout::{Constraint, Layout, Rect};

use crate::format::{bytes, day, grouped};
use crate::store::catalog::CheckpointRow;
use crate::ui::canvas::Canvas;
use crate::ui::screens::runs::state::{Pane, RunsScreen};
use crate::ui::widgets::fit::in_view;

pub(crate) fn draw(screen: &RunsScreen, found: &[CheckpointRow], canvas: &mut Canvas, area: Rect) {
    let (ws, theme, glyphs) = (canvas.ws, canvas.theme, canvas.glyphs);
    let focus = screen.pane == Pane::Checkpoints;
    let inner = canvas.pane(" checkpoints, newest first ", focus, area);
    if found.is_empty() {
        return canvas.text("none, or still being read.", theme.dim, inner);
    }
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(inner);
    let line = |sign: &str, step: &str, epochs: &str, size: &str, saved: &str| {
        format!("{sign} {step:>10}{epochs:>8}{size:>11}  {saved}")
    };
    canvas.text(line(" ", "step", "epochs", "size", "saved"), theme.dim, head);
    let row = screen.checkpoint.min(found.len() - 1);
    for (index, at) in in_view(body, row, found.len()) {
        let of = &found[index];
        let sign = match (&of.trouble, of.best) {
            (Some(_), _) => glyphs.cross(),
            (None, true) => glyphs.star(),
            (None, false) => " ",
        };
        let text = line(
            sign,
            &grouped(of.step),
            &of.epochs.to_string(),
            &bytes(of.bytes),
            &day(ws.settings.utc_offset, of.saved_at),
        );
        let style = match (index == row && focus, &of.trouble, of.best) {
            (true, ..) => theme.selected,
            (_, Some(_), _) => theme.bad,
            (.., true) => theme.good,
            _ => theme.text,
        };
        canvas.row((Pane::Checkpoints as usize, index), text, style, at);
    }
    let growing = ws.runs.current().is_some_and(|run| run.live);
    let newest = found.iter().position(|of| of.trouble.is_none());
    let (about, style) = match &found[row].trouble {
        Some(sentence) => (sentence.as_str(), theme.bad),
        None if newest == Some(row) && !growing => ("r resumes the run, i inspects, E copies", theme.dim),
        None => ("r begins a new run from here, i inspects, E copies", theme.dim),
    };
    canvas.prose(about, style, foot);
}
