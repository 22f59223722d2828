//! The backward half of [`Network`]: the phases in reverse, their sums joined in the order of tasks.

use rayon::prelude::*;

use crate::arch::blocks::{Conv, Layer, Net, Norm, Pool};
use crate::arch::words::Connectivity;
use crate::ops::cpu::backward::{ExpandBackward, GrowBackward, InnerNorm, StemBackward};
use crate::ops::cpu::forward::CONVOLVE_PIXELS;
use crate::ops::cpu::head::{AverageBackward, linear_backward};
use crate::ops::cpu::kernels::MANY;
use crate::ops::cpu::memory::{Maps, Tiles, run};
use crate::ops::cpu::network::{Network, Order};
use crate::ops::cpu::norm::Affine;
use crate::ops::cpu::reader::{Correction, Finished, Onto, Partial, Reader};
use crate::ops::cpu::stem;
use crate::ops::cpu::stem_backward::{MaximumBackward, WideBackward};
use crate::ops::cpu::transition::{self, TransitionBackward};

/// Bytes of a thread's cache that the gradient of a 1x1 convolution's output may take.
const GRADIENT_BYTES: usize = 208 << 10;
/// Pixels that it has at least: with fewer, adding up the lanes of the weights' sums costs more than the cache
/// saves.
const GRADIENT_PIXELS: usize = 56;

/// [`Correction`] with its numbers.
#[derive(Debug, Default)]
struct Corrections {
    mean: Vec<f32>,
    p: Vec<f32>,
    q: Vec<f32>,
}

impl Corrections {
    fn view(&self) -> Correction<'_> {
        Correction { mean: &self.mean, p: &self.p, q: &self.q }
    }
}

impl Network {
    /// The gradient of the packed parameters, from that of the logits of the last forward pass.
    pub(super) fn gradients(&mut self, parameters: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (n, net) = (self.batch, self.net.clone());
        let mut found = vec![0f32; net.parameters];
        for (block, memory) in net.blocks.iter().zip(&mut self.blocks) {
            memory.pending_means.clear();
            memory.pending_means.resize(block.states().channels, [0.0; 2]);
        }
        self.head_backward(n, &net, parameters, gradient, &mut found);
        for (index, block) in net.blocks.iter().enumerate().skip(self.frozen).rev() {
            for (place, layer) in block.layers.iter().enumerate().rev() {
                let output = self.grow_backward(n, index, (place, layer), parameters, &mut found);
                if let Some((conv, norm)) = layer.expand {
                    self.expand_backward(
                        n,
                        index,
                        (place, layer),
                        (conv, norm),
                        parameters,
                        &mut found,
                        &output,
                    );
                }
            }
            if index > self.frozen {
                self.transition_backward(n, index - 1, &net, parameters, &mut found);
            }
        }
        if self.frozen > 0 {
            return found;
        }
        match net.pool {
            Some(pool) => self.wide_backward(n, &net, pool, parameters, &mut found),
            None => self.stem_backward(&net, &mut found),
        }
        found
    }

    /// The gradient of a state of a block; two are kept of a block whose layers read one.
    fn state_gradient(&mut self, index: usize, state: usize) -> Maps {
        let channel = self.net.blocks[index].two_states().begin(state);
        self.gradient(index).from(channel)
    }

    /// That of a block's end.
    pub(super) fn last_gradient(&mut self, index: usize) -> Maps {
        self.state_gradient(index, self.net.blocks[index].layers.len())
    }

    /// All of a block's gradient.
    fn gradient(&mut self, index: usize) -> Maps {
        let channels = self.net.blocks[index].two_states().channels;
        Maps::of(&mut self.blocks[index].gradient, channels, self.planes.blocks[index])
    }

    /// What is left to be taken off that of what a layer wrote.
    fn layer_corrections(&self, index: usize, (place, layer): (usize, &Layer)) -> Corrections {
        let first = self.blocks[index].states.written(place, layer);
        self.corrections(index, first..first + layer.grow.outputs)
    }

    /// That gradient, finished.
    fn layer_output<'a>(
        &mut self,
        index: usize,
        (place, layer): (usize, &Layer),
        corrections: &'a Corrections,
    ) -> Finished<'a> {
        let channel = self.net.blocks[index].two_states().written(place, layer);
        Finished {
            gradient: self.gradient(index).from(channel),
            features: self.written(index, (place, layer)),
            correction: corrections.view(),
            dropout: None,
        }
    }

    /// What the gradient of what a layer read meets there.
    fn onto<'a>(
        &mut self,
        index: usize,
        (place, layer): (usize, &Layer),
        corrections: &'a Corrections,
    ) -> Onto<'a> {
        match self.net.blocks[index].connectivity {
            Connectivity::Dense => Onto::Others,
            Connectivity::Residual => Onto::Shortcut(self.layer_output(index, (place, layer), corrections)),
            Connectivity::Plain => Onto::Nothing,
        }
    }

    /// What is left to be taken off the gradient of `channels` of a block.
    fn corrections(&self, index: usize, channels: std::ops::Range<usize>) -> Corrections {
        let memory = &self.blocks[index];
        let mut found = Corrections::default();
        for channel in channels {
            let s = 1.0 / (memory.statistics.variance[channel] + self.batch_norm.epsilon).sqrt();
            let [p, q] = memory.pending_means[channel];
            found.mean.push(memory.statistics.mean[channel] as f32);
            found.p.push((s * p) as f32);
            found.q.push((s * s * q) as f32);
        }
        found
    }

    /// Makes room for the sums of `tasks` tasks.
    fn partial(&mut self, tasks: usize, weights_len: usize, inputs: usize) -> Partial {
        self.weight_sums.reserve(tasks * weights_len);
        self.sums.resize(self.sums.len().max(tasks * inputs), [0.0; 2]);
        Partial { weights: self.weight_sums.pointer(), weights_len, sums: self.sums.as_mut_ptr(), inputs }
    }

    /// The tasks' sums of a convolution's weights, in order, into its place in the gradient.
    /// `index(o, i)` says which of a task's numbers is weight i of output o.
    fn join_weights(
        &mut self,
        tasks: usize,
        conv: Conv,
        found: &mut [f32],
        index: impl Fn(usize, usize) -> usize + Sync,
    ) {
        let len = conv.len();
        let sums = self.weight_sums.as_mut_slice();
        let (total, rest) = sums[..tasks * len].split_at_mut(len);
        if tasks > 1 {
            total.par_chunks_mut(4096).enumerate().for_each(|(chunk, total)| {
                for other in rest.chunks_exact(len) {
                    let other = &other[chunk * 4096..][..total.len()];
                    total.iter_mut().zip(other).for_each(|(sum, x)| *sum += x);
                }
            });
        }
        let found = &mut found[conv.offset..][..len];
        let fill = |(output, weights): (usize, &mut [f32])| {
            for (i, weight) in weights.iter_mut().enumerate() {
                *weight = total[index(output, i)];
            }
        };
        let weights = len / conv.outputs;
        if len < MANY {
            found.chunks_exact_mut(weights).enumerate().for_each(fill);
        } else {
            found.par_chunks_exact_mut(weights).enumerate().for_each(fill);
        }
    }

    /// The tasks' Σd and Σd·(x - mean), in order, for each of `inputs` channels.
    fn join_sums(&self, tasks: usize, inputs: usize) -> Vec<[f64; 2]> {
        let mut total = vec![[0f64; 2]; inputs];
        for task in self.sums.chunks_exact(inputs).take(tasks) {
            for (total, sums) in total.iter_mut().zip(task) {
                total[0] += sums[0];
                total[1] += sums[1];
            }
        }
        total
    }

    /// The gradients of a normalisation's γ and β from its sums.
    fn norm_gradient(norm: Norm, affine: &Affine, sums: &[[f64; 2]], found: &mut [f32]) {
        for (channel, ([d, product], s)) in sums.iter().zip(&affine.s).enumerate() {
            found[norm.offset + channel] = (product * s) as f32;
            found[norm.offset + norm.channels + channel] = *d as f32;
        }
    }

    /// The same for a normalisation of a state of a block, whose two means are left for later.
    fn leave_means(
        &mut self,
        n: usize,
        (index, state): (usize, usize),
        norm: Norm,
        sums: &[[f64; 2]],
        parameters: &[f32],
        found: &mut [f32],
    ) {
        Self::norm_gradient(norm, &self.affine, sums, found);
        let side = self.net.blocks[index].side;
        let count = (n * side * side) as f64;
        let weights = norm.weight(parameters).iter().zip(&self.affine.s);
        let memory = &mut self.blocks[index];
        let pending = memory.pending_means[memory.states.begin(state)..].iter_mut();
        for ((left, [d, product]), (&weight, s)) in pending.zip(sums).zip(weights) {
            left[0] += f64::from(weight) * d / count;
            left[1] += f64::from(weight) * s * product / count;
        }
    }

    fn head_backward(
        &mut self,
        n: usize,
        net: &Net,
        parameters: &[f32],
        gradient: &[f32],
        found: &mut [f32],
    ) {
        let index = net.blocks.len() - 1;
        let block = &net.blocks[index];
        let (weight, _) = parameters[net.linear..].split_at(net.classes * block.channels);
        let (weights, biases) = found[net.linear..].split_at_mut(weight.len());
        let back = linear_backward(&self.pooled, weight, gradient, weights, biases);
        if self.frozen == net.blocks.len() {
            return;
        }
        let (plane, lanes) = (self.planes.averages, self.isa.lanes());
        let averages = self.averages.as_mut_slice();
        averages.fill(0.0);
        for (image, row) in back.chunks_exact(block.channels).enumerate() {
            let (lane, parts) = plane.lanes_of(image);
            for (channel, &value) in row.iter().enumerate() {
                let at = (image / plane.per_group() * block.channels + channel) * lanes + lane;
                averages[at..][..parts].fill(value);
            }
        }
        let last = block.layers.len();
        self.set_affine((index, last), block.norm, parameters);
        let tiles = Tiles::several(self.planes.blocks[index], CONVOLVE_PIXELS);
        let (maps, gradient) = (self.last_state(index), self.last_gradient(index));
        let phase = AverageBackward {
            tiles,
            output: Maps::of(&mut self.averages, block.channels, plane),
            partial: self.partial(tiles.tasks(), 0, block.channels),
            reader: reader(maps, &self.affine, gradient, &self.affine.a, Onto::Nothing),
        };
        run(self.isa, tiles.tasks(), &phase);
        let sums = self.join_sums(tiles.tasks(), block.channels);
        self.leave_means(n, (index, last), block.norm, &sums, parameters, found);
    }

    /// A 3x3 convolution of a layer; returns the sums of the normalisation before it.
    fn grow_backward(
        &mut self,
        n: usize,
        index: usize,
        (place, layer): (usize, &Layer),
        parameters: &[f32],
        found: &mut [f32],
    ) -> Vec<[f64; 2]> {
        let (conv, area) = (layer.grow, self.planes.blocks[index]);
        self.pack(conv, parameters, Order::Backward);
        self.set_affine((index, place), layer.norm, parameters);
        let corrections = self.layer_corrections(index, (place, layer));
        let tiles = Tiles::new(area, CONVOLVE_PIXELS);
        let partial = self.partial(tiles.tasks(), conv.len(), conv.inputs);
        let dropout = self.dropout(conv, area, true);
        let output = Finished { dropout, ..self.layer_output(index, (place, layer), &corrections) };
        let ones;
        let reader = if let Some((_, norm)) = layer.expand {
            self.set_inner_affine(index, place, norm, parameters);
            let y = self.inner(index, place, conv.inputs);
            let d = Maps::of(&mut self.inner, conv.inputs, area);
            ones = vec![1f32; conv.inputs];
            reader(y, &self.inner_affine, d, &ones, Onto::Nothing)
        } else {
            let (read, gradient) = (self.state(index, place), self.state_gradient(index, place));
            let onto = self.onto(index, (place, layer), &corrections);
            reader(read, &self.affine, gradient, &self.affine.a, onto)
        };
        let parts = tiles.parts(conv.inputs);
        let phase = GrowBackward { tiles, parts, output, reader, weights: &self.packed, partial };
        run(self.isa, parts.pieces(tiles.tasks()), &phase);
        // A task's sums are [outputs, 9, inputs].
        self.join_weights(tiles.tasks(), conv, found, |o, i| (o * 9 + i % 9) * conv.inputs + i / 9);
        let sums = self.join_sums(tiles.tasks(), conv.inputs);
        match layer.expand {
            Some((_, norm)) => Self::norm_gradient(norm, &self.inner_affine, &sums, found),
            None => self.leave_means(n, (index, place), layer.norm, &sums, parameters, found),
        }
        sums
    }

    #[expect(clippy::too_many_arguments, reason = "a layer, where it is, and what it is given")]
    fn expand_backward(
        &mut self,
        n: usize,
        index: usize,
        (place, layer): (usize, &Layer),
        (conv, inner): (Conv, Norm),
        parameters: &[f32],
        found: &mut [f32],
        sums: &[[f64; 2]],
    ) {
        let area = self.planes.blocks[index];
        let means = Means::new(sums, &self.inner_affine, inner.weight(parameters), n * area.side * area.side);
        self.pack(conv, parameters, Order::Backward);
        let pixels = GRADIENT_BYTES / (conv.outputs * self.isa.lanes() * size_of::<f32>());
        let tiles = Tiles::new(area, pixels.max(GRADIENT_PIXELS));
        let (read, gradient) = (self.state(index, place), self.state_gradient(index, place));
        let corrections = self.layer_corrections(index, (place, layer));
        let onto = self.onto(index, (place, layer), &corrections);
        let partial = self.partial(tiles.tasks(), conv.len(), conv.inputs);
        let parts = tiles.parts(conv.inputs);
        let phase = ExpandBackward {
            tiles,
            parts,
            output: InnerNorm {
                d: Maps::of(&mut self.inner, conv.outputs, area),
                y: self.inner(index, place, conv.outputs),
                scale: &self.inner_affine.a,
                shift: &means.shift,
                slope: &means.slope,
                mean: &self.inner_affine.mean,
                dropout: self.dropout(conv, area, false),
            },
            partial,
            reader: reader(read, &self.affine, gradient, &self.affine.a, onto),
            weights: &self.packed,
        };
        run(self.isa, parts.pieces(tiles.tasks()), &phase);
        // A task's sums are [inputs, outputs].
        self.join_weights(tiles.tasks(), conv, found, |o, i| i * conv.outputs + o);
        let sums = self.join_sums(tiles.tasks(), conv.inputs);
        self.leave_means(n, (index, place), layer.norm, &sums, parameters, found);
    }

    fn transition_backward(
        &mut self,
        n: usize,
        index: usize,
        net: &Net,
        parameters: &[f32],
        found: &mut [f32],
    ) {
        let block = &net.blocks[index];
        let Some(conv) = block.transition else {
            return;
        };
        let plane = self.planes.pooled[index];
        self.pack(conv, parameters, Order::Backward);
        let last = block.layers.len();
        self.set_affine((index, last), block.norm, parameters);
        let corrections = self.corrections(index + 1, 0..conv.outputs);
        let bytes = GRADIENT_BYTES / (conv.outputs * self.isa.lanes() * size_of::<f32>());
        let tiles = Tiles::new(self.planes.blocks[index + 1], bytes.clamp(1, 2 * transition::PIXELS));
        let (maps, gradient) = (self.pooled_features(index), self.pooled_gradient(index));
        let parts = tiles.parts(conv.inputs);
        let phase = TransitionBackward {
            tiles,
            parts,
            output: Finished {
                gradient: self.gradient(index + 1),
                features: self.features(index + 1),
                correction: corrections.view(),
                dropout: None,
            },
            partial: self.partial(tiles.tasks(), conv.len(), conv.inputs),
            dropout: self.dropout(conv, plane, false),
            reader: reader(maps, &self.affine, gradient, &self.affine.a, Onto::Nothing),
            weights: &self.packed,
        };
        run(self.isa, parts.pieces(tiles.tasks()), &phase);
        self.bring_back_gradient(index);
        self.join_weights(tiles.tasks(), conv, found, |o, i| i * conv.outputs + o);
        let sums = self.join_sums(tiles.tasks(), conv.inputs);
        self.leave_means(n, (index, last), block.norm, &sums, parameters, found);
    }

    /// What the stem wrote into the first block, finished.
    fn stem_output<'a>(&mut self, corrections: &'a Corrections) -> Finished<'a> {
        Finished {
            gradient: self.gradient(0),
            features: self.features(0),
            correction: corrections.view(),
            dropout: None,
        }
    }

    fn stem_backward(&mut self, net: &Net, found: &mut [f32]) {
        let conv = net.stem;
        let corrections = self.corrections(0, 0..conv.outputs);
        let tiles = Tiles::new(self.planes.blocks[0], CONVOLVE_PIXELS);
        let phase = StemBackward {
            tiles,
            output: self.stem_output(&corrections),
            images: self.image_maps(),
            partial: self.partial(tiles.tasks(), conv.len(), 3),
        };
        run(self.isa, tiles.tasks(), &phase);
        self.join_weights(tiles.tasks(), conv, found, |o, i| (o * 9 + i % 9) * 3 + i / 9);
    }

    /// An ImageNet stem.
    fn wide_backward(&mut self, n: usize, net: &Net, pool: Pool, parameters: &[f32], found: &mut [f32]) {
        let (conv, plane) = (net.stem, self.planes.stem);
        let corrections = self.corrections(0, 0..conv.outputs);
        self.set_stem_affine(pool.norm, parameters);
        let tiles = Tiles::several(self.planes.blocks[0], stem::POOL_PIXELS);
        let d = Maps::of(&mut self.inner, conv.outputs, plane);
        let phase = MaximumBackward {
            tiles,
            output: self.stem_output(&corrections),
            places: Maps::of(&mut self.stem.places, conv.outputs, self.planes.blocks[0]),
            input: self.convolved(),
            plane,
            d,
            partial: self.partial(tiles.tasks(), 0, conv.outputs),
            by: self.affine.view(),
        };
        run(self.isa, tiles.tasks(), &phase);
        let sums = self.join_sums(tiles.tasks(), conv.outputs);
        Self::norm_gradient(pool.norm, &self.affine, &sums, found);
        let means = Means::new(&sums, &self.affine, pool.norm.weight(parameters), n * pool.side * pool.side);
        let tiles = Tiles::several(plane, stem::PIXELS);
        let phase = WideBackward {
            tiles,
            images: self.image_maps(),
            partial: self.partial(tiles.tasks(), conv.len(), 0),
            output: InnerNorm {
                d,
                y: self.convolved(),
                scale: &self.affine.a,
                shift: &means.shift,
                slope: &means.slope,
                mean: &self.affine.mean,
                dropout: None,
            },
        };
        run(self.isa, tiles.tasks(), &phase);
        self.join_weights(tiles.tasks(), conv, found, |o, i| o * stem::TAPS + i);
    }
}

/// What a batch normalisation with one reader takes off its gradient: γ·s·mean(d) and γ·s²·mean(d·x̂).
struct Means {
    shift: Vec<f32>,
    slope: Vec<f32>,
}

impl Means {
    /// From Σd and Σd·(x - mean) over `count` pixels.
    fn new(sums: &[[f64; 2]], affine: &Affine, weight: &[f32], count: usize) -> Self {
        let (mut shift, mut slope) = (Vec::new(), Vec::new());
        for (([d, product], &s), &weight) in sums.iter().zip(&affine.s).zip(weight) {
            let scale = f64::from(weight) * s;
            shift.push((scale * d / count as f64) as f32);
            slope.push((scale * s * s * product / count as f64) as f32);
        }
        Self { shift, slope }
    }
}

/// A normalisation as the reader of `maps`, whose gradient goes to `gradient` times `scale`.
fn reader<'a>(
    maps: Maps,
    affine: &'a Affine,
    gradient: Maps,
    scale: &'a [f32],
    onto: Onto<'a>,
) -> Reader<'a> {
    Reader { maps, by: affine.view(), gradient, scale, onto }
}
