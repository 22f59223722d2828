//! What can be done on the Train screen.

use crate::protocol::{Command, StopReason};
use crate::ui::app::FINISHING;
use crate::ui::effect::Effect;
use crate::ui::keys::Action;
use crate::ui::prompt::{Prompt, Purpose};
use crate::ui::workspace::App;

pub(crate) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let screen = &mut app.train;
    match action {
        Action::NextPane | Action::Down => screen.pane = screen.pane.other(true),
        Action::PreviousPane | Action::Up => screen.pane = screen.pane.other(false),
        Action::MoreSmoothing => screen.smooth(true),
        Action::LessSmoothing => screen.smooth(false),
        Action::NoSmoothing => screen.no_smoothing(),
        Action::LogY => screen.log_y = !screen.log_y,
        Action::LogX => screen.log_x = !screen.log_x,
        Action::XAxis => screen.over = screen.over.next(),
        Action::ZoomIn => screen.zoom(0.5),
        Action::ZoomOut => screen.zoom(2.0),
        Action::PanLeft => screen.pan(-0.25),
        Action::PanRight => screen.pan(0.25),
        Action::ResetView => screen.reset_view(),
        Action::Maximise | Action::Enter => screen.maximised = !screen.maximised,
        Action::Freeze => screen.freeze(),
        Action::Left => screen.move_cursor(-0.02),
        Action::Right => screen.move_cursor(0.02),
        Action::PageUp => screen.move_cursor(-0.2),
        Action::PageDown => screen.move_cursor(0.2),
        Action::Top => screen.cursor = Some(0.0),
        Action::Bottom => screen.cursor = Some(1.0),
        _ => return steer(app, action),
    }
    Vec::new()
}

/// What only a run that is being trained can do.
fn steer(app: &mut App, action: Action) -> Vec<Effect> {
    if !app.training() {
        app.complain("nothing is being trained; ctrl-r on the Recipe screen starts.");
        return Vec::new();
    }
    let head = app.monitor.head.as_ref();
    let command = match action {
        Action::PauseOrContinue if app.monitor.paused => Command::Continue,
        Action::PauseOrContinue => {
            app.say("pausing after this step.");
            Command::Pause
        }
        Action::Save => {
            app.train.asked_to_save = true;
            app.say("saving after this step.");
            Command::Save
        }
        Action::Evaluate => {
            app.say("evaluating after this step.");
            Command::Evaluate
        }
        Action::Stop => {
            app.say(FINISHING);
            Command::Stop(StopReason::Asked)
        }
        Action::ChangeRate => {
            let rate = head.map_or(0.1, |head| head.recipe.lr).to_string();
            app.prompt = Some(Prompt::line(Purpose::Rate, "learning rate before the schedule", rate));
            return Vec::new();
        }
        Action::ChangeEpochs => {
            let epochs = head.map_or(1, |head| head.recipe.epochs).to_string();
            app.prompt = Some(Prompt::line(Purpose::Epochs, "epochs in all", epochs));
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    vec![Effect::Command(Box::new(command))]
}
