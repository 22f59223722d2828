//! What the machine can do at most: a loop of fused multiply-adds on every thread.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};

/// Independent accumulators: enough to cover the latency of two multiply-add units.
const CHAINS: usize = 12;
/// Multiply-adds of each accumulator in one call.
const ROUNDS: usize = 400_000;

/// Runs the loop with the widest instructions the processor has; returns f32 lanes of a register.
struct Loop;

impl WithSimd for Loop {
    type Output = usize;

    #[expect(
        clippy::inline_always,
        reason = "the loop must be compiled with the instructions it is dispatched to"
    )]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let factor = simd.splat_f32s(black_box(0.999_9));
        let addend = simd.splat_f32s(black_box(1e-4));
        let mut sums = [simd.splat_f32s(black_box(1.0)); CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, addend);
            }
        }
        black_box(sums);
        S::F32_LANES
    }
}

/// Single-precision operations a second (in 10^9, a multiply-add counts as 2) of the pool's threads together.
/// Takes some tens of milliseconds.
pub fn gflops() -> f64 {
    let arch = Arch::new();
    let barrier = Barrier::new(rayon::current_num_threads());
    // Every thread of the pool, each once and all at the same time: that is what `broadcast` is for.
    let rates: Vec<f64> = rayon::broadcast(|_| {
        (0..6)
            .map(|_| {
                barrier.wait();
                let begin = Instant::now();
                let lanes = arch.dispatch(Loop);
                2.0 * (lanes * CHAINS * ROUNDS) as f64 / begin.elapsed().as_secs_f64() / 1e9
            })
            .fold(0.0, f64::max)
    });
    rates.iter().sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_peak_is_that_of_a_real_processor() {
        let gflops = super::gflops();
        assert!((0.5..1e4).contains(&gflops), "{gflops} GFLOP/s");
    }
}
