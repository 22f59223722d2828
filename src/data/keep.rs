//! What is kept of a picture of a folder, so that it need not be decoded again.

use crate::data::size::Size;
use crate::recipe::{Augment, Recipe};

/// Pictures that are kept whole are kept this much larger than an evaluation sees them, in halves: a random crop is
/// enlarged from them.
const SHARPER: usize = 3;
/// The longer side of such a picture, in shorter ones, beyond which only its middle is kept.
pub(crate) const LONGEST: usize = 4;

/// What is kept of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The middle of `side` x `side` after the shorter side has become `side` long.
    Square { side: usize },
    /// The middle of `side` x `side` after the shorter side has become `resized` long, as torchvision computes it.
    Middle { resized: usize, side: usize },
    /// All of it, its shorter side at most `shorter` long.
    Whole { shorter: usize },
}

/// A picture as three planes.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) size: Size,
    pub(crate) planes: Vec<u8>,
}

impl Keep {
    /// What `recipe` needs of pictures that are trained on, and of others.
    pub(crate) fn of(recipe: &Recipe, trains: bool) -> [Self; 2] {
        let (side, resized) = (recipe.input_size, recipe.resized());
        let is_random = recipe.augment == Augment::Imagenet;
        let middle =
            if is_random || resized != side { Self::Middle { resized, side } } else { Self::Square { side } };
        let whole = Self::Whole { shorter: resized * SHARPER / 2 };
        [if is_random && trains { whole } else { middle }, middle]
    }

    /// Height and width of every picture, where they are the same.
    pub(crate) fn side(self) -> Option<usize> {
        match self {
            Self::Square { side } | Self::Middle { side, .. } => Some(side),
            Self::Whole { .. } => None,
        }
    }

    /// Bytes of a picture; about, where they differ.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Square { side } | Self::Middle { side, .. } => 3 * side * side,
            // Most are 4:3.
            Self::Whole { shorter } => 4 * shorter * shorter,
        }
    }
}
