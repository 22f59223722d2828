//! The data of the recipe as the network sees it: samples before and after augmentation, the balance of
//! the classes, mean and deviation.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::{Paragraph, Wrap};

use crate::monitor::lines::grouped;
use crate::protocol::event::Phase;
use crate::ui::app::view::{cut, pane};
use crate::ui::screens::data::state::Places;
use crate::ui::screens::data::{balance, samples};
use crate::ui::workspace::App;

pub(crate) fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let Some((recipe, found)) = &app.data.found else {
        return nothing_yet(app, frame, area);
    };
    let (news, body) = news(app, area);
    if let Some((text, bad)) = news {
        let theme = &app.settings.theme;
        let style = if bad { theme.bad } else { theme.warn };
        let line = Rect { height: 1, ..area };
        frame.render_widget(Span::styled(cut(&text, usize::from(line.width)), style), line);
    }
    let places = Places::of(body, found.side);
    balance::draw(app, recipe, found, frame, places.balance);
    samples::draw(app, found, &places, frame, places.samples);
}

fn nothing_yet(app: &App, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let data = &app.recipe.recipe.data;
    let block = pane(app, format!(" data of the recipe: {data} "), true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (text, style) = match (&app.data.trouble, app.data.asked) {
        (_, true) => (progress(app), theme.accent),
        (Some(trouble), _) => (format!("not read: {trouble} Enter tries again."), theme.bad),
        _ => (
            format!(
                "enter reads {data}: samples before and after augmentation, how many images each class has, mean and \
                 deviation."
            ),
            theme.dim,
        ),
    };
    frame.render_widget(Paragraph::new(Span::styled(text, style)).wrap(Wrap { trim: true }), inner);
}

/// How far the engine is.
fn progress(app: &App) -> String {
    match app.monitor.phase {
        Some((Phase::Loading, done, total)) if total > 0 => {
            format!("reading the images: {} of {}.", grouped(done), grouped(total))
        }
        _ => "waiting for the engine to read the images.".into(),
    }
}

/// A line above what is known, where there is something to say about it, and whether that is bad; and what
/// is left of the area.
fn news(app: &App, area: Rect) -> (Option<(String, bool)>, Rect) {
    let text = if app.data.asked {
        Some((progress(app), false))
    } else if let Some(trouble) = &app.data.trouble {
        Some((format!("not read: {trouble}"), true))
    } else if app.data.is_stale(&app.recipe.recipe) {
        Some(("the recipe has changed since; enter reads its data.".into(), false))
    } else {
        None
    };
    let height = u16::from(text.is_some()).min(area.height);
    (text, Rect { y: area.y + height, height: area.height - height, ..area })
}

#[cfg(test)]
mod tests;
