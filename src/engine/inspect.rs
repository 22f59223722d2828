//! A closer look: at the images before training, and at what a network does with each of them after.

use std::sync::Arc;

use candle_core::{D, Tensor};

use crate::data::Dataset;
use crate::data::prepare::{Prepare, order};
use crate::engine::evaluate::{Evaluation, Watch, walk};
use crate::engine::failure::Failure;
use crate::engine::scales::Measurement;
use crate::engine::subject::Subject;
use crate::protocol::event::{Inspection, Mistake, Preview, Reuse, Sample};
use crate::recipe::Recipe;

/// Mistakes an inspection lists at most.
const MISTAKES: usize = 100;

/// The first `count` training images in the order of epoch 1, and what the set is made of.
pub(super) fn preview(recipe: &Recipe, dataset: &Dataset, count: usize) -> Preview {
    let prepare = Prepare::new(recipe, dataset.moments, dataset.flips);
    let indices = order(recipe.seed, 1, dataset.train.len());
    let sample = |&index: &u32| Sample {
        label: dataset.train.labels[index as usize] as usize,
        before: dataset.train.image(index as usize).to_vec(),
        after: prepare.augmented_pixels(&dataset.train, index, 1),
    };
    Preview {
        classes: dataset.classes.clone(),
        class_counts: dataset.train.class_counts(dataset.classes.len()),
        validation_images: dataset.validation.len(),
        test_images: dataset.test.len(),
        mean: dataset.moments.mean,
        deviation: dataset.moments.deviation,
        side: dataset.train.side,
        notes: dataset.notes.clone(),
        samples: indices.iter().take(count).map(sample).collect(),
    }
}

/// What the subject's network does with each of its images, and what it has learned; `None` if it is
/// to stop.
pub(super) fn inspect(subject: &Subject, watch: &mut Watch) -> Result<Option<Inspection>, Failure> {
    let Subject { recipe, net, dataset, prepare, split, step } = subject;
    let (images, classes) = (subject.images(), &dataset.classes);
    let mut confusion = vec![vec![0; classes.len()]; classes.len()];
    let mut mistakes = Vec::new();
    let look = |begin: usize, logits: &Tensor, predictions: &[u32]| {
        let probabilities = candle_nn::ops::softmax(logits, D::Minus1)?.to_vec2::<f32>()?;
        for (offset, (row, &prediction)) in probabilities.iter().zip(predictions).enumerate() {
            let (index, prediction) = (begin + offset, prediction as usize);
            let label = images.labels[index] as usize;
            confusion[label][prediction] += 1;
            if label != prediction {
                let probability = f64::from(row[prediction]);
                mistakes.push(Mistake { index, label, prediction, probability, pixels: Vec::new() });
            }
        }
        Ok(())
    };
    let found = walk(net, images, classes.len(), prepare, recipe.batch_size, watch, look)?;
    let Some(Evaluation { figures, .. }) = found else { return Ok(None) };
    mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
    mistakes.truncate(MISTAKES);
    for mistake in &mut mistakes {
        mistake.pixels = images.image(mistake.index).to_vec();
    }
    let (measurement, net) = (Measurement::of(subject), Arc::clone(net));
    let learned = watch.attend(move || Ok::<_, candle_core::Error>((net.reuse()?, measurement.scales()?)))?;
    let Some(learned) = learned else { return Ok(None) };
    let (maps, scales) = learned?;
    Ok(Some(Inspection {
        split: *split,
        step: *step,
        figures,
        classes: classes.clone(),
        confusion,
        side: images.side,
        mistakes,
        reuse: maps.into_iter().enumerate().map(|(index, cells)| Reuse { block: index + 1, cells }).collect(),
        scales,
    }))
}
