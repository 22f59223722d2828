//! The state of a run, folded from its events, live or read back from a journal; and how it is
//! said: lines for a person, an exit code for a shell.
//! No clock: the events carry the time.

mod exit;
pub(crate) mod lines;
pub mod pace;
pub mod signals;

use crate::protocol::command::Change;
use crate::protocol::event::{Best, GpuFigures, Phase, Started};
use crate::protocol::{Event, Figures, Stamped};
use pace::Pace;

pub use exit::{End, Exit};

/// The last line of steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Mean loss in nats and share that was right.
    pub figures: Figures,
    /// Of the last step.
    pub learning_rate: f64,
    /// Over the line's steps.
    pub images_per_second: f64,
}

/// What is known so far.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    /// The head of the run.
    pub head: Option<Started>,
    /// The last activity, how much of it is done and how much there is.
    pub phase: Option<(Phase, u64, u64)>,
    /// Steps done in all.
    pub step: u64,
    /// The last line of steps.
    pub steps: Option<Steps>,
    /// The GPU in use, as last reported.
    pub gpu: Option<GpuFigures>,
    /// The best epoch.
    pub best: Option<Best>,
    /// The test split, once it was evaluated.
    pub test: Option<Figures>,
    /// Whether the run waits.
    pub paused: bool,
    /// How it ended.
    pub end: Option<End>,
    /// When the activity began, and how much of it was done then.
    phase_begun: (f64, u64),
    begun: Option<f64>,
    told: f64,
    pace: Pace,
}

impl Monitor {
    /// How fast the last activity is, a second, and the seconds that are left of it; `None` before that can be told.
    pub fn phase_pace(&self) -> Option<(f64, f64)> {
        let (since, first) = self.phase_begun;
        let (_, done, total) = self.phase?;
        let (seconds, here) = (self.told - since, done.saturating_sub(first));
        let rate = here as f64 / seconds;
        (seconds >= 1.0 && here > 0).then(|| (rate, total.saturating_sub(done) as f64 / rate))
    }

    /// Takes in what happened.
    pub fn apply(&mut self, stamped: &Stamped) {
        self.pace.apply(stamped);
        self.told = stamped.time;
        match &stamped.event {
            Event::Started(head) => {
                self.step = head.step;
                self.begun = Some(stamped.time);
                self.head = Some((**head).clone());
                // It may continue on another device.
                self.gpu = None;
                self.end = None;
            }
            Event::Phase { phase, done, total } => {
                let goes_on = |(known, before, all)| known == *phase && all == *total && before <= *done;
                if !self.phase.is_some_and(goes_on) {
                    self.phase_begun = (stamped.time, *done);
                }
                self.phase = Some((*phase, *done, *total));
            }
            Event::Step { epoch, step, loss, accuracy, learning_rate, images_per_second, gpu, .. } => {
                self.step = *step;
                self.gpu = gpu.or(self.gpu);
                self.steps = Some(Steps {
                    epoch: *epoch,
                    figures: Figures { loss: *loss, accuracy: *accuracy },
                    learning_rate: *learning_rate,
                    images_per_second: *images_per_second,
                });
            }
            Event::Epoch { epoch, step, train, validation, best: true, .. } => {
                let Figures { loss, accuracy } = validation.unwrap_or(*train);
                self.best = Some(Best { epoch: *epoch, step: *step, loss, accuracy });
            }
            Event::Changed { change, .. } => {
                if let Some(head) = &mut self.head {
                    match change {
                        Change::Lr(rate) => head.recipe.lr = *rate,
                        Change::Freeze(freeze) => {
                            (head.recipe.freeze, head.recipe.freeze_epochs) = (*freeze, 0);
                        }
                        Change::Epochs(epochs) => {
                            head.recipe.epochs = *epochs;
                            head.total_steps = head.recipe.total_steps(head.train_images);
                        }
                    }
                }
            }
            Event::Paused { .. } => self.paused = true,
            Event::Continued { .. } => self.paused = false,
            Event::Finished { outcome, reason, best, test, .. } => {
                (self.best, self.test) = (*best, *test);
                self.end = Some(End::Finished(*outcome, *reason));
            }
            // A run that could not begin says nothing of the one before it.
            Event::Failed { message, cause } if self.end.is_none() => {
                self.end = Some(End::Failed(message.clone(), *cause));
            }
            _ => {}
        }
    }

    /// Seconds since the run began or was resumed, by its events.
    pub fn elapsed_seconds(&self) -> f64 {
        self.begun.map_or(0.0, |begun| self.told - begun)
    }

    /// Seconds until the run is complete, by its pace so far; `None` before anything was timed.
    pub fn remaining_seconds(&self) -> Option<f64> {
        let head = self.head.as_ref()?;
        self.pace.remaining(head.total_steps.saturating_sub(self.step), head.steps_per_epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Outcome;

    fn at(time: f64, event: Event) -> Stamped {
        Stamped { event, time }
    }

    fn started() -> Event {
        Event::Started(Box::new(Started::example()))
    }

    fn steps(step: u64, images_per_second: f64) -> Event {
        let epoch = step.div_ceil(10) as usize;
        let (loss, accuracy, gpu) = (1.0, 0.5, None);
        Event::Step { epoch, step, steps: 1, loss, accuracy, learning_rate: 0.1, images_per_second, gpu }
    }

    #[test]
    fn the_remaining_time_counts_steps_and_validations_but_no_pause() {
        let mut monitor = Monitor::default();
        monitor.apply(&at(0.0, started()));
        assert_eq!(monitor.remaining_seconds(), None);
        monitor.apply(&at(1.0, steps(1, 5.0)));
        assert_eq!(monitor.remaining_seconds(), Some(39.0 * 2.0));
        monitor.apply(&at(1.0, Event::Paused { step: 1 }));
        assert!(monitor.paused);
        monitor.apply(&at(900.0, Event::Continued { step: 1 }));
        monitor.apply(&at(918.0, steps(10, 5.0)));
        monitor.apply(&at(920.0, Event::Phase { phase: Phase::Validating, done: 0, total: 20 }));
        let figures = Figures { loss: 1.0, accuracy: 0.75 };
        let epoch = |validation| Event::Epoch {
            epoch: 1,
            step: 10,
            train: figures,
            validation,
            class_accuracy: vec![1.0, 0.5],
            seconds: 20.0,
            images_per_second: 5.0,
            best: true,
        };
        monitor.apply(&at(927.0, epoch(Some(figures))));
        assert_eq!(monitor.remaining_seconds(), Some(30.0 * 2.0 + 3.0 * 7.0));
        assert_eq!(monitor.best.map(|best| (best.epoch, best.accuracy)), Some((1, 0.75)));
        // A question answered on the way is no validation.
        monitor.apply(&at(928.0, Event::Phase { phase: Phase::Validating, done: 0, total: 20 }));
        monitor.apply(&at(929.0, Event::Phase { phase: Phase::Training, done: 10, total: 40 }));
        monitor.apply(&at(990.0, epoch(None)));
        assert_eq!(monitor.remaining_seconds(), Some(30.0 * 2.0 + 3.0 * 7.0));
        let finished =
            Event::Finished { outcome: Outcome::Completed, reason: None, best: None, test: None, step: 40 };
        monitor.apply(&at(999.0, finished));
        assert_eq!(monitor.end, Some(End::Finished(Outcome::Completed, None)));
    }

    #[test]
    fn live_changes_are_known_and_move_the_end() {
        let mut monitor = Monitor::default();
        monitor.apply(&at(0.0, started()));
        monitor.apply(&at(1.0, steps(10, 10.0)));
        monitor.apply(&at(1.0, Event::Changed { change: Change::Epochs(2), step: 10 }));
        monitor.apply(&at(1.0, Event::Changed { change: Change::Lr(0.5), step: 10 }));
        assert_eq!(monitor.remaining_seconds(), Some(10.0));
        assert_eq!(monitor.head.map(|head| (head.recipe.lr, head.recipe.epochs)), Some((0.5, 2)));
    }

    #[test]
    fn the_card_is_as_it_was_last_told_until_the_run_goes_on() {
        let told = GpuFigures { temperature: Some(41), ..GpuFigures::default() };
        let mut monitor = Monitor::default();
        monitor.apply(&at(0.0, started()));
        let mut step = steps(1, 5.0);
        if let Event::Step { gpu, .. } = &mut step {
            *gpu = Some(told);
        }
        monitor.apply(&at(1.0, step));
        monitor.apply(&at(2.0, steps(2, 5.0)));
        assert_eq!(monitor.gpu, Some(told));
        monitor.apply(&at(9.0, started()));
        assert_eq!(monitor.gpu, None);
    }

    #[test]
    fn the_first_steps_are_slow_and_tell_little() {
        let mut monitor = Monitor::default();
        monitor.apply(&at(0.0, started()));
        monitor.apply(&at(1.0, steps(1, 1.0)));
        assert_eq!(monitor.remaining_seconds(), Some(39.0 * 10.0));
        monitor.apply(&at(2.0, steps(2, 10.0)));
        assert_eq!(monitor.remaining_seconds(), Some(38.0));
    }
}
