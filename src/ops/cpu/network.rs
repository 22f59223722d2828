//! The whole network over its own memory: forward, backward and evaluation, layer by layer.

use candle_core::Result;
use rayon::prelude::*;

use crate::arch::blocks::{Block, Conv, Layer, Net, Norm, States};
use crate::arch::layout::{Plane, Planes};
use crate::arch::words::{Connectivity, DropoutPlaces};
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::cpu::dropout::Dropout;
use crate::ops::cpu::forward::{CONVOLVE_PIXELS, Expand, Grow, POINTWISE_PIXELS, Source, Then};
use crate::ops::cpu::head::{Average, linear};
use crate::ops::cpu::kernels::pack;
use crate::ops::cpu::lanes::isa::Isa;
use crate::ops::cpu::memory::{Buffer, Maps, Tiles, run};
use crate::ops::cpu::norm::{Affine, Moments, MomentsOut, Statistics};
use crate::ops::cpu::running::Running;
use crate::ops::cpu::transition::{self, Transition};
use crate::ops::dropout::Masks;
use crate::ops::passes::{BatchStatistics, Frozen, NetworkConfig, Passes};

/// A block's features, and for training what its backward pass needs.
#[derive(Debug)]
pub(super) struct BlockMemory {
    pub(super) features: Buffer,
    /// Which of its states the features are.
    pub(super) states: States,
    pub(super) gradient: Buffer,
    /// Outputs of the 1x1 convolutions.
    pub(super) inner: Vec<Buffer>,
    pub(super) statistics: Statistics,
    inner_statistics: Vec<Statistics>,
    /// For each channel, the means that its readers leave to be taken off (P and Q).
    pub(super) pending_means: Vec<[f64; 2]>,
}

impl BlockMemory {
    fn new(block: &Block) -> Self {
        Self {
            features: Buffer::default(),
            states: block.states(),
            gradient: Buffer::default(),
            inner: Vec::new(),
            statistics: Statistics::default(),
            inner_statistics: Vec::new(),
            pending_means: Vec::new(),
        }
    }
}

/// What the backward pass needs of an ImageNet stem.
#[derive(Debug, Default)]
pub(super) struct StemMemory {
    /// The convolution's output.
    pub(super) convolved: Buffer,
    /// Which pixel of its window each maximum is.
    pub(super) places: Buffer,
    pub(super) statistics: Statistics,
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
    /// How the batch lies.
    pub(super) planes: Planes,
    pub(super) images: Buffer,
    pub(super) stem: StemMemory,
    /// In training the gradient of a 1x1 convolution's output before its normalisation; in evaluation the
    /// normalised output itself, with a border.
    pub(super) inner: Buffer,
    /// A block's end in the plane in which it is pooled, and its gradient there, where that is not its own.
    pub(super) moved: [Buffer; 2],
    pub(super) averages: Buffer,
    pub(super) packed: Vec<f32>,
    pub(super) moments: Vec<Moments>,
    pub(super) weight_sums: Buffer,
    pub(super) sums: Vec<[f64; 2]>,
    pub(super) affine: Affine,
    pub(super) inner_affine: Affine,
    /// The averages `[n, channels]` of the last forward pass.
    pub(super) pooled: Vec<f32>,
    /// Images of the last forward pass in training mode, and its masks.
    pub(super) batch: usize,
    /// Blocks that were evaluated in it.
    pub(super) frozen: usize,
    masks: Option<Masks>,
}

impl Network {
    pub(super) fn new(config: &NetworkConfig, isa: Isa) -> Self {
        Self {
            net: config.net.clone(),
            isa,
            batch_norm: config.batch_norm,
            dropout_places: config.dropout_places,
            blocks: config.net.blocks.iter().map(BlockMemory::new).collect(),
            planes: Planes::new(&config.net, isa.lanes(), 1),
            images: Buffer::default(),
            stem: StemMemory::default(),
            inner: Buffer::default(),
            moved: Default::default(),
            averages: Buffer::default(),
            packed: Vec::new(),
            moments: Vec::new(),
            weight_sums: Buffer::default(),
            sums: Vec::new(),
            affine: Affine::default(),
            inner_affine: Affine::default(),
            pooled: Vec::new(),
            batch: 0,
            frozen: 0,
            masks: None,
        }
    }

    /// Lays out a batch `[n, 3, s, s]` and copies it into vectors; returns n.
    pub(super) fn take_in(&mut self, images: &[f32]) -> usize {
        let side = self.net.input_size;
        let pixels = side * side;
        let n = images.len() / (3 * pixels);
        self.planes = Planes::new(&self.net, self.isa.lanes(), n);
        let (plane, border, lanes) = (self.planes.images, self.net.border(), self.isa.lanes());
        self.images.reserve(Maps::bordered_len(self.isa, 3, plane, border));
        let (height, width) = (plane.height + 2 * border, plane.width + 2 * border);
        let row_len = 3 * width * lanes;
        let to = &mut self.images.as_mut_slice()[..plane.groups() * height * row_len];
        to.par_chunks_exact_mut(row_len).enumerate().for_each(|(index, to)| {
            let (group, y) = (index / height, index % height);
            to.fill(0.0);
            for lane in 0..lanes {
                let part = plane.part(lane);
                let image = group * plane.per_group() + part.image;
                let Some(y) = (part.row + y).checked_sub(border).filter(|&y| y < side) else { continue };
                if image >= n {
                    break;
                }
                // The columns of the image that the part and its border have.
                let first = border.saturating_sub(part.column);
                let last = (side + border).saturating_sub(part.column).min(width);
                for channel in 0..3 {
                    let row = &images[((image * 3 + channel) * side + y) * side..][..side];
                    let row = row.iter().skip((part.column + first).saturating_sub(border));
                    for (x, &value) in (first..last).zip(row) {
                        to[(channel * width + x) * lanes + lane] = value;
                    }
                }
            }
        });
        n
    }

    /// The images of the batch.
    pub(super) fn image_maps(&mut self) -> Maps {
        let border = self.net.border();
        Maps::bordered(&mut self.images, 3, self.planes.images, border)
    }

    fn reserve_training(&mut self) {
        let (mut d, mut moments) = (0, 0);
        let planes = self.planes.blocks.iter();
        let blocks = self.net.blocks.iter().zip(&mut self.blocks).zip(planes);
        for ((block, memory), plane) in blocks.skip(self.frozen) {
            memory.states = block.states();
            memory.features.reserve(plane.len(memory.states.channels));
            memory.gradient.reserve(plane.len(block.two_states().channels));
            memory.inner.resize_with(block.layers.len(), Buffer::default);
            let inner = block.layers[0].expand.map_or(0, |(conv, _)| conv.outputs);
            memory.inner.iter_mut().for_each(|buffer| buffer.reserve(plane.len(inner)));
            d = d.max(plane.len(inner));
            let tiles = Tiles::new(*plane, 1).count();
            moments = moments.max(tiles * inner.max(block.first).max(block.layers[0].grow.outputs));
        }
        if self.net.pool.is_some() && self.frozen == 0 {
            let (outputs, plane) = (self.net.stem.outputs, self.planes.stem);
            self.stem.convolved.reserve(plane.len(outputs));
            self.stem.places.reserve(self.planes.blocks[0].len(outputs));
            d = d.max(plane.len(outputs));
            moments = moments.max(Tiles::new(plane, 1).count() * outputs);
        }
        self.inner.reserve(d);
        self.moments.resize(moments.max(self.moments.len()), Moments::default());
    }

    /// All maps of a block.
    pub(super) fn features(&mut self, index: usize) -> Maps {
        let memory = &mut self.blocks[index];
        Maps::of(&mut memory.features, memory.states.channels, self.planes.blocks[index])
    }

    /// Those of a state of it.
    pub(super) fn state(&mut self, index: usize, state: usize) -> Maps {
        let channel = self.blocks[index].states.begin(state);
        self.features(index).from(channel)
    }

    /// The end of a block.
    pub(super) fn last_state(&mut self, index: usize) -> Maps {
        self.state(index, self.net.blocks[index].layers.len())
    }

    /// Those that a layer writes.
    pub(super) fn written(&mut self, index: usize, (place, layer): (usize, &Layer)) -> Maps {
        let channel = self.blocks[index].states.written(place, layer);
        self.features(index).from(channel)
    }

    /// What is added to a layer's output: in a residual network what it read, state `place`.
    pub(super) fn shortcut(&mut self, index: usize, place: usize) -> Option<Maps> {
        let residual = self.net.blocks[index].connectivity == Connectivity::Residual;
        residual.then(|| self.state(index, place))
    }

    /// The outputs of a layer's 1x1 convolution.
    pub(super) fn inner(&mut self, index: usize, place: usize, channels: usize) -> Maps {
        Maps::of(&mut self.blocks[index].inner[place], channels, self.planes.blocks[index])
    }

    pub(super) fn dropout(&self, conv: Conv, plane: Plane, last: bool) -> Option<Dropout> {
        let masks = self.masks.filter(|_| last || self.dropout_places == DropoutPlaces::Paper)?;
        Some(Dropout { masks, convolution: conv.index, channels: conv.outputs, plane })
    }

    pub(super) fn measured(&mut self, channels: usize, dropout: Option<Dropout>) -> Then<'static> {
        let out = MomentsOut { at: self.moments.as_mut_ptr(), channels };
        Then::Measured { out, dropout, shortcut: None }
    }

    /// Weights of `conv` in the order of [`pack`].
    pub(super) fn pack(&mut self, conv: Conv, parameters: &[f32], order: Order) {
        let Conv { inputs, outputs, taps, .. } = conv;
        let weights = conv.of(parameters);
        self.packed.resize(conv.len(), 0.0);
        let (largest, into) = (self.isa.tile(), &mut self.packed);
        match order {
            Order::Forward => {
                pack(inputs * taps, outputs, largest, into, |k, o| weights[o * inputs * taps + k]);
            }
            Order::Backward if taps == 1 => {
                pack(outputs, inputs, largest, into, |o, c| weights[o * inputs + c]);
            }
            // The kernel turned round: its last tap first.
            Order::Backward => pack(outputs * taps, inputs, largest, into, |k, c| {
                weights[(k / taps * inputs + c) * taps + taps - 1 - k % taps]
            }),
        }
    }

    /// What the normalisation at the front of a layer or at the end of a block, which reads a state, does by the
    /// statistics of the batch.
    pub(super) fn set_affine(&mut self, (index, state): (usize, usize), norm: Norm, parameters: &[f32]) {
        let memory = &self.blocks[index];
        let first = memory.states.begin(state);
        self.affine.set_by(self.batch_norm, norm, parameters, (&memory.statistics, first));
    }

    pub(super) fn set_inner_affine(&mut self, index: usize, place: usize, norm: Norm, parameters: &[f32]) {
        let statistics = &self.blocks[index].inner_statistics[place];
        self.inner_affine.set_by(self.batch_norm, norm, parameters, (statistics, 0));
    }

    fn layer_forward(&mut self, index: usize, layer: &Layer, place: usize, parameters: &[f32]) {
        let area = self.planes.blocks[index];
        let read = self.state(index, place);
        self.set_affine((index, place), layer.norm, parameters);
        if let Some((conv, norm)) = layer.expand {
            self.pack(conv, parameters, Order::Forward);
            let tiles = Tiles::several(area, POINTWISE_PIXELS);
            let dropout = self.dropout(conv, area, false);
            let phase = Expand {
                tiles,
                input: read,
                outputs: conv.outputs,
                output: self.inner(index, place, conv.outputs),
                then: self.measured(conv.outputs, dropout),
                by: self.affine.view(),
                weights: &self.packed,
            };
            run(self.isa, tiles.count(), &phase);
            let mut statistics = Statistics::default();
            statistics.join(tiles, conv.outputs, &self.moments);
            self.blocks[index].inner_statistics.push(statistics);
            self.set_inner_affine(index, place, norm, parameters);
        }
        let conv = layer.grow;
        self.pack(conv, parameters, Order::Forward);
        let tiles = Tiles::several(area, CONVOLVE_PIXELS);
        let dropout = self.dropout(conv, area, true);
        let out = MomentsOut { at: self.moments.as_mut_ptr(), channels: conv.outputs };
        let then = Then::Measured { out, dropout, shortcut: self.shortcut(index, place) };
        let output = self.written(index, (place, layer));
        let source = if layer.expand.is_some() {
            let inner = self.inner(index, place, conv.inputs);
            Source::Raw(inner, self.inner_affine.view())
        } else {
            Source::Raw(read, self.affine.view())
        };
        let phase = Grow { tiles, source, weights: &self.packed, outputs: conv.outputs, output, then };
        run(self.isa, tiles.count(), &phase);
        self.blocks[index].statistics.join(tiles, conv.outputs, &self.moments);
    }

    fn end_forward(&mut self, index: usize, net: &Net, parameters: &[f32]) {
        let block = &net.blocks[index];
        self.set_affine((index, block.layers.len()), block.norm, parameters);
        self.end(index, net, parameters, Ending::Trained);
    }

    /// The transition after a block, or the averages after the last, with `self.affine` set for it.
    pub(super) fn end(&mut self, index: usize, net: &Net, parameters: &[f32], ending: Ending) {
        let block = &net.blocks[index];
        let Some(conv) = block.transition else {
            let input = self.last_state(index);
            let plane = self.planes.averages;
            self.averages.reserve(plane.len(block.channels));
            let output = Maps::of(&mut self.averages, block.channels, plane);
            let plane = self.planes.blocks[index];
            let phase = Average { plane, input, by: self.affine.view(), output };
            run(self.isa, phase.pieces(), &phase);
            return;
        };
        let (plane, measured) = (self.planes.pooled[index], ending != Ending::Evaluated);
        let input = self.pooled_features(index);
        self.pack(conv, parameters, Order::Forward);
        let tiles = Tiles::several(self.planes.blocks[index + 1], transition::PIXELS);
        let output = self.features(index + 1);
        let phase = Transition {
            tiles,
            input,
            outputs: conv.outputs,
            output,
            moments: measured.then_some(MomentsOut { at: self.moments.as_mut_ptr(), channels: conv.outputs }),
            dropout: self.dropout(conv, plane, false).filter(|_| ending == Ending::Trained),
            by: self.affine.view(),
            weights: &self.packed,
        };
        run(self.isa, tiles.count(), &phase);
        if measured {
            self.blocks[index + 1].statistics.join(tiles, conv.outputs, &self.moments);
        }
    }

    pub(super) fn logits(&mut self, n: usize, net: &Net, parameters: &[f32]) -> Vec<f32> {
        let channels = net.blocks[net.blocks.len() - 1].channels;
        let (plane, lanes) = (self.planes.averages, self.isa.lanes());
        let averages = self.averages.as_mut_slice();
        self.pooled.clear();
        self.pooled.extend((0..n * channels).map(|i| {
            let (image, channel) = (i / channels, i % channels);
            let (lane, parts) = plane.lanes_of(image);
            let group = image / plane.per_group();
            averages[(group * channels + channel) * lanes + lane..][..parts].iter().sum::<f32>()
        }));
        let (weight, bias) = parameters[net.linear..].split_at(net.classes * channels);
        linear(&self.pooled, weight, bias)
    }
}

impl Passes for Network {
    fn forward(
        &mut self,
        images: &[f32],
        parameters: &[f32],
        masks: Option<Masks>,
        frozen: Option<Frozen>,
    ) -> Result<Vec<f32>> {
        let n = self.take_in(images);
        (self.batch, self.masks) = (n, masks);
        self.frozen = frozen.map_or(0, |frozen| frozen.blocks);
        self.reserve_training();
        let net = self.net.clone();
        self.stem.statistics.clear();
        for memory in &mut self.blocks {
            memory.statistics.clear();
            memory.inner_statistics.clear();
        }
        match frozen {
            Some(Frozen { blocks, running }) => {
                self.evaluate_blocks(&net, parameters, &Running::new(&net, running), blocks);
            }
            None => self.stem_forward(&net, parameters, true),
        }
        for (index, block) in net.blocks.iter().enumerate().skip(self.frozen) {
            for (layer, place) in block.layers.iter().zip(0..) {
                self.layer_forward(index, layer, place, parameters);
            }
            self.end_forward(index, &net, parameters);
        }
        Ok(self.logits(n, &net, parameters))
    }

    fn backward(&mut self, parameters: &[f32], gradient: &[f32]) -> Result<Vec<f32>> {
        Ok(self.gradients(parameters, gradient))
    }

    fn evaluate(&mut self, images: &[f32], parameters: &[f32], running: &[f32]) -> Result<Vec<f32>> {
        Ok(self.evaluation(images, parameters, running))
    }

    fn last_maps(&mut self) -> Option<Vec<f32>> {
        Some(self.features_of_last_block())
    }

    fn statistics(&mut self) -> Result<Vec<BatchStatistics>> {
        let mut found = Vec::with_capacity(self.net.norms.len());
        if let (Some(pool), 0) = (self.net.pool, self.frozen) {
            let Statistics { mean, variance } = self.stem.statistics.clone();
            found.push((mean, variance, (self.batch * pool.side * pool.side) as f64));
        }
        for (block, memory) in self.net.blocks.iter().zip(&self.blocks).skip(self.frozen) {
            let count = (self.batch * block.side * block.side) as f64;
            let of_state = |state, channels| {
                let Statistics { mean, variance } = &memory.statistics;
                let begin = memory.states.begin(state);
                let state = begin..begin + channels;
                (mean[state.clone()].to_vec(), variance[state].to_vec(), count)
            };
            for (index, layer) in block.layers.iter().enumerate() {
                found.push(of_state(index, layer.norm.channels));
                if layer.expand.is_some() {
                    let Statistics { mean, variance } = memory.inner_statistics[index].clone();
                    found.push((mean, variance, count));
                }
            }
            found.push(of_state(block.layers.len(), block.channels));
        }
        Ok(found)
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        let blocks = self.blocks.iter().map(|memory| {
            let inner: usize = memory.inner.iter().map(Buffer::bytes).sum();
            memory.features.bytes() + memory.gradient.bytes() + inner
        });
        let stem = self.stem.convolved.bytes() + self.stem.places.bytes();
        let moved: usize = self.moved.iter().map(Buffer::bytes).sum();
        blocks.sum::<usize>()
            + moved
            + stem
            + self.images.bytes()
            + self.inner.bytes()
            + self.weight_sums.bytes()
    }
}

/// How a block's end is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// In training: dropped out and measured.
    Trained,
    /// In evaluation, before a block in training: measured.
    Measured,
    /// In evaluation.
    Evaluated,
}

/// Which way a convolution's weights are used.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Forward,
    Backward,
}
