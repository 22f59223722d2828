//! The checkpoints of the run that was opened.

use crate::format::{bytes, day, grouped};
use crate::store::catalog::CheckpointRow;
use crate::ui::hits::{Canvas, Target};
use crate::ui::screens::runs::state::RunsScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Span;
use ratatui::widgets::{Paragraph, Wrap};

use crate::ui::screens::runs::state::Pane;
use crate::ui::widgets::pane::{cut, pane, scrolled};

pub(crate) fn draw(
    screen: &RunsScreen,
    ws: &Workspace,
    found: &[CheckpointRow],
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let focus = screen.pane == Pane::Checkpoints;
    let block = pane(&ws.settings.theme, ws.settings.glyphs, " checkpoints, newest first ", focus);
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    if found.is_empty() {
        canvas.render_widget(Span::styled("none, or still being read.", theme.dim), inner);
        return;
    }
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(inner);
    let line = |sign: &str, step: &str, epochs: &str, size: &str, saved: &str| {
        cut(&format!("{sign} {step:>10}{epochs:>8}{size:>11}  {saved}"), usize::from(inner.width))
    };
    canvas.render_widget(Span::styled(line(" ", "step", "epochs", "size", "saved"), theme.dim), head);
    let row = screen.checkpoint.min(found.len() - 1);
    let first = scrolled(row, found.len(), usize::from(body.height));
    for (place, of) in found.iter().enumerate().skip(first).take(usize::from(body.height)) {
        let glyphs = ws.settings.glyphs;
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
        let style = match (place == row && focus, &of.trouble, of.best) {
            (true, ..) => theme.selected,
            (_, Some(_), _) => theme.bad,
            (.., true) => theme.good,
            _ => theme.text,
        };
        let at = Rect { y: body.y + (place - first) as u16, height: 1, ..body };
        canvas.render_widget(Span::styled(text, style), at);
        canvas.hit(at, Target::Part { part: Pane::Checkpoints as usize, row: place });
    }
    let of = &found[row];
    let growing = ws.runs.current().is_some_and(|run| run.live);
    let about = match &of.trouble {
        Some(sentence) => sentence.as_str(),
        None if place_of_newest(found) == Some(row) && !growing => {
            "r goes on with the run, i inspects, E copies"
        }
        None => "r begins a new run from here, i inspects, E copies",
    };
    let style = if of.trouble.is_some() { theme.bad } else { theme.dim };
    canvas.render_widget(Paragraph::new(Span::styled(about, style)).wrap(Wrap { trim: true }), foot);
}

/// The newest checkpoint that can be read.
fn place_of_newest(found: &[CheckpointRow]) -> Option<usize> {
    found.iter().position(|of| of.trouble.is_none())
}
