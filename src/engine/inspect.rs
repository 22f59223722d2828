//! A closer look: at the images before training, and at what a network does with each of them after.

use candle_core::D;

use crate::data::prepare::{Prepare, order};
use crate::data::{Dataset, Images};
use crate::engine::evaluate;
use crate::model::DenseNet;
use crate::protocol::command::Split;
use crate::protocol::event::{Inspection, Mistake, Preview, Sample};
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
        mean: dataset.moments.mean,
        deviation: dataset.moments.deviation,
        side: dataset.train.side,
        samples: indices.iter().take(count).map(sample).collect(),
    }
}

/// What `net` does with each of `images`; `None` if `go_on` said no.
pub(super) fn inspect(
    net: &DenseNet,
    images: &Images,
    classes: &[String],
    split: Split,
    prepare: &Prepare,
    batch_size: usize,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> candle_core::Result<Option<Inspection>> {
    let mut confusion = vec![vec![0; classes.len()]; classes.len()];
    let mut mistakes = Vec::new();
    let figures = evaluate::walk(net, images, prepare, batch_size, go_on, &mut |begin, logits, _| {
        let probabilities = candle_nn::ops::softmax(logits, D::Minus1)?.to_vec2::<f32>()?;
        let predictions = logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
        for (offset, (row, &prediction)) in probabilities.iter().zip(&predictions).enumerate() {
            let (index, prediction) = (begin + offset, prediction as usize);
            let label = images.labels[index] as usize;
            confusion[label][prediction] += 1;
            if label != prediction {
                mistakes.push(Mistake { index, label, prediction, probability: f64::from(row[prediction]) });
            }
        }
        Ok(())
    })?;
    mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
    mistakes.truncate(MISTAKES);
    Ok(figures.map(|figures| Inspection { split, figures, classes: classes.to_vec(), confusion, mistakes }))
}
