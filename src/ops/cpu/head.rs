//! BN-ReLU, the global average and the linear layer.

#![expect(unsafe_code, reason = "tiles are read and written through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::arch::layout::Plane;
use crate::ops::cpu::kernels::{MapView, split};
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Maps, Phase, Scratch, Tiles};
use crate::ops::cpu::norm::{Normalise, after_relu};
use crate::ops::cpu::plane::keep;
use crate::ops::cpu::reader::{Partial, Reader};

/// Channels of a piece of the average.
const CHANNELS: usize = 16;

/// The average of relu(BN(x)) over all pixels, into maps of side 1: each part's share of it.
#[derive(Debug)]
pub(super) struct Average<'a> {
    pub(super) plane: Plane,
    pub(super) input: Maps,
    pub(super) by: Normalise<'a>,
    pub(super) output: Maps,
}

impl Average<'_> {
    pub(super) fn pieces(&self) -> usize {
        self.plane.groups() * self.by.channels().div_ceil(CHANNELS)
    }
}

impl Phase for Average<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let per_group = self.by.channels().div_ceil(CHANNELS);
        let (group, first) = (index / per_group, index % per_group * CHANNELS);
        let Plane { side, height, width, .. } = self.plane;
        let share = l.splat(1.0 / (side * side) as f32);
        let dead = self.plane.dead::<L>(scratch);
        for channel in first..self.by.channels().min(first + CHANNELS) {
            let of = self.by.channel(l, channel);
            let input = self.input.place::<L>(group, channel, 0);
            let mut sum = l.splat(0.0);
            // SAFETY: all rows of the map are in the buffer; only this piece writes its average.
            unsafe {
                for row in 0..height {
                    for x in 0..width {
                        let value = after_relu(l, of, *input.vector(0, row, x));
                        sum = l.add(sum, keep(l, dead, (row, x), value));
                    }
                }
                *self.output.place::<L>(group, channel, 0).at = l.mul(sum, share);
            }
        }
    }
}

/// From the gradient of the averages to that of the block.
#[derive(Debug)]
pub(super) struct AverageBackward<'a> {
    pub(super) tiles: Tiles,
    /// Gradient of the averages, maps of side 1.
    pub(super) output: Maps,
    pub(super) reader: Reader<'a>,
    pub(super) partial: Partial,
}

impl Phase for AverageBackward<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, task: usize, scratch: &mut Scratch) {
        let Plane { side, width, .. } = self.tiles.plane;
        let share = l.splat(1.0 / (side * side) as f32);
        // SAFETY: every task has its own part of the sums, and its own tiles of the maps.
        let (_, sums) = unsafe { self.partial.cleared(task) };
        let pixels = self.tiles.rows * width;
        let of = |at| MapView { at, channel: pixels, row: width };
        let d = of(scratch.vectors::<L>(L::TILE * pixels));
        let mark = scratch.mark();
        for tile in self.tiles.of_task(task) {
            scratch.rewind(mark);
            let plane = self.tiles.plane;
            let dead = plane.dead::<L>(scratch);
            for (first, size) in split(self.reader.channels(), L::TILE) {
                let averages = self.output.place::<L>(tile.group, first, 0);
                // SAFETY: as above.
                unsafe {
                    for channel in 0..size {
                        let value = l.mul(share, *averages.vector(channel, 0, 0));
                        for pixel in 0..tile.rows * width {
                            *d.at.add(channel * pixels + pixel) = value;
                        }
                    }
                    self.reader.through_relu(l, (&tile, dead), (first, size), d, sums);
                }
            }
        }
    }
}

/// Logits `[n, classes]` of averages `[n, channels]`.
pub(super) fn linear(averages: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let channels = weight.len() / bias.len();
    let rows = averages.chunks_exact(channels);
    rows.flat_map(|row| weight.chunks_exact(channels).zip(bias).map(|(w, bias)| bias + dot(row, w))).collect()
}

/// Adds the gradients of weight and bias to `weights` and `biases`, and returns that of the averages.
pub(super) fn linear_backward(
    averages: &[f32],
    weight: &[f32],
    gradient: &[f32],
    weights: &mut [f32],
    biases: &mut [f32],
) -> Vec<f32> {
    let classes = biases.len();
    let channels = weight.len() / classes;
    let mut back = vec![0f32; averages.len()];
    let images = averages.chunks_exact(channels).zip(gradient.chunks_exact(classes));
    for ((row, gradient), back) in images.zip(back.chunks_exact_mut(channels)) {
        for (class, &g) in gradient.iter().enumerate() {
            let range = class * channels..(class + 1) * channels;
            biases[class] += g;
            weights[range.clone()].iter_mut().zip(row).for_each(|(sum, &x)| *sum += g * x);
            back.iter_mut().zip(&weight[range]).for_each(|(sum, &w)| *sum += g * w);
        }
    }
    back
}

/// Σ x·y in eight interleaved sums, which the compiler can keep in vectors.
fn dot(xs: &[f32], ys: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    let (xs, ys) = (xs.chunks_exact(8), ys.chunks_exact(8));
    let rest: f32 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| x * y).sum();
    for (xs, ys) in xs.zip(ys) {
        for ((sum, x), y) in sums.iter_mut().zip(xs).zip(ys) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f32>() + rest
}
