//! What a GPU can do at most, measured: products by the units that the network uses, and memory.

use std::time::Instant;

use candle_core::Result;

use crate::arch::words::Precision;
use crate::ops::cuda::builder::Grid;
use crate::ops::cuda::layout::WORD;
use crate::ops::cuda::machine::Machine;
use crate::ops::cuda::program::{Buffers, Launch, Program};
use crate::ops::cuda::source::Source;
use crate::ops::trainer::Peaks;

/// Chains of the kernel `peak`, as it has them.
const CHAINS: usize = 8;
const THREADS: usize = 256;
/// Times that a program is run while the clock runs.
const RUNS: usize = 3;

/// How much work the kernels get.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount {
    pub(super) blocks: usize,
    pub(super) rounds: usize,
    /// Bytes of each side of the copy.
    pub(super) bytes: usize,
}

impl Amount {
    /// Some milliseconds of a large GPU.
    const GPU: Self = Self { blocks: 132 * 8, rounds: 20_000, bytes: 512 << 20 };
}

/// Multiply-adds of a block in a round, each counted as 2 operations.
fn operations(precision: Precision) -> usize {
    let warps = THREADS / 32;
    match precision {
        Precision::F32 => THREADS * CHAINS * 4 * 2,
        Precision::Tf32 => warps * CHAINS * 16 * 8 * 8 * 2,
        Precision::Bf16 => warps * CHAINS * 16 * 8 * 16 * 2,
    }
}

/// Measures a GPU. Takes a gibibyte of its memory meanwhile.
pub(in crate::ops) fn peaks(precision: Precision, machine: &Machine) -> Result<Peaks> {
    measured(precision, machine, Amount::GPU)
}

pub(super) fn measured(precision: Precision, machine: &Machine, amount: Amount) -> Result<Peaks> {
    let mut buffers = Buffers::default();
    let sink = buffers.declare("what nobody reads", amount.blocks * THREADS * WORD);
    let [from, to] = ["from", "to"].map(|name| buffers.declare(name, amount.bytes));
    let launch = |kernel: &str, takes, args| {
        let grid = Grid::new([amount.blocks, 1, 1], THREADS);
        let launch = Launch::new((kernel.into(), takes), args, grid);
        Program::new(kernel.into(), vec![launch])
    };
    let products = launch("peak", "Peak", vec![("sink", sink.into()), ("rounds", amount.rounds.into())]);
    let quads = amount.bytes / (4 * WORD);
    let copies =
        launch("copy", "Copy", vec![("from", from.into()), ("to", to.into()), ("quads", quads.into())]);
    let mut runner = machine.runner(Source::new(precision, [&products, &copies]), &buffers)?;
    let mut seconds = |program: &Program| -> Result<f64> {
        runner.run(program)?;
        runner.read(sink, 0, &mut [0; WORD])?;
        let begin = Instant::now();
        for _ in 0..RUNS {
            runner.run(program)?;
        }
        runner.read(sink, 0, &mut [0; WORD])?;
        Ok(begin.elapsed().as_secs_f64() / RUNS as f64)
    };
    let done = (amount.blocks * amount.rounds * operations(precision)) as f64;
    Ok(Peaks {
        gflops: done / seconds(&products)? / 1e9,
        gbytes: 2.0 * amount.bytes as f64 / seconds(&copies)? / 1e9,
    })
}

#[cfg(test)]
#[cfg(feature = "host-kernels")]
mod tests {
    use super::*;
    use crate::ops::cuda::host::Options;

    #[test]
    fn a_peak_is_a_rate_in_every_precision() {
        let amount = Amount { blocks: 1, rounds: 2, bytes: 1 << 16 };
        for precision in [Precision::F32, Precision::Tf32, Precision::Bf16] {
            let peaks = measured(precision, &Machine::Host(Options::default()), amount).unwrap();
            assert!(peaks.gflops > 0.0 && peaks.gbytes > 0.0, "{precision:?}: {peaks:?}");
        }
    }
}
