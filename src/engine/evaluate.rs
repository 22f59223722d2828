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
    classes: usize,
    prepare: &Prepare,
    batch_size: usize,
    go_on: GoOn,
    mut each: impl FnMut(usize, &Tensor, &[u32]) -> Result<()>,
) -> Result<Option<Evaluation>> {
    let total = images.len();
    let mut tally = Tally::new(images, classes);
    for begin in (0..total).step_by(batch_size) {
        if !go_on(begin as u64, total as u64) {
            return Ok(None);
        }
        let end = total.min(begin + batch_size);
        let (xs, labels) = tensors(prepare.plain(images, begin..end), net.device())?;
        let logits = net.logits(&xs)?;
        let predictions = logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
        tally.count(begin, &loss::per_image(&logits, &labels)?, &predictions);
        each(begin, &logits, &predictions)?;
    }
    Ok(Some(tally.evaluation()))
}

/// What is counted of a set of images, batch by batch.
pub(super) struct Tally<'a> {
    images: &'a Images,
    loss_sum: f64,
    /// Right ones of each class.
    correct: Vec<usize>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(images: &'a Images, classes: usize) -> Self {
        Self { images, loss_sum: 0.0, correct: vec![0; classes] }
    }

    /// Counts the losses and predictions of the images from `begin` on.
    pub(super) fn count(&mut self, begin: usize, losses: &[f32], predictions: &[u32]) {
        self.loss_sum += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        for (said, is) in predictions.iter().zip(&self.images.labels[begin..]) {
            self.correct[*is as usize] += usize::from(said == is);
        }
    }

    pub(super) fn evaluation(self) -> Evaluation {
        let (total, right) = (self.images.len() as f64, self.correct.iter().sum::<usize>());
        let counts = self.images.class_counts(self.correct.len());
        Evaluation {
            figures: Figures { loss: self.loss_sum / total, accuracy: right as f64 / total },
            class_accuracy: self.correct.iter().zip(counts).map(|(&n, of)| n as f64 / of as f64).collect(),
        }
    }
}
