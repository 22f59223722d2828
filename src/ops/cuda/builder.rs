//! A program while it is written, and what the launches of a network have in common.

use crate::arch::blocks::{Conv, Norm};
use crate::ops::cuda::layout::{CLOCK, Layout, Measured, WORD};
use crate::ops::cuda::program::{Address, Arg, BufferId, Lane, Launch, Program, Work};

pub(super) type Args = Vec<(&'static str, Arg)>;

impl From<Address> for Arg {
    fn from(place: Address) -> Self {
        Self::At(place)
    }
}

impl From<BufferId> for Arg {
    fn from(buffer: BufferId) -> Self {
        Self::At(buffer.at(0))
    }
}

impl From<Option<Address>> for Arg {
    fn from(place: Option<Address>) -> Self {
        place.map_or(Self::Nowhere, Self::At)
    }
}

impl From<usize> for Arg {
    fn from(number: usize) -> Self {
        Self::Int(number as i32)
    }
}

impl From<f32> for Arg {
    fn from(number: f32) -> Self {
        Self::Float(number)
    }
}

/// How many blocks of how many threads, with how much shared memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) blocks: [usize; 3],
    pub(super) threads: usize,
    pub(super) shared: usize,
    pub(super) work: Work,
}

impl Grid {
    pub(super) fn new(blocks: [usize; 3], threads: usize) -> Self {
        Self { blocks, threads, shared: 0, work: Work::default() }
    }

    pub(super) fn with_shared(self, shared: usize) -> Self {
        Self { shared, ..self }
    }

    pub(super) fn with_work(self, work: Work) -> Self {
        Self { work, ..self }
    }
}

impl Launch {
    /// A launch of the main lane; `kernel` with the name of the struct it takes.
    pub(super) fn new((kernel, takes): (String, &'static str), args: Args, grid: Grid) -> Self {
        Self {
            kernel,
            takes,
            args,
            grid: grid.blocks.map(|blocks| blocks as u32),
            block: grid.threads as u32,
            shared: grid.shared,
            lane: Lane::Main,
            after: Vec::new(),
            work: grid.work,
        }
    }
}

/// A program for a batch, launch by launch.
#[derive(Debug)]
pub(super) struct ProgramBuilder<'a> {
    pub(super) layout: &'a Layout,
    /// Images of the batch.
    pub(super) batch: usize,
    /// By the statistics of the batch, with dropout.
    pub(super) training: bool,
    launches: Vec<Launch>,
    /// What the next launch of the main lane waits for.
    after: Vec<usize>,
}

impl<'a> ProgramBuilder<'a> {
    pub(super) fn new(layout: &'a Layout, batch: usize, training: bool) -> Self {
        Self { layout, batch, training, launches: Vec::new(), after: Vec::new() }
    }

    pub(super) fn finish(self, name: String) -> Program {
        Program::new(name, self.launches)
    }

    fn push(
        &mut self,
        kernel: (String, &'static str),
        args: Args,
        grid: Grid,
        lane: Lane,
        after: Vec<usize>,
    ) -> usize {
        self.launches.push(Launch { lane, after, ..Launch::new(kernel, args, grid) });
        self.launches.len() - 1
    }

    /// A launch that everything later waits for; `kernel` with the name of the struct it takes.
    pub(super) fn main(&mut self, kernel: (String, &'static str), args: Args, grid: Grid) {
        let after = std::mem::take(&mut self.after);
        self.push(kernel, args, grid, Lane::Main, after);
    }

    /// A launch after all those of the main lane so far, which nothing of that lane waits for; its number.
    pub(super) fn side(&mut self, kernel: (String, &'static str), args: Args, grid: Grid) -> usize {
        let last = self.launches.iter().rposition(|launch| launch.lane == Lane::Main);
        self.push(kernel, args, grid, Lane::Side, last.into_iter().collect())
    }

    /// The next launch of the main lane comes after launch number `side`.
    pub(super) fn wait_for(&mut self, side: Option<usize>) {
        self.after.extend(side);
    }

    /// The number of the last launch of the side lane.
    pub(super) fn last_of_side(&self) -> Option<usize> {
        self.launches.iter().rposition(|launch| launch.lane == Lane::Side)
    }

    /// A place among the parameters.
    pub(super) fn parameter(&self, offset: usize) -> Address {
        self.layout.parameters.at(offset * WORD)
    }

    /// The same in their gradient.
    pub(super) fn parameter_gradient(&self, offset: usize) -> Address {
        self.layout.gradient.at(offset * WORD)
    }

    /// Mean, 1/√(variance + ε), γ and β of a normalisation: of the batch, `measured` for it, or running.
    pub(super) fn norm(&self, norm: Norm, measured: Measured) -> Args {
        let (mean, scale) = if self.training {
            (measured.mean, measured.scale)
        } else {
            let offset = self.layout.running_offset(norm.index);
            let running = |buffer: BufferId, at: usize| buffer.at((offset + at) * WORD);
            (running(self.layout.running, 0), running(self.layout.running_scale, norm.channels))
        };
        vec![
            ("mean", mean.into()),
            ("scale", scale.into()),
            ("weight", self.parameter(norm.offset).into()),
            ("bias", self.parameter(norm.offset + norm.channels).into()),
        ]
    }

    /// ε of the normalisations.
    pub(super) fn epsilon(&self) -> Arg {
        (self.layout.plan.batch_norm.epsilon as f32).into()
    }

    /// Whether dropout follows a convolution, the last of a dense layer or another.
    pub(super) fn drops(&self, last: bool) -> bool {
        self.training && self.layout.plan.drops(last)
    }

    /// What a convolution's dropout depends on.
    pub(super) fn dropout(&self, conv: Conv) -> Args {
        debug_assert_eq!(self.layout.buffers.bytes(self.layout.clock), CLOCK);
        let rate = self.layout.plan.dropout.map_or(0.0, |(rate, _)| rate);
        vec![
            ("clock", self.layout.clock.into()),
            ("convolution", (conv.index as usize).into()),
            ("rate", rate.into()),
        ]
    }
}
