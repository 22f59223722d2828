//! The data of the recipe as the network sees it: samples before and after augmentation, the balance of
//! the classes, mean and deviation.

use crate::format::grouped;
use crate::ui::hits::Canvas;
use crate::ui::screens::data::state::DataScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::{Paragraph, Wrap};

use crate::protocol::event::Phase;
use crate::ui::screens::data::state::{Places, is_stale};
use crate::ui::screens::data::{balance, samples};
use crate::ui::widgets::pane::{cut, pane};

pub(crate) fn draw(screen: &DataScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let Some((recipe, found)) = &ws.preview else {
        return nothing_yet(screen, ws, canvas, area);
    };
    let (news, body) = news(screen, ws, area);
    if let Some((text, bad)) = news {
        let theme = &ws.settings.theme;
        let style = if bad { theme.bad } else { theme.warn };
        let line = Rect { height: 1, ..area };
        canvas.render_widget(Span::styled(cut(&text, usize::from(line.width)), style), line);
    }
    let places = Places::of(body, found.side);
    balance::draw(screen, ws, recipe, found, canvas, places.balance);
    samples::draw(screen, ws, found, &places, canvas, places.samples);
}

fn nothing_yet(screen: &DataScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let theme = &ws.settings.theme;
    let data = &ws.draft.recipe.data;
    let block = pane(&ws.settings.theme, ws.settings.glyphs, format!(" data of the recipe: {data} "), true);
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    let (text, style) = match (&screen.trouble, screen.asked) {
        (_, true) => (progress(ws), theme.accent),
        (Some(trouble), _) => (format!("not read: {trouble} Enter tries again."), theme.bad),
        _ => (
            format!(
                "enter reads {data}: samples before and after augmentation, how many images each class has, mean and \
                 deviation."
            ),
            theme.dim,
        ),
    };
    canvas.render_widget(Paragraph::new(Span::styled(text, style)).wrap(Wrap { trim: true }), inner);
}

/// How far the engine is.
fn progress(ws: &Workspace) -> String {
    match ws.live.monitor.phase {
        Some((Phase::Loading, done, total)) if total > 0 => {
            format!("reading the images: {} of {}.", grouped(done), grouped(total))
        }
        _ => "waiting for the engine to read the images.".into(),
    }
}

/// A line above what is known, where there is something to say about it, and whether that is bad; and what
/// is left of the area.
fn news(screen: &DataScreen, ws: &Workspace, area: Rect) -> (Option<(String, bool)>, Rect) {
    let text = if screen.asked {
        Some((progress(ws), false))
    } else if let Some(trouble) = &screen.trouble {
        Some((format!("not read: {trouble}"), true))
    } else if is_stale(ws) {
        Some(("the recipe has changed since; enter reads its data.".into(), false))
    } else {
        None
    };
    let height = u16::from(text.is_some()).min(area.height);
    (text, Rect { y: area.y + height, height: area.height - height, ..area })
}

#[cfg(test)]
mod tests;
