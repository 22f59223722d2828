//! The choice of an instruction set at run time.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        clippy::inline_always,
        reason = "a kernel must be compiled with the instructions it is dispatched to"
    )
)]

#[cfg(target_arch = "x86_64")]
use pulp::x86::{V3, V4};
#[cfg(target_arch = "x86_64")]
use pulp::{NullaryFnOnce, Simd};

use crate::ops::cpu::lanes::baseline::Baseline;
use crate::ops::cpu::lanes::{Kernel, Lanes};

/// The instruction sets that there are kernels for.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops::cpu) enum Isa {
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
    pub(in crate::ops::cpu) fn available() -> Vec<Self> {
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
    pub(in crate::ops::cpu) fn lanes(self) -> usize {
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
    pub(in crate::ops::cpu) fn tile(self) -> usize {
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

    /// Its usual name.
    pub(in crate::ops::cpu) fn name(self) -> &'static str {
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
    pub(in crate::ops::cpu) fn run(self, kernel: impl Kernel) {
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
