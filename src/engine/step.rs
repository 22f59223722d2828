//! The update of a training step on the host: the one place where weights change there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{Device, Result, Tensor};

use crate::data::prepare::Batch;
use crate::model::{DenseNet, Pass};
use crate::ops::trainer::{NonFinite, StepResult};
use crate::optim::Optimizer;

/// The optimizer of a run: its trainer changes the state, a checkpoint holds it.
#[derive(Clone, Debug)]
pub(super) struct SharedOptimizer(Arc<Mutex<Optimizer>>);

impl SharedOptimizer {
    pub(super) fn new(optimizer: Optimizer) -> Self {
        Self(Arc::new(Mutex::new(optimizer)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Optimizer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Changes the weights by what `pass` found, unless something of it is not finite.
pub(super) fn update(
    net: &DenseNet,
    optimizer: &mut Optimizer,
    pass: &Pass,
    learning_rate: f64,
) -> Result<StepResult> {
    let result = |failed| StepResult { loss: pass.loss as f32, correct: pass.correct as u32, failed };
    if !pass.loss.is_finite() {
        return Ok(result(Some(NonFinite::Loss)));
    }
    if !pass.is_finite()? {
        return Ok(result(Some(NonFinite::Gradient)));
    }
    let weights = net.parameters().map(|(_, var)| var);
    let proposal = optimizer.propose(weights, &pass.gradients, learning_rate)?;
    if !proposal.is_finite()? {
        return Ok(result(Some(NonFinite::Weight)));
    }
    net.commit(&proposal.weights, &pass.statistics)?;
    optimizer.commit(proposal);
    Ok(result(None))
}

/// A batch on the device: images `[n, 3, s, s]` f32 and labels `[n]` u32.
pub(super) fn tensors(batch: Batch, device: &Device) -> Result<(Tensor, Tensor)> {
    let (n, side) = (batch.labels.len(), batch.side);
    let images = Tensor::from_vec(batch.images, (n, 3, side, side), device)?;
    Ok((images, Tensor::from_vec(batch.labels, n, device)?))
}
