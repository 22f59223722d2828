//! Steps that were submitted to a trainer and not yet collected, and how long each takes.

use std::time::{Duration, Instant};

use candle_core::Result;

use crate::ops::trainer::{StepResult, Trainer};

/// Steps under way.
pub(super) struct InFlight {
    count: usize,
    /// When the one before the oldest was done or, if nothing was under way then, when the oldest was submitted.
    since: Instant,
}

impl InFlight {
    /// No steps.
    pub(super) fn none() -> Self {
        Self { count: 0, since: Instant::now() }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether `trainer` takes no more before one is collected.
    pub(super) fn is_full(&self, trainer: &dyn Trainer) -> bool {
        self.count >= trainer.depth()
    }

    /// Submits a step of `images` images.
    pub(super) fn submit(&mut self, trainer: &mut dyn Trainer, images: usize) -> Result<()> {
        if self.count == 0 {
            self.since = Instant::now();
        }
        trainer.submit(images)?;
        self.count += 1;
        Ok(())
    }

    /// The result of the oldest step and the seconds it took, if it is done within `wait`.
    pub(super) fn collect(
        &mut self,
        trainer: &mut dyn Trainer,
        wait: Duration,
    ) -> Result<Option<(StepResult, f64)>> {
        let Some(result) = trainer.collect(wait)? else { return Ok(None) };
        let seconds = self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        self.count -= 1;
        Ok(Some((result, seconds)))
    }
}
