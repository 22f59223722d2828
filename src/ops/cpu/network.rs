//! The whole network over its own memory: forward, backward and evaluation, layer by layer.

use candle_core::Result;
use rayon::prelude::*;

use crate::arch::blocks::{Block, Conv, Layer, Net, Norm};
use crate::arch::words::DropoutPlaces;
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::cpu::dropout::Dropout;
use crate::ops::cpu::forward::{CONVOLVE_PIXELS, Expand, Grow, POINTWISE_PIXELS, Source, Then};
use crate::ops::cpu::head::{Average, linear};
use crate::ops::cpu::kernels::pack;
use crate::ops::cpu::lanes::isa::Isa;
use crate::ops::cpu::memory::{Buffer, Maps, Tiles, run};
use crate::ops::cpu::norm::{Affine, Moments, MomentsOut, Statistics};
use crate::ops::cpu::transition::{self, Transition};
use crate::ops::dropout::Masks;
use crate::ops::passes::{BatchStatistics, NetworkConfig, Passes};

/// A block's features, and for training what its backward pass needs.
#[derive(Debug, Default)]
pub(super) struct BlockMemory {
    pub(super) features: Buffer,
    pub(super) gradient: Buffer,
    /// Outputs of the 1x1 convolutions.
    pub(super) inner: Vec<Buffer>,
    pub(super) statistics: Statistics,
    inner_statistics: Vec<Statistics>,
    /// For each channel, the means that its readers leave to be taken off (P and Q).
    pub(super) pending_means: Vec<[f64; 2]>,
}

/// A network's memory and how to run it. Memory is taken at the first batch and grows only for a
/// larger one.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) net: Net,
    pub(super) isa: Isa,
    pub(super) batch_norm: BatchNormConfig,
    dropout_places: DropoutPlaces,
    pub(super) blocks: Vec<BlockMemory>,
    pub(super) images: Buffer,
    /// In training the gradient of a 1x1 convolution's output before its normalisation; in evaluation the
    /// normalised output itself, with a border.
    pub(super) inner: Buffer,
    pub(super) averages: Buffer,
    pub(super) packed: Vec<f32>,
    moments: Vec<Moments>,
    pub(super) weight_sums: Buffer,
    pub(super) sums: Vec<[f64; 2]>,
    pub(super) affine: Affine,
    pub(super) inner_affine: Affine,
    /// The averages `[n, channels]` of the last forward pass.
    pub(super) pooled: Vec<f32>,
    /// Images of the last forward pass in training mode, and its masks.
    pub(super) batch: usize,
    masks: Option<Masks>,
}

impl Network {
    pub(super) fn new(config: &NetworkConfig, isa: Isa) -> Self {
        Self {
            net: config.net.clone(),
            isa,
            batch_norm: config.batch_norm,
            dropout_places: config.dropout_places,
            blocks: config.net.blocks.iter().map(|_| BlockMemory::default()).collect(),
            images: Buffer::default(),
            inner: Buffer::default(),
            averages: Buffer::default(),
            packed: Vec::new(),
            moments: Vec::new(),
            weight_sums: Buffer::default(),
            sums: Vec::new(),
            affine: Affine::default(),
            inner_affine: Affine::default(),
            pooled: Vec::new(),
            batch: 0,
            masks: None,
        }
    }

    /// Copies `[n, 3, s, s]` into vectors of images; returns n.
    pub(super) fn take_in(&mut self, images: &[f32]) -> usize {
        let side = self.net.input_size;
        let (pixels, lanes) = (side * side, self.isa.lanes());
        let n = images.len() / (3 * pixels);
        self.images.reserve(Maps::len(self.isa, n, 3, side));
        let group = 3 * pixels * lanes;
        let to = &mut self.images.as_mut_slice()[..n.div_ceil(lanes) * group];
        to.par_chunks_exact_mut(group).zip(images.par_chunks(group)).for_each(|(to, images)| {
            to.fill(0.0);
            for (lane, image) in images.chunks_exact(3 * pixels).enumerate() {
                for (channel, map) in image.chunks_exact(pixels).enumerate() {
                    for (y, row) in map.chunks_exact(side).enumerate() {
                        let at = (y * 3 + channel) * side * lanes + lane;
                        for (x, &value) in row.iter().enumerate() {
                            to[at + x * lanes] = value;
                        }
                    }
                }
            }
        });
        n
    }

    fn reserve_training(&mut self, n: usize) {
        let (isa, mut d, mut moments) = (self.isa, 0, 0);
        for (block, memory) in self.net.blocks.iter().zip(&mut self.blocks) {
            let len = |channels| Maps::len(isa, n, channels, block.side);
            memory.features.reserve(len(block.channels));
            memory.gradient.reserve(len(block.channels));
            memory.inner.resize_with(block.layers.len(), Buffer::default);
            let inner = block.layers[0].expand.map_or(0, |(conv, _)| conv.outputs);
            memory.inner.iter_mut().for_each(|buffer| buffer.reserve(len(inner)));
            d = d.max(len(inner));
            let tiles = Tiles::new(isa, n, block.side, 1).count();
            moments = moments.max(tiles * inner.max(block.first).max(block.layers[0].grow.outputs));
        }
        self.inner.reserve(d);
        self.moments.resize(moments.max(self.moments.len()), Moments::default());
    }

    pub(super) fn features(&mut self, index: usize) -> Maps {
        let Block { channels, side, .. } = self.net.blocks[index];
        Maps::of(&mut self.blocks[index].features, channels, side)
    }

    pub(super) fn gradient(&mut self, index: usize) -> Maps {
        let Block { channels, side, .. } = self.net.blocks[index];
        Maps::of(&mut self.blocks[index].gradient, channels, side)
    }

    pub(super) fn dropout(&self, conv: Conv, side: usize, last: bool) -> Option<Dropout> {
        let masks = self.masks.filter(|_| last || self.dropout_places == DropoutPlaces::Paper)?;
        Some(Dropout { masks, convolution: conv.index, channels: conv.outputs, side })
    }

    fn measured(&mut self, channels: usize, dropout: Option<Dropout>) -> Then<'static> {
        Then::Measured(MomentsOut { at: self.moments.as_mut_ptr(), channels }, dropout)
    }

    /// Weights of `conv` in the order of [`pack`].
    pub(super) fn pack(&mut self, conv: Conv, parameters: &[f32], order: Order) {
        let Conv { inputs, outputs, taps, .. } = conv;
        let weights = conv.of(parameters);
        let at = |o: usize, c: usize, tap: usize| weights[(o * inputs + c) * taps + tap];
        self.packed.resize(conv.len(), 0.0);
        let (largest, into) = (self.isa.tile(), &mut self.packed);
        match order {
            Order::Forward => pack(inputs * taps, outputs, largest, into, |k, o| at(o, k / taps, k % taps)),
            // The kernel turned round: its last tap first.
            Order::Backward => {
                pack(outputs * taps, inputs, largest, into, |k, c| at(k / taps, c, taps - 1 - k % taps));
            }
        }
    }

    pub(super) fn stem(&mut self, n: usize, net: &Net, parameters: &[f32], training: bool) {
        let (conv, side) = (net.stem, net.input_size);
        self.pack(conv, parameters, Order::Forward);
        let tiles = Tiles::new(self.isa, n, side, CONVOLVE_PIXELS);
        let phase = Grow {
            tiles,
            source: Source::Plain(Maps::of(&mut self.images, 3, side), 3),
            outputs: conv.outputs,
            output: self.features(0),
            channel: 0,
            then: if training { self.measured(conv.outputs, None) } else { Then::Left },
            weights: &self.packed,
        };
        run(self.isa, tiles.count(), &phase);
        if training {
            self.blocks[0].statistics.join(tiles, side, conv.outputs, &self.moments);
        }
    }

    /// What the normalisation at the front of a layer or at the end of a block does, by the statistics
    /// of the batch.
    pub(super) fn set_affine(&mut self, index: usize, norm: Norm, parameters: &[f32]) {
        let Statistics { mean, variance } = &self.blocks[index].statistics;
        let (mean, variance) = (mean.iter().copied(), variance.iter().copied());
        self.affine.set(self.batch_norm, norm.weight(parameters), norm.bias(parameters), mean, variance);
    }

    pub(super) fn set_inner_affine(&mut self, index: usize, place: usize, norm: Norm, parameters: &[f32]) {
        let Statistics { mean, variance } = &self.blocks[index].inner_statistics[place];
        let (mean, variance) = (mean.iter().copied(), variance.iter().copied());
        self.inner_affine.set(
            self.batch_norm,
            norm.weight(parameters),
            norm.bias(parameters),
            mean,
            variance,
        );
    }

    fn layer_forward(
        &mut self,
        n: usize,
        index: usize,
        block: &Block,
        layer: &Layer,
        place: usize,
        parameters: &[f32],
    ) {
        let side = block.side;
        let features = self.features(index);
        self.set_affine(index, layer.norm, parameters);
        if let Some((conv, norm)) = layer.expand {
            self.pack(conv, parameters, Order::Forward);
            let tiles = Tiles::new(self.isa, n, side, POINTWISE_PIXELS);
            let dropout = self.dropout(conv, side, false);
            let phase = Expand {
                tiles,
                input: features,
                outputs: conv.outputs,
                output: Maps::of(&mut self.blocks[index].inner[place], conv.outputs, side),
                then: self.measured(conv.outputs, dropout),
                by: self.affine.view(),
                weights: &self.packed,
            };
            run(self.isa, tiles.count(), &phase);
            let mut statistics = Statistics::default();
            statistics.join(tiles, side, conv.outputs, &self.moments);
            self.blocks[index].inner_statistics.push(statistics);
            self.set_inner_affine(index, place, norm, parameters);
        }
        let conv = layer.grow;
        self.pack(conv, parameters, Order::Forward);
        let tiles = Tiles::new(self.isa, n, side, CONVOLVE_PIXELS);
        let dropout = self.dropout(conv, side, true);
        let then = self.measured(conv.outputs, dropout);
        let source = if layer.expand.is_some() {
            let inner = Maps::of(&mut self.blocks[index].inner[place], conv.inputs, side);
            Source::Raw(inner, self.inner_affine.view())
        } else {
            Source::Raw(features, self.affine.view())
        };
        let phase = Grow {
            tiles,
            source,
            weights: &self.packed,
            outputs: conv.outputs,
            output: features,
            channel: layer.norm.channels,
            then,
        };
        run(self.isa, tiles.count(), &phase);
        self.blocks[index].statistics.join(tiles, side, conv.outputs, &self.moments);
    }

    fn end_forward(&mut self, n: usize, index: usize, net: &Net, parameters: &[f32]) {
        self.set_affine(index, net.blocks[index].norm, parameters);
        self.end(n, index, net, parameters, true);
    }

    /// The transition after a block, or the averages after the last, with `self.affine` set for it.
    pub(super) fn end(&mut self, n: usize, index: usize, net: &Net, parameters: &[f32], training: bool) {
        let block = &net.blocks[index];
        let input = self.features(index);
        let Some(conv) = block.transition else {
            self.averages.reserve(Maps::len(self.isa, n, block.channels, 1));
            let output = Maps::of(&mut self.averages, block.channels, 1);
            let phase = Average { input, by: self.affine.view(), output };
            run(self.isa, phase.pieces(n.div_ceil(self.isa.lanes())), &phase);
            return;
        };
        let output_side = net.blocks[index + 1].side;
        self.pack(conv, parameters, Order::Forward);
        let tiles = Tiles::new(self.isa, n, output_side, transition::PIXELS);
        let output = self.features(index + 1);
        let phase = Transition {
            tiles,
            input,
            outputs: conv.outputs,
            output,
            moments: training.then_some(MomentsOut { at: self.moments.as_mut_ptr(), channels: conv.outputs }),
            dropout: self.dropout(conv, block.side, false).filter(|_| training),
            by: self.affine.view(),
            weights: &self.packed,
        };
        run(self.isa, tiles.count(), &phase);
        if training {
            self.blocks[index + 1].statistics.join(tiles, output_side, conv.outputs, &self.moments);
        }
    }

    pub(super) fn logits(&mut self, n: usize, net: &Net, parameters: &[f32]) -> Vec<f32> {
        let channels = net.blocks[net.blocks.len() - 1].channels;
        let lanes = self.isa.lanes();
        let averages = self.averages.as_mut_slice();
        self.pooled.clear();
        self.pooled.extend((0..n * channels).map(|i| {
            let (image, channel) = (i / channels, i % channels);
            averages[(image / lanes * channels + channel) * lanes + image % lanes]
        }));
        let (weight, bias) = parameters[net.linear..].split_at(net.classes * channels);
        linear(&self.pooled, weight, bias)
    }
}

impl Passes for Network {
    fn forward(&mut self, images: &[f32], parameters: &[f32], masks: Option<Masks>) -> Result<Vec<f32>> {
        let n = self.take_in(images);
        (self.batch, self.masks) = (n, masks);
        self.reserve_training(n);
        let net = self.net.clone();
        for memory in &mut self.blocks {
            memory.statistics.clear();
            memory.inner_statistics.clear();
        }
        self.stem(n, &net, parameters, true);
        for (index, block) in net.blocks.iter().enumerate() {
            for (layer, place) in block.layers.iter().zip(0..) {
                self.layer_forward(n, index, block, layer, place, parameters);
            }
            self.end_forward(n, index, &net, parameters);
        }
        Ok(self.logits(n, &net, parameters))
    }

    fn backward(&mut self, parameters: &[f32], gradient: &[f32]) -> Result<Vec<f32>> {
        Ok(self.gradients(parameters, gradient))
    }

    fn evaluate(&mut self, images: &[f32], parameters: &[f32], running: &[f32]) -> Result<Vec<f32>> {
        Ok(self.evaluation(images, parameters, running))
    }

    fn statistics(&mut self) -> Result<Vec<BatchStatistics>> {
        let mut found = Vec::with_capacity(self.net.norms.len());
        for (block, memory) in self.net.blocks.iter().zip(&self.blocks) {
            let count = (self.batch * block.side * block.side) as f64;
            let prefix = |channels| {
                let Statistics { mean, variance } = &memory.statistics;
                (mean[..channels].to_vec(), variance[..channels].to_vec(), count)
            };
            for (index, layer) in block.layers.iter().enumerate() {
                found.push(prefix(layer.norm.channels));
                if layer.expand.is_some() {
                    let Statistics { mean, variance } = memory.inner_statistics[index].clone();
                    found.push((mean, variance, count));
                }
            }
            found.push(prefix(block.channels));
        }
        Ok(found)
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        let blocks = self.blocks.iter().map(|memory| {
            let inner: usize = memory.inner.iter().map(Buffer::bytes).sum();
            memory.features.bytes() + memory.gradient.bytes() + inner
        });
        blocks.sum::<usize>() + self.images.bytes() + self.inner.bytes() + self.weight_sums.bytes()
    }
}

/// Which way a convolution's weights are used.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Forward,
    Backward,
}
