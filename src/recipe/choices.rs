//! The named choices of a recipe: small enums that read and write as the words people type.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::arch::words::words;

/// What stands before the path of a folder of images.
pub(crate) const FOLDER: &str = "folder:";

words! {
    /// Random change of the training images.
    Augment {
        /// Pad 4, crop at random, flip half of them (no flip where left and right mean something).
        Standard = "standard",
        /// The images as they are.
        None = "none",
    }
}

words! {
    /// What a crop finds outside the image.
    Pad {
        /// Zeros after normalisation: the mean colour (the paper's code).
        Normalised = "normalised",
        /// Zeros before normalisation: black (torchvision).
        Black = "black",
    }
}

words! {
    /// What the pixels become.
    Normalization {
        /// (x - mean) / deviation, per channel, of the training images.
        Dataset = "dataset",
        /// x / 255: from 0 to 1.
        Unit = "unit",
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

impl Optimizer {
    /// The learning rate that goes with this optimizer where none is given.
    pub const fn default_lr(self) -> f64 {
        match self {
            Self::Sgd => 0.1,
            Self::Adam | Self::Adamw => 1e-3,
        }
    }
}

/// The images a run trains on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Data {
    /// CIFAR-10: 50,000 training and 10,000 test images, 32x32, ten classes.
    Cifar10,
    /// CIFAR-100: the same sizes, a hundred (fine) classes.
    Cifar100,
    /// One directory per class.
    Folder(PathBuf),
    /// The built-in generated set: ten shapes, 32x32.
    Shapes,
}

impl Data {
    /// Classes, where they are known without a look at the disk.
    pub const fn classes(&self) -> Option<usize> {
        match self {
            Self::Cifar10 | Self::Shapes => Some(10),
            Self::Cifar100 => Some(100),
            Self::Folder(_) => None,
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cifar10 => f.write_str("cifar10"),
            Self::Cifar100 => f.write_str("cifar100"),
            Self::Folder(path) => write!(f, "{FOLDER}{}", path.display()),
            Self::Shapes => f.write_str("shapes"),
        }
    }
}

impl From<Data> for String {
    fn from(data: Data) -> Self {
        data.to_string()
    }
}

impl FromStr for Data {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "cifar10" => Ok(Self::Cifar10),
            "cifar100" => Ok(Self::Cifar100),
            "shapes" => Ok(Self::Shapes),
            _ => match word.strip_prefix(FOLDER) {
                Some(path) if !path.is_empty() => Ok(Self::Folder(path.into())),
                _ => Err(format!("`{word}` is not one of cifar10, cifar100, folder:PATH, shapes.")),
            },
        }
    }
}

impl TryFrom<String> for Data {
    type Error = String;
    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

/// Channels of the first convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StemWord", into = "StemWord")]
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

impl fmt::Display for Stem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Channels(n) => write!(f, "{n}"),
        }
    }
}

impl FromStr for Stem {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::Auto),
            _ => word
                .parse()
                .map(Self::Channels)
                .map_err(|_| format!("`{word}` is neither `auto` nor a number.")),
        }
    }
}

/// A stem as a file spells it: the word `auto`, or a number.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StemWord {
    Number(usize),
    Word(String),
}

impl TryFrom<StemWord> for Stem {
    type Error = String;
    fn try_from(word: StemWord) -> Result<Self, String> {
        match word {
            StemWord::Number(n) => Ok(Self::Channels(n)),
            StemWord::Word(word) => word.parse(),
        }
    }
}

impl From<Stem> for StemWord {
    fn from(stem: Stem) -> Self {
        match stem {
            Stem::Auto => Self::Word("auto".into()),
            Stem::Channels(n) => Self::Number(n),
        }
    }
}
