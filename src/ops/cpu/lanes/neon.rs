//! NEON.

#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use std::arch::aarch64::float32x4_t;

use pulp::aarch64::Neon;

use crate::ops::cpu::lanes::Lanes;

impl Lanes for Neon {
    type V = float32x4_t;
    const N: usize = 4;
    const TILE: usize = 12;

    single_instructions!(float32x4_t, neon, vdupq_n_f32, vaddq_f32, vsubq_f32, vmulq_f32);

    #[inline(always)]
    fn fma(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        self.neon.vfmaq_f32(c, a, b)
    }

    #[inline(always)]
    fn relu(self, x: float32x4_t) -> float32x4_t {
        // This maximum hands on a NaN.
        self.neon.vmaxq_f32(self.neon.vdupq_n_f32(0.0), x)
    }

    #[inline(always)]
    fn where_positive(self, of: float32x4_t, value: float32x4_t) -> float32x4_t {
        let mask = self.neon.vcgtq_f32(of, self.neon.vdupq_n_f32(0.0));
        self.neon.vbslq_f32(mask, value, self.neon.vdupq_n_f32(0.0))
    }

    #[inline(always)]
    fn where_greater(self, a: float32x4_t, b: float32x4_t, value: float32x4_t) -> float32x4_t {
        let mask = self.neon.vcgtq_f32(a, b);
        self.neon.vbslq_f32(mask, value, self.neon.vdupq_n_f32(0.0))
    }

    #[inline(always)]
    fn where_equal(self, a: float32x4_t, b: float32x4_t, value: float32x4_t) -> float32x4_t {
        let mask = self.neon.vceqq_f32(a, b);
        self.neon.vbslq_f32(mask, value, self.neon.vdupq_n_f32(0.0))
    }

    #[inline(always)]
    fn pick(self, from: float32x4_t, lanes: float32x4_t) -> float32x4_t {
        let (from, lanes): ([f32; 4], [u32; 4]) = (pulp::cast(from), pulp::cast(lanes));
        pulp::cast(lanes.map(|lane| from[lane as usize % Self::N]))
    }

    #[inline(always)]
    fn sums(self, of: [float32x4_t; 4]) -> [f32; 4] {
        of.map(|x| self.sum(x))
    }

    #[inline(always)]
    fn sum(self, of: float32x4_t) -> f32 {
        self.neon.vaddvq_f32(of)
    }
}
