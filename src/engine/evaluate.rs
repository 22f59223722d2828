//! Evaluation of a network on a set of images: batch after batch, and in sum.

use std::sync::Arc;

use candle_core::{D, Result, Tensor};

use crate::data::Images;
use crate::data::prepare::Prepare;
use crate::engine::control::Control;
use crate::engine::report::Report;
use crate::engine::step::tensors;
use crate::engine::worker::{PULSE, Worker};
use crate::model::DenseNet;
use crate::ops::loss;
use crate::ops::trainer::Outcome;
use crate::protocol::Figures;
use crate::protocol::event::Phase;

/// The sum of an evaluation.
pub(super) struct Evaluation {
    /// Over all images.
    pub(super) figures: Figures,
    /// Share of each class's images that was right, by label; NaN for a class without any.
    pub(super) class_accuracy: Vec<f64>,
}

/// Sums up what `work` finds of `images`, of `classes` classes, while commands are heard. `work` gives the number of
/// images before a batch and what was found of it, or nothing now and then while it waits, and ends where the answer
/// is false. `None` if the run is to stop.
pub(super) fn sum_up(
    control: &mut Control,
    report: &mut Report,
    phase: Phase,
    images: &Images,
    classes: usize,
    work: impl FnOnce(&mut dyn FnMut(usize, Option<&Outcome>) -> bool) -> Result<()>,
) -> Result<Option<Evaluation>> {
    let (total, mut loss_sum, mut correct) = (images.len(), 0.0, vec![0usize; classes]);
    let mut whole = control.go_on(report);
    if whole {
        work(&mut |begin, found| {
            let Some(Outcome { losses, predictions }) = found else {
                control.poll_commands(report);
                whole = !control.is_overdue();
                return whole;
            };
            loss_sum += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
            for (said, is) in predictions.iter().zip(&images.labels[begin..]) {
                correct[*is as usize] += usize::from(said == is);
            }
            let done = begin + predictions.len();
            report.phase(phase, done as u64, total as u64);
            // What is complete stands, even where a stop was asked for meanwhile.
            whole = control.go_on(report) || done == total;
            whole
        })?;
    }
    let (right, counts) = (correct.iter().sum::<usize>(), images.class_counts(classes));
    Ok(whole.then(|| Evaluation {
        figures: Figures { loss: loss_sum / total as f64, accuracy: right as f64 / total as f64 },
        class_accuracy: correct.iter().zip(counts).map(|(&n, of)| n as f64 / of as f64).collect(),
    }))
}

/// What a network makes of a batch.
pub(super) struct Found {
    pub(super) logits: Tensor,
    pub(super) outcome: Outcome,
}

/// What `net` makes of `images` with these labels.
pub(super) fn look(net: &DenseNet, images: &Tensor, labels: &Tensor) -> Result<Found> {
    let logits = net.logits(images)?;
    let predictions = logits.argmax(D::Minus1)?.to_vec1()?;
    Ok(Found { outcome: Outcome { losses: loss::per_image(&logits, labels)?, predictions }, logits })
}

/// Runs `net` over all of `images` in the thread of `worker`. `each` gets the number of images before a batch and what
/// was found of it, or nothing now and then while it is computed; false ends the work.
pub(super) fn walk(
    net: &Arc<DenseNet>,
    images: &Images,
    prepare: &Prepare,
    batch_size: usize,
    worker: &Worker,
    each: &mut dyn FnMut(usize, Option<Found>) -> Result<bool>,
) -> Result<()> {
    let total = images.len();
    for begin in (0..total).step_by(batch_size) {
        let range = begin..total.min(begin + batch_size);
        let batch = prepare.plain(images, range).map_err(candle_core::Error::wrap)?;
        let net = Arc::clone(net);
        let pending = worker.begin(move || {
            let (images, labels) = tensors(batch, net.device())?;
            look(&net, &images, &labels)
        });
        let found = loop {
            match pending.take(PULSE) {
                Some(found) => break found?,
                None if each(begin, None)? => {}
                None => return Ok(()),
            }
        };
        if !each(begin, Some(found))? {
            return Ok(());
        }
    }
    Ok(())
}
