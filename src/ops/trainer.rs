//! The trainer of a network, whatever the device: steps are submitted, and their results collected later.
//!
//! A GPU keeps weights, images and updates to itself and has several steps under way, so that it never waits for
//! a front end (`cuda`); the host computes one step at a time in a thread of its own (`engine/host.rs`).

use std::fmt;
use std::time::Duration;

use candle_core::Result;

use crate::ops::loss::Loss;

/// How weights are updated; the constants of Adam are PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerKind {
    /// v ← μv + g; the weights go by g + μv (Nesterov) or by v.
    Sgd {
        /// The momentum μ (0: none).
        momentum: f64,
        /// Nesterov's.
        nesterov: bool,
    },
    /// Weight decay is part of the gradient.
    Adam,
    /// Weight decay shrinks the weights directly.
    AdamW,
}

impl OptimizerKind {
    /// The state tensors of a parameter (0, 1 or 2), under PyTorch's names.
    pub fn slots(self) -> &'static [&'static str] {
        match self {
            Self::Sgd { momentum: 0.0, .. } => &[],
            Self::Sgd { .. } => &["momentum_buffer"],
            Self::Adam | Self::AdamW => &["exp_avg", "exp_avg_sq"],
        }
    }
}

/// Where the images of a step come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// One batch, handed over as f32 and used for every step.
    Given,
    /// Splits of u8 images `[n, 3, side, side]`, the first of them to train on.
    Splits {
        /// Images of each split.
        counts: Vec<usize>,
        /// Whether images are cropped at random in training.
        augment: bool,
        /// Whether half of those are mirrored.
        flips: bool,
        /// What each byte of a colour becomes, then what a crop finds outside, `[3, 257]`.
        table: Vec<f32>,
    },
}

/// Everything that the steps of a run have in common.
#[derive(Clone, Debug)]
pub struct Training {
    /// Share of values that dropout drops.
    pub dropout: f64,
    /// How weights are updated.
    pub optimizer: OptimizerKind,
    /// Weight decay.
    pub weight_decay: f64,
    /// The loss.
    pub loss: Loss,
    /// Images of a full batch.
    pub batch: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// The run's seed.
    pub seed: u64,
    /// The images.
    pub feed: Feed,
}

/// Images `[n, 3, side, side]` as bytes, and their labels.
#[derive(Clone, Copy, Debug)]
pub struct Split<'a> {
    /// Plane after plane, image after image.
    pub pixels: &'a [u8],
    /// By image.
    pub labels: &'a [u32],
}

/// What training changes, each joined in torchvision's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The weights.
    pub parameters: Vec<f32>,
    /// Of each normalisation its running means, then its variances.
    pub running: Vec<f32>,
    /// The optimizer's state, slot by slot.
    pub slots: Vec<Vec<f32>>,
}

/// The steps of an epoch to come.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: u64,
    /// The training images in their order (empty: as given).
    pub order: Vec<u32>,
    /// The learning rate of each of its steps.
    pub learning_rates: Vec<f64>,
    /// Its first step that is still to be done, from 0.
    pub first: usize,
    /// Steps of the run before that one.
    pub step: u64,
    /// Updates of the optimizer before that one.
    pub updates: u64,
}

/// What was not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonFinite {
    /// The loss.
    Loss,
    /// A gradient or a running statistic.
    Gradient,
    /// An updated weight or its state.
    Weight,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loss => "loss",
            Self::Gradient => "gradient",
            Self::Weight => "updated weight",
        })
    }
}

/// The result of a step. Where something was not finite, neither it nor any step submitted after it has changed
/// anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// Mean over the batch, in nats.
    pub loss: f32,
    /// Images that were right.
    pub correct: u32,
    /// What was not finite, if anything.
    pub failed: Option<NonFinite>,
}

/// What an evaluation found of a batch, image by image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Loss in nats, without smoothing.
    pub losses: Vec<f32>,
    /// The class said.
    pub predictions: Vec<u32>,
}

/// All launches of a kernel in a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KernelTime {
    /// Its name.
    pub kernel: String,
    /// Launches in a step.
    pub launches: usize,
    /// Time of all of them, each by itself and repeated: what it reads is near where it fits.
    pub seconds: f64,
    /// Operations of its products, a multiply-add counted as 2.
    pub operations: f64,
    /// Bytes that it must move at least.
    pub bytes: f64,
}

/// The measured peaks of a device, in 10⁹ a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peaks {
    /// Operations; a multiply-add counts as 2.
    pub gflops: f64,
    /// Bytes read and written.
    pub gbytes: f64,
}

/// Training of one network. Everything happens in the order in which it is asked for.
pub trait Trainer: fmt::Debug + Send {
    /// Steps that may be under way at once.
    fn depth(&self) -> usize;

    /// Takes over weights, statistics and state.
    fn load(&mut self, state: &State) -> Result<()>;

    /// Weights, statistics and state after every step submitted; `None` where they are those of the network and the
    /// optimizer on the host anyway.
    fn state(&mut self) -> Result<Option<State>>;

    /// Prepares the steps of an epoch, after every step submitted.
    fn begin(&mut self, epoch: &Epoch) -> Result<()>;

    /// Takes over the batch of [`Feed::Given`].
    fn give(&mut self, images: &[f32], labels: &[u32]) -> Result<()>;

    /// Submits the next step of the epoch, of `images` images.
    fn submit(&mut self, images: usize) -> Result<()>;

    /// The result of the oldest step submitted and not yet collected. `None` where it is not done within `wait` (or
    /// there is none): then it has changed nothing, and may be abandoned. A trainer whose steps change its own state
    /// as they go waits for as long as a step takes, unless `wait` is zero.
    fn collect(&mut self, wait: Duration) -> Result<Option<StepResult>>;

    /// Evaluates split number `split` by the running statistics, batch after batch. `each` gets the number of images
    /// before the batch and what was found of it, or nothing every now and then while it is computed; false ends the
    /// work. All steps must be collected before.
    fn evaluate(&mut self, split: usize, each: &mut dyn FnMut(usize, Option<Outcome>) -> bool) -> Result<()>;

    /// The logits `[n, classes]` of the last step and its gradient of the parameters; only with [`Feed::Given`].
    fn last(&mut self, images: usize) -> Result<(Vec<f32>, Vec<f32>)>;

    /// Times each kernel of a full step by itself. Weights and state are lost.
    fn profile(&mut self) -> Result<Vec<KernelTime>>;

    /// Bytes of memory it holds on a device of its own.
    fn bytes(&self) -> usize;
}
