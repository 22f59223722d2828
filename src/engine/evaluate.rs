//! What a network does with a set of images, in sum.

use std::sync::Arc;

use candle_core::{D, Tensor};

use crate::data::Images;
use crate::data::prepare::{Batch, Prepare};
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::engine::step::tensors;
use crate::model::DenseNet;
use crate::ops::loss;
use crate::protocol::Figures;
use crate::protocol::event::Phase;

/// Is told before each batch how many images are done and how many there are; false ends the work.
pub(super) type GoOn<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// Who is asked and told between the batches of a walk.
pub(super) struct Watch<'a> {
    pub(super) control: &'a mut Control,
    pub(super) report: &'a mut Report,
    pub(super) phase: Phase,
}

impl Watch<'_> {
    /// Reports how far the walk is; whether to go on.
    pub(super) fn go_on(&mut self, done: u64, total: u64) -> bool {
        self.report.phase(self.phase, done, total);
        self.control.go_on(self.report)
    }

    /// Does a piece of the walk while commands are heard; `None` if it is to be left undone.
    pub(super) fn attend<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Failure> {
        self.control.attend(self.report, work)
    }
}

/// The sum of a walk over a set of images.
pub(super) struct Evaluation {
    /// Over all images.
    pub(super) figures: Figures,
    /// Share of each class's images that was right, by label; NaN for a class without any.
    pub(super) class_accuracy: Vec<f64>,
}

/// Runs `net` over all of `images` and shows `each` batch's range start, logits and predictions.
/// `None` if it is to stop.
pub(super) fn walk(
    net: &Arc<DenseNet>,
    images: &Images,
    classes: usize,
    prepare: &Prepare,
    batch_size: usize,
    watch: &mut Watch,
    mut each: impl FnMut(usize, &Tensor, &[u32]) -> candle_core::Result<()>,
) -> Result<Option<Evaluation>, Failure> {
    let total = images.len();
    let mut tally = Tally::new(images, classes);
    for begin in (0..total).step_by(batch_size) {
        if !watch.go_on(begin as u64, total as u64) {
            return Ok(None);
        }
        let batch = prepare.plain(images, begin..total.min(begin + batch_size));
        let net = Arc::clone(net);
        let Some(found) = watch.attend(move || look(&net, batch))? else { return Ok(None) };
        let Found { logits, losses, predictions } = found?;
        tally.count(begin, &losses, &predictions);
        each(begin, &logits, &predictions)?;
    }
    Ok(Some(tally.evaluation()))
}

/// What `net` makes of a batch.
struct Found {
    logits: Tensor,
    losses: Vec<f32>,
    predictions: Vec<u32>,
}

fn look(net: &DenseNet, batch: Batch) -> candle_core::Result<Found> {
    let (xs, labels) = tensors(batch, net.device())?;
    let logits = net.logits(&xs)?;
    let predictions = logits.argmax(D::Minus1)?.to_vec1()?;
    Ok(Found { losses: loss::per_image(&logits, &labels)?, logits, predictions })
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
