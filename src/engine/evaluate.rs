//! Loss and accuracy of a network over a set of images.

use candle_core::Result;

use crate::data::Images;
use crate::data::prepare::Prepare;
use crate::engine::step::tensors;
use crate::model::DenseNet;
use crate::ops::loss;
use crate::protocol::Figures;

/// Runs `net` over all of `images` and shows `each` batch's range start, logits and labels.
/// `go_on(done, total)` is asked between batches; false ends the walk with `None`.
pub(super) fn walk(
    net: &DenseNet,
    images: &Images,
    prepare: &Prepare,
    batch_size: usize,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
    each: &mut dyn FnMut(usize, &candle_core::Tensor, &candle_core::Tensor) -> Result<()>,
) -> Result<Option<Figures>> {
    let total = images.len();
    let (mut loss_sum, mut correct) = (0f64, 0u64);
    for begin in (0..total).step_by(batch_size) {
        if !go_on(begin as u64, total as u64) {
            return Ok(None);
        }
        let end = total.min(begin + batch_size);
        let (xs, labels) = tensors(prepare.plain(images, begin..end), net.device())?;
        let logits = net.logits(&xs)?;
        loss_sum += loss::per_image(&logits, &labels)?.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        correct += loss::correct(&logits, &labels)?;
        each(begin, &logits, &labels)?;
    }
    Ok(Some(Figures { loss: loss_sum / total as f64, accuracy: correct as f64 / total as f64 }))
}

/// Loss and accuracy of `net` over `images`; `None` if `go_on` said no.
pub(super) fn figures(
    net: &DenseNet,
    images: &Images,
    prepare: &Prepare,
    batch_size: usize,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Option<Figures>> {
    walk(net, images, prepare, batch_size, go_on, &mut |_, _, _| Ok(()))
}
