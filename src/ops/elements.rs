//! The numbers of tensors on the CPU, without copies: for what would be many passes of candle's over memory.

use candle_core::{CpuStorage, Storage, Tensor};

/// Numbers of a piece of work.
pub(crate) const CHUNK: usize = 1 << 15;

/// What `f` makes of the numbers of `tensors`; none where one is not f32, contiguous and on the CPU.
pub(crate) fn with<const N: usize, T>(tensors: &[&Tensor; N], f: impl FnOnce([&[f32]; N]) -> T) -> Option<T> {
    let held = tensors.map(|tensor| tensor.storage_and_layout());
    let mut slices: [&[f32]; N] = [&[]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&held) {
        let Storage::Cpu(CpuStorage::F32(numbers)) = &**storage else { return None };
        let (begin, end) = layout.contiguous_offsets()?;
        *slice = &numbers[begin..end];
    }
    Some(f(slices))
}
