//! What can be done on the Log screen.

use crate::ui::effect::Effect;
use crate::ui::keys::Action;
use crate::ui::workspace::App;

pub(crate) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::Up => app.log.scroll(-1),
        Action::Down => app.log.scroll(1),
        Action::PageUp => app.log.scroll(-10),
        Action::PageDown => app.log.scroll(10),
        Action::Top => app.log.scroll(isize::MIN + 1),
        Action::Bottom => app.log.behind = 0,
        _ => {}
    }
    Vec::new()
}
