//! A closer look: at the images before training, and at what a network does with each of them after.

use std::sync::Arc;

use candle_core::D;

use crate::data::Dataset;
use crate::data::prepare::{Prepare, order};
use crate::engine::control::Control;
use crate::engine::evaluate::{Evaluation, Found, sum_up};
use crate::engine::failure::Failure;
use crate::engine::layer_stats::Measurement;
use crate::engine::loaded::LoadedCheckpoint;
use crate::engine::report::Report;
use crate::protocol::event::{Inspection, Mistake, Preview, Reuse, Sample};
use crate::recipe::Recipe;

/// Mistakes an inspection lists at most.
const MISTAKES: usize = 100;

/// The first `count` training images in the order of epoch 1, and what the set is made of.
pub(super) fn preview(recipe: &Recipe, dataset: &Dataset, count: usize) -> Result<Preview, Failure> {
    let prepare = Prepare::new(recipe, dataset.stats, dataset.flips);
    let indices = order(recipe.seed, 1, dataset.train.len());
    let sample = |&index: &u32| {
        Ok(Sample {
            label: dataset.train.labels[index as usize] as usize,
            before: prepare.plain_pixels(&dataset.train, index as usize)?,
            after: prepare.augmented_pixels(&dataset.train, index, 1)?,
        })
    };
    Ok(Preview {
        classes: dataset.classes.clone(),
        class_counts: dataset.train.class_counts(dataset.classes.len()),
        validation_images: dataset.validation.len(),
        test_images: dataset.test.len(),
        mean: dataset.stats.mean,
        deviation: dataset.stats.std,
        side: prepare.side(),
        notes: dataset.notes.clone(),
        samples: indices.iter().take(count).map(sample).collect::<Result<_, Failure>>()?,
    })
}

/// What the checkpoint's network does with each image of its split, and what it has learned.
pub(super) fn inspect(
    loaded: &LoadedCheckpoint,
    control: &mut Control,
    report: &mut Report,
) -> Result<Inspection, Failure> {
    let (images, classes) = (&loaded.images, &loaded.network.classes);
    let mut confusion = vec![vec![0; classes.len()]; classes.len()];
    let mut mistakes = Vec::new();
    let mut note = |begin: usize, Found { logits, outcome }: &Found| {
        let probabilities = candle_nn::ops::softmax(logits, D::Minus1)?.to_vec2::<f32>()?;
        for (offset, (row, &prediction)) in probabilities.iter().zip(&outcome.predictions).enumerate() {
            let (index, prediction) = (begin + offset, prediction as usize);
            let label = images.labels[index] as usize;
            confusion[label][prediction] += 1;
            if label != prediction {
                let probability = f64::from(row[prediction]);
                mistakes.push(Mistake { index, label, prediction, probability, pixels: Vec::new() });
            }
        }
        Ok::<_, candle_core::Error>(())
    };
    let found = sum_up(control, report, loaded.phase(), images, classes.len(), |each| {
        loaded.walk(&mut |begin, found| {
            found.as_ref().map_or(Ok(()), |found| note(begin, found))?;
            Ok(each(begin, found.as_ref().map(|found| &found.outcome)))
        })
    })?;
    let Evaluation { figures, .. } = found.ok_or_else(|| control.interrupted())?;
    mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
    mistakes.truncate(MISTAKES);
    for mistake in &mut mistakes {
        mistake.pixels = loaded.prepare.plain_pixels(images, mistake.index)?;
    }
    let (measurement, net) = (Measurement::of(loaded)?, Arc::clone(&loaded.network.net));
    let learned = control
        .attended(report, move || Ok::<_, candle_core::Error>((net.reuse()?, measurement.stats()?)))?;
    let (maps, scales) = learned?;
    Ok(Inspection {
        split: loaded.split,
        step: loaded.network.step,
        figures,
        classes: classes.clone(),
        confusion,
        side: loaded.prepare.side(),
        mistakes,
        reuse: maps.into_iter().enumerate().map(|(index, cells)| Reuse { block: index + 1, cells }).collect(),
        scales,
    })
}
