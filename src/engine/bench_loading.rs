//! The rate at which images become batches: a first epoch from the files, and later ones.

use std::sync::Arc;
use std::time::Instant;

use crate::data::Images;
use crate::data::prepare::{Prepare, order};
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::engine::{loader, memory};
use crate::protocol::Options;
use crate::protocol::event::{Loading, Phase};
use crate::recipe::Recipe;

/// Epochs after the first.
const LATER: u64 = 2;

/// Times the images of `recipe`; no network is made.
pub(super) fn bench_loading(
    recipe: &Recipe,
    options: &Options,
    control: &mut Control,
    report: &mut Report,
) -> Result<Loading, Failure> {
    let begun = Instant::now();
    let dataset = control.load(recipe, options.skip_broken, true, report)?;
    for message in dataset.notes {
        report.emit(crate::protocol::Event::Warning { message });
    }
    let loaded = begun.elapsed().as_secs_f64();
    let prepare = Prepare::new(recipe, dataset.stats, dataset.flips);
    let train = Arc::new(dataset.train);
    epoch(&train, &prepare, recipe, 1, control, report)?;
    let first = begun.elapsed().as_secs_f64();
    let since = Instant::now();
    for number in 2..2 + LATER {
        epoch(&train, &prepare, recipe, number, control, report)?;
    }
    let images = train.len();
    Ok(Loading {
        images,
        side: prepare.side(),
        in_memory: train.is_in_memory(),
        load_seconds: loaded,
        first_epoch_images_per_second: images as f64 / first,
        later_epochs_images_per_second: (LATER as usize * images) as f64 / since.elapsed().as_secs_f64(),
        peak_mib: memory::peak_mib(),
        threads: options.threads,
    })
}

/// Prepares every batch of an epoch.
fn epoch(
    train: &Arc<Images>,
    prepare: &Prepare,
    recipe: &Recipe,
    number: u64,
    control: &mut Control,
    report: &mut Report,
) -> Result<(), Failure> {
    let order = order(recipe.seed, number, train.len());
    let batches = loader::batches(train, prepare, order, recipe.batch_size, number, 0)
        .map_err(candle_core::Error::wrap)?;
    let mut done = 0;
    for batch in batches {
        done += batch?.labels.len();
        report.phase(Phase::Benching, done as u64, train.len() as u64);
        if !control.go_on(report) {
            return Err(control.interrupted());
        }
    }
    Ok(())
}
