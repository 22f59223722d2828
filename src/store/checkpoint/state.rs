//! The contents of a checkpoint.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protocol::Figures;
use crate::protocol::event::{Best, Origin};
use crate::recipe::Recipe;

/// A named array of finite numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its dimensions; their product is the length of `data`.
    pub shape: Vec<usize>,
    /// Its numbers, the last dimension fastest.
    pub data: Vec<f32>,
}

/// The state of a run between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Everything but the tensors.
    pub meta: Meta,
    /// Weights and running statistics under torchvision's names, optimizer state under
    /// `optimizer.<kind>.<name>`. Nothing in them depends on time.
    pub tensors: BTreeMap<String, Array>,
}

/// The metadata of a checkpoint, as JSON in the file's header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// The recipe, with its live changes and its absolute data path.
    pub recipe: Recipe,
    /// Class names, in the order of the network's outputs.
    pub classes: Vec<String>,
    /// Mean and standard deviation of each channel, which the images are normalised by.
    pub moments: [[f64; 3]; 2],
    /// How far the run is.
    pub progress: Progress,
    /// The run whose checkpoint this one began with.
    pub parent: Option<String>,
    /// The file that the run's first weights came from; absent where they were drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Origin>,
    /// The run's name.
    pub run: String,
    /// Whether the run leaves the test split alone.
    pub no_test: bool,
    /// Whether candle's own layers were asked for; absent in files from before there was a choice.
    #[serde(default)]
    pub reference: bool,
    /// Whether broken pictures are left out.
    #[serde(default)]
    pub skip_broken: bool,
    /// Fingerprints of the training, validation and test images; empty in files from before there were any.
    #[serde(default)]
    pub fingerprints: Vec<String>,
    /// Seconds since 1970, UTC.
    pub saved_at: f64,
    /// The version of densenet-tui that wrote it.
    pub version: String,
}

/// How far a run is. The totals come back to the last bit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Epochs whose validation and event are done.
    pub closed_epochs: usize,
    /// Sum of the open epoch's losses over its images, in nats.
    pub loss_sum: f64,
    /// Right answers of the open epoch.
    pub correct: u64,
    /// Images of the open epoch so far.
    pub images: u64,
    /// Training time so far, pauses excluded.
    pub seconds: f64,
    /// Training time of the open epoch so far.
    pub epoch_seconds: f64,
    /// The best epoch so far. A figure that is not finite comes back as NaN.
    pub best: Option<Best>,
    /// The step after which validation last ran.
    pub validated_at: Option<u64>,
    /// The test split with the last weights. A figure that is not finite comes back as NaN.
    pub test: Option<Figures>,
    /// Updates of the optimizer.
    pub optimizer_steps: u64,
}

impl Progress {
    /// Refuses what no run with `per_epoch` steps and `images` images in an epoch can have done: it would have epochs
    /// without end to catch up with. The error is a clause.
    pub fn check(&self, per_epoch: u64, images: usize) -> Result<(), String> {
        let (per_epoch, closed) = (u128::from(per_epoch), self.closed_epochs as u128);
        let steps = closed * per_epoch..=(closed + 1) * per_epoch;
        let fits = steps.contains(&u128::from(self.step))
            && self.optimizer_steps <= self.step
            && self.images <= images as u64
            && self.correct <= self.images;
        if fits {
            return Ok(());
        }
        Err(format!(
            "its {} steps do not fit {} epochs of {per_epoch} steps and {} images of the next",
            self.step, self.closed_epochs, self.images
        ))
    }
}
