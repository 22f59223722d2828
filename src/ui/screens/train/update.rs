//! The actions and moves of the Train screen.

use ratatui::layout::Rect;

use crate::protocol::{Change, Command, Event, Stamped, StopReason};
use crate::recipe::Recipe;
use crate::recipe::jump::Jump;
use crate::ui::canvas::Canvas;
use crate::ui::effect::{Acted, DONE, ask, command};
use crate::ui::keys::Action;
use crate::ui::keys::binding::{Motion, Tab, next_of};
use crate::ui::keys::train::Do;
use crate::ui::prompt::{Prompt, epochs, rate};
use crate::ui::screen::{Mouse, Screen, Spot};
use crate::ui::screens::train::state::{Pane, SMOOTHING, TrainScreen};
use crate::ui::screens::train::view;
use crate::ui::workspace::{FINISHING, Workspace};

impl Screen for TrainScreen {
    fn draw(&self, canvas: &mut Canvas, area: Rect) {
        view::draw(self, canvas, area);
    }

    fn moved(&mut self, motion: Motion, _ws: &mut Workspace) -> Acted {
        match motion {
            Motion::NextPane | Motion::Down => self.pane = next_of(&Pane::ALL, self.pane, true),
            Motion::PreviousPane | Motion::Up => self.pane = next_of(&Pane::ALL, self.pane, false),
            Motion::Enter => self.maximised = !self.maximised,
            Motion::Left => self.move_cursor(-0.02),
            Motion::Right => self.move_cursor(0.02),
            Motion::PageUp => self.move_cursor(-0.2),
            Motion::PageDown => self.move_cursor(0.2),
            Motion::Top => self.cursor = Some(0.0),
            Motion::Bottom => self.cursor = Some(1.0),
        }
        DONE
    }

    fn mouse(&mut self, mouse: Mouse, spot: Option<Spot>, ws: &mut Workspace) -> Acted {
        match (mouse, spot) {
            (Mouse::Click | Mouse::Drag, Some(spot)) => {
                (self.pane, self.cursor) = (Pane::ALL[spot.part], Some(spot.share));
            }
            (Mouse::Hold, spot) => self.held = spot.map(|spot| spot.share),
            (Mouse::Pull, Some(spot)) => {
                if let Some(held) = self.held.replace(spot.share) {
                    self.pan(held - spot.share);
                }
            }
            (Mouse::Scroll { up }, Some(spot)) => self.zoom_about(if up { 0.8 } else { 1.25 }, spot.share),
            (Mouse::Scroll { up }, None) => {
                return self.moved(if up { Motion::Up } else { Motion::Down }, ws);
            }
            _ => {}
        }
        DONE
    }

    fn back(&mut self, _ws: &mut Workspace) {
        if self.maximised {
            self.maximised = false;
        } else {
            self.reset_view();
        }
    }

    fn copied(&self, ws: &Workspace) -> String {
        ws.live.head().map(|head| head.run_dir.display().to_string()).unwrap_or_default()
    }

    fn event(&mut self, stamped: &Stamped, ws: &mut Workspace) {
        match &stamped.event {
            Event::Started(_) => self.frozen = None,
            // Those that nobody asked for are in the log.
            Event::Saved { step, .. } if self.asked_to_save || ws.tab == Tab::Train => {
                self.asked_to_save = false;
                ws.notify(format!("saved after step {step}."));
            }
            Event::Paused { step } => ws.notify(format!("paused after step {step}; space continues.")),
            Event::Continued { .. } => ws.notify("continuing."),
            Event::Changed { .. } => ws.notify("changed; it takes effect at the next step."),
            Event::Evaluated { figures, .. } => {
                ws.notify(format!("loss {:.4}, accuracy {:.2} %.", figures.loss, 100.0 * figures.accuracy));
            }
            _ => {}
        }
    }
}

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

    /// The actions that need a run in training.
    fn steer(&mut self, what: &Do, argument: Option<&str>, ws: &mut Workspace) -> Acted {
        let Some(head) = ws.live.head().filter(|_| ws.live.training()) else {
            return Err("nothing is being trained; ctrl-r on the Recipe screen starts.".into());
        };
        match (what, argument) {
            (Do::Pause, _) if ws.live.monitor.paused => command(Command::Continue),
            (Do::Pause, _) => {
                ws.notify("pausing after this step.");
                command(Command::Pause)
            }
            (Do::Save, _) => {
                self.asked_to_save = true;
                ws.notify("saving after this step.");
                command(Command::Save)
            }
            (Do::Evaluate, _) => {
                ws.notify("evaluating after this step.");
                command(Command::Evaluate)
            }
            (Do::Stop, _) => {
                ws.notify(FINISHING);
                command(Command::Stop(StopReason::Asked))
            }
            (Do::Rate, None) => {
                let title = "initial learning rate";
                ask(Prompt::line(Action::Train(Do::Rate), title, head.recipe.lr.to_string()))
            }
            (Do::Rate, Some(text)) => {
                let rate = rate(text)?;
                ws.notify("the learning rate changes after this step.");
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
            (Do::Frozen, None) => {
                let now = head.recipe.freeze.to_string();
                ask(Prompt::line(Action::Train(Do::Frozen), "not trained: none, features, block1, ...", now))
            }
            (Do::Frozen, Some(text)) => {
                let freeze = text.trim().parse()?;
                ws.notify("what is trained changes after this step.");
                command(Command::Change(Change::Freeze(freeze)))
            }
            (Do::SetEpochs(epochs), _) => {
                ws.notify("the epochs change after this step.");
                command(Command::Change(Change::Epochs(*epochs)))
            }
            _ => DONE,
        }
    }
}
