//! What a network is built on, and one that is built.

use bytemuck::{AnyBitPattern, NoUninit, Pod, Zeroable};
use candle_core::Result;

#[cfg(feature = "cuda")]
use crate::ops::cuda::device;
use crate::ops::cuda::layout::Layout;
use crate::ops::cuda::program::{BufferId, Buffers, Program};
use crate::ops::cuda::runner::Runner;
use crate::ops::cuda::source::Source;

/// Where programs are to run.
#[derive(Clone, Debug)]
pub enum Machine {
    /// A GPU.
    #[cfg(feature = "cuda")]
    Gpu(candle_core::CudaDevice),
    /// The host, by the same kernels: for tests.
    #[cfg(feature = "host-kernels")]
    Host(crate::ops::cuda::host::Options),
}

impl Machine {
    /// Bytes of memory that can still be taken.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(clippy::unnecessary_wraps, reason = "the query of a GPU can fail")
    )]
    pub(in crate::ops) fn free_bytes(&self) -> Result<usize> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => {
                Ok(device::free_bytes(&candle_core::Device::Cuda(device.clone()))?.0 as usize)
            }
            #[cfg(feature = "host-kernels")]
            Self::Host(_) => Ok(usize::MAX),
        }
    }

    pub(super) fn runner(&self, source: Source, buffers: &Buffers) -> Result<Box<dyn Runner>> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => {
                Ok(Box::new(device::Gpu::new(device, source, buffers.clone(), device::cache::kept())?))
            }
            #[cfg(feature = "host-kernels")]
            Self::Host(options) => {
                Ok(Box::new(crate::ops::cuda::host::Host::new(source, buffers, *options)?))
            }
        }
    }
}

/// What changes from step to step, as the kernels' `Clock` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Clock {
    seed: [u32; 2],
    epoch: [u32; 2],
    step: [u32; 2],
    index: u32,
    failed: u32,
}

impl Clock {
    /// `epoch` from 1, `step` of the run from 0, `index` of the step in its epoch from 0.
    pub(super) fn new(seed: u64, epoch: u64, step: u64, index: u32) -> Self {
        let halves = |n: u64| [n as u32, (n >> 32) as u32];
        Self { seed: halves(seed), epoch: halves(epoch), step: halves(step), index, failed: 0 }
    }
}

/// A network's memory, and what runs its programs.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) layout: Layout,
    pub(super) runner: Box<dyn Runner>,
}

impl Built {
    /// Takes the memory and compiles the kernels of `programs`; later ones may use no others.
    pub(super) fn new(layout: Layout, programs: &[Program], machine: &Machine) -> Result<Self> {
        let source = Source::new(layout.plan.precision, programs);
        let runner = machine.runner(source, &layout.buffers)?;
        let mut built = Self { layout, runner };
        let rows = built.layout.pack_rows();
        built.write(built.layout.pack_table, &rows)?;
        Ok(built)
    }

    /// Writes to the beginning of a buffer.
    pub(super) fn write<T: NoUninit>(&mut self, buffer: BufferId, numbers: &[T]) -> Result<()> {
        self.runner.write(buffer, 0, bytemuck::cast_slice(numbers))
    }

    /// Reads `count` numbers from the beginning of a buffer.
    pub(super) fn read<T: NoUninit + AnyBitPattern>(
        &mut self,
        buffer: BufferId,
        count: usize,
    ) -> Result<Vec<T>> {
        let mut numbers = vec![T::zeroed(); count];
        self.runner.read(buffer, 0, bytemuck::cast_slice_mut(&mut numbers))?;
        Ok(numbers)
    }
}
