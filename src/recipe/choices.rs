//! The named choices of a recipe: small enums that read and write as the words people type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::arch::words::words;
use crate::recipe::auto::{AutoOr, auto_or};

words! {
    /// Random change of the training images.
    Augment {
        /// Pad 4, crop at random, flip half of them (no flip where left and right mean something).
        Standard = "standard",
        /// A random part of 8 % and more, resized; flip half of them (torchvision's RandomResizedCrop).
        Imagenet = "imagenet",
        /// The images as they are.
        None = "none",
    }
}

words! {
    /// Weights of the classes in the loss.
    #[derive(Default)]
    ClassWeights {
        /// Every image weighs the same.
        #[default]
        None = "none",
        /// Every class weighs the same, however many images it has.
        Balanced = "balanced",
    }
}

words! {
    /// Padding of a crop outside the image.
    Pad {
        /// Zeros after normalisation: the mean colour (the paper's code).
        Normalised = "normalised",
        /// Zeros before normalisation: black (torchvision).
        Black = "black",
    }
}

words! {
    /// Normalisation of the pixels.
    Normalization {
        /// (x - mean) / std, per channel, of the training images.
        Dataset = "dataset",
        /// x / 255: from 0 to 1.
        Unit = "unit",
        /// (x - mean) / std, per channel, of the images of ImageNet: as published weights know their images.
        Imagenet = "imagenet",
    }
}

words! {
    /// When a drop "at epoch E" happens.
    DropCounting {
        /// After E full epochs (MultiStepLR).
        From0 = "from0",
        /// Before epoch number E, counted from 1: after E - 1 full epochs (the paper's code).
        From1 = "from1",
    }
}

words! {
    /// The rule that turns gradients into weights, each as PyTorch computes it.
    Optimizer {
        /// Stochastic gradient descent with (Nesterov's) momentum.
        Sgd = "sgd",
        /// Adam; weight decay added to the gradient.
        Adam = "adam",
        /// AdamW; weight decay apart from the gradient.
        Adamw = "adamw",
    }
}

/// Mean and standard deviation of the colours of ImageNet, of 1, as torchvision has them.
const IMAGENET: [[f64; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];

impl Normalization {
    /// The mean and the deviation that pixels from 0 to 255 are normalised by, per channel, where those of the training
    /// images are `moments`.
    pub fn by(self, moments: [[f64; 3]; 2]) -> [[f64; 3]; 2] {
        let [mean, deviation] = moments;
        match self {
            Self::Unit => [[0.0; 3], [255.0; 3]],
            Self::Imagenet => IMAGENET.map(|of| of.map(|of| 255.0 * of)),
            // A constant channel carries nothing: it becomes 0, not a division by 0.
            Self::Dataset => [mean, deviation.map(|d| if d > 0.0 { d } else { 1.0 })],
        }
    }
}

impl Optimizer {
    /// The learning rate that goes with this optimizer where none is given.
    pub const fn default_lr(self) -> f64 {
        match self {
            Self::Sgd => 0.1,
            Self::Adam | Self::Adamw => 1e-3,
        }
    }

    /// The same where weights are given: a tenth.
    pub const fn fine_tuning_lr(self) -> f64 {
        match self {
            Self::Sgd => 0.01,
            Self::Adam | Self::Adamw => 1e-4,
        }
    }
}

/// Channels of the first convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "AutoOr", into = "AutoOr")]
pub enum Stem {
    /// 2k with a bottleneck, else 16 (the paper).
    Auto,
    /// So many.
    Channels(usize),
}

impl Stem {
    /// The number of channels for growth rate `k`.
    pub const fn channels(self, k: usize, bottleneck: bool) -> usize {
        match self {
            Self::Channels(n) => n,
            Self::Auto if bottleneck => 2 * k,
            Self::Auto => 16,
        }
    }
}

auto_or!(Stem::Channels);
