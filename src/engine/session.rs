//! A run in hand: its network, optimizer, images, directory and progress.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::data::{ChannelStats, Images};
use crate::engine::failure::Failure;
use crate::engine::report::{Report, StepReport};
use crate::engine::step::SharedOptimizer;
use crate::model::DenseNet;
use crate::ops::trainer::{NonFinite, State, Trainer};
use crate::protocol::command::StopAfter;
use crate::protocol::event::{Origin, Phase, Started};
use crate::protocol::{Event, Options, StopReason};
use crate::recipe::Recipe;
use crate::store::catalog::Last;
use crate::store::checkpoint::Progress;
use crate::store::run::RunDir;

/// Why a run ended.
pub(super) enum Ending {
    Completed,
    Stopped(StopReason),
    /// The next step has found something that is not finite; the state before it is good.
    Diverged(String),
    /// The state itself is not good: its figures are not finite.
    Overflowed(String),
}

/// Everything a run has in hand while it is trained.
pub(super) struct Session {
    pub(super) recipe: Recipe,
    pub(super) options: Options,
    /// Shared with its trainer, as the optimizer is.
    pub(super) net: Arc<DenseNet>,
    pub(super) optimizer: SharedOptimizer,
    /// It has the weights between [`Self::fetch`] and the next step.
    pub(super) trainer: Box<dyn Trainer>,
    pub(super) classes: Vec<String>,
    pub(super) moments: ChannelStats,
    /// Of the training, validation and test images.
    pub(super) fingerprints: [String; 3],
    pub(super) train: Arc<Images>,
    pub(super) validation: Arc<Images>,
    pub(super) test: Arc<Images>,
    pub(super) progress: Progress,
    /// The same as the newest checkpoint has it.
    pub(super) kept: Progress,
    pub(super) run: RunDir,
    pub(super) parent: Option<String>,
    /// The file that the first weights came from.
    pub(super) weights: Option<Origin>,
    pub(super) resumed_from: Option<PathBuf>,
    /// Figures of the last epoch that ended, for the summary.
    pub(super) last: Option<Last>,
    pub(super) created: f64,
    pub(super) device_line: String,
    /// When the engine took it up, for `--stop-after`.
    pub(super) begun: Instant,
    pub(super) last_save: Instant,
    /// A warning before the first step about a learning rate that jumps.
    pub(super) jump: Option<String>,
    /// Whether no checkpoint of this run holds the state and the recipe as they are.
    pub(super) unsaved: bool,
}

impl Session {
    pub(super) fn steps_per_epoch(&self) -> u64 {
        self.recipe.steps_per_epoch(self.train.len())
    }

    pub(super) fn total_steps(&self) -> u64 {
        self.recipe.total_steps(self.train.len())
    }

    /// The epoch (from 1) that the last step belongs to.
    pub(super) fn epoch(&self) -> usize {
        self.progress.step.div_ceil(self.steps_per_epoch()) as usize
    }

    /// Whether the epochs are done that this process was to train.
    pub(super) fn is_done_for_now(&self) -> bool {
        matches!(self.options.stop_after, Some(StopAfter::Epochs(last)) if self.progress.closed_epochs >= last)
    }

    /// Images of the step numbered `step` of the run, from 0: the last one of an epoch may have fewer.
    pub(super) fn images_of(&self, step: u64) -> usize {
        let (batch, index) = (self.recipe.batch_size, step % self.steps_per_epoch());
        batch.min(self.train.len() - index as usize * batch)
    }

    /// Brings weights, statistics and state of the last step to the host, where they are on a device.
    pub(super) fn fetch(&mut self) -> Result<(), Failure> {
        if let Some(State { parameters, running, slots }) = self.trainer.state()? {
            self.net.load_packed(&parameters, &running)?;
            self.optimizer.lock().load_packed(&slots, self.progress.optimizer_steps)?;
        }
        Ok(())
    }

    /// Counts a step that is done, and reports it.
    pub(super) fn account(&mut self, done: StepReport, report: &mut Report) {
        let progress = &mut self.progress;
        progress.step = done.step;
        progress.optimizer_steps += 1;
        progress.loss_sum += done.loss * done.images as f64;
        progress.correct += done.correct;
        progress.images += done.images as u64;
        progress.seconds += done.seconds;
        progress.epoch_seconds += done.seconds;
        report.step(done);
    }

    /// The end of a run whose next step has found something that is not finite.
    pub(super) fn diverged(&self, what: NonFinite) -> Ending {
        Ending::Diverged(format!(
            "the {what} of step {} is not finite; the state before it is kept; go on with a lower --lr.",
            self.progress.step + 1
        ))
    }

    /// The end of a run whose weights are finite, but not what they make of `split`.
    pub(super) fn overflowed(&self, split: &str) -> Ending {
        let (step, kept) = (self.progress.step, self.kept.step);
        let advice = if kept < step {
            format!("the state of step {kept} is kept; go on with a lower --lr")
        } else {
            "go on from an earlier checkpoint, by --resume FILE, with a lower --lr".to_owned()
        };
        Ending::Overflowed(format!("the {split} loss after step {step} is not finite; {advice}."))
    }

    /// The run is at its steps (again).
    pub(super) fn training(&self) -> Event {
        Event::Phase { phase: Phase::Training, done: self.progress.step, total: self.total_steps() }
    }

    /// The head of the run, as an event.
    pub(super) fn started(&self) -> Event {
        Event::Started(Box::new(Started {
            run: self.run.name().to_owned(),
            run_dir: self.run.path().to_owned(),
            recipe: self.recipe.clone(),
            parameters: self.net.plan().parameters(),
            device: self.device_line.clone(),
            threads: self.options.threads,
            step: self.progress.step,
            steps_per_epoch: self.steps_per_epoch(),
            total_steps: self.total_steps(),
            train_images: self.train.len(),
            validation_images: self.validation.len(),
            test_images: self.test.len(),
            resumed_from: self.resumed_from.clone(),
            classes: self.classes.clone(),
            parent: self.parent.clone(),
            weights: self.weights.clone(),
        }))
    }
}
