//! What the network learned: the views of an inspection.

mod classes;
mod confusion;
mod epochs;
mod mistakes;
mod reuse;
mod scales;

use crate::format::grouped;
use crate::ui::hits::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::protocol::event::{Inspection, Phase};
use crate::ui::screens::inspect::places::Places;
use crate::ui::screens::inspect::state::View;
use crate::ui::screens::inspect::words::{images, split};
use crate::ui::widgets::bar::Progress;
use crate::ui::widgets::pane::{cut, pane};

pub(crate) fn draw(screen: &InspectScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let theme = &ws.settings.theme;
    let found = screen.found.as_ref();
    let mut block = pane(&ws.settings.theme, ws.settings.glyphs, title(screen), true);
    if let Some((_, found)) = found {
        let text = format!(
            " {} {} images: accuracy {:.2} %, loss {:.4} ",
            grouped(images(found) as u64),
            split(found.split),
            100.0 * found.figures.accuracy,
            found.figures.loss
        );
        block = block.title_bottom(Line::raw(cut(&text, usize::from(area.width).saturating_sub(2))));
    }
    canvas.render_widget(block, area);
    let places = Places::of(area, found.map_or(1, |(_, found)| found.side));
    strip(screen, ws, canvas, places.strip);
    let body = news(screen, ws, canvas, places.view);
    if body.is_empty() {
        return;
    }
    match (screen.view, found) {
        (View::Epochs, _) => epochs::draw(screen, ws, canvas, body),
        (_, None) => canvas.render_widget(
            Paragraph::new(Span::styled(nothing_yet(screen, ws), theme.dim)).wrap(Wrap { trim: true }),
            body,
        ),
        (View::Confusion, Some((_, found))) => confusion::draw(screen, ws, found, canvas, body),
        (View::Classes, Some((_, found))) => classes::draw(screen, ws, found, canvas, body),
        (View::Mistakes, Some((_, found))) => mistakes::draw(screen, ws, found, &places, canvas, body),
        (View::Reuse, Some((_, found))) => reuse::draw(screen, ws, found, canvas, body),
        (View::Scales, Some((_, found))) => scales::draw(screen, ws, found, canvas, body),
    }
}

fn title(screen: &InspectScreen) -> String {
    let Some((target, found)) = &screen.found else { return " inspect ".into() };
    let next = screen.split;
    let other = if next == found.split { String::new() } else { format!("; i: {} images", split(next)) };
    format!(" {} after step {}{other} ", target.name, grouped(found.step))
}

fn nothing_yet(screen: &InspectScreen, ws: &Workspace) -> &'static str {
    if screen.awaited().is_some() {
        "the engine runs over the images; a run in training goes on after that."
    } else if ws.live.monitor.head.is_some() {
        "nothing was inspected yet: enter inspects the best network of the run in hand, i on the Runs screen (3) \
         that of the run chosen there."
    } else {
        "nothing was inspected yet: train a run (Recipe, 1), or choose one on the Runs screen (3) and press i."
    }
}

/// The names of the views, the one that shows marked.
fn strip(screen: &InspectScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let theme = &ws.settings.theme;
    let spans = View::ALL.iter().map(|&view| {
        // Without colour the marks still tell.
        let text =
            if view == screen.view { format!("[{}]", view.title()) } else { format!(" {} ", view.title()) };
        Span::styled(text, if view == screen.view { theme.selected } else { theme.dim })
    });
    canvas.render_widget(spans.collect::<Line>(), area);
}

/// What the engine is at, or why it did not answer, in a line above the view; the area that is left.
fn news(screen: &InspectScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) -> Rect {
    let theme = &ws.settings.theme;
    let line = Rect { height: area.height.min(1), ..area };
    let rest = Rect { y: area.y + line.height, height: area.height - line.height, ..area };
    if let Some(target) = screen.awaited() {
        let (what, share) = match ws.live.monitor.phase {
            Some((Phase::Loading, done, total)) if total > 0 => ("reading", done as f64 / total as f64),
            Some((Phase::Validating | Phase::Testing, done, total)) if total > 0 => {
                (split(screen.split), done as f64 / total as f64)
            }
            _ => ("waiting", 0.0),
        };
        let label = format!("inspecting {}: {what}", target.name);
        // The widget gives a label a third of the row.
        let width = (label.chars().count() as u16).min(area.width * 2 / 3);
        canvas.render_widget(Span::styled(cut(&label, usize::from(width)), theme.accent), line);
        let bar = Rect { x: line.x + width, width: line.width - width, ..line };
        let (label, text, glyphs) = (" ", "", ws.settings.glyphs);
        canvas.render_widget(&Progress { label, share, text, theme, glyphs }, bar);
        return rest;
    }
    if let Some(trouble) = &screen.trouble {
        let height = area.height.min(2);
        let lines = Rect { height, ..area };
        let text = format!("not inspected: {trouble}");
        canvas.render_widget(Paragraph::new(Span::styled(text, theme.bad)).wrap(Wrap { trim: true }), lines);
        return Rect { y: area.y + height, height: area.height - height, ..area };
    }
    area
}

/// A line at the bottom of an area, and what is left above it.
fn footed(area: Rect) -> (Rect, Rect) {
    let height = area.height.min(1);
    let line = Rect { y: area.bottom() - height, height, ..area };
    (Rect { height: area.height - height, ..area }, line)
}

/// What the cursor points at, in a line.
fn readout(ws: &Workspace, text: &str, canvas: &mut Canvas, area: Rect) {
    let text = ws.settings.glyphs.text(text);
    canvas.render_widget(Span::styled(cut(&text, usize::from(area.width)), ws.settings.theme.accent), area);
}

/// A class by its name, as the terminal can show it.
fn class(ws: &Workspace, found: &Inspection, label: usize) -> String {
    ws.settings.glyphs.text(crate::ui::screens::inspect::words::name(found, label)).into_owned()
}

#[cfg(test)]
mod tests;
