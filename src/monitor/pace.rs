//! How fast a run is, and so when it will be done. Pauses do not count; neither does what a run did
//! before it was resumed.

use crate::protocol::event::Phase;
use crate::protocol::{Event, Stamped};

/// Share of a new measurement in the running mean of the time of a step.
const FRESH: f64 = 0.1;

/// Seconds for a step and for a validation, as last seen.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    batch_size: usize,
    /// Lines of steps since the run began or went on.
    lines: u32,
    step_seconds: Option<f64>,
    validation_begun: Option<f64>,
    validation_seconds: f64,
}

impl Pace {
    /// Takes in what happened.
    pub fn apply(&mut self, stamped: &Stamped) {
        match &stamped.event {
            Event::Started(head) => {
                *self = Self { batch_size: head.recipe.batch_size.min(head.train_images), ..Self::default() };
            }
            Event::Step { images_per_second, .. } if *images_per_second > 0.0 => {
                let seconds = self.batch_size as f64 / images_per_second;
                self.lines += 1;
                // The first line has the first touch of every buffer in it, and serves until there is a second.
                self.step_seconds = Some(match self.step_seconds {
                    Some(old) if self.lines > 2 => old + FRESH * (seconds - old),
                    _ => seconds,
                });
            }
            Event::Phase { phase: Phase::Validating, done: 0, .. } => {
                self.validation_begun = Some(stamped.time);
            }
            // What was begun was the answer to a question; a validation ends with its epoch.
            Event::Phase { phase: Phase::Training, .. } => self.validation_begun = None,
            Event::Epoch { .. } => {
                if let Some(begun) = self.validation_begun.take() {
                    self.validation_seconds = (stamped.time - begun).max(0.0);
                }
            }
            _ => {}
        }
    }

    /// Seconds that `steps` more steps take, with a validation after each `per_epoch`.
    pub fn remaining(&self, steps: u64, per_epoch: u64) -> Option<f64> {
        let validations = steps.div_ceil(per_epoch.max(1)) as f64;
        self.step_seconds.map(|seconds| steps as f64 * seconds + validations * self.validation_seconds)
    }
}
