//! Training on a GPU: the whole step is one program, and so is the evaluation of a batch.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytemuck::{Pod, Zeroable};
use candle_core::Result;

use crate::ops::cuda::builder::ProgramBuilder;
use crate::ops::cuda::job::{Plan, Use};
use crate::ops::cuda::layout::{Layout, RESULT, WORD};
use crate::ops::cuda::machine::{Built, Clock, Machine};
use crate::ops::cuda::profile;
use crate::ops::cuda::program::Program;
use crate::ops::cuda::update::Views;
use crate::ops::loss::Loss;
use crate::ops::passes::NetworkConfig;
use crate::ops::trainer::{
    Epoch, Feed, KernelTime, NonFinite, Outcome, Split, State, StepResult, Trainer, Training,
};

/// Adam's decay of the mean gradient and of the mean squared gradient.
const BETAS: [f64; 2] = [0.9, 0.999];
/// Steps that may be under way at once: enough that the GPU never waits, few enough that a stop takes effect soon.
const MAX_IN_FLIGHT: usize = 8;
/// The same of the batches of an evaluation.
const MAX_BATCHES_IN_FLIGHT: usize = 4;

/// The kernels' `Result`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Answer {
    loss: f32,
    correct: u32,
    failed: u32,
    index: u32,
}

/// Training of one network on a GPU.
#[derive(Debug)]
pub(in crate::ops) struct GpuTrainer {
    training: Training,
    built: Built,
    /// The step by images of its batch.
    steps: BTreeMap<usize, Program>,
    /// What comes before an evaluation.
    before_evaluation: Program,
    /// The evaluation of a batch by split and images.
    evaluations: BTreeMap<(usize, usize), Program>,
    /// Steps under way.
    under_way: usize,
}

pub(super) fn layout_of(config: &NetworkConfig, training: &Training) -> Layout {
    let purpose = Use::Steps { slots: training.optimizer.slots().len(), per_epoch: training.steps_per_epoch };
    let dropout = Some(training.dropout).filter(|&rate| rate > 0.0);
    let plan = Plan::new(config, training.batch, dropout, purpose);
    match &training.feed {
        Feed::Given => Layout::new(plan, &[]),
        Feed::Splits { counts, .. } => Layout::new(plan, counts),
    }
}

/// Bytes that `training` takes on a GPU.
pub(in crate::ops) fn training_bytes(config: &NetworkConfig, training: &Training) -> usize {
    layout_of(config, training).buffers.total()
}

/// A step on a batch of `images`.
pub(super) fn step(layout: &Layout, training: &Training, images: usize) -> Program {
    let mut builder = ProgramBuilder::new(layout, images, true);
    match (&training.feed, layout.splits.first()) {
        (&Feed::Splits { augment, flips, .. }, Some(&split)) => {
            builder.batch_of(split, if augment { Views::Augmented { flips } } else { Views::Shuffled });
        }
        _ => builder.take_in(),
    }
    builder.pack();
    builder.network();
    builder.loss(&training.loss);
    builder.network_backward();
    builder.update(training.optimizer, training.weight_decay as f32);
    builder.finish(format!("step {images}"))
}

pub(super) fn before_evaluation(layout: &Layout) -> Program {
    let mut builder = ProgramBuilder::new(layout, 0, false);
    builder.pack();
    builder.running_scale();
    builder.finish("before an evaluation".into())
}

pub(super) fn evaluation(layout: &Layout, split: usize, images: usize) -> Program {
    let mut builder = ProgramBuilder::new(layout, images, false);
    builder.batch_of(layout.splits[split], Views::Plain);
    builder.network();
    builder.loss(&Loss::default());
    builder.finish(format!("evaluation of {images} of split {split}"))
}

impl GpuTrainer {
    /// Takes the memory, compiles the kernels and brings the images.
    pub(in crate::ops) fn new(
        config: &NetworkConfig,
        training: &Training,
        splits: &[Split],
        machine: &Machine,
    ) -> Result<Self> {
        let layout = layout_of(config, training);
        let first = step(&layout, training, training.batch);
        let before = before_evaluation(&layout);
        let mut programs = vec![first.clone(), before.clone()];
        if !layout.splits.is_empty() {
            programs.push(evaluation(&layout, 0, training.batch));
        }
        let mut built = Built::new(layout, &programs, machine)?;
        let sources = built.layout.running_sources();
        built.write(built.layout.sources, &sources)?;
        built.write(built.layout.class_weights, &training.loss.class_weights)?;
        if let Feed::Splits { table, .. } = &training.feed {
            built.write(built.layout.table, table)?;
            for (memory, split) in built.layout.splits.clone().into_iter().zip(splits) {
                built.write(memory.pixels, split.pixels)?;
                built.write(memory.labels, split.labels)?;
            }
        }
        let steps = BTreeMap::from([(training.batch, first)]);
        Ok(Self {
            training: training.clone(),
            built,
            steps,
            before_evaluation: before,
            evaluations: BTreeMap::new(),
            under_way: 0,
        })
    }

    fn result(bytes: &[u8]) -> StepResult {
        let Answer { loss, correct, failed, .. } = bytemuck::pod_read_unaligned(bytes);
        let failed = match failed {
            0 => None,
            1 => Some(NonFinite::Loss),
            2 => Some(NonFinite::Gradient),
            _ => Some(NonFinite::Weight),
        };
        StepResult { loss, correct, failed }
    }

    /// Losses and predictions of `images` images, from what the GPU posted.
    fn outcome(&self, bytes: &[u8], images: usize) -> Outcome {
        let words: Vec<u32> = bytes.chunks_exact(WORD).map(bytemuck::pod_read_unaligned).collect();
        let (batch, words) = (self.training.batch, &words);
        let losses = words[..images].iter().map(|&bits| f32::from_bits(bits)).collect();
        Outcome { losses, predictions: words[2 * batch..][..images].to_vec() }
    }
}

impl Trainer for GpuTrainer {
    fn depth(&self) -> usize {
        MAX_IN_FLIGHT
    }

    fn load(&mut self, state: &State) -> Result<()> {
        let Layout { parameters, running, slots, .. } = self.built.layout;
        self.built.write(parameters, &state.parameters)?;
        self.built.write(running, &state.running)?;
        state.slots.iter().zip(slots).try_for_each(|(slot, to)| self.built.write(to, slot))
    }

    fn state(&mut self) -> Result<Option<State>> {
        let layout = &self.built.layout;
        let (parameters, running, slots) = (layout.parameters, layout.running, layout.slots);
        let count = layout.plan.net.parameters;
        let statistics = layout.buffers.bytes(running) / WORD;
        let slots = slots.into_iter().take(self.training.optimizer.slots().len());
        Ok(Some(State {
            parameters: self.built.read(parameters, count)?,
            running: self.built.read(running, statistics)?,
            slots: slots.map(|slot| self.built.read(slot, count)).collect::<Result<_>>()?,
        }))
    }

    fn begin(&mut self, epoch: &Epoch) -> Result<()> {
        let Epoch { number, order, learning_rates, first, step, updates } = epoch;
        let rates: Vec<[f32; 3]> = learning_rates
            .iter()
            .enumerate()
            .map(|(index, &rate)| {
                // Updates that this one is the last of.
                let t = *updates as f64 + index as f64 - *first as f64 + 1.0;
                let [mean, square] = BETAS.map(|beta| 1.0 - beta.powf(t));
                [rate, rate / mean, square.sqrt()].map(|number| number as f32)
            })
            .collect();
        let clock = Clock::new(self.training.seed, *number, *step, *first as u32);
        let layout = &self.built.layout;
        let (to_order, to_rates, to_clock) = (layout.order, layout.rates, layout.clock);
        if !order.is_empty() {
            self.built.write(to_order, order)?;
        }
        self.built.write(to_rates, &rates)?;
        self.built.write(to_clock, &[clock])
    }

    fn give(&mut self, images: &[f32], labels: &[u32]) -> Result<()> {
        let (given, to_labels) = (self.built.layout.given, self.built.layout.labels);
        self.built.write(given, images)?;
        self.built.write(to_labels, labels)
    }

    fn submit(&mut self, images: usize) -> Result<()> {
        let Built { layout, runner } = &mut self.built;
        let program = self.steps.entry(images).or_insert_with(|| step(layout, &self.training, images));
        runner.run(program)?;
        runner.post(layout.result, 0, RESULT)?;
        self.under_way += 1;
        Ok(())
    }

    fn collect(&mut self, wait: Duration) -> Result<Option<StepResult>> {
        if self.under_way == 0 {
            return Ok(None);
        }
        let Some(bytes) = self.built.runner.collect(!wait.is_zero())? else { return Ok(None) };
        self.under_way -= 1;
        Ok(Some(Self::result(&bytes)))
    }

    fn evaluate(&mut self, split: usize, each: &mut dyn FnMut(usize, Option<Outcome>) -> bool) -> Result<()> {
        debug_assert_eq!(self.under_way, 0);
        let (batch, total) = (self.training.batch, self.built.layout.splits[split].count);
        self.built.runner.run(&self.before_evaluation)?;
        let mut under_way: VecDeque<(usize, usize)> = VecDeque::new();
        let mut begins = (0..total).step_by(batch);
        let mut wanted = true;
        loop {
            let next = begins.next().filter(|_| wanted);
            if let Some(begin) = next {
                let images = batch.min(total - begin);
                let Built { layout, runner } = &mut self.built;
                let program = self
                    .evaluations
                    .entry((split, images))
                    .or_insert_with(|| evaluation(layout, split, images));
                let clock = Clock::new(self.training.seed, 0, 0, (begin / batch) as u32);
                runner.write(layout.evaluation_clock, 0, bytemuck::bytes_of(&clock))?;
                runner.run(program)?;
                runner.post(layout.outcome, 0, batch * 3 * WORD)?;
                under_way.push_back((begin, images));
            }
            if next.is_some() && under_way.len() < MAX_BATCHES_IN_FLIGHT {
                continue;
            }
            let Some((begin, images)) = under_way.pop_front() else { return Ok(()) };
            let Some(bytes) = self.built.runner.collect(true)? else {
                candle_core::bail!("the GPU owes an answer");
            };
            // What is under way is collected even where nobody wants it.
            wanted = wanted && each(begin, Some(self.outcome(&bytes, images)));
        }
    }

    fn last(&mut self, images: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        let layout = &self.built.layout;
        let (logits, gradient) = (layout.logits, layout.gradient);
        let (classes, count) = (layout.plan.net.classes, layout.plan.net.parameters);
        Ok((self.built.read(logits, images * classes)?, self.built.read(gradient, count)?))
    }

    fn profile(&mut self) -> Result<Vec<KernelTime>> {
        let program = step(&self.built.layout, &self.training, self.training.batch);
        profile::profile(&mut self.built, &program, Clock::new(self.training.seed, 1, 0, 0))
    }

    fn bytes(&self) -> usize {
        self.built.layout.buffers.total()
    }
}
