//! Settings that are a number or the word `auto`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Either of the two, as a file spells it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum AutoOr {
    Number(usize),
    Word(String),
}

impl FromStr for AutoOr {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::Word(word.into())),
            _ => word
                .parse()
                .map(Self::Number)
                .map_err(|_| format!("`{word}` is neither `auto` nor a number.")),
        }
    }
}

impl fmt::Display for AutoOr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// Lets an enum of `Auto` and a variant with a number read and write as people and files spell it. It derives serde's
/// traits by way of [`AutoOr`].
macro_rules! auto_or {
    ($name:ident::$variant:ident) => {
        impl From<$name> for AutoOr {
            fn from(value: $name) -> Self {
                match value {
                    $name::Auto => Self::Word("auto".into()),
                    $name::$variant(n) => Self::Number(n),
                }
            }
        }

        impl TryFrom<AutoOr> for $name {
            type Error = String;
            fn try_from(spelt: AutoOr) -> Result<Self, String> {
                match spelt {
                    AutoOr::Number(n) => Ok(Self::$variant(n)),
                    AutoOr::Word(word) => word.parse(),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                AutoOr::from(*self).fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                match word.parse()? {
                    AutoOr::Number(n) => Ok(Self::$variant(n)),
                    AutoOr::Word(_) => Ok(Self::Auto),
                }
            }
        }
    };
}

pub(super) use auto_or;
