//! What a network is to do on a GPU: everything that its buffers, tiles and launches depend on.

use crate::arch::blocks::Net;
use crate::arch::words::{DropoutPlaces, Precision};
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::passes::NetworkConfig;

/// Pixels of a tile of the average pool, and of the head's backward pass.
pub(super) const THIN_TILE: usize = 32;

/// What the memory is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Logits by running statistics alone.
    Evaluation,
    /// Forward, backward and evaluation.
    Passes,
    /// The same, and updates of the weights.
    Steps {
        /// 0, 1 or 2.
        slots: usize,
        /// Steps of an epoch.
        per_epoch: usize,
    },
}

impl Use {
    pub(super) fn trains(self) -> bool {
        self != Self::Evaluation
    }
}

/// A network, and the largest batch that it is to be computed on.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) net: Net,
    pub(super) precision: Precision,
    pub(super) batch_norm: BatchNormConfig,
    /// Most images of a batch.
    pub(super) batch: usize,
    /// Share of values that dropout drops, and after which convolutions.
    pub(super) dropout: Option<(f32, DropoutPlaces)>,
    pub(super) purpose: Use,
}

impl Plan {
    /// The network of `config` on batches of at most `batch` images, with the share of values that dropout drops.
    pub(super) fn new(config: &NetworkConfig, batch: usize, dropout: Option<f64>, purpose: Use) -> Self {
        let NetworkConfig { net, precision, batch_norm, dropout_places } = config.clone();
        let dropout = dropout.map(|rate| (rate as f32, dropout_places));
        Self { net, precision, batch_norm, batch, dropout, purpose }
    }

    /// Whether dropout follows `conv`, the last of a dense layer or another.
    pub(super) fn drops(&self, last: bool) -> bool {
        self.dropout.is_some_and(|(_, places)| last || places == DropoutPlaces::Paper)
    }

    pub(super) fn pixels(&self, side: usize) -> usize {
        self.batch * side * side
    }
}
