//! The evaluation half of [`Network`]: running statistics, nothing measured, nothing kept. The factor of
//! the normalisation between the two convolutions of a layer goes into the first one's weights,
//! and what the second reads is written with a border, so that it is read as it lies.

use crate::arch::blocks::{Layer, Net};
use crate::arch::layout::Plane;
use crate::ops::cpu::forward::{CONVOLVE_PIXELS, Expand, Grow, POINTWISE_PIXELS, Source, Then};
use crate::ops::cpu::kernels::pack;
use crate::ops::cpu::lanes::isa::Isa;
use crate::ops::cpu::memory::{Maps, Tiles, run};
use crate::ops::cpu::network::{Ending, Network, Order};
use crate::ops::cpu::running::Running;
use crate::ops::cpu::stem::{self, StemEvaluate};

impl Network {
    /// Logits `[n, classes]` by running statistics: of each normalisation its means, then its variances.
    pub(super) fn evaluation(&mut self, images: &[f32], parameters: &[f32], running: &[f32]) -> Vec<f32> {
        let n = self.take_in(images);
        // What a training pass left is gone.
        self.batch = 0;
        let net = self.net.clone();
        self.evaluate_blocks(&net, parameters, &Running::new(&net, running), net.blocks.len());
        self.logits(n, &net, parameters)
    }

    /// The stem and the first `blocks` blocks, with what follows each.
    pub(super) fn evaluate_blocks(
        &mut self,
        net: &Net,
        parameters: &[f32],
        running: &Running,
        blocks: usize,
    ) {
        let batch_norm = self.batch_norm;
        let mut inner = 0;
        for (index, block) in net.blocks.iter().enumerate() {
            let plane = self.planes.blocks[index];
            if index < blocks {
                let memory = &mut self.blocks[index];
                memory.states = block.two_states();
                memory.features.reserve(plane.len(memory.states.channels));
                let outputs = block.layers[0].expand.map_or(0, |(conv, _)| conv.outputs);
                inner = inner.max(Maps::bordered_len(self.isa, outputs, plane, border(plane)));
            }
        }
        self.inner.reserve(inner);
        match net.pool {
            Some(pool) => {
                running.set(&mut self.affine, batch_norm, pool.norm, parameters);
                self.stem_evaluate(net, parameters);
            }
            None => self.stem_forward(net, parameters, false),
        }
        for (index, block) in net.blocks.iter().enumerate().take(blocks) {
            let plane = self.planes.blocks[index];
            if let (Some((conv, _)), 1) = (block.layers[0].expand, border(plane)) {
                clear_border(self.inner.as_mut_slice(), plane, conv.outputs, self.isa);
            }
            for (place, layer) in block.layers.iter().enumerate() {
                running.set(&mut self.affine, batch_norm, layer.norm, parameters);
                if let Some((_, norm)) = layer.expand {
                    running.set(&mut self.inner_affine, batch_norm, norm, parameters);
                }
                self.layer_evaluate(index, (place, layer), parameters);
            }
            running.set(&mut self.affine, batch_norm, block.norm, parameters);
            let last = index + 1 == blocks;
            self.end(index, net, parameters, if last { Ending::Measured } else { Ending::Evaluated });
        }
    }

    /// An ImageNet stem; the factor of its normalisation goes into the weights.
    fn stem_evaluate(&mut self, net: &Net, parameters: &[f32]) {
        let (conv, scale) = (net.stem, &self.affine.a);
        let weights = conv.of(parameters);
        self.packed.resize(conv.len(), 0.0);
        let weight = |k: usize, o: usize| weights[o * stem::TAPS + k] * scale[o];
        pack(stem::TAPS, conv.outputs, self.isa.tile(), &mut self.packed, weight);
        let tiles = Tiles::several(self.planes.blocks[0], stem::POOL_PIXELS);
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

    fn layer_evaluate(&mut self, index: usize, (place, layer): (usize, &Layer), parameters: &[f32]) {
        let area = self.planes.blocks[index];
        let read = self.state(index, place);
        let inner =
            layer.expand.map(|(conv, _)| Maps::bordered(&mut self.inner, conv.outputs, area, border(area)));
        if let (Some((conv, _)), Some(inner)) = (layer.expand, inner) {
            let scale = &self.inner_affine.a;
            let weights = conv.of(parameters);
            self.packed.resize(conv.len(), 0.0);
            // The second normalisation: its factor goes into the weights, its shift is added after.
            let weight = |c: usize, o: usize| weights[o * conv.inputs + c] * scale[o];
            pack(conv.inputs, conv.outputs, self.isa.tile(), &mut self.packed, weight);
            let tiles = Tiles::several(area, POINTWISE_PIXELS);
            let phase = Expand {
                tiles,
                input: read,
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
        let tiles = Tiles::several(area, CONVOLVE_PIXELS);
        let output = self.written(index, (place, layer));
        let shortcut = self.shortcut(index, place);
        let source = match inner {
            Some(inner) if area.is_cut() => Source::Plain(inner, conv.inputs),
            Some(inner) => Source::Bordered(inner, conv.inputs),
            None => Source::Raw(read, self.affine.view()),
        };
        let phase = Grow {
            tiles,
            source,
            weights: &self.packed,
            outputs: conv.outputs,
            output,
            then: shortcut.map_or(Then::Left, |maps| Then::Added(maps, conv.outputs)),
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
