//! What can be done on the Train screen.

use crate::protocol::{Change, Command, StopReason};
use crate::recipe::Recipe;
use crate::recipe::jump::Jump;
use crate::ui::effect::{Acted, DONE, ask, command};
use crate::ui::keys::Action;
use crate::ui::keys::train::Do;
use crate::ui::prompt::{Prompt, epochs, rate};
use crate::ui::screens::train::state::{SMOOTHING, TrainScreen};
use crate::ui::workspace::{FINISHING, Workspace};

impl TrainScreen {
    pub(crate) fn act(&mut self, what: Do, argument: Option<&str>, ws: &mut Workspace) -> Acted {
        let view = &mut ws.view;
        match what {
            Do::Smooth => view.smoothing = (view.smoothing + 1).min(SMOOTHING.len() - 1),
            Do::SmoothLess => view.smoothing = view.smoothing.min(SMOOTHING.len() - 1).saturating_sub(1),
            Do::Raw => view.smoothing = 0,
            Do::LogY => view.log_y = !view.log_y,
            Do::LogX => view.log_x = !view.log_x,
            Do::XAxis => view.x_axis = view.x_axis.next(),
            Do::ZoomIn => self.zoom(0.5),
            Do::ZoomOut => self.zoom(2.0),
            Do::PanLeft => self.pan(-0.25),
            Do::PanRight => self.pan(0.25),
            Do::ResetView => self.reset_view(),
            Do::Maximise => self.maximised = !self.maximised,
            Do::Freeze => self.freeze(&ws.live.curves),
            steering => return self.steer(&steering, argument, ws),
        }
        DONE
    }

    /// What only a run that is being trained can do.
    fn steer(&mut self, what: &Do, argument: Option<&str>, ws: &mut Workspace) -> Acted {
        let Some(head) = ws.live.head().filter(|_| ws.live.training()) else {
            return Err("nothing is being trained; ctrl-r on the Recipe screen starts.".into());
        };
        match (what, argument) {
            (Do::Pause, _) if ws.live.monitor.paused => command(Command::Continue),
            (Do::Pause, _) => {
                ws.say("pausing after this step.");
                command(Command::Pause)
            }
            (Do::Save, _) => {
                self.asked_to_save = true;
                ws.say("saving after this step.");
                command(Command::Save)
            }
            (Do::Evaluate, _) => {
                ws.say("evaluating after this step.");
                command(Command::Evaluate)
            }
            (Do::Stop, _) => {
                ws.say(FINISHING);
                command(Command::Stop(StopReason::Asked))
            }
            (Do::Rate, None) => {
                let title = "learning rate before the schedule";
                ask(Prompt::line(Action::Train(Do::Rate), title, head.recipe.lr.to_string()))
            }
            (Do::Rate, Some(text)) => {
                let rate = rate(text)?;
                ws.say("the learning rate changes after this step.");
                command(Command::Change(Change::Lr(rate)))
            }
            (Do::Epochs, None) => {
                let now = head.recipe.epochs.to_string();
                ask(Prompt::line(Action::Train(Do::Epochs), "epochs in all", now))
            }
            (Do::Epochs, Some(text)) => {
                let epochs = epochs(text)?;
                let longer = Recipe { epochs, ..head.recipe.clone() };
                match Jump::between(&head.recipe, &longer, ws.live.monitor.step, head.steps_per_epoch) {
                    Some(jump) => {
                        let set = Action::Train(Do::SetEpochs(epochs));
                        ask(Prompt::jump(&jump, "leave the epochs as they are", set))
                    }
                    None => self.steer(&Do::SetEpochs(epochs), None, ws),
                }
            }
            (Do::SetEpochs(epochs), _) => {
                ws.say("the epochs change after this step.");
                command(Command::Change(Change::Epochs(*epochs)))
            }
            _ => DONE,
        }
    }
}
