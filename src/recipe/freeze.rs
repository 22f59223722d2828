//! The beginning of a network that is not trained.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is evaluated by its running statistics instead of being trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Freeze {
    /// Nothing.
    #[default]
    None,
    /// The stem and so many blocks, each with the transition or the normalisation that follows it.
    Blocks(usize),
    /// All but the classifier.
    Features,
}

impl Freeze {
    /// How many blocks of `all` are frozen, the stem with them.
    pub fn blocks(self, all: usize) -> usize {
        match self {
            Self::None => 0,
            Self::Blocks(blocks) => blocks.min(all),
            Self::Features => all,
        }
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Blocks(blocks) => write!(f, "block{blocks}"),
            Self::Features => f.write_str("features"),
        }
    }
}

impl FromStr for Freeze {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let blocks = || word.strip_prefix("block")?.parse().ok().filter(|&blocks| blocks > 0);
        match word {
            "none" => Ok(Self::None),
            "features" => Ok(Self::Features),
            _ => blocks().map(Self::Blocks).ok_or_else(|| {
                format!("`{word}` is none of `none`, `features`, `block1`, `block2` and so on.")
            }),
        }
    }
}

impl TryFrom<String> for Freeze {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

impl From<Freeze> for String {
    fn from(freeze: Freeze) -> Self {
        freeze.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Data, Recipe};

    #[test]
    fn what_is_frozen_reads_as_it_is_written() {
        for (word, blocks) in [("none", 0), ("block1", 1), ("block3", 3), ("features", 4)] {
            let freeze: Freeze = word.parse().unwrap();
            assert_eq!((freeze.to_string().as_str(), freeze.blocks(4)), (word, blocks));
        }
        for word in ["", "block", "block0", "block-1", "all", "Features"] {
            assert!(word.parse::<Freeze>().unwrap_err().contains(&format!("`{word}`")));
        }
    }

    #[test]
    fn a_network_is_frozen_for_the_first_epochs_or_for_all() {
        let frozen = |freeze_epochs, epoch| {
            let freeze = Freeze::Blocks(2);
            Recipe { freeze, freeze_epochs, ..Recipe::defaults(Data::Cifar10) }.frozen_blocks(epoch)
        };
        assert_eq!([1, 2, 99].map(|epoch| frozen(0, epoch)), [2, 2, 2]);
        assert_eq!([1, 2, 3].map(|epoch| frozen(2, epoch)), [2, 2, 0]);
    }

    #[test]
    fn a_block_that_the_network_has_not_is_refused() {
        let recipe = Recipe { freeze: Freeze::Blocks(4), ..Recipe::defaults(Data::Cifar10) };
        assert_eq!(recipe.validate().unwrap_err()[0].field, "freeze");
    }
}
