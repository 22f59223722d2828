//! One training step: a pass (forward, loss, backward), then the update. The one place where weights change.

use candle_core::{Device, Result, Tensor};

use crate::data::prepare::Batch;
use crate::model::{DenseNet, Pass};
use crate::ops::dropout::Masks;
use crate::optim::Optimizer;

/// What a step is done with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) learning_rate: f64,
    pub(super) label_smoothing: f64,
    /// Dropout masks; none without dropout.
    pub(super) masks: Option<Masks>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stepped {
    /// The weights have changed.
    Done {
        /// Mean over the batch, in nats.
        loss: f64,
        /// Images that were right.
        correct: u64,
    },
    /// Something was not finite: nothing has changed.
    Diverged {
        /// What it was.
        what: &'static str,
    },
}

/// Trains `net` on one batch.
pub(super) fn step(
    net: &DenseNet,
    optimizer: &mut Optimizer,
    images: &Tensor,
    labels: &Tensor,
    settings: Settings,
) -> Result<Stepped> {
    update(net, optimizer, &net.pass(images, labels, settings.label_smoothing, settings.masks)?, settings)
}

/// Changes the weights by what `pass` found, unless something of it is not finite.
pub(super) fn update(
    net: &DenseNet,
    optimizer: &mut Optimizer,
    pass: &Pass,
    settings: Settings,
) -> Result<Stepped> {
    if !pass.loss.is_finite() {
        return Ok(Stepped::Diverged { what: "loss" });
    }
    if !pass.is_finite()? {
        return Ok(Stepped::Diverged { what: "gradient" });
    }
    let weights = net.parameters().map(|(_, var)| var);
    let proposal = optimizer.propose(weights, &pass.gradients, settings.learning_rate)?;
    if !proposal.is_finite()? {
        return Ok(Stepped::Diverged { what: "updated weight" });
    }
    net.commit(&proposal.weights, &pass.statistics)?;
    optimizer.commit(proposal);
    Ok(Stepped::Done { loss: pass.loss, correct: pass.correct })
}

/// A batch on the device: images `[n, 3, s, s]` f32 and labels `[n]` u32.
pub(super) fn tensors(batch: Batch, device: &Device) -> Result<(Tensor, Tensor)> {
    let (n, side) = (batch.labels.len(), batch.side);
    let images = Tensor::from_vec(batch.images, (n, 3, side, side), device)?;
    Ok((images, Tensor::from_vec(batch.labels, n, device)?))
}
