//! The time that each kernel of a program takes by itself, with the work that it must do at least.

use std::collections::BTreeMap;
use std::time::Instant;

use candle_core::Result;

use crate::ops::cuda::layout::WORD;
use crate::ops::cuda::machine::{Built, Clock};
use crate::ops::cuda::program::Program;
use crate::ops::trainer::KernelTime;

/// Times that a launch is repeated in a row while the clock runs.
const REPEATS: usize = 20;

/// The kernels of `program` by name, slowest first, each with the clock at `clock`. What the buffers held is
/// lost.
pub(super) fn profile(built: &mut Built, program: &Program, clock: Clock) -> Result<Vec<KernelTime>> {
    let mut found: BTreeMap<&str, KernelTime> = BTreeMap::new();
    let (verdict, at) = (built.layout.verdict, built.layout.clock);
    built.write(at, &[clock])?;
    built.runner.run(program)?;
    // The last one first: gradients that are added up again and again end in numbers that stop the update.
    for launch in program.launches.iter().rev() {
        built.write(at, &[clock])?;
        let mut alone = launch.clone();
        alone.after.clear();
        let repeated = Program::new("one launch".into(), vec![alone; REPEATS]);
        let mut done = [0; WORD];
        built.runner.run(&repeated)?;
        built.runner.read(verdict, 0, &mut done)?;
        let begin = Instant::now();
        built.runner.run(&repeated)?;
        built.runner.read(verdict, 0, &mut done)?;
        let seconds = begin.elapsed().as_secs_f64() / REPEATS as f64;
        let name = launch.kernel.split('<').next().unwrap_or(&launch.kernel);
        let kernel = found.entry(name).or_default();
        name.clone_into(&mut kernel.kernel);
        kernel.launches += 1;
        kernel.seconds += seconds;
        kernel.operations += launch.work.operations;
        kernel.bytes += launch.work.bytes;
    }
    let mut all: Vec<KernelTime> = found.into_values().collect();
    all.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    Ok(all)
}
