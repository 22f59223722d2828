//! The fast network: one custom op each for training and evaluation, with kernels for the CPU.
//!
//! What a general framework spends on a dense block (copies for each concatenation, statistics measured
//! again by every reader, stored BN-ReLU outputs) is not done here:
//!
//! - the features of a block lie in one buffer; a layer writes its k channels behind the others
//! - a feature map's mean and variance are measured once, when it is written
//! - relu(a·x + b) is computed wherever it is read, forward and backward
//! - the backward pass reads each layer's input once; the two means of each batch normalisation are
//!   taken off a channel's gradient when its last reader has passed (`backward`)
//! - a transition averages before it multiplies (`transition`)
//!
//! Work is cut into tiles of image rows; partial sums belong to tiles and are joined in their order, so
//! the bits do not depend on the number of threads.

mod backward;
mod dropout;
mod evaluate;
mod forward;
mod gradients;
mod head;
mod kernels;
mod lanes;
mod memory;
mod network;
mod norm;
mod op;
mod outer;
mod reader;
mod transition;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{Result, Tensor};

pub use crate::arch::blocks::Shape;
#[cfg(any(feature = "cuda", feature = "host-kernels"))]
use crate::arch::words::Precision;
use crate::ops::batch_norm::Rules;
use crate::ops::cpu::lanes::Isa;
use crate::ops::cpu::network::Network;
use crate::ops::cpu::op::{Evaluate, Train};
#[cfg(any(feature = "cuda", feature = "host-kernels"))]
use crate::ops::cuda::{CardNetwork, Machine};
use crate::ops::dropout::Masks;

/// A network of CIFAR type with its own memory, which is taken at the first batch and used again by all
/// later ones.
#[derive(Debug)]
pub struct Fused {
    state: Arc<Mutex<State>>,
    classes: usize,
    /// Height and width of the images.
    side: usize,
    /// Numbers in the packed parameters.
    parameters: usize,
}

#[derive(Debug)]
struct State {
    network: Box<dyn Passes>,
    /// Passes so far, of either mode: a backward pass must belong to the last.
    passes: u64,
}

/// Mean and variance (divided by M) of a normalisation's channels in a batch, and M.
pub type BatchStatistics = (Vec<f64>, Vec<f64>, f64);

/// The passes of a network over memory of its own. Images are `[n, 3, s, s]`, parameters joined in
/// torchvision's order, logits `[n, classes]`.
pub(in crate::ops) trait Passes: std::fmt::Debug + Send {
    /// Logits by the batch's own statistics; the activations are kept for [`Self::backward`].
    fn forward(&mut self, images: &[f32], parameters: &[f32], masks: Option<Masks>) -> Result<Vec<f32>>;

    /// The gradient of the parameters from that of the last forward pass's logits.
    fn backward(&mut self, parameters: &[f32], gradient: &[f32]) -> Result<Vec<f32>>;

    /// Logits by running statistics.
    fn evaluate(&mut self, images: &[f32], parameters: &[f32], running: &[f32]) -> Result<Vec<f32>>;

    /// The statistics of the last forward pass, normalisation by normalisation.
    fn statistics(&mut self) -> Result<Vec<BatchStatistics>>;

    /// Bytes of its memory so far.
    #[cfg(test)]
    fn bytes(&self) -> usize;
}

impl Passes for Network {
    fn forward(&mut self, images: &[f32], parameters: &[f32], masks: Option<Masks>) -> Result<Vec<f32>> {
        Ok(Self::forward(self, images, parameters, masks))
    }

    fn backward(&mut self, parameters: &[f32], gradient: &[f32]) -> Result<Vec<f32>> {
        Ok(Self::backward(self, parameters, gradient))
    }

    fn evaluate(&mut self, images: &[f32], parameters: &[f32], running: &[f32]) -> Result<Vec<f32>> {
        Ok(Self::evaluate(self, images, parameters, running))
    }

    fn statistics(&mut self) -> Result<Vec<BatchStatistics>> {
        Ok(Self::statistics(self))
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        Self::bytes(self)
    }
}

impl Fused {
    /// A network of `shape`. With `dropout_last`, dropout comes after the last convolution of dense
    /// layers only.
    pub fn new(shape: &Shape, rules: Rules, dropout_last: bool) -> Self {
        Self::with_isa(shape, rules, dropout_last, Isa::available()[0])
    }

    fn with_isa(shape: &Shape, rules: Rules, dropout_last: bool, isa: Isa) -> Self {
        Self::over(shape, Box::new(Network::new(shape.net(), isa, rules, dropout_last)))
    }

    /// The same network with the kernels of a card, on `machine`.
    #[cfg(any(feature = "cuda", feature = "host-kernels"))]
    pub(crate) fn on(
        machine: Machine,
        shape: &Shape,
        precision: Precision,
        rules: Rules,
        dropout_last: bool,
    ) -> Self {
        Self::over(shape, Box::new(CardNetwork::new(shape.net(), precision, rules, dropout_last, machine)))
    }

    fn over(shape: &Shape, network: Box<dyn Passes>) -> Self {
        let (classes, side, parameters) = (shape.classes, shape.input_size, shape.net().parameters);
        Self { state: Arc::new(Mutex::new(State { network, passes: 0 })), classes, side, parameters }
    }

    /// The same network by each instruction set this machine has, with its name.
    #[cfg(test)]
    pub(crate) fn of_every_isa(shape: &Shape, rules: Rules, dropout_last: bool) -> Vec<(&'static str, Self)> {
        let each = |isa: Isa| (isa.name(), Self::with_isa(shape, rules, dropout_last, isa));
        Isa::available().into_iter().map(each).collect()
    }

    /// Logits `[n, classes]` of `images` `[n, 3, s, s]` in training mode, differentiable by
    /// `parameters`: all parameters, flattened and joined in torchvision's order. Only the last call's
    /// logits can be differentiated.
    pub fn train(&self, images: &Tensor, parameters: &Tensor, masks: Option<Masks>) -> Result<Tensor> {
        self.check(images, parameters)?;
        let op = Train { state: self.state.clone(), classes: self.classes, masks, pass: AtomicU64::new(0) };
        images.contiguous()?.apply_op2(parameters, op)
    }

    /// The statistics of the last batch in training mode, normalisation by normalisation.
    pub fn statistics(&self) -> Result<Vec<BatchStatistics>> {
        lock(&self.state).network.statistics()
    }

    /// Logits `[n, classes]` of `images` `[n, 3, s, s]` by running statistics: `running` joins mean and
    /// variance of each normalisation in turn.
    pub fn evaluate(&self, images: &Tensor, parameters: &Tensor, running: &Tensor) -> Result<Tensor> {
        self.check(images, parameters)?;
        let op = Evaluate { state: self.state.clone(), classes: self.classes };
        images.contiguous()?.apply_op3_no_bwd(parameters, running, &op)
    }

    /// Refuses images and parameters of another network.
    fn check(&self, images: &Tensor, parameters: &Tensor) -> Result<()> {
        let (n, channels, height, width) = images.dims4()?;
        if n == 0 || channels != 3 || height != self.side || width != self.side {
            candle_core::bail!("{:?} are no images [n, 3, {side}, {side}]", images.dims(), side = self.side);
        }
        if parameters.dims() != [self.parameters] {
            candle_core::bail!("{:?} are no {} parameters", parameters.dims(), self.parameters);
        }
        Ok(())
    }

    /// Bytes of its memory so far.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        lock(&self.state).network.bytes()
    }
}

/// The instruction set that fused networks use on this machine, as people know it.
pub fn instruction_set() -> &'static str {
    Isa::available()[0].name()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A panic in a pass leaves numbers that the next pass overwrites.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
