//! What a network does with a set of images, in sum.

use candle_core::{D, Result, Tensor};

use crate::data::Images;
use crate::data::prepare::Prepare;
use crate::engine::step::tensors;
use crate::model::DenseNet;
use crate::ops::loss;
use crate::protocol::Figures;

/// Is told before each batch how many images are done and how many there are; false ends the work.
pub(super) type GoOn<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// The sum of a walk over a set of images.
pub(super) struct Evaluation {
    /// Over all images.
    pub(super) figures: Figures,
    /// Share of each class's images that was right, by label; NaN for a class without any.
    pub(super) class_accuracy: Vec<f64>,
}

/// Runs `net` over all of `images` and shows `each` batch's range start, logits and predictions.
/// `None` if `go_on` said no.
pub(super) fn walk(
    net: &DenseNet,
    images: &Images,
    prepare: &Prepare,
    batch_size: usize,
    go_on: GoOn,
    mut each: impl FnMut(usize, &Tensor, &[u32]) -> Result<()>,
) -> Result<Option<Figures>> {
    let total = images.len();
    let (mut loss_sum, mut correct) = (0f64, 0usize);
    for begin in (0..total).step_by(batch_size) {
        if !go_on(begin as u64, total as u64) {
            return Ok(None);
        }
        let end = total.min(begin + batch_size);
        let (xs, labels) = tensors(prepare.plain(images, begin..end), net.device())?;
        let logits = net.logits(&xs)?;
        loss_sum += loss::per_image(&logits, &labels)?.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        let predictions = logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
        correct += predictions.iter().zip(&images.labels[begin..end]).filter(|(said, is)| said == is).count();
        each(begin, &logits, &predictions)?;
    }
    Ok(Some(Figures { loss: loss_sum / total as f64, accuracy: correct as f64 / total as f64 }))
}

/// What `net` does with `images` of `classes` classes; `None` if `go_on` said no.
pub(super) fn evaluate(
    net: &DenseNet,
    images: &Images,
    classes: usize,
    prepare: &Prepare,
    batch_size: usize,
    go_on: GoOn,
) -> Result<Option<Evaluation>> {
    let mut correct = vec![0usize; classes];
    let figures = walk(net, images, prepare, batch_size, go_on, |begin, _, predictions| {
        for (said, is) in predictions.iter().zip(&images.labels[begin..]) {
            correct[*is as usize] += usize::from(said == is);
        }
        Ok(())
    })?;
    let counts = images.class_counts(classes);
    let class_accuracy = correct.iter().zip(counts).map(|(&n, of)| n as f64 / of as f64).collect();
    Ok(figures.map(|figures| Evaluation { figures, class_accuracy }))
}
