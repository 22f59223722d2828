//! The ImageNet stem forward: a 7x7 convolution of stride 2, BN-ReLU, and a 3x3 maximum of stride 2.
//!
//! The images have a border (`Net::border`), so that the convolution reads them as they lie, and in evaluation
//! the row and the column above and to the left of a tile can be computed once more: there the
//! convolution's output goes no further than the cache.

#![expect(unsafe_code, reason = "tiles are read and written through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::arch::layout::Plane;
use crate::ops::cpu::bordered::Bordered;
use crate::ops::cpu::forward::shift_and_relu;
use crate::ops::cpu::kernels::{MapView, Product, convolve, split};
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Maps, Phase, Scratch, Tile, Tiles};
use crate::ops::cpu::norm::{MomentsOut, Normalise, measure, normalise};

/// Padding of the convolution.
pub(super) const PADDING: usize = 3;
/// Weights of an output channel.
pub(super) const TAPS: usize = 3 * 49;
/// Pixels of a tile of the convolution's output.
pub(super) const PIXELS: usize = 128;
/// Output pixels of a tile of the maximum.
pub(super) const POOL_PIXELS: usize = 64;
/// Channels that the maximum has in scratch at a time.
const CHANNELS: usize = 8;

/// The convolution, in training.
#[derive(Debug)]
pub(super) struct Wide<'a> {
    /// Of the output.
    pub(super) tiles: Tiles,
    pub(super) images: Maps,
    /// Packed `[3 * 49, outputs]`.
    pub(super) weights: &'a [f32],
    pub(super) outputs: usize,
    pub(super) output: Maps,
    pub(super) moments: MomentsOut,
}

impl Phase for Wide<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let plane = self.tiles.plane;
        let tile = self.tiles.tile(index);
        let output = self.output.place::<L>(tile.group, 0, tile.row);
        // SAFETY: the images have the border that the convolution reads; only this piece writes its rows.
        unsafe {
            let product = Product {
                input: self.images.place_around::<L>(tile.group, 0, 2 * tile.row, PADDING),
                weights: self.weights.as_ptr(),
                total: TAPS,
                first: 0,
                channels: 3,
                outputs: self.outputs,
                rows: tile.rows,
                width: plane.width,
                output,
                accumulate: false,
            };
            convolve::<L, 7, 2>(l, &product);
            let live = plane.live::<L>(tile.images, scratch);
            measure(l, (plane, &tile), live, output, self.moments, index);
        }
    }
}

/// BN-ReLU and the maximum, in training.
#[derive(Debug)]
pub(super) struct Maximum<'a> {
    /// Of the output.
    pub(super) tiles: Tiles,
    /// The convolution's output.
    pub(super) input: Maps,
    pub(super) plane: Plane,
    pub(super) by: Normalise<'a>,
    pub(super) output: Maps,
    /// Which pixel of its window each output is, from 0 to 8, row by row.
    pub(super) places: Maps,
    pub(super) moments: MomentsOut,
}

impl Phase for Maximum<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let tile = self.tiles.tile(index);
        let area = self.tiles.plane;
        // The rows of the input that the tile's windows begin with.
        let above =
            Tile { row: 2 * tile.row, rows: (2 * tile.rows).min(self.plane.height - 2 * tile.row), ..tile };
        let tiles = Tiles { plane: self.plane, rows: 2 * self.tiles.rows };
        let channels = self.by.channels();
        let chunk = CHANNELS.min(channels);
        let output = self.output.place::<L>(tile.group, 0, tile.row);
        let places = self.places.place::<L>(tile.group, 0, tile.row);
        // SAFETY: the rows taken are in the maps, their border in scratch; only this piece writes its rows.
        unsafe {
            let bordered = Bordered::new(l, (tiles, &above), chunk, scratch);
            for first in (0..channels).step_by(chunk) {
                let size = chunk.min(channels - first);
                for (row, rows, to) in bordered.pieces() {
                    let from = self.input.place::<L>(tile.group, first, row);
                    normalise(l, self.by.part(first, size), from, to, rows, self.plane.width);
                }
                bordered.close(l, size);
                for channel in 0..size {
                    for row in 0..tile.rows {
                        for x in 0..area.width {
                            let window = bordered.place.vector(channel, 2 * row, 2 * x);
                            let (value, place) = maximum_and_place(l, window, bordered.place.row);
                            *output.vector(first + channel, row, x) = value;
                            *places.vector(first + channel, row, x) = place;
                        }
                    }
                }
            }
            let live = area.live::<L>(tile.images, scratch);
            measure(l, (area, &tile), live, output, self.moments, index);
        }
    }
}

/// The maximum of a window and the number of the first pixel that is it. All pixels are at least 0, so that
/// zeros around the image never win over one.
#[inline(always)]
unsafe fn maximum_and_place<L: Lanes>(l: L, window: *const L::V, row: usize) -> (L::V, L::V) {
    // SAFETY: as promised by the caller: three rows of three pixels.
    unsafe {
        let (mut value, mut place) = (*window, l.splat(0.0));
        for number in 1..9 {
            let next = *window.add(number / 3 * row + number % 3);
            place = larger(l, (next, value), l.splat(number as f32), place);
            value = larger(l, (next, value), next, value);
        }
        (value, place)
    }
}

/// `this` where `next` is greater than `value`, else `that`; both are at least 0.
#[inline(always)]
fn larger<L: Lanes>(l: L, (next, value): (L::V, L::V), this: L::V, that: L::V) -> L::V {
    l.add(l.where_greater(next, value, this), l.sub(that, l.where_greater(next, value, that)))
}

/// The whole stem, in evaluation.
#[derive(Debug)]
pub(super) struct StemEvaluate<'a> {
    /// Of the output.
    pub(super) tiles: Tiles,
    pub(super) images: Maps,
    /// Of the convolution's output.
    pub(super) plane: Plane,
    /// Packed `[3 * 49, outputs]`, with the factor of the normalisation.
    pub(super) weights: &'a [f32],
    /// Its shift.
    pub(super) shift: &'a [f32],
    pub(super) output: Maps,
}

impl Phase for StemEvaluate<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let tile = self.tiles.tile(index);
        let width = self.tiles.plane.width;
        // The convolution's pixels from a row above and a column to the left of the first window's middle on.
        let (rows, columns) = (2 * tile.rows + 1, 2 * width + 1);
        let live = self.plane.live_around::<L>(tile.images, 1, scratch);
        let convolved = MapView {
            at: scratch.vectors::<L>(L::TILE * rows * columns),
            channel: rows * columns,
            row: columns,
        };
        for (first, size) in split(self.shift.len(), L::TILE) {
            let output = self.output.place::<L>(tile.group, first, tile.row);
            // SAFETY: the images have a border for the pixels beyond the edges too; only this piece writes its rows.
            unsafe {
                let product = Product {
                    // A pixel of the output before the tile's is two of the images.
                    input: self.images.place_around::<L>(tile.group, 0, 4 * tile.row, PADDING + 2),
                    weights: self.weights.as_ptr().add(first * TAPS),
                    total: TAPS,
                    first: 0,
                    channels: 3,
                    outputs: size,
                    rows,
                    width: columns,
                    output: convolved,
                    accumulate: false,
                };
                convolve::<L, 7, 2>(l, &product);
                shift_and_relu(l, convolved, &self.shift[first..first + size], rows, columns);
                for channel in 0..size {
                    for y in 0..rows {
                        for x in 0..columns {
                            let at = convolved.vector(channel, y, x);
                            let pixel = ((2 * tile.row + y) as isize - 1, x as isize - 1);
                            *at = live.keep(l, pixel, *at);
                        }
                    }
                    for row in 0..tile.rows {
                        for x in 0..width {
                            let window = convolved.vector(channel, 2 * row, 2 * x);
                            *output.vector(channel, row, x) = maximum(l, window, columns);
                        }
                    }
                }
            }
        }
    }
}

/// The maximum of a window.
#[inline(always)]
unsafe fn maximum<L: Lanes>(l: L, window: *const L::V, row: usize) -> L::V {
    // SAFETY: as promised by the caller: three rows of three pixels.
    unsafe {
        let mut value = *window;
        for number in 1..9 {
            let next = *window.add(number / 3 * row + number % 3);
            value = larger(l, (next, value), next, value);
        }
        value
    }
}
