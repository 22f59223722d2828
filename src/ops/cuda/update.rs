//! The launches around the passes of a training step: the batch from images on the GPU, and the update.

use crate::ops::cuda::builder::{Grid, ProgramBuilder};
use crate::ops::cuda::layout::{CHECKERS, DOUBLE, Layout, SplitMemory, Statistics, WORD};
use crate::ops::cuda::program::{Arg, Work};
use crate::ops::trainer::OptimizerKind;

/// Threads of the kernel `judge`, as it has them.
const JUDGES: usize = 128;

/// An optimizer by the kernels' name for it.
fn name(optimizer: OptimizerKind) -> &'static str {
    match optimizer {
        OptimizerKind::Sgd { momentum: 0.0, .. } => "SGD",
        OptimizerKind::Sgd { nesterov: false, .. } => "MOMENTUM",
        OptimizerKind::Sgd { nesterov: true, .. } => "NESTEROV",
        OptimizerKind::Adam => "ADAM",
        OptimizerKind::AdamW => "ADAMW",
    }
}

/// What the images of a split are turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Views {
    /// In the order of the epoch, cropped at random and mirrored (or not).
    Augmented { flips: bool },
    /// In the order of the epoch, as they are.
    Shuffled,
    /// As they lie.
    Plain,
}

impl ProgramBuilder<'_> {
    /// Batch number `clock.index` of a split.
    pub(super) fn batch_of(&mut self, split: SplitMemory, views: Views) {
        let layout = self.layout;
        let side = layout.plan.net.input_size;
        let order = if views == Views::Plain { Arg::Nowhere } else { layout.order.into() };
        let clock = if views == Views::Plain { layout.evaluation_clock } else { layout.clock };
        let crops = matches!(views, Views::Augmented { .. });
        let flips = views == Views::Augmented { flips: true };
        let args = vec![
            ("pixels", split.pixels.into()),
            ("order", order),
            ("all_labels", split.labels.into()),
            ("table", layout.table.into()),
            ("images", layout.images.into()),
            ("labels", layout.labels.into()),
            ("clock", clock.into()),
            ("batch", layout.plan.batch.into()),
            ("side", side.into()),
            ("crops", usize::from(crops).into()),
            ("flips", usize::from(flips).into()),
        ];
        let work = Work::moving(self.batch * side * side * (3 + 4 * WORD));
        let grid = Grid::new([self.batch, 1, 1], 256).with_shared(3 * WORD).with_work(work);
        self.main(("augment".into(), "Augment"), args, grid);
    }

    /// Changes weights, state and running statistics, unless something is not finite.
    pub(super) fn update(&mut self, optimizer: OptimizerKind, weight_decay: f32) {
        let layout = self.layout;
        let outcome = |number: usize| layout.outcome.at(number * layout.plan.batch * WORD);
        let running = layout.buffers.bytes(layout.running) / WORD;
        let slot = |number: usize| {
            let there = number < optimizer.slots().len();
            if there { layout.slots[number].into() } else { Arg::Nowhere }
        };
        let momentum = if let OptimizerKind::Sgd { momentum, .. } = optimizer { momentum } else { 0.0 };
        let args = vec![
            ("parameters", layout.parameters.into()),
            ("gradient", layout.gradient.into()),
            ("first_slot", slot(0)),
            ("second_slot", slot(1)),
            ("running", layout.running.into()),
            ("statistics", layout.statistics.into()),
            ("sources", layout.sources.into()),
            ("rates", layout.rates.into()),
            ("clock", layout.clock.into()),
            ("flags", layout.flags.into()),
            ("verdict", layout.verdict.into()),
            ("losses", outcome(0).into()),
            ("hits", outcome(1).into()),
            ("result", layout.result.into()),
            ("parameters_count", layout.plan.net.parameters.into()),
            ("running_count", running.into()),
            ("batch", self.batch.into()),
            ("blocks", CHECKERS.into()),
            ("momentum", (momentum as f32).into()),
            ("weight_decay", weight_decay.into()),
            ("running_momentum", (layout.plan.batch_norm.momentum as f32).into()),
        ];
        let side = self.last_of_side();
        self.wait_for(side);
        // Weights, gradients and state are read by both, and all but the gradients written by one.
        let numbers = (2 + optimizer.slots().len()) * layout.plan.net.parameters * WORD;
        let all = Grid::new([CHECKERS, 1, 1], 256).with_work(Work::moving(numbers));
        let one = Grid::new([1, 1, 1], 1);
        let name = name(optimizer);
        self.main((format!("check<{name}>"), "Update"), args.clone(), all.with_shared(256 * WORD));
        let judges = Grid::new([1, 1, 1], JUDGES).with_shared(JUDGES * (DOUBLE + 2 * WORD));
        self.main(("judge".into(), "Update"), args.clone(), judges);
        self.main((format!("commit<{name}>"), "Update"), args.clone(), all);
        self.main(("advance".into(), "Update"), args, one);
    }
}

impl Layout {
    /// For each running number: its place in the statistics, in f64, and pixels of a map where it is a
    /// variance that is to be divided by M - 1.
    pub(super) fn running_sources(&self) -> Vec<[i32; 2]> {
        let net = &self.plan.net;
        let mut sources = Vec::new();
        for (&(at, area), &channels) in Statistics::of(net).norms(net).iter().zip(&net.norms) {
            let place = |channel: usize, which: usize| (2 * (at + channel) + which) as i32;
            sources.extend((0..channels).map(|channel| [place(channel, 0), 0]));
            let area = if self.plan.batch_norm.unbiased { area as i32 } else { 0 };
            sources.extend((0..channels).map(|channel| [place(channel, 1), area]));
        }
        sources
    }
}
