//! Plain Rust, for any processor.

#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::ops::cpu::lanes::Lanes;

/// Any processor: four lanes that the compiler may turn into whatever vectors it can rely on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Baseline;

/// Four numbers, aligned so that they can be one register.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(super) struct Four([f32; 4]);

impl Four {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Lanes for Baseline {
    type V = Four;
    const N: usize = 4;
    const TILE: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> Four {
        Four([x; 4])
    }

    #[inline(always)]
    fn add(self, a: Four, b: Four) -> Four {
        a.zip(b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Four, b: Four) -> Four {
        a.zip(b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Four, b: Four) -> Four {
        a.zip(b, |a, b| a * b)
    }

    #[inline(always)]
    fn fma(self, a: Four, b: Four, c: Four) -> Four {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn relu(self, x: Four) -> Four {
        x.zip(x, |x, _| if x < 0.0 { 0.0 } else { x })
    }

    #[inline(always)]
    fn where_positive(self, of: Four, value: Four) -> Four {
        of.zip(value, |of, value| if of > 0.0 { value } else { 0.0 })
    }

    #[inline(always)]
    fn where_greater(self, a: Four, b: Four, value: Four) -> Four {
        Four(std::array::from_fn(|i| if a.0[i] > b.0[i] { value.0[i] } else { 0.0 }))
    }

    #[inline(always)]
    fn where_equal(self, a: Four, b: Four, value: Four) -> Four {
        Four(std::array::from_fn(|i| if a.0[i] == b.0[i] { value.0[i] } else { 0.0 }))
    }

    #[inline(always)]
    fn pick(self, from: Four, lanes: Four) -> Four {
        Four(lanes.0.map(|lane| from.0[lane.to_bits() as usize % Self::N]))
    }

    #[inline(always)]
    fn sums(self, of: [Four; 4]) -> [f32; 4] {
        of.map(|x| self.sum(x))
    }

    #[inline(always)]
    fn sum(self, of: Four) -> f32 {
        (of.0[0] + of.0[2]) + (of.0[1] + of.0[3])
    }
}
