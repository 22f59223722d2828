//! The fast network on a CUDA card: kernels of its own, and the programs that launch them.
//!
//! - `kernels/*.cuh` are the kernels: CUDA C++, compiled at run time by NVRTC for the card and the sizes of
//!   the network (`source`). The same text compiles as C++20 for the host, where tests run it.
//! - a pass is a [`program::Program`]: plain data, launches with their geometry and arguments, made by
//!   arithmetic alone
//! - a [`runner::Runner`] has the memory and runs programs: a card (`device`, with the feature `cuda`), or in
//!   tests the host (`host`, with the feature `host-kernels`)

#[cfg(feature = "cuda")]
mod device;
mod geometry;
#[cfg(feature = "host-kernels")]
mod host;
mod program;
mod runner;
mod source;

#[cfg(feature = "cuda")]
pub use device::{Cache, describe, free_bytes};

/// How products are computed. Sums, statistics and the weights between steps are f32 in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Precision {
    /// f32 throughout.
    F32 = 0,
    /// Factors rounded to TF32 (10 bits of mantissa) on the way into the matrix units.
    Tf32 = 1,
    /// Factors, feature maps and their inner gradients in bf16 (7 bits of mantissa).
    Bf16 = 2,
}
