//! Vectors of f32 as the kernels see them; `isa` chooses the instruction set at run time.
//!
//! The kernels are written once over [`Lanes`]. `pulp` finds out what the processor has and compiles
//! each dispatched call with those instructions; the methods below are its wrappers of single
//! instructions.

/// The methods of [`Lanes`] that are one instruction of a unit of the processor.
macro_rules! single_instructions {
    ($vector:ty, $unit:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident) => {
        #[inline(always)]
        fn splat(self, x: f32) -> $vector {
            self.$unit.$splat(x)
        }

        #[inline(always)]
        fn add(self, a: $vector, b: $vector) -> $vector {
            self.$unit.$add(a, b)
        }

        #[inline(always)]
        fn sub(self, a: $vector, b: $vector) -> $vector {
            self.$unit.$sub(a, b)
        }

        #[inline(always)]
        fn mul(self, a: $vector, b: $vector) -> $vector {
            self.$unit.$mul(a, b)
        }
    };
}

mod baseline;
pub(super) mod isa;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

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
    /// `value` where `a` is greater than `b`, else 0.
    fn where_greater(self, a: Self::V, b: Self::V, value: Self::V) -> Self::V;
    /// `value` where `a` equals `b`, else 0.
    fn where_equal(self, a: Self::V, b: Self::V, value: Self::V) -> Self::V;
    /// For each lane the number of the lane of `from` that the bits of `lanes` name.
    fn pick(self, from: Self::V, lanes: Self::V) -> Self::V;
    /// The sum of the lanes of each.
    fn sums(self, of: [Self::V; 4]) -> [f32; 4];
    /// The sum of the lanes.
    fn sum(self, of: Self::V) -> f32;
}

/// Work that is compiled for every instruction set and run with the one the machine has.
pub(super) trait Kernel {
    fn run<L: Lanes>(self, lanes: L);
}
