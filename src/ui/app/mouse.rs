//! Mouse events, resolved by the hits of the last frame.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::ui::app::App;
use crate::ui::effect::Effect;
use crate::ui::hits::Target;
use crate::ui::screen::{Mouse, Spot};

impl App {
    pub(crate) fn mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let hit = self.hits.at(event.column, event.row);
        let mouse = match event.kind {
            MouseEventKind::Down(MouseButton::Left) => Mouse::Click,
            MouseEventKind::Drag(MouseButton::Left) => Mouse::Drag,
            MouseEventKind::Down(MouseButton::Right) => Mouse::Hold,
            MouseEventKind::Drag(MouseButton::Right) => Mouse::Pull,
            MouseEventKind::ScrollUp => Mouse::Scroll { up: true },
            MouseEventKind::ScrollDown => Mouse::Scroll { up: false },
            _ => return Vec::new(),
        };
        let spot = match (mouse, hit) {
            (Mouse::Click, Some((_, Target::Choice(row)))) => return self.overlay.choose(row),
            // A prompt keeps the mouse from the screen below it.
            _ if self.overlay.prompt.is_some() => return Vec::new(),
            (Mouse::Click, Some((_, Target::Tab(tab)))) => return vec![Effect::Show(tab)],
            (_, Some((area, Target::Part { part, row }))) => {
                let across = f64::from(area.width.saturating_sub(1).max(1));
                let share = f64::from(event.column.saturating_sub(area.x)) / across;
                Some(Spot { part, row, share })
            }
            _ => None,
        };
        let screen = self.screens.of_mut(self.ws.tab);
        screen.mouse(mouse, spot, &mut self.ws).unwrap_or_else(|sentence| {
            self.ws.warn(sentence);
            Vec::new()
        })
    }
}
