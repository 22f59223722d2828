//! Batches of an epoch, made ready in a thread of their own.

use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};

use crate::data::Images;
use crate::data::prepare::{Batch, Prepare, order};

/// Batches made ready ahead of the one in use.
const AHEAD: usize = 3;

/// The batches of epoch `epoch` (from 1) from number `first` (from 0) on, in order, the last partial
/// one included. The thread ends when the receiver is dropped.
pub(super) fn batches(
    images: &Arc<Images>,
    prepare: &Prepare,
    seed: u64,
    batch_size: usize,
    epoch: u64,
    first: u64,
) -> std::io::Result<Receiver<Batch>> {
    let (sender, receiver) = bounded(AHEAD);
    let (images, prepare) = (Arc::clone(images), prepare.clone());
    std::thread::Builder::new().name("prefetch".into()).spawn(move || {
        let order = order(seed, epoch, images.len());
        for indices in order.chunks(batch_size).skip(first as usize) {
            if sender.send(prepare.training(&images, indices, epoch)).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}
