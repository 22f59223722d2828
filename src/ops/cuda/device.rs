//! A CUDA GPU as a [`Runner`]: one piece of memory, the kernels compiled for this GPU, a stream of its own,
//! and each program as a graph.
//!
//! candle's own stream is not used: it is another one in each thread, and its tensors keep events that nobody
//! here would read. Nothing passes between the two but bytes of the host.

pub(super) mod cache;
mod compile;
mod failure;
mod graph;
mod kernels;
mod memory;
mod pinned;
mod stream;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use candle_core::cuda_backend::cudarc::driver::CudaContext;
use candle_core::{CudaDevice, Device, Error, Result};

use crate::ops::cuda::device::cache::Cache;
use crate::ops::cuda::device::failure::Told;
use crate::ops::cuda::device::graph::Graph;
use crate::ops::cuda::device::kernels::Kernels;
use crate::ops::cuda::device::memory::Arena;
use crate::ops::cuda::device::pinned::{Posted, Staging};
use crate::ops::cuda::device::stream::Stream;
use crate::ops::cuda::program::{BufferId, Buffers, Program};
use crate::ops::cuda::runner::Runner;
use crate::ops::cuda::source::Source;

/// A network's memory and kernels on a GPU.
pub(super) struct Gpu {
    /// Programs that have run, by name. Dropped before what they use.
    kept: HashMap<String, (Program, Graph)>,
    source: Source,
    buffers: Buffers,
    kernels: Kernels,
    arena: Arena,
    staging: Staging,
    posted: Posted,
    stream: Stream,
}

impl Gpu {
    /// Compiles the kernels of `source` (or finds them in `cache`) and takes memory for `buffers`, all zeros.
    pub(super) fn new(
        device: &CudaDevice,
        source: Source,
        buffers: Buffers,
        cache: Option<&dyn Cache>,
    ) -> Result<Self> {
        let context = Arc::clone(device.cuda_stream().context());
        let stream = Stream::new(&context)?;
        let arena = Arena::new(&stream, &buffers)?;
        let kernels = Kernels::new(&context, &source, cache)?;
        let (kept, staging, posted) = (HashMap::new(), Staging::default(), Posted::default());
        Ok(Self { kept, source, buffers, kernels, arena, staging, posted, stream })
    }

    /// The address of `bytes` bytes of a buffer from `offset` on.
    fn address(&self, buffer: BufferId, offset: usize, bytes: usize) -> Result<u64> {
        let size = self.buffers.bytes(buffer);
        if offset.checked_add(bytes).is_none_or(|end| end > size) {
            let text = format!("{bytes} bytes from {offset} on are not in a buffer of {size} bytes");
            return Err(Error::Msg(text));
        }
        Ok(self.arena.address(buffer) + offset as u64)
    }
}

impl Runner for Gpu {
    fn write(&mut self, buffer: BufferId, offset: usize, bytes: &[u8]) -> Result<()> {
        let to = self.address(buffer, offset, bytes.len())?;
        self.staging.write(&self.stream, to, bytes)
    }

    fn read(&mut self, buffer: BufferId, offset: usize, bytes: &mut [u8]) -> Result<()> {
        let from = self.address(buffer, offset, bytes.len())?;
        self.stream.read(from, bytes)
    }

    fn run(&mut self, program: &Program) -> Result<()> {
        let Self { source, kernels, arena, stream, kept, .. } = self;
        let make = || {
            Graph::new(stream, program, |launch| {
                (kernels.of(source, launch), source.pack(launch, |buffer| arena.address(buffer)))
            })
        };
        let graph = match kept.entry(program.name.clone()) {
            Entry::Occupied(entry) => {
                let (known, graph) = entry.into_mut();
                if known != program {
                    // What runs of the old one is still under way.
                    stream.wait()?;
                    (*known, *graph) = (program.clone(), make()?);
                }
                graph
            }
            Entry::Vacant(entry) => &mut entry.insert((program.clone(), make()?)).1,
        };
        graph.launch(stream)
    }

    fn post(&mut self, buffer: BufferId, offset: usize, bytes: usize) -> Result<()> {
        let from = self.address(buffer, offset, bytes)?;
        self.posted.post(&self.stream, from, bytes)
    }

    fn collect(&mut self, wait: bool) -> Result<Option<Vec<u8>>> {
        self.posted.collect(&self.stream, wait)
    }
}

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let programs: Vec<&str> = self.kept.keys().map(String::as_str).collect();
        f.debug_struct("Gpu").field("programs", &programs).finish_non_exhaustive()
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // What is under way uses everything that is dropped next. If the GPU has failed, nothing is.
        let _ = self.stream.wait();
    }
}

fn context(device: &Device) -> Result<Arc<CudaContext>> {
    Ok(Arc::clone(device.as_cuda_device()?.cuda_stream().context()))
}

/// Bytes of the GPU's memory that are free, and all of them.
pub fn free_bytes(device: &Device) -> Result<(u64, u64)> {
    let (free, total) =
        context(device)?.mem_get_info().told(|| "the GPU's memory cannot be queried".into())?;
    Ok((free as u64, total as u64))
}

/// What GPU it is: "NVIDIA H100 80GB HBM3, compute 9.0, 79.2 GiB".
pub fn describe(device: &Device) -> Result<String> {
    let context = context(device)?;
    let asked = || "the GPU does not say what it is".to_owned();
    let name = context.name().told(asked)?;
    let (major, minor) = context.compute_capability().told(asked)?;
    let memory = memory::gib(context.total_mem().told(asked)?);
    Ok(format!("{name}, compute {major}.{minor}, {memory}"))
}

/// The kernels of `source` for an architecture such as `sm_90`, as a driver would load them. Needs no GPU.
#[cfg(test)]
pub(super) fn compile_for(source: &Source, arch: &str) -> Result<Vec<u8>> {
    let compute = arch.trim_start_matches("sm_").parse().map_err(candle_core::Error::wrap)?;
    compile::compile(&source.for_device(), &compile::Target::of(compute, source.precision())?)
}

#[cfg(test)]
mod tests;
