//! The passes of a network, which each kind of device implements for itself (`cpu`, `cuda`).

use candle_core::Result;

use crate::arch::blocks::Net;
use crate::arch::words::{DropoutPlaces, Precision};
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::dropout::Masks;

/// A network and how it is computed.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// Its blocks.
    pub net: Net,
    /// How a GPU computes products; the CPU computes in f32.
    pub precision: Precision,
    /// The constants of batch normalisation.
    pub batch_norm: BatchNormConfig,
    /// Which convolutions dropout follows.
    pub dropout_places: DropoutPlaces,
}

/// Mean and variance (divided by M) of a normalisation's channels in a batch, and M.
pub type BatchStatistics = (Vec<f64>, Vec<f64>, f64);

/// The beginning of a network that is not trained: it is evaluated, by its running statistics, and has no
/// backward pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frozen<'a> {
    /// The stem and this many blocks with what follows each; of all blocks, only the linear layer is trained.
    pub(crate) blocks: usize,
    /// Mean and variance of each normalisation of the network in turn.
    pub(crate) running: &'a [f32],
}

/// The passes of a network over memory of its own. Images are `[n, 3, s, s]`, parameters joined in
/// torchvision's order, logits `[n, classes]`.
pub(crate) trait Passes: std::fmt::Debug + Send {
    /// Logits by the batch's own statistics; the activations are kept for [`Self::backward`].
    fn forward(
        &mut self,
        images: &[f32],
        parameters: &[f32],
        masks: Option<Masks>,
        frozen: Option<Frozen>,
    ) -> Result<Vec<f32>>;

    /// The gradient of the parameters from that of the last forward pass's logits; 0 for those that were frozen.
    fn backward(&mut self, parameters: &[f32], gradient: &[f32]) -> Result<Vec<f32>>;

    /// Logits by running statistics.
    fn evaluate(&mut self, images: &[f32], parameters: &[f32], running: &[f32]) -> Result<Vec<f32>>;

    /// What the linear layer saw the averages of in the evaluation just done: the last block's features after
    /// normalisation and ReLU, `[n, channels, side, side]`. `None` where they cannot be had.
    fn last_maps(&mut self) -> Option<Vec<f32>> {
        None
    }

    /// The statistics of the last forward pass, normalisation by normalisation, from the first that was not
    /// frozen on.
    fn statistics(&mut self) -> Result<Vec<BatchStatistics>>;

    /// Bytes of its memory so far.
    #[cfg(test)]
    fn bytes(&self) -> usize;
}
