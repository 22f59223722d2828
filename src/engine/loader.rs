//! Batches of an epoch, prepared ahead in a thread of their own.

use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};

use crate::data::Images;
use crate::data::prepare::{Batch, Prepare};

/// Batches prepared ahead of the one in use.
const PREFETCH_DEPTH: usize = 3;

/// The batches of epoch `epoch` (from 1), whose images come in the given order, from number `first` (from 0) on, the
/// last partial one included. The thread ends when the receiver is dropped.
pub(super) fn batches(
    images: &Arc<Images>,
    prepare: &Prepare,
    order: Vec<u32>,
    batch_size: usize,
    epoch: u64,
    first: usize,
) -> std::io::Result<Receiver<Batch>> {
    let (sender, receiver) = bounded(PREFETCH_DEPTH);
    let (images, prepare) = (Arc::clone(images), prepare.clone());
    std::thread::Builder::new().name("prefetch".into()).spawn(move || {
        for indices in order.chunks(batch_size).skip(first) {
            if sender.send(prepare.training(&images, indices, epoch)).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}
