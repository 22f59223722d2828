//! BN-ReLU-1x1 and 2x2 average pool. Both are linear after the ReLU, so the average is taken first and
//! the product has a quarter of the pixels. Only dropout, which comes between them, keeps the order.

#![expect(unsafe_code, reason = "tiles are read and written through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::ops::cpu::backward::{Work, pointwise_backward};
use crate::ops::cpu::dropout::Dropout;
use crate::ops::cpu::kernels::{MapView, Product, pointwise, split};
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Maps, Parts, Phase, Scratch, Tile, Tiles};
use crate::ops::cpu::norm::{MomentsOut, Normalise, after_relu, before_relu, measure, normalise};
use crate::ops::cpu::outer::{Outer, pointwise_gradient};
use crate::ops::cpu::reader::{Finished, Partial, Reader};

/// Input channels in scratch at a time.
const CHANNELS: usize = 128;
/// Output pixels of a tile.
pub(super) const PIXELS: usize = 16;

/// The forward pass. Tiles are of the output; an odd last row or column of the input is left out.
#[derive(Debug)]
pub(super) struct Transition<'a> {
    pub(super) tiles: Tiles,
    pub(super) input: Maps,
    pub(super) by: Normalise<'a>,
    /// Packed `[inputs, outputs]`.
    pub(super) weights: &'a [f32],
    pub(super) outputs: usize,
    pub(super) output: Maps,
    /// None in evaluation.
    pub(super) moments: Option<MomentsOut>,
    pub(super) dropout: Option<Dropout>,
}

impl Phase for Transition<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let tile = self.tiles.tile(index);
        let plane = self.tiles.plane;
        let (inputs, width) = (self.by.channels(), plane.width);
        let output = self.output.place::<L>(tile.group, 0, tile.row);
        // Pixels that are multiplied: the averages, or with dropout all of them.
        let factor = if self.dropout.is_some() { 2 } else { 1 };
        let (rows, columns) = (factor * tile.rows, factor * width);
        let pixels = rows * columns;
        let of = |at| MapView { at, channel: pixels, row: columns };
        let chunk = CHANNELS.min(inputs);
        let normalised = of(scratch.vectors::<L>(chunk * pixels));
        let full =
            if self.dropout.is_some() { of(scratch.vectors::<L>(self.outputs * pixels)) } else { output };
        for first in (0..inputs).step_by(chunk) {
            let channels = chunk.min(inputs - first);
            let input = self.input.place::<L>(tile.group, first, 2 * tile.row);
            let by = self.by.part(first, channels);
            // SAFETY: the tile's rows of input and output are in their buffers; only this piece writes them.
            unsafe {
                if self.dropout.is_some() {
                    normalise(l, by, input, normalised, rows, columns);
                } else {
                    normalise_and_average(l, by, input, normalised, rows, columns);
                }
                let product = Product {
                    input: normalised,
                    weights: self.weights.as_ptr(),
                    total: inputs,
                    first,
                    channels,
                    outputs: self.outputs,
                    rows,
                    width: columns,
                    output: full,
                    accumulate: first > 0,
                };
                pointwise(l, &product);
            }
        }
        // SAFETY: as above.
        unsafe {
            if let Some(dropout) = self.dropout {
                dropout.apply::<L>(&tile, (2 * tile.row, rows), full, columns);
                for channel in 0..self.outputs {
                    for row in 0..tile.rows {
                        for x in 0..width {
                            let mut sum = l.splat(0.0);
                            for (v, u) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                                sum = l.add(sum, *full.vector(channel, 2 * row + v, 2 * x + u));
                            }
                            *output.vector(channel, row, x) = l.mul(sum, l.splat(0.25));
                        }
                    }
                }
            }
            if let Some(moments) = self.moments {
                let live = plane.live::<L>(tile.images, scratch);
                measure(l, (plane, &tile), live, output, moments, index);
            }
        }
    }
}

/// `to[c](y, x)` = the average of `relu(BN(from[c]))` over `(2y.., 2x..)`.
#[inline(always)]
unsafe fn normalise_and_average<L: Lanes>(
    l: L,
    by: Normalise,
    from: MapView<L::V>,
    to: MapView<L::V>,
    rows: usize,
    width: usize,
) {
    for channel in 0..by.channels() {
        let (of, quarter) = (by.channel(l, channel), l.splat(0.25));
        for row in 0..rows {
            // SAFETY: as promised by the caller.
            unsafe {
                let upper: *const L::V = from.vector(channel, 2 * row, 0);
                let lower: *const L::V = from.vector(channel, 2 * row + 1, 0);
                for x in 0..width {
                    let left =
                        l.add(after_relu(l, of, *upper.add(2 * x)), after_relu(l, of, *lower.add(2 * x)));
                    let right = l.add(
                        after_relu(l, of, *upper.add(2 * x + 1)),
                        after_relu(l, of, *lower.add(2 * x + 1)),
                    );
                    *to.vector(channel, row, x) = l.mul(quarter, l.add(left, right));
                }
            }
        }
    }
}

/// The backward pass. Tiles are of the output.
#[derive(Debug)]
pub(super) struct TransitionBackward<'a> {
    pub(super) tiles: Tiles,
    /// What the transition wrote into the next block (its own dropout is `dropout`).
    pub(super) output: Finished<'a>,
    pub(super) reader: Reader<'a>,
    /// Packed `[outputs, inputs]`.
    pub(super) weights: &'a [f32],
    pub(super) partial: Partial,
    /// Of the inputs.
    pub(super) parts: Parts,
    pub(super) dropout: Option<Dropout>,
}

impl Phase for TransitionBackward<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let plane = self.tiles.plane;
        let (task, part) = self.parts.piece(index);
        let (width, outputs) = (plane.width, self.output.channels());
        let (all_rows, columns) = (self.reader.maps.height, self.reader.maps.width);
        // SAFETY: every piece has its own channels of its task's sums, and of its tiles of the maps.
        let (weight_sums, sums) = unsafe { self.partial.cleared_rows(task, part) };
        let pixels = self.tiles.rows * width;
        let of = |at| MapView { at, channel: pixels, row: width };
        let gradient = of(scratch.vectors::<L>(outputs * pixels));
        let factor = if self.dropout.is_some() { 2 * self.tiles.rows + 1 } else { 0 };
        let full_pixels = factor * columns;
        let full_of = |at| MapView { at, channel: full_pixels, row: columns };
        let full = full_of(scratch.vectors::<L>(outputs * full_pixels));
        let work_pixels = pixels.max(full_pixels);
        let d = scratch.vectors::<L>(L::TILE * work_pixels);
        let mark = scratch.mark();
        for tile in self.tiles.of_task(task) {
            scratch.rewind(mark);
            let live = plane.live::<L>(tile.images, scratch);
            let last = tile.row + tile.rows == plane.height;
            let rows = if last { all_rows - 2 * tile.row } else { 2 * tile.rows };
            let above = Tile { row: 2 * tile.row, rows, ..tile };
            // SAFETY: as above.
            unsafe {
                self.output.write(l, &tile, live, (tile.row, tile.rows), gradient);
                if let Some(dropout) = self.dropout {
                    spread(l, gradient, full, outputs, (tile.rows, width), (rows, columns));
                    dropout.apply::<L>(&above, (above.row, rows), full, columns);
                    let work = Work { d: full_of(d), weight_sums, sums };
                    // A gradient of 0 goes through what is no pixel.
                    let output = (full, outputs);
                    pointwise_backward(l, (&above, None), (&self.reader, part), output, self.weights, work);
                    continue;
                }
                for (first, size) in split(part.1, L::TILE) {
                    let first = part.0 + first;
                    let product = Product {
                        input: gradient,
                        weights: self.weights.as_ptr().add(first * outputs),
                        total: outputs,
                        first: 0,
                        channels: outputs,
                        outputs: size,
                        rows: tile.rows,
                        width,
                        output: of(d),
                        accumulate: false,
                    };
                    pointwise(l, &product);
                    through_pool(l, &self.reader, &above, (first, size), of(d), (tile.rows, width), sums);
                    let outer = Outer {
                        input: of(d),
                        inputs: size,
                        gradient,
                        outputs,
                        rows: tile.rows,
                        width,
                        sums: weight_sums.add(first * outputs),
                        stride: outputs,
                    };
                    pointwise_gradient(l, &outer);
                }
            }
        }
    }
}

/// A quarter of each pixel of `from` on the four pixels of `to` it is the average of, 0 on an odd last row
/// or column.
#[inline(always)]
unsafe fn spread<L: Lanes>(
    l: L,
    from: MapView<L::V>,
    to: MapView<L::V>,
    channels: usize,
    (rows, width): (usize, usize),
    (all_rows, columns): (usize, usize),
) {
    for channel in 0..channels {
        for y in 0..all_rows {
            for x in 0..columns {
                let inside = y < 2 * rows && x < 2 * width;
                // SAFETY: as promised by the caller.
                unsafe {
                    *to.vector(channel, y, x) = if inside {
                        l.mul(l.splat(0.25), *from.vector(channel, y / 2, x / 2))
                    } else {
                        l.splat(0.0)
                    };
                }
            }
        }
    }
}

/// [`Reader::through_relu`] for the gradient `d` of averages over 2x2 pixels, whose place the averages
/// take. `tile` has the rows of the input.
#[inline(always)]
unsafe fn through_pool<L: Lanes>(
    l: L,
    reader: &Reader,
    tile: &Tile,
    (first, size): (usize, usize),
    d: MapView<L::V>,
    (rows, width): (usize, usize),
    sums: *mut [f64; 2],
) {
    let maps = reader.maps.place::<L>(tile.group, first, tile.row);
    let gradient = reader.gradient.place::<L>(tile.group, first, tile.row);
    let quarter = l.splat(0.25);
    for i in 0..size {
        let channel = first + i;
        let (of, scale) = (reader.by.channel(l, channel), l.splat(reader.scale[channel]));
        let (mut sum, mut product) = (l.splat(0.0), l.splat(0.0));
        // SAFETY: as promised by the caller.
        unsafe {
            for row in 0..rows {
                for x in 0..width {
                    let pooled = d.vector(i, row, x);
                    let d = l.mul(quarter, *pooled);
                    let mut average = l.splat(0.0);
                    for (v, u) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                        let distance = l.sub(*maps.vector(i, 2 * row + v, 2 * x + u), of.mean);
                        let before = before_relu(l, of, distance);
                        let d = l.where_positive(before, d);
                        sum = l.add(sum, d);
                        product = l.fma(d, distance, product);
                        *gradient.vector(i, 2 * row + v, 2 * x + u) = l.mul(scale, d);
                        average = l.add(average, l.relu(before));
                    }
                    *pooled = l.mul(quarter, average);
                }
            }
            for y in 0..tile.rows {
                for x in 0..reader.maps.width {
                    if y >= 2 * rows || x >= 2 * width {
                        *gradient.vector(i, y, x) = l.splat(0.0);
                    }
                }
            }
            let sums = &mut *sums.add(channel);
            sums[0] += f64::from(l.sum(sum));
            sums[1] += f64::from(l.sum(product));
        }
    }
}
