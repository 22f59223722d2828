//! The fused network on a CUDA GPU: kernels of its own, and the programs that launch them.
//!
//! - `kernels/*.cuh` are the kernels: CUDA C++, compiled at run time by NVRTC for the GPU and the sizes of
//!   the network (`source`). The same text compiles as C++20 for the host, where tests run it.
//! - a pass is a [`program::Program`]: plain data, launches with their geometry and arguments, made by
//!   arithmetic alone
//! - a [`runner::Runner`] has the memory and runs programs: a GPU (`device`, with the feature `cuda`), or in
//!   tests the host (`host`, with the feature `host-kernels`)

mod backward;
mod builder;
#[cfg(feature = "cuda")]
mod device;
mod forward;
mod geometry;
#[cfg(feature = "host-kernels")]
pub mod host;
mod job;
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

use crate::arch::words::Precision;

#[cfg(feature = "cuda")]
pub use device::cache::{Cache, keep_kernels};
#[cfg(feature = "cuda")]
pub use device::{describe, free_bytes};
pub use machine::Machine;
pub(in crate::ops) use network::GpuNetwork;
pub(in crate::ops) use peak::peaks;
pub(in crate::ops) use trainer::{GpuTrainer, training_bytes};

impl Precision {
    /// Bytes of a number of a feature map, and of a factor.
    fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::Tf32 => 4,
            Self::Bf16 => 2,
        }
    }
}
