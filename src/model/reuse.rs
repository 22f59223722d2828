//! How much of each source every layer uses: the maps of figure 5 of the paper.

use candle_core::{Result, Tensor};

use crate::arch::plan::Kind;
use crate::arch::words::Connectivity;
use crate::model::DenseNet;

/// A dense block's map, `[target][source]`. Targets: each dense layer, then the transition or the
/// classifier behind the block. Sources: the block's input, then each dense layer. `None` where the
/// target comes before the source.
pub type ReuseMap = Vec<Vec<Option<f64>>>;

impl DenseNet {
    /// The map of every dense block: the mean |w| of each target's first convolution (of the classifier:
    /// its linear weight) over the input channels that come from each source.
    pub fn reuse(&self) -> Result<Vec<ReuseMap>> {
        if self.arch.connectivity != Connectivity::Dense {
            // A layer reads one other.
            return Ok(Vec::new());
        }
        let mut maps = Vec::new();
        let mut map: ReuseMap = Vec::new();
        // Channels of each source of the open block.
        let mut sources: Vec<usize> = Vec::new();
        for row in &self.plan.rows {
            let tensor = match row.kind {
                Kind::Stem | Kind::Head => continue,
                Kind::DenseLayer { .. } => "conv1.weight",
                Kind::Transition { .. } => "conv.weight",
                Kind::Classifier => "weight",
            };
            if sources.is_empty() {
                sources.push(row.c_in);
            }
            let weight = self.tensors[&format!("{}.{tensor}", row.name)].as_detached_tensor();
            map.push(mean_magnitudes(&weight, &sources)?.into_iter().map(Some).collect());
            if let Kind::DenseLayer { .. } = row.kind {
                sources.push(row.output[0] - row.c_in);
            } else {
                for cells in &mut map {
                    cells.resize(sources.len(), None);
                }
                maps.push(std::mem::take(&mut map));
                sources.clear();
            }
        }
        Ok(maps)
    }
}

/// Mean |w| of `weight` `[c_out, c_in, …]` over each slice of its input channels; `sources` are the
/// slices' widths, in order.
fn mean_magnitudes(weight: &Tensor, sources: &[usize]) -> Result<Vec<f64>> {
    let mut begin = 0;
    sources
        .iter()
        .map(|&channels| {
            let slice = weight.narrow(1, begin, channels)?.flatten_all()?.to_vec1::<f32>()?;
            begin += channels;
            Ok(slice.iter().map(|w| f64::from(w.abs())).sum::<f64>() / slice.len() as f64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::arch::words::Init;
    use crate::recipe::{Data, Recipe};

    /// A weight whose mean magnitude over input channel i (from 1) is `factor` · i: signs change from
    /// output to output, and of the taps only the middle one carries anything.
    fn by_hand(shape: &[usize], factor: f32) -> Tensor {
        let taps: usize = shape[2..].iter().product();
        let weight = |output: usize, input: usize, tap: usize| {
            let magnitude = if tap == taps / 2 { factor * (input + 1) as f32 * taps as f32 } else { 0.0 };
            if output.is_multiple_of(2) { magnitude } else { -magnitude }
        };
        let per_output = shape[1] * taps;
        let values: Vec<f32> = (0..shape[0] * per_output)
            .map(|i| weight(i / per_output, i / taps % shape[1], i % taps))
            .collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// Block 1 reads 4 channels, block 2 ⌊(4 + 2·3) / 2⌋ = 5; every source within them has 3.
    #[test]
    fn a_cell_is_the_mean_magnitude_of_the_targets_first_weight_over_the_sources_channels() {
        for bottleneck in [true, false] {
            let recipe = Recipe {
                layers: vec![2, 1],
                growth_rate: 3,
                stem: "4".parse().unwrap(),
                compression: 0.5,
                input_size: 8,
                bottleneck,
                ..Recipe::defaults(Data::Shapes)
            };
            let net = DenseNet::new(&recipe.arch(3), Init::FanOut, 0, &Device::Cpu).unwrap();
            for (name, factor) in [
                ("features.denseblock1.denselayer1.conv1.weight", 1.0),
                ("features.denseblock1.denselayer2.conv1.weight", 2.0),
                ("features.transition1.conv.weight", 3.0),
                ("features.denseblock2.denselayer1.conv1.weight", 4.0),
                ("classifier.weight", 5.0),
            ] {
                let weight = &net.tensors[name];
                weight.set(&by_hand(weight.dims(), factor)).unwrap();
            }
            let first = [
                // Channels 1 to 4, 5 to 7, 8 to 10: 2.5, 6 and 9 on average.
                vec![Some(2.5), None, None],
                vec![Some(5.0), Some(12.0), None],
                vec![Some(7.5), Some(18.0), Some(27.0)],
            ];
            // Channels 1 to 5 and 6 to 8.
            let second = [vec![Some(12.0), None], vec![Some(15.0), Some(35.0)]];
            assert_eq!(net.reuse().unwrap(), [first.to_vec(), second.to_vec()], "bottleneck: {bottleneck}");
        }
    }
}
