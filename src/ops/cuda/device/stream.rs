//! The order in which a GPU works: one stream of its own.
#![expect(unsafe_code, reason = "the driver's functions are foreign")]

use std::sync::Arc;

use candle_core::Result;
use candle_core::cuda_backend::cudarc::driver::{CudaContext, CudaEvent, CudaStream, result, sys};

use crate::ops::cuda::device::failure::Told;

/// A stream that waits for no other. Every call makes the GPU's context current first, so that it may move
/// from thread to thread.
pub(super) struct Stream {
    raw: sys::CUstream,
    /// The same, as events want it; does not own it.
    borrowed: Arc<CudaStream>,
}

// SAFETY: a stream belongs to a context, not to a thread, and one owner uses it at a time.
unsafe impl Send for Stream {}

impl Stream {
    pub(super) fn new(context: &Arc<CudaContext>) -> Result<Self> {
        context.bind_to_thread().told(|| "the GPU cannot be used".into())?;
        // Not the context's own `new_stream`: that makes candle's tensors keep events from then on.
        let raw = result::stream::create(result::stream::StreamKind::NonBlocking)
            .told(|| "the GPU has no stream".into())?;
        // SAFETY: the stream was just made in this context, and lives until `self` is dropped.
        let borrowed = unsafe { context.wrap_borrowed_stream(raw) };
        Ok(Self { raw, borrowed })
    }

    pub(super) fn context(&self) -> Arc<CudaContext> {
        Arc::clone(self.borrowed.context())
    }

    /// For calls of the driver; the context is current.
    pub(super) fn raw(&self) -> Result<sys::CUstream> {
        self.borrowed.context().bind_to_thread().told(|| "the GPU cannot be used".into())?;
        Ok(self.raw)
    }

    /// Fills `bytes` bytes with zeros.
    pub(super) fn clear(&self, at: sys::CUdeviceptr, bytes: usize) -> Result<()> {
        let raw = self.raw()?;
        // SAFETY: the caller's memory of the GPU, `bytes` long.
        unsafe { result::memset_d8_async(at, 0, bytes, raw) }
            .told(|| "the GPU's memory cannot be cleared".into())
    }

    /// Copies to the GPU. The bytes must stay as they are until the stream has come so far.
    pub(super) fn copy_in(&self, to: sys::CUdeviceptr, bytes: &[u8]) -> Result<()> {
        let raw = self.raw()?;
        // SAFETY: the caller's memory of the GPU, as long as `bytes`, which the caller keeps.
        unsafe { result::memcpy_htod_async(to, bytes, raw) }
            .told(|| "nothing can be copied to the GPU".into())
    }

    /// Copies from the GPU. The bytes are there when the stream has come so far, and must stay until then.
    pub(super) fn copy_out(&self, from: sys::CUdeviceptr, bytes: &mut [u8]) -> Result<()> {
        let raw = self.raw()?;
        // SAFETY: the caller's memory of the GPU, as long as `bytes`, which the caller keeps.
        unsafe { result::memcpy_dtoh_async(bytes, from, raw) }
            .told(|| "nothing can be copied from the GPU".into())
    }

    /// Copies from the GPU and waits for it.
    pub(super) fn read(&self, from: sys::CUdeviceptr, bytes: &mut [u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.copy_out(from, bytes)?;
        self.wait()
    }

    /// `event` happens when everything asked for so far is done.
    pub(super) fn record(&self, event: &CudaEvent) -> Result<()> {
        event.record(&self.borrowed).told(|| "the GPU takes no event".into())
    }

    /// Waits until everything asked for is done.
    pub(super) fn wait(&self) -> Result<()> {
        self.borrowed.synchronize().told(|| "the GPU failed".into())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.borrowed.context().bind_to_thread();
        // SAFETY: made in `new`; what borrows it is dropped with `self` and has no drop of its own.
        let _ = unsafe { result::stream::destroy(self.raw) };
    }
}
