//! Vectors of f32 as the kernels see them, and the choice of an instruction set at run time.
//!
//! The kernels are written once over [`Lanes`]. `pulp` finds out what the processor has and compiles
//! each dispatched call with those instructions; the methods below are its wrappers of single
//! instructions.

#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

mod baseline;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
use pulp::x86::{V3, V4};
#[cfg(target_arch = "x86_64")]
use pulp::{NullaryFnOnce, Simd};

use crate::ops::cpu::lanes::baseline::Baseline;

/// An instruction set: vectors of [`Lanes::N`] f32 and what can be done with them.
pub(super) trait Lanes: Copy + Send + Sync {
    /// A vector.
    type V: Copy + Send + Sync;
    /// Numbers in a vector.
    const N: usize;
    /// Output channels of the largest register tile; with two vectors each they and their operands
    /// just fit the registers.
    const TILE: usize;

    fn splat(self, x: f32) -> Self::V;
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a·b + c.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// max(x, 0); NaN stays NaN.
    fn relu(self, x: Self::V) -> Self::V;
    /// `value` where `of` is above 0, else 0.
    fn where_positive(self, of: Self::V, value: Self::V) -> Self::V;
    /// The sum of the lanes of each.
    fn sums(self, of: [Self::V; 4]) -> [f32; 4];
    /// The sum of the lanes.
    fn sum(self, of: Self::V) -> f32;
}

/// Work that is compiled for every instruction set and run with the one the machine has.
pub(super) trait Kernel {
    fn run<L: Lanes>(self, lanes: L);
}

/// The instruction sets there are kernels for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512(V4),
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    Baseline,
}

impl Isa {
    /// All that this machine can run, the best first.
    pub(super) fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(V4::try_new().map(Self::Avx512));
            found.extend(V3::try_new().map(Self::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        found.extend(pulp::aarch64::Neon::try_new().map(Self::Neon));
        found.push(Self::Baseline);
        found
    }

    /// f32 in a vector: images that lie side by side.
    pub(super) fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => <V4 as Lanes>::N,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => <V3 as Lanes>::N,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => <pulp::aarch64::Neon as Lanes>::N,
            Self::Baseline => <Baseline as Lanes>::N,
        }
    }

    /// Output channels of the largest register tile.
    pub(super) fn tile(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => <V4 as Lanes>::TILE,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => <V3 as Lanes>::TILE,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => <pulp::aarch64::Neon as Lanes>::TILE,
            Self::Baseline => <Baseline as Lanes>::TILE,
        }
    }

    /// Its name, as people know it.
    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "NEON",
            Self::Baseline => "baseline instructions",
        }
    }

    /// Runs `kernel` compiled for this instruction set.
    pub(super) fn run(self, kernel: impl Kernel) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => Simd::vectorize(simd, Dispatched(simd, kernel)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => Simd::vectorize(simd, Dispatched(simd, kernel)),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => kernel.run(simd),
            Self::Baseline => kernel.run(Baseline),
        }
    }
}

/// A kernel with the instruction set it is to be compiled for.
#[cfg(target_arch = "x86_64")]
struct Dispatched<L, K>(L, K);

#[cfg(target_arch = "x86_64")]
impl<L: Lanes, K: Kernel> NullaryFnOnce for Dispatched<L, K> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.1.run(self.0);
    }
}
