//! The evaluation half of [`Network`]: running statistics, nothing measured, nothing kept. The factor of
//! the normalisation between the two convolutions of a dense layer goes into the first one's weights,
//! and what the second reads is written with a border, so that it is read as it lies.

use crate::arch::blocks::{Layer, Net, Norm};
use crate::arch::layout::Plane;
use crate::ops::cpu::forward::{CONVOLVE_PIXELS, Expand, Grow, POINTWISE_PIXELS, Source, Then};
use crate::ops::cpu::kernels::pack;
use crate::ops::cpu::lanes::isa::Isa;
use crate::ops::cpu::memory::{Maps, Tiles, run};
use crate::ops::cpu::network::{Network, Order};
use crate::ops::cpu::stem::{self, StemEvaluate};

impl Network {
    /// Logits `[n, classes]` by running statistics: of each normalisation its means, then its variances.
    pub(super) fn evaluation(&mut self, images: &[f32], parameters: &[f32], running: &[f32]) -> Vec<f32> {
        let n = self.take_in(images);
        // What a training pass left is gone.
        self.batch = 0;
        let net = self.net.clone();
        let mut inner = 0;
        for ((block, memory), plane) in net.blocks.iter().zip(&mut self.blocks).zip(&self.planes.blocks) {
            memory.features.reserve(plane.len(block.channels));
            let outputs = block.layers[0].expand.map_or(0, |(conv, _)| conv.outputs);
            inner = inner.max(Maps::bordered_len(self.isa, outputs, *plane, border(*plane)));
        }
        self.inner.reserve(inner);
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
        match net.pool {
            Some(pool) => {
                let (mean, variance) = running(pool.norm);
                let (weight, bias) = (pool.norm.weight(parameters), pool.norm.bias(parameters));
                self.affine.set(self.batch_norm, weight, bias, mean, variance);
                self.stem_evaluate(&net, parameters);
            }
            None => self.stem_forward(&net, parameters, false),
        }
        for (index, block) in net.blocks.iter().enumerate() {
            let plane = self.planes.blocks[index];
            if let (Some((conv, _)), 1) = (block.layers[0].expand, border(plane)) {
                clear_border(self.inner.as_mut_slice(), plane, conv.outputs, self.isa);
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
                self.layer_evaluate(index, layer, parameters);
            }
            let (mean, variance) = running(block.norm);
            let (weight, bias) = (block.norm.weight(parameters), block.norm.bias(parameters));
            self.affine.set(self.batch_norm, weight, bias, mean, variance);
            self.end(index, &net, parameters, false);
        }
        self.logits(n, &net, parameters)
    }

    /// An ImageNet stem; the factor of its normalisation goes into the weights.
    fn stem_evaluate(&mut self, net: &Net, parameters: &[f32]) {
        let (conv, scale) = (net.stem, &self.affine.a);
        let weights = conv.of(parameters);
        self.packed.resize(conv.len(), 0.0);
        let weight = |k: usize, o: usize| weights[o * stem::TAPS + k] * scale[o];
        pack(stem::TAPS, conv.outputs, self.isa.tile(), &mut self.packed, weight);
        let tiles = Tiles::new(self.planes.blocks[0], stem::POOL_PIXELS);
        let phase = StemEvaluate {
            tiles,
            images: self.image_maps(),
            plane: self.planes.stem,
            output: self.features(0),
            weights: &self.packed,
            shift: &self.affine.shift,
        };
        run(self.isa, tiles.count(), &phase);
    }

    fn layer_evaluate(&mut self, index: usize, layer: &Layer, parameters: &[f32]) {
        let plane = self.planes.blocks[index];
        let features = self.features(index);
        let inner =
            layer.expand.map(|(conv, _)| Maps::bordered(&mut self.inner, conv.outputs, plane, border(plane)));
        if let (Some((conv, _)), Some(inner)) = (layer.expand, inner) {
            let scale = &self.inner_affine.a;
            let weights = conv.of(parameters);
            self.packed.resize(conv.len(), 0.0);
            // The second normalisation: its factor goes into the weights, its shift is added after.
            let weight = |c: usize, o: usize| weights[o * conv.inputs + c] * scale[o];
            pack(conv.inputs, conv.outputs, self.isa.tile(), &mut self.packed, weight);
            let tiles = Tiles::new(plane, POINTWISE_PIXELS);
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
        let tiles = Tiles::new(plane, CONVOLVE_PIXELS);
        let source = match inner {
            Some(inner) if plane.is_cut() => Source::Plain(inner, conv.inputs),
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

/// Pixels around what a 3x3 convolution reads as it lies; over the seams of parts nothing lies right.
fn border(plane: Plane) -> usize {
    usize::from(!plane.is_cut())
}

/// Zeros around the maps of `channels` in a bordered buffer.
fn clear_border(numbers: &mut [f32], plane: Plane, channels: usize, isa: Isa) {
    let lanes = isa.lanes();
    let (height, width) = (plane.height + 2, (plane.width + 2) * lanes);
    let rows = plane.groups() * height;
    for (row, channels) in numbers.chunks_exact_mut(channels * width).take(rows).enumerate() {
        if [0, height - 1].contains(&(row % height)) {
            channels.fill(0.0);
            continue;
        }
        for line in channels.chunks_exact_mut(width) {
            line[..lanes].fill(0.0);
            line[width - lanes..].fill(0.0);
        }
    }
}
