//! Statistics of a network's outputs and gradients, row by row, on one batch.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use crate::arch::plan::Plan;
use crate::data::DataError;
use crate::data::prepare::{Batch, order};
use crate::engine::build::loss_of;
use crate::engine::loaded::LoadedCheckpoint;
use crate::engine::memory;
use crate::engine::network::LoadedNetwork;
use crate::engine::step::tensors;
use crate::model::DenseNet;
use crate::ops::dropout::Masks;
use crate::ops::loss::Loss;
use crate::protocol::event::LayerStats;

/// Images of the batch at most: enough for statistics, and little memory compared with a run's.
const IMAGES: usize = 32;

/// A network and the batch that its statistics are measured on: everything that the measurement needs, so that it
/// can be done in any thread.
pub(super) struct Measurement {
    net: Arc<DenseNet>,
    batch: Batch,
    loss: Loss,
    masks: Option<Masks>,
}

impl Measurement {
    /// Of the checkpoint's network on some images of its split.
    pub(super) fn of(loaded: &LoadedCheckpoint) -> std::result::Result<Self, DataError> {
        let LoadedCheckpoint { network, prepare, .. } = loaded;
        let LoadedNetwork { recipe, net, classes, step, .. } = network;
        // From the whole split: the images of a folder lie class by class.
        let order = order(recipe.seed, 1, loaded.images.len());
        let indices: Vec<usize> =
            order.iter().take(IMAGES.min(recipe.batch_size)).map(|&index| index as usize).collect();
        let sample = loaded.images.subset(&indices);
        let masks = Masks { rate: recipe.dropout, seed: recipe.seed, step: *step };
        Ok(Self {
            net: Arc::clone(net),
            batch: prepare.plain(&sample, 0..sample.len())?,
            loss: loss_of(recipe, &loaded.images.class_counts(classes.len())),
            masks: (recipe.dropout > 0.0).then_some(masks),
        })
    }

    /// The figures of every row.
    pub(super) fn stats(self) -> Result<Vec<LayerStats>> {
        let Self { net, batch, loss, masks } = self;
        let count = batch.labels.len();
        let (images, labels) = tensors(batch, net.device())?;
        let outputs = outputs(&net, &images)?;
        let gradients = if memory::fits(&net, count) {
            let pass = net.pass(&images, &labels, &loss, masks)?;
            root_mean_squares(net.plan(), &pass.gradients)?.into_iter().map(Some).collect()
        } else {
            vec![None; outputs.len()]
        };
        let scale = |((name, Output { mean, std, zeros, dead }), gradient)| LayerStats {
            name,
            mean,
            deviation: std,
            zeros,
            dead,
            gradient,
        };
        Ok(outputs.into_iter().zip(gradients).map(scale).collect())
    }
}

/// The statistics of a row's output.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Output {
    mean: f64,
    /// Root mean square about the mean.
    std: f64,
    /// Share of numbers that are 0.
    zeros: f64,
    /// Share of channels that are 0 everywhere.
    dead: f64,
}

impl Output {
    /// Of `ys` `[n, channels, …]`.
    fn of(ys: &Tensor) -> Result<Self> {
        let (n, channels) = (ys.dim(0)?, ys.dim(1)?);
        let values = ys.flatten_all()?.to_vec1::<f32>()?;
        let count = values.len() as f64;
        let mean = values.iter().map(|&y| f64::from(y)).sum::<f64>() / count;
        let variance = values.iter().map(|&y| (f64::from(y) - mean).powi(2)).sum::<f64>() / count;
        let mut alive = vec![false; channels];
        for (index, map) in values.chunks_exact(values.len() / (n * channels)).enumerate() {
            alive[index % channels] |= map.iter().any(|&y| y != 0.0);
        }
        Ok(Self {
            mean,
            std: variance.sqrt(),
            zeros: values.iter().filter(|&&y| y == 0.0).count() as f64 / count,
            dead: alive.iter().filter(|alive| !**alive).count() as f64 / channels as f64,
        })
    }
}

/// Name and last output of every row, in evaluation.
fn outputs(net: &DenseNet, images: &Tensor) -> Result<Vec<(String, Output)>> {
    let mut rows: Vec<(String, Result<Output>)> = Vec::new();
    net.observe(images, &mut |name, ys| {
        let output = Output::of(ys);
        match rows.last_mut() {
            // A later output of the same row. No two neighbours in a plan have one name.
            Some((last, earlier)) if last == name => *earlier = output,
            _ => rows.push((name.to_owned(), output)),
        }
    })?;
    rows.into_iter().map(|(name, output)| Ok((name, output?))).collect()
}

/// Root mean square of `gradients`, which are those of the plan's parameters in their order, over each row.
fn root_mean_squares(plan: &Plan, gradients: &[Tensor]) -> Result<Vec<f64>> {
    let mut gradients = gradients.iter();
    plan.rows
        .iter()
        .map(|row| {
            let mut squares = 0.0;
            for gradient in gradients.by_ref().take(row.parameters.len()) {
                let values = gradient.flatten_all()?.to_vec1::<f32>()?;
                squares += values.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>();
            }
            Ok((squares / row.parameter_count() as f64).sqrt())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::arch::words::{Init, StemKind};
    use crate::model::Implementation;
    use crate::recipe::{Data, Recipe};

    fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
        Tensor::from_vec(values.to_vec(), shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn a_channel_is_dead_only_where_it_is_zero_on_every_image() {
        // Two images of two channels of 1x2: the first channel is 0 on both, the second once on the last.
        let ys = tensor(&[0.0, 0.0, 1.0, 3.0, 0.0, 0.0, 0.0, 4.0], &[2, 2, 1, 2]);
        let expected = Output { mean: 1.0, std: 1.5, zeros: 5.0 / 8.0, dead: 0.5 };
        assert_eq!(Output::of(&ys).unwrap(), expected);
    }

    #[test]
    fn every_row_of_the_plan_has_its_own_last_output_and_its_own_gradient() {
        for stem_kind in [StemKind::Cifar, StemKind::Imagenet] {
            let recipe =
                Recipe { layers: vec![2, 1], growth_rate: 4, stem_kind, ..Recipe::defaults(Data::Shapes) };
            let net = DenseNet::new(&recipe.arch(3), Init::FanOut, 5, &Device::Cpu).unwrap();
            let net = net.with_implementation(Implementation::Reference);
            let images = Tensor::randn(0f32, 1.0, (3, 3, 32, 32), &Device::Cpu).unwrap();
            let plan = net.plan();
            let rows = outputs(&net, &images).unwrap();
            let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
            let planned: Vec<&str> = plan.rows.iter().map(|row| row.name.as_str()).collect();
            assert_eq!(names, planned);
            // The classifier's output is the logits, the last of all.
            assert_eq!(rows.last().unwrap().1, Output::of(&net.logits(&images).unwrap()).unwrap());

            // Gradients that are the number of their row throughout.
            let gradients: Vec<Tensor> = plan
                .rows
                .iter()
                .enumerate()
                .flat_map(|(number, row)| row.parameters.iter().map(move |p| (number, p)))
                .map(|(number, p)| tensor(&vec![-(number as f32); p.len()], &p.shape))
                .collect();
            let expected: Vec<f64> = (0..plan.rows.len()).map(|number| number as f64).collect();
            assert_eq!(root_mean_squares(plan, &gradients).unwrap(), expected);
        }
    }
}
