//! Batches of an epoch, prepared ahead in a thread of their own.

use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};

use crate::data::prepare::{Batch, Prepare};
use crate::data::{DataError, Images};

/// Batches prepared ahead of the one in use, at most and where they are small.
const PREFETCH_DEPTH: usize = 3;
/// Bytes of batches prepared ahead, beyond one.
const PREFETCH_BYTES: usize = 64 << 20;

/// The batches of epoch `epoch` (from 1), whose images come in the given order, from number `first` (from 0) on, the
/// last partial one included. The thread ends when the receiver is dropped.
pub(super) fn batches(
    images: &Arc<Images>,
    prepare: &Prepare,
    order: Vec<u32>,
    batch_size: usize,
    epoch: u64,
    first: usize,
) -> std::io::Result<Receiver<Result<Batch, DataError>>> {
    let image = 3 * prepare.side() * prepare.side();
    let bytes = batch_size.min(order.len()) * image * size_of::<f32>();
    let depth = (PREFETCH_BYTES / bytes.max(1)).clamp(1, PREFETCH_DEPTH);
    let (sender, receiver) = bounded(depth);
    let (images, prepare) = (Arc::clone(images), prepare.clone());
    std::thread::Builder::new().name("prefetch".into()).spawn(move || {
        for indices in order.chunks(batch_size).skip(first) {
            let batch = prepare.training(&images, indices, epoch);
            let failed = batch.is_err();
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(receiver)
}
