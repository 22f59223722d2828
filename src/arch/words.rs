//! The words that choose a network's form and arithmetic: small enums that read and write as the words people type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An enum of words: declared once, it reads, writes and lists them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every word, in the order of the variants.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];

            /// The word of this choice.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl From<$name> for &'static str {
            fn from(choice: $name) -> Self { choice.word() }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.word()) }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err(format!("`{other}` is not one of {}.", Self::WORDS.join(", "))),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(word: String) -> Result<Self, String> { word.parse() }
        }
    };
}

pub(crate) use words;

words! {
    /// The first convolution.
    StemKind {
        /// 3x3, stride 1: `features.conv0` alone.
        Cifar = "cifar",
        /// 7x7, stride 2, BN-ReLU, 3x3 max pool of stride 2 (torchvision's conv0, norm0, relu0, pool0).
        Imagenet = "imagenet",
    }
}

words! {
    /// What a layer reads of the layers before it, H being what it computes.
    #[derive(Default)]
    Connectivity {
        /// All of them: `x_l = H([x_0, ..., x_l-1])`.
        #[default]
        Dense = "dense",
        /// The last one, to which it adds: `x_l = H(x_l-1) + x_l-1`.
        Residual = "residual",
        /// The last one: `x_l = H(x_l-1)`.
        Plain = "plain",
    }
}

words! {
    /// Which convolutions dropout follows.
    DropoutPlaces {
        /// Every convolution but the first: bottleneck, 3x3 and transition (paper, section 4.2).
        Paper = "paper",
        /// The last convolution of each dense layer only (torchvision).
        Last = "last",
    }
}

words! {
    /// Fan of the convolutions' initial deviation √(2/fan).
    Init {
        /// k·k·C_out, as in the paper's code.
        FanOut = "fan_out",
        /// k·k·C_in, as in torchvision.
        FanIn = "fan_in",
    }
}

words! {
    /// How products are computed on a CUDA GPU. Sums, statistics and the weights between steps are f32 in
    /// all of them; the CPU and the reference compute in f32 whatever is chosen.
    Precision {
        /// f32 throughout.
        F32 = "f32",
        /// Factors rounded to TF32 (10 bits of mantissa) on their way into the matrix units.
        Tf32 = "tf32",
        /// Factors, feature maps and their inner gradients in bf16 (7 bits of mantissa).
        Bf16 = "bf16",
    }
}

impl Precision {
    /// Of recipes and checkpoints that do not say: they are from before there was a choice.
    pub(crate) const fn unsaid() -> Self {
        Self::F32
    }
}
