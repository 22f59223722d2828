//! Memory of the host that the GPU copies to and from by itself, while the host does something else.
#![expect(unsafe_code, reason = "the driver's functions are foreign")]

use std::collections::VecDeque;
use std::slice;

use candle_core::Result;
use candle_core::cuda_backend::cudarc::driver::{CudaEvent, result, sys};

use crate::ops::cuda::device::failure::Told;
use crate::ops::cuda::device::stream::Stream;

/// Bytes of a slot for what is written, and how many slots: one is filled while others are copied.
const PIECE: usize = 2 << 20;
const PIECES: usize = 4;

/// Page-locked bytes, and whether the GPU is done with them.
struct Slot {
    at: *mut u8,
    bytes: usize,
    /// Happens after the last copy from or to the slot.
    done: CudaEvent,
}

// SAFETY: the memory is the slot's alone.
unsafe impl Send for Slot {}

impl Slot {
    fn new(stream: &Stream, bytes: usize) -> Result<Self> {
        stream.raw()?;
        let done = stream.context().new_event(None).told(|| "the GPU has no event".into())?;
        // SAFETY: the context is current; the memory is freed on drop and nowhere else. Zeros, as
        // `idle` promises bytes.
        let at = unsafe {
            let at = result::malloc_host(bytes, 0).told(|| format!("no {bytes} bytes for copies"))?;
            let at = at.cast::<u8>();
            at.write_bytes(0, bytes);
            at
        };
        Ok(Self { at, bytes, done })
    }

    /// The bytes, once the GPU is done with them.
    fn idle(&mut self) -> Result<&mut [u8]> {
        self.done.synchronize().told(|| "the GPU failed".into())?;
        // SAFETY: allocated and filled in `new`; nothing else points there, and the GPU is done.
        Ok(unsafe { slice::from_raw_parts_mut(self.at, self.bytes) })
    }

    /// Whether the GPU is done.
    fn is_done(&self, stream: &Stream) -> Result<bool> {
        stream.raw()?;
        self.done.try_is_complete().told(|| "the GPU failed".into())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let _ = self.done.synchronize();
        // SAFETY: allocated in `new`; the GPU is done with it, or has failed for good.
        let _ = unsafe { result::free_host(self.at.cast()) };
    }
}

/// The way of bytes to the GPU: through slots in turn.
#[derive(Default)]
pub(super) struct Staging {
    slots: VecDeque<Slot>,
}

impl Staging {
    pub(super) fn write(&mut self, stream: &Stream, to: sys::CUdeviceptr, bytes: &[u8]) -> Result<()> {
        for (number, piece) in bytes.chunks(PIECE).enumerate() {
            let mut slot = match self.slots.pop_front() {
                Some(slot) if self.slots.len() + 1 >= PIECES || slot.is_done(stream)? => slot,
                other => {
                    if let Some(busy) = other {
                        self.slots.push_front(busy);
                    }
                    Slot::new(stream, PIECE)?
                }
            };
            let staged = &mut slot.idle()?[..piece.len()];
            staged.copy_from_slice(piece);
            // The slot is not touched before `done`, nor freed.
            stream.copy_in(to + (number * PIECE) as u64, staged)?;
            stream.record(&slot.done)?;
            self.slots.push_back(slot);
        }
        Ok(())
    }
}

/// Answers on their way from the GPU, in the order in which they were asked for.
#[derive(Default)]
pub(super) struct Posted {
    under_way: VecDeque<(Slot, usize)>,
    spare: Vec<Slot>,
}

impl Posted {
    pub(super) fn post(&mut self, stream: &Stream, from: sys::CUdeviceptr, bytes: usize) -> Result<()> {
        let mut slot = match self.spare.iter().position(|slot| slot.bytes >= bytes) {
            Some(place) => self.spare.swap_remove(place),
            None => Slot::new(stream, bytes.next_power_of_two().max(256))?,
        };
        if bytes > 0 {
            // The slot is not touched before `done`, nor freed.
            stream.copy_out(from, &mut slot.idle()?[..bytes])?;
        }
        stream.record(&slot.done)?;
        self.under_way.push_back((slot, bytes));
        Ok(())
    }

    pub(super) fn collect(&mut self, stream: &Stream, wait: bool) -> Result<Option<Vec<u8>>> {
        let Some((slot, _)) = self.under_way.front() else { return Ok(None) };
        if !wait && !slot.is_done(stream)? {
            return Ok(None);
        }
        let Some((mut slot, bytes)) = self.under_way.pop_front() else { return Ok(None) };
        let answer = slot.idle()?[..bytes].to_vec();
        self.spare.push(slot);
        Ok(Some(answer))
    }
}
