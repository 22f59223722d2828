//! The data of the recipe as the network sees it: samples before and after augmentation, the balance of
//! the classes, mean and deviation.

use crate::monitor::lines;
use ratatui::layout::Rect;

use crate::ui::canvas::Canvas;
use crate::ui::screens::data::state::{DataScreen, Places, is_stale};
use crate::ui::screens::data::{balance, samples};
use crate::ui::widgets::fit::from_top;
use crate::ui::workspace::Workspace;

pub(crate) fn draw(screen: &DataScreen, canvas: &mut Canvas, area: Rect) {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let Some((recipe, found)) = &ws.preview else {
        return nothing_yet(screen, canvas, area);
    };
    let news = match &screen.asked.trouble {
        _ if screen.asked.waits() => Some((progress(ws), theme.warn)),
        Some(trouble) => Some((format!("not read: {trouble}"), theme.bad)),
        None if is_stale(ws) => {
            Some(("the recipe has changed since; enter reads its data.".into(), theme.warn))
        }
        None => None,
    };
    let (line, body) = from_top(area, u16::from(news.is_some()));
    if let Some((text, style)) = news {
        canvas.text(text, style, line);
    }
    let places = Places::of(body, found.side);
    balance::draw(screen, recipe, found, canvas, places.balance);
    samples::draw(screen, found, places.pairs, canvas, places.samples);
}

fn nothing_yet(screen: &DataScreen, canvas: &mut Canvas, area: Rect) {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let data = &ws.draft.recipe.data;
    let inner = canvas.pane(format!(" data of the recipe: {data} "), true, area);
    let (text, style) = match &screen.asked.trouble {
        _ if screen.asked.waits() => (progress(ws), theme.accent),
        Some(trouble) => {
            let more = if data.set().archives.is_empty() { "" } else { ", f downloads it" };
            (format!("not read: {trouble} Enter tries again{more}."), theme.bad)
        }
        None => (
            format!(
                "enter reads {data}: samples before and after augmentation, how many images each class has, mean and \
                 deviation."
            ),
            theme.dim,
        ),
    };
    canvas.prose(text, style, inner);
}

/// How far the engine is.
fn progress(ws: &Workspace) -> String {
    let waiting = "waiting for the engine to read the images".into();
    format!("{}.", lines::loading(&ws.live.monitor).unwrap_or(waiting))
}
