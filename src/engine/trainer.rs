//! The trainer of a network: that of its device where it has one, else the host's.

use std::sync::Arc;

use crate::data::Images;
use crate::data::prepare::Prepare;
use crate::engine::build::loss_of;
use crate::engine::failure::Failure;
use crate::engine::host::{HostTrainer, Source};
use crate::engine::memory;
use crate::engine::report::Report;
use crate::engine::step::SharedOptimizer;
use crate::model::DenseNet;
use crate::ops::loss::Loss;
use crate::ops::trainer::{Feed, Split, State, Trainer, Training};
use crate::optim;
use crate::protocol::Event;
use crate::protocol::event::Phase;
use crate::recipe::Recipe;

/// Training by `recipe` on the images of `feed`, `images` of them to train on.
pub(super) fn plan(recipe: &Recipe, images: usize, loss: Loss, feed: Feed) -> Training {
    Training {
        dropout: recipe.dropout,
        optimizer: optim::kind(recipe),
        weight_decay: recipe.weight_decay,
        loss,
        batch: recipe.batch_size,
        steps_per_epoch: recipe.steps_per_epoch(images) as usize,
        seed: recipe.seed,
        feed,
    }
}

/// The trainer of `net` by `recipe` on `splits`, the first of them to train on. What a GPU has no memory for is
/// refused before it is taken.
pub(super) fn by_recipe(
    net: &Arc<DenseNet>,
    optimizer: &SharedOptimizer,
    recipe: &Recipe,
    prepare: &Prepare,
    splits: &[Arc<Images>],
    report: &mut Report,
) -> Result<Box<dyn Trainer>, Failure> {
    let crops: Option<Vec<_>> = splits.iter().map(|images| prepare.padded_crops(images)).collect();
    let source = Source::Splits(splits.to_vec(), Box::new(prepare.clone()));
    let counts: Vec<usize> = splits.iter().map(|images| images.len()).collect();
    let loss = loss_of(recipe, &splits[0].class_counts(net.arch().classes));
    let of = |recipe: &Recipe| {
        let (augment, flips) = crops.as_ref().map_or((false, false), |crops| crops[0]);
        let feed = Feed::Splits { counts: counts.clone(), augment, flips, table: prepare.table() };
        plan(recipe, counts[0], loss.clone(), feed)
    };
    if net.gpu().is_some() && crops.is_none() {
        // The steps of a GPU take images of their own size from its memory.
        let message = "images that are resized while they train are prepared on the host, and each step waits for it; they would stay on the GPU in the size of the network, with `augment` = standard or none.".into();
        report.emit(Event::Warning { message });
        return Ok(Box::new(HostTrainer::new(Arc::clone(net), optimizer.clone(), of(recipe), source)?));
    }
    if let Some((backend, config)) = net.gpu() {
        memory::check_gpu(backend, &config, recipe, of)?;
        report.emit(Event::Phase { phase: Phase::Compiling, done: 0, total: 0 });
    }
    on(net, optimizer, of(recipe), source)
}

/// The trainer of `net` on the images of `source`.
pub(super) fn on(
    net: &Arc<DenseNet>,
    optimizer: &SharedOptimizer,
    training: Training,
    source: Source,
) -> Result<Box<dyn Trainer>, Failure> {
    if let Some((backend, config)) = net.gpu() {
        let splits = match &source {
            Source::Splits(splits, _) => splits.as_slice(),
            Source::Given(_) => &[],
        };
        let pixels = splits.iter().map(|images| images.to_memory()).collect::<Result<Vec<_>, _>>()?;
        let views: Vec<Split> = splits
            .iter()
            .zip(&pixels)
            .map(|(images, pixels)| Split { pixels, labels: &images.labels })
            .collect();
        if let Some(mut trainer) = backend.trainer(&config, &training, &views)? {
            let (parameters, running) = net.to_packed()?;
            trainer.load(&State { parameters, running, slots: optimizer.lock().numbers()? })?;
            return Ok(trainer);
        }
    }
    Ok(Box::new(HostTrainer::new(Arc::clone(net), optimizer.clone(), training, source)?))
}

#[cfg(test)]
#[cfg(any(feature = "cuda", feature = "host-kernels"))]
pub(super) mod tests;
