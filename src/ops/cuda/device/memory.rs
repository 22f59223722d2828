//! The memory of a GPU: all buffers of a network in one piece.
#![expect(unsafe_code, reason = "the driver's functions are foreign")]

use std::sync::Arc;

use candle_core::cuda_backend::cudarc::driver::{CudaContext, DriverError, result, sys};
use candle_core::{Error, Result};

use crate::ops::cuda::device::failure::Told;
use crate::ops::cuda::device::stream::Stream;
use crate::ops::cuda::program::{BufferId, Buffers};

/// Where a buffer may begin.
const BOUNDARY: usize = 256;

/// Memory for some buffers. Nothing may use it when it is dropped.
pub(super) struct Arena {
    at: sys::CUdeviceptr,
    /// Where each buffer begins.
    offsets: Vec<usize>,
    context: Arc<CudaContext>,
}

impl Arena {
    /// Takes the memory and asks `stream` to fill it with zeros.
    pub(super) fn new(stream: &Stream, buffers: &Buffers) -> Result<Self> {
        let offsets = offsets(buffers.iter().map(|(_, bytes)| bytes));
        let bytes = buffers.total().max(BOUNDARY);
        let context = stream.context();
        context.bind_to_thread().told(|| "the GPU cannot be used".into())?;
        // SAFETY: the context is current; what is allocated is freed on drop and nowhere else.
        let at = unsafe { result::malloc_sync(bytes) }.map_err(|error| refusal(&context, bytes, error))?;
        let arena = Self { at, offsets, context };
        stream.clear(arena.at, bytes)?;
        Ok(arena)
    }

    pub(super) fn address(&self, buffer: BufferId) -> u64 {
        self.at + self.offsets[buffer.0] as u64
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let _ = self.context.bind_to_thread();
        // SAFETY: allocated in `new`, and nobody knows the address any more. What remains under way is
        // waited for by the driver.
        let _ = unsafe { result::free_sync(self.at) };
    }
}

/// The offsets of buffers with these sizes in bytes.
fn offsets(sizes: impl Iterator<Item = usize>) -> Vec<usize> {
    sizes
        .scan(0, |next, bytes| {
            let begin = *next;
            *next += bytes.next_multiple_of(BOUNDARY);
            Some(begin)
        })
        .collect()
}

fn refusal(context: &CudaContext, bytes: usize, error: DriverError) -> Error {
    let asked = gib(bytes);
    let what = match context.mem_get_info() {
        Ok((free, total)) => format!(
            "the network needs {asked} of the GPU's memory, of which {} of {} are free",
            gib(free),
            gib(total)
        ),
        Err(_) => format!("the GPU has no {asked} for the network"),
    };
    match Err::<(), _>(error).told(|| what) {
        Err(error) => error,
        Ok(()) => Error::Msg("the GPU refused memory".into()),
    }
}

pub(super) fn gib(bytes: usize) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1u32 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_begin_at_the_boundary_and_fill_what_is_taken() {
        let mut buffers = Buffers::default();
        let sizes = [0, 1, 256, 257, 3];
        for bytes in sizes {
            buffers.declare("some", bytes);
        }
        let found = offsets(buffers.iter().map(|(_, bytes)| bytes));
        assert_eq!(found, [0, 0, 256, 512, 1024]);
        assert_eq!(buffers.total(), 1024 + 256);
    }

    #[test]
    fn memory_is_told_in_gib() {
        assert_eq!(gib(85_045_477_376), "79.2 GiB");
    }
}
