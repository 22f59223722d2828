//! The fast network on a CUDA card: kernels of its own, and the programs that launch them.
//!
//! - `kernels/*.cuh` are the kernels: CUDA C++, compiled at run time by NVRTC for the card and the sizes of
//!   the network (`source`). The same text compiles as C++20 for the host, where tests run it.
//! - a pass is a [`program::Program`]: plain data, launches with their geometry and arguments, made by
//!   arithmetic alone
//! - a [`runner::Runner`] has the memory and runs programs: a card (`device`, with the feature `cuda`), or in
//!   tests the host (`host`, with the feature `host-kernels`)

mod backward;
#[cfg(feature = "cuda")]
mod device;
mod draft;
mod forward;
mod geometry;
#[cfg(feature = "host-kernels")]
pub mod host;
mod layout;
mod machine;
mod network;
mod peak;
mod profile;
mod program;
mod runner;
mod source;
#[cfg(test)]
pub(crate) mod tests;
mod tiling;
mod trainer;
mod update;

#[cfg(feature = "cuda")]
pub use device::{Cache, describe, free_bytes, keep_kernels};
pub(crate) use machine::Machine;
pub(in crate::ops) use network::CardNetwork;
pub(in crate::ops) use peak::peaks;
pub(in crate::ops) use trainer::{CardTrainer, training_bytes};

use crate::arch::words::Precision;

impl Precision {
    /// Bytes of a number of a feature map, and of a factor.
    fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::Tf32 => 4,
            Self::Bf16 => 2,
        }
    }
}
