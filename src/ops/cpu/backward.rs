//! The two products of a dense layer backward, and the stem's, each in one pass over its input.

#![expect(unsafe_code, reason = "tiles are read and written through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::ops::cpu::bordered::Bordered;
use crate::ops::cpu::dropout::Dropout;
use crate::ops::cpu::kernels::{MapView, Product, convolve, pointwise, split};
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Maps, Parts, Phase, Scratch, Tile, Tiles};
use crate::ops::cpu::outer::{Outer, convolve_gradient, pointwise_gradient};
use crate::ops::cpu::plane::{Live, keep};
use crate::ops::cpu::reader::{Finished, Partial, Reader};

/// A 3x3 convolution backward.
#[derive(Debug)]
pub(super) struct GrowBackward<'a> {
    pub(super) tiles: Tiles,
    pub(super) output: Finished<'a>,
    pub(super) reader: Reader<'a>,
    /// Packed `[(outputs, 9), inputs]`, the kernel turned round.
    pub(super) weights: &'a [f32],
    pub(super) partial: Partial,
    /// Of the inputs.
    pub(super) parts: Parts,
}

impl Phase for GrowBackward<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let plane = self.tiles.plane;
        let (width, outputs, inputs) = (plane.width, self.output.channels(), self.reader.channels());
        let (task, part) = self.parts.piece(index);
        // SAFETY: every piece has its own channels of its task's sums, and of its tiles of the maps.
        let (weight_sums, sums) = unsafe { self.partial.cleared_columns(task, part) };
        let pixels = self.tiles.rows * width;
        let of = |at| MapView { at, channel: pixels, row: width };
        let d = of(scratch.vectors::<L>(L::TILE * pixels));
        let mark = scratch.mark();
        for tile in self.tiles.of_task(task) {
            scratch.rewind(mark);
            let live = plane.live::<L>(tile.images, scratch);
            let dead = live.filter(|_| plane.has_dead());
            let bordered = Bordered::new(l, (self.tiles, &tile), outputs, scratch);
            // SAFETY: as above; the gradient of the channels that `output` reads is not written now.
            unsafe {
                for (row, rows, to) in bordered.pieces() {
                    self.output.write(l, &tile, live, (row, rows), to);
                }
                bordered.close(l, outputs);
                for (first, size) in split(part.1, L::TILE) {
                    let first = part.0 + first;
                    let product = Product {
                        input: bordered.place,
                        weights: self.weights.as_ptr().add(first * outputs * 9),
                        total: outputs * 9,
                        first: 0,
                        channels: outputs,
                        outputs: size,
                        rows: tile.rows,
                        width,
                        output: d,
                        accumulate: false,
                    };
                    convolve::<L, 3, 1>(l, &product);
                    self.reader.through_relu(l, (&tile, dead), (first, size), d, sums);
                    let outer = Outer {
                        input: d,
                        inputs: size,
                        gradient: bordered.place,
                        outputs,
                        rows: tile.rows,
                        width,
                        sums: weight_sums.add(first),
                        stride: inputs,
                    };
                    convolve_gradient(l, &outer);
                }
            }
        }
    }
}

/// The stem backward: the gradient of its weights alone.
#[derive(Debug)]
pub(super) struct StemBackward<'a> {
    pub(super) tiles: Tiles,
    pub(super) output: Finished<'a>,
    pub(super) images: Maps,
    pub(super) partial: Partial,
}

impl Phase for StemBackward<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, task: usize, scratch: &mut Scratch) {
        let plane = self.tiles.plane;
        let (width, outputs) = (plane.width, self.output.channels());
        // SAFETY: every task has its own part of the sums.
        let (weight_sums, _) = unsafe { self.partial.cleared(task) };
        let mark = scratch.mark();
        for tile in self.tiles.of_task(task) {
            scratch.rewind(mark);
            let live = plane.live::<L>(tile.images, scratch);
            let bordered = Bordered::new(l, (self.tiles, &tile), outputs, scratch);
            // SAFETY: only the scratch and this task's sums are written.
            unsafe {
                for (row, rows, to) in bordered.pieces() {
                    self.output.write(l, &tile, live, (row, rows), to);
                }
                bordered.close(l, outputs);
                let outer = Outer {
                    input: self.images.place::<L>(tile.group, 0, tile.row),
                    inputs: self.images.channels,
                    gradient: bordered.place,
                    outputs,
                    rows: tile.rows,
                    width,
                    sums: weight_sums,
                    stride: self.images.channels,
                };
                convolve_gradient(l, &outer);
            }
        }
    }
}

/// The batch normalisation between the two convolutions of a dense layer, backward: its only reader's d
/// becomes γ·s·d - shift - slope·(y - mean).
#[derive(Debug)]
pub(super) struct InnerNorm<'a> {
    pub(super) d: Maps,
    pub(super) y: Maps,
    /// γ·s.
    pub(super) scale: &'a [f32],
    /// γ·s·mean(d).
    pub(super) shift: &'a [f32],
    /// γ·s²·mean(d·ŷ).
    pub(super) slope: &'a [f32],
    pub(super) mean: &'a [f32],
    pub(super) dropout: Option<Dropout>,
}

impl InnerNorm<'_> {
    /// Writes the tile's rows to `to`, 0 where there is no pixel of an image.
    ///
    /// # Safety
    /// `to` must have room for them and `live` be made for the tile.
    #[inline(always)]
    pub(super) unsafe fn write<L: Lanes>(
        &self,
        l: L,
        (tile, live): (&Tile, Option<Live<L::V>>),
        to: MapView<L::V>,
    ) {
        let width = self.d.width;
        let d = self.d.place::<L>(tile.group, 0, tile.row);
        let y = self.y.place::<L>(tile.group, 0, tile.row);
        for channel in 0..self.scale.len() {
            let (scale, shift) = (l.splat(self.scale[channel]), l.splat(self.shift[channel]));
            let (slope, mean) = (l.splat(-self.slope[channel]), l.splat(self.mean[channel]));
            for row in 0..tile.rows {
                // SAFETY: the tile's rows are in the maps, and `to` has room for them.
                unsafe {
                    let d: *const L::V = d.vector(channel, row, 0);
                    let y: *const L::V = y.vector(channel, row, 0);
                    let to = to.vector(channel, row, 0);
                    for x in 0..width {
                        let value =
                            l.fma(l.sub(*y.add(x), mean), slope, l.sub(l.mul(scale, *d.add(x)), shift));
                        *to.add(x) = keep(l, live, (tile.row + row, x), value);
                    }
                }
            }
        }
        if let Some(dropout) = self.dropout {
            // SAFETY: as above.
            unsafe { dropout.apply::<L>(tile, (tile.row, tile.rows), to, width) };
        }
    }
}

/// A 1x1 convolution of a dense layer backward.
#[derive(Debug)]
pub(super) struct ExpandBackward<'a> {
    pub(super) tiles: Tiles,
    pub(super) output: InnerNorm<'a>,
    pub(super) reader: Reader<'a>,
    /// Packed `[outputs, inputs]`.
    pub(super) weights: &'a [f32],
    pub(super) partial: Partial,
    /// Of the inputs.
    pub(super) parts: Parts,
}

impl Phase for ExpandBackward<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let plane = self.tiles.plane;
        let (width, outputs) = (plane.width, self.output.scale.len());
        let (task, part) = self.parts.piece(index);
        // SAFETY: every piece has its own channels of its task's sums, and of its tiles of the maps.
        let (weight_sums, sums) = unsafe { self.partial.cleared_rows(task, part) };
        let pixels = self.tiles.rows * width;
        let of = |at| MapView { at, channel: pixels, row: width };
        let gradient = of(scratch.vectors::<L>(outputs * pixels));
        let work = Work { d: of(scratch.vectors::<L>(L::TILE * pixels)), weight_sums, sums };
        let mark = scratch.mark();
        for tile in self.tiles.of_task(task) {
            scratch.rewind(mark);
            let live = plane.live::<L>(tile.images, scratch);
            let dead = live.filter(|_| plane.has_dead());
            // SAFETY: as above.
            unsafe {
                self.output.write(l, (&tile, live), gradient);
                let output = (gradient, outputs);
                pointwise_backward(l, (&tile, dead), (&self.reader, part), output, self.weights, work);
            }
        }
    }
}

/// Scratch and sums of a 1x1 convolution's backward pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work<V> {
    /// The gradient of some input channels, then those channels normalised.
    pub(super) d: MapView<V>,
    /// `[inputs, outputs]`.
    pub(super) weight_sums: *mut f32,
    pub(super) sums: *mut [f64; 2],
}

/// From the gradient of a 1x1 convolution's output, a tile of `[outputs]` maps, to those of a part of its
/// input channels (their first and their number) and its weights.
///
/// # Safety
/// Nothing else may use the tile's rows of the reader's gradient or `work` meanwhile.
#[inline(always)]
pub(super) unsafe fn pointwise_backward<L: Lanes>(
    l: L,
    (tile, dead): (&Tile, Option<Live<L::V>>),
    (reader, part): (&Reader, (usize, usize)),
    (gradient, outputs): (MapView<L::V>, usize),
    weights: &[f32],
    work: Work<L::V>,
) {
    let width = reader.maps.width;
    for (first, size) in split(part.1, L::TILE) {
        let first = part.0 + first;
        // SAFETY: as promised by the caller.
        unsafe {
            let product = Product {
                input: gradient,
                weights: weights.as_ptr().add(first * outputs),
                total: outputs,
                first: 0,
                channels: outputs,
                outputs: size,
                rows: tile.rows,
                width,
                output: work.d,
                accumulate: false,
            };
            pointwise(l, &product);
            reader.through_relu(l, (tile, dead), (first, size), work.d, work.sums);
            let outer = Outer {
                input: work.d,
                inputs: size,
                gradient,
                outputs,
                rows: tile.rows,
                width,
                sums: work.weight_sums.add(first * outputs),
                stride: outputs,
            };
            pointwise_gradient(l, &outer);
        }
    }
}
