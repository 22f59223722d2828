//! The views of an inspection.

mod classes;
mod confusion;
mod epochs;
mod mistakes;
mod parts;
mod predict;
mod reuse;
mod scales;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::format::grouped;
use crate::protocol::event::Phase;
use crate::ui::canvas::Canvas;
use crate::ui::screens::inspect::places::Places;
use crate::ui::screens::inspect::state::{InspectScreen, View};
use crate::ui::screens::inspect::words::{images, split};
use crate::ui::widgets::bar::Progress;
use crate::ui::widgets::fit::from_top;
use crate::ui::workspace::Workspace;

pub(crate) fn draw(screen: &InspectScreen, canvas: &mut Canvas, area: Rect) {
    let found = screen.inspection();
    canvas.pane(title(screen), true, area);
    if let Some(found) = found {
        let text = format!(
            " {} {} images: accuracy {:.2} %, loss {:.4} ",
            grouped(images(found) as u64),
            split(found.split),
            100.0 * found.figures.accuracy,
            found.figures.loss
        );
        let line = Rect::new(area.x + 1, area.bottom().saturating_sub(1), area.width.saturating_sub(2), 1);
        canvas.text(text, canvas.theme.title, line.intersection(area));
    }
    let places = Places::of(area, found.map_or(1, |found| found.side));
    strip(screen, canvas, places.strip);
    let body = news(screen, canvas, places.view);
    if body.is_empty() {
        return;
    }
    match (screen.view, found) {
        (View::Predict, _) => predict::draw(screen, canvas, body),
        (View::Epochs, _) => epochs::draw(screen, canvas, body),
        (_, None) => canvas.prose(nothing_yet(screen, canvas.ws), canvas.theme.dim, body),
        (View::Confusion, Some(found)) => confusion::draw(screen, found, canvas, body),
        (View::Classes, Some(found)) => classes::draw(screen, found, canvas, body),
        (View::Mistakes, Some(found)) => mistakes::draw(screen, found, places.gallery, canvas, body),
        (View::Reuse, Some(found)) => reuse::draw(screen, found, canvas, body),
        (View::Scales, Some(found)) => scales::draw(screen, found, canvas, body),
    }
}

fn title(screen: &InspectScreen) -> String {
    let Some((target, found)) = &screen.found else { return " inspect ".into() };
    let next = screen.split();
    let other = if next == found.split { String::new() } else { format!("; i: {} images", split(next)) };
    format!(" {} after step {}{other} ", target.name, grouped(found.step))
}

fn nothing_yet(screen: &InspectScreen, ws: &Workspace) -> &'static str {
    if screen.asked.waits() {
        "the engine runs over the images; a run in training continues after that."
    } else if ws.live.monitor.head.is_some() {
        "nothing was inspected yet: enter inspects the best network of the run in hand, i on the Runs screen (3) \
         that of the run chosen there."
    } else {
        "nothing was inspected yet: train a run (Recipe, 1), or choose one on the Runs screen (3) and press i."
    }
}

/// The names of the views, the one that shows marked.
fn strip(screen: &InspectScreen, canvas: &mut Canvas, area: Rect) {
    let spans = View::ALL.iter().map(|&view| {
        // Without colour the brackets still mark it.
        if view == screen.view {
            Span::styled(format!("[{}]", view.title()), canvas.theme.selected)
        } else {
            Span::styled(format!(" {} ", view.title()), canvas.theme.dim)
        }
    });
    let line: Line = spans.collect();
    canvas.render_widget(line, area);
}

/// The progress of the engine, or why it did not answer, above the view; the rest of the area.
fn news(screen: &InspectScreen, canvas: &mut Canvas, area: Rect) -> Rect {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    if let Some(target) = screen.awaited() {
        let (line, rest) = from_top(area, 1);
        let (what, share) = match canvas.ws.live.monitor.phase {
            Some((Phase::Loading, done, total)) if total > 0 => ("reading", done as f64 / total as f64),
            Some((Phase::Validating | Phase::Testing, done, total)) if total > 0 => {
                (split(screen.split()), done as f64 / total as f64)
            }
            _ => ("waiting", 0.0),
        };
        let label = format!("inspecting {}: {what}", target.name);
        // The widget gives a label a third of the row.
        let width = (label.chars().count() as u16).min(area.width * 2 / 3);
        canvas.text(label, theme.accent, Rect { width, ..line });
        let bar = Rect { x: line.x + width, width: line.width - width, ..line };
        canvas.render_widget(&Progress { label: " ", share, text: "", theme, glyphs }, bar);
        return rest;
    }
    if let (View::Predict, Some(what)) = (screen.view, screen.predict.awaited()) {
        let (line, rest) = from_top(area, 1);
        canvas.text(glyphs.text(&format!("looking at {what}")), theme.accent, line);
        return rest;
    }
    if let (View::Predict, Some(trouble)) = (screen.view, &screen.predict.asked.trouble) {
        let (lines, rest) = from_top(area, 2);
        canvas.prose(format!("not looked at: {trouble}"), theme.bad, lines);
        return rest;
    }
    if let Some(trouble) = &screen.asked.trouble {
        let (lines, rest) = from_top(area, 2);
        canvas.prose(format!("not inspected: {trouble}"), theme.bad, lines);
        return rest;
    }
    area
}

#[cfg(test)]
mod tests;
