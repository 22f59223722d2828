//! The Log screen: all messages, including output from libraries.

pub(crate) mod state;
pub(crate) mod view;

use ratatui::layout::Rect;

use crate::ui::canvas::Canvas;
use crate::ui::effect::{Acted, DONE};
use crate::ui::keys::binding::Motion;
use crate::ui::screen::Screen;
use crate::ui::screens::log::state::LogScreen;
use crate::ui::workspace::Workspace;

impl Screen for LogScreen {
    fn draw(&self, canvas: &mut Canvas, area: Rect) {
        view::draw(self, canvas, area);
    }

    fn moved(&mut self, motion: Motion, ws: &mut Workspace) -> Acted {
        match motion {
            Motion::Up => self.scroll(-1, &ws.log),
            Motion::Down => self.scroll(1, &ws.log),
            Motion::PageUp => self.scroll(-10, &ws.log),
            Motion::PageDown => self.scroll(10, &ws.log),
            Motion::Top => self.scroll(isize::MIN + 1, &ws.log),
            Motion::Bottom => self.follow(),
            _ => {}
        }
        DONE
    }

    fn back(&mut self, _ws: &mut Workspace) {
        self.filter.clear();
    }

    fn copied(&self, ws: &Workspace) -> String {
        self.last_shown(&ws.log).unwrap_or_default()
    }

    fn filter(&self, _ws: &Workspace) -> Option<String> {
        Some(self.filter.clone())
    }

    fn set_filter(&mut self, text: String, _ws: &mut Workspace) -> Acted {
        self.filter = text;
        self.follow();
        DONE
    }
}
