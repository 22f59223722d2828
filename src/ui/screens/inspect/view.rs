//! What the network learned: the views of an inspection.

mod classes;
mod confusion;
mod epochs;
mod mistakes;
mod reuse;
mod scales;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::monitor::lines::grouped;
use crate::protocol::event::{Inspection, Phase};
use crate::ui::app::view::{cut, pane};
use crate::ui::screens::inspect::places::Places;
use crate::ui::screens::inspect::state::View;
use crate::ui::screens::inspect::words::{images, split};
use crate::ui::widgets::bar::Progress;
use crate::ui::workspace::App;

pub(crate) fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let screen = &app.inspect;
    let theme = &app.settings.theme;
    let found = screen.found.as_ref();
    let mut block = pane(app, title(app), true);
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
    frame.render_widget(block, area);
    let places = Places::of(area, found.map_or(1, |(_, found)| found.side));
    strip(app, frame, places.strip);
    let body = news(app, frame, places.view);
    if body.is_empty() {
        return;
    }
    match (screen.view, found) {
        (View::Epochs, _) => epochs::draw(app, frame, body),
        (_, None) => frame.render_widget(
            Paragraph::new(Span::styled(nothing_yet(app), theme.dim)).wrap(Wrap { trim: true }),
            body,
        ),
        (View::Confusion, Some((_, found))) => confusion::draw(app, found, frame, body),
        (View::Classes, Some((_, found))) => classes::draw(app, found, frame, body),
        (View::Mistakes, Some((_, found))) => mistakes::draw(app, found, &places, frame, body),
        (View::Reuse, Some((_, found))) => reuse::draw(app, found, frame, body),
        (View::Scales, Some((_, found))) => scales::draw(app, found, frame, body),
    }
}

fn title(app: &App) -> String {
    let Some((target, found)) = &app.inspect.found else { return " inspect ".into() };
    let next = app.inspect.split;
    let other = if next == found.split { String::new() } else { format!("; i: {} images", split(next)) };
    format!(" {} after step {}{other} ", target.name, grouped(found.step))
}

fn nothing_yet(app: &App) -> &'static str {
    if app.inspect.awaited().is_some() {
        "the engine runs over the images; a run in training goes on after that."
    } else if app.monitor.head.is_some() {
        "nothing was inspected yet: enter inspects the best network of the run in hand, i on the Runs screen (3) \
         that of the run chosen there."
    } else {
        "nothing was inspected yet: train a run (Recipe, 1), or choose one on the Runs screen (3) and press i."
    }
}

/// The names of the views, the one that shows marked.
fn strip(app: &App, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let spans = View::ALL.iter().map(|&view| {
        // Without colour the marks still tell.
        let text = if view == app.inspect.view {
            format!("[{}]", view.title())
        } else {
            format!(" {} ", view.title())
        };
        Span::styled(text, if view == app.inspect.view { theme.selected } else { theme.dim })
    });
    frame.render_widget(spans.collect::<Line>(), area);
}

/// What the engine is at, or why it did not answer, in a line above the view; the area that is left.
fn news(app: &App, frame: &mut Frame, area: Rect) -> Rect {
    let theme = &app.settings.theme;
    let line = Rect { height: area.height.min(1), ..area };
    let rest = Rect { y: area.y + line.height, height: area.height - line.height, ..area };
    if let Some(target) = app.inspect.awaited() {
        let (what, share) = match app.monitor.phase {
            Some((Phase::Loading, done, total)) if total > 0 => ("reading", done as f64 / total as f64),
            Some((Phase::Validating | Phase::Testing, done, total)) if total > 0 => {
                (split(app.inspect.split), done as f64 / total as f64)
            }
            _ => ("waiting", 0.0),
        };
        let label = format!("inspecting {}: {what}", target.name);
        // The widget gives a label a third of the row.
        let width = (label.chars().count() as u16).min(area.width * 2 / 3);
        frame.render_widget(Span::styled(cut(&label, usize::from(width)), theme.accent), line);
        let bar = Rect { x: line.x + width, width: line.width - width, ..line };
        let (label, text, glyphs) = (" ", "", app.settings.glyphs);
        frame.render_widget(&Progress { label, share, text, theme, glyphs }, bar);
        return rest;
    }
    if let Some(trouble) = &app.inspect.trouble {
        let height = area.height.min(2);
        let lines = Rect { height, ..area };
        let text = format!("not inspected: {trouble}");
        frame.render_widget(Paragraph::new(Span::styled(text, theme.bad)).wrap(Wrap { trim: true }), lines);
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
fn readout(app: &App, text: &str, frame: &mut Frame, area: Rect) {
    let text = app.settings.glyphs.text(text);
    frame.render_widget(Span::styled(cut(&text, usize::from(area.width)), app.settings.theme.accent), area);
}

/// A class by its name, as the terminal can show it.
fn class(app: &App, found: &Inspection, label: usize) -> String {
    app.settings.glyphs.text(crate::ui::screens::inspect::words::name(found, label)).into_owned()
}

#[cfg(test)]
mod tests;
