//! The evaluation half of [`Network`]: running statistics, nothing measured, nothing kept. The factor of
//! the normalisation between the two convolutions of a dense layer goes into the first one's weights,
//! and what the second reads is written with a border, so that it is read as it lies.

use crate::arch::blocks::{Block, Layer, Norm};
use crate::ops::cpu::forward::{CONVOLVE_PIXELS, Expand, Grow, POINTWISE_PIXELS, Source, Then};
use crate::ops::cpu::kernels::pack;
use crate::ops::cpu::lanes::isa::Isa;
use crate::ops::cpu::memory::{Maps, Tiles, run};
use crate::ops::cpu::network::{Network, Order};

impl Network {
    /// Logits `[n, classes]` by running statistics: of each normalisation its means, then its variances.
    pub(super) fn evaluation(&mut self, images: &[f32], parameters: &[f32], running: &[f32]) -> Vec<f32> {
        let n = self.take_in(images);
        // What a training pass left is gone.
        self.batch = 0;
        let net = self.net.clone();
        for (block, memory) in net.blocks.iter().zip(&mut self.blocks) {
            memory.features.reserve(Maps::len(self.isa, n, block.channels, block.side));
        }
        let bordered = |block: &Block| {
            let outputs = block.layers[0].expand.map_or(0, |(conv, _)| conv.outputs);
            Maps::len(self.isa, n, outputs, block.side + 2)
        };
        self.inner.reserve(net.blocks.iter().map(bordered).max().unwrap_or(0));
        let mut offsets = Vec::with_capacity(net.norms.len());
        let mut offset = 0;
        for channels in &net.norms {
            offsets.push(offset);
            offset += 2 * channels;
        }
        let running = |norm: Norm| {
            let (mean, variance) =
                running[offsets[norm.index]..][..2 * norm.channels].split_at(norm.channels);
            (mean.iter().map(|&x| f64::from(x)), variance.iter().map(|&x| f64::from(x)))
        };
        self.stem(n, &net, parameters, false);
        for (index, block) in net.blocks.iter().enumerate() {
            if let Some((conv, _)) = block.layers[0].expand {
                let groups = n.div_ceil(self.isa.lanes());
                clear_border(
                    self.inner.as_mut_slice(),
                    groups * (block.side + 2),
                    block.side,
                    conv.outputs,
                    self.isa,
                );
            }
            for layer in &block.layers {
                let (mean, variance) = running(layer.norm);
                let (weight, bias) = (layer.norm.weight(parameters), layer.norm.bias(parameters));
                self.affine.set(self.batch_norm, weight, bias, mean, variance);
                if let Some((_, norm)) = layer.expand {
                    let (mean, variance) = running(norm);
                    let (weight, bias) = (norm.weight(parameters), norm.bias(parameters));
                    self.inner_affine.set(self.batch_norm, weight, bias, mean, variance);
                }
                self.layer_evaluate(n, index, block, layer, parameters);
            }
            let (mean, variance) = running(block.norm);
            let (weight, bias) = (block.norm.weight(parameters), block.norm.bias(parameters));
            self.affine.set(self.batch_norm, weight, bias, mean, variance);
            self.end(n, index, &net, parameters, false);
        }
        self.logits(n, &net, parameters)
    }

    fn layer_evaluate(&mut self, n: usize, index: usize, block: &Block, layer: &Layer, parameters: &[f32]) {
        let side = block.side;
        let features = self.features(index);
        let inner = layer.expand.map(|(conv, _)| Maps::bordered(&mut self.inner, conv.outputs, side));
        if let (Some((conv, _)), Some(inner)) = (layer.expand, inner) {
            let scale = &self.inner_affine.a;
            let weights = conv.of(parameters);
            self.packed.resize(conv.len(), 0.0);
            // The second normalisation: its factor goes into the weights, its shift is added after.
            let weight = |c: usize, o: usize| weights[o * conv.inputs + c] * scale[o];
            pack(conv.inputs, conv.outputs, self.isa.tile(), &mut self.packed, weight);
            let tiles = Tiles::new(self.isa, n, side, POINTWISE_PIXELS);
            let phase = Expand {
                tiles,
                input: features,
                outputs: conv.outputs,
                output: inner,
                then: Then::Shifted(&self.inner_affine.shift),
                by: self.affine.view(),
                weights: &self.packed,
            };
            run(self.isa, tiles.count(), &phase);
        }
        let conv = layer.grow;
        self.pack(conv, parameters, Order::Forward);
        let tiles = Tiles::new(self.isa, n, side, CONVOLVE_PIXELS);
        let source = match inner {
            Some(inner) => Source::Bordered(inner, conv.inputs),
            None => Source::Raw(features, self.affine.view()),
        };
        let phase = Grow {
            tiles,
            source,
            weights: &self.packed,
            outputs: conv.outputs,
            output: features,
            channel: layer.norm.channels,
            then: Then::Left,
        };
        run(self.isa, tiles.count(), &phase);
    }
}

/// Zeros around maps of `side` and `channels` in a bordered buffer; `rows` counts those of all groups.
fn clear_border(numbers: &mut [f32], rows: usize, side: usize, channels: usize, isa: Isa) {
    let lanes = isa.lanes();
    let width = (side + 2) * lanes;
    for (row, channels) in numbers.chunks_exact_mut(channels * width).take(rows).enumerate() {
        if [0, side + 1].contains(&(row % (side + 2))) {
            channels.fill(0.0);
            continue;
        }
        for line in channels.chunks_exact_mut(width) {
            line[..lanes].fill(0.0);
            line[width - lanes..].fill(0.0);
        }
    }
}
