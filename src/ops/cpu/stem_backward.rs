//! The ImageNet stem backward: through the maximum and the ReLU, then to the weights of the convolution.

#![expect(unsafe_code, reason = "tiles are read and written through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::arch::layout::Plane;
use crate::ops::cpu::backward::InnerNorm;
use crate::ops::cpu::bordered::Bordered;
use crate::ops::cpu::forward::copy;
use crate::ops::cpu::kernels::MapView;
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Maps, Phase, Scratch, Tile, Tiles};
use crate::ops::cpu::norm::{Normalise, before_relu};
use crate::ops::cpu::outer::{Outer, convolve_wide_gradient};
use crate::ops::cpu::plane::{Live, keep};
use crate::ops::cpu::reader::{Finished, Partial};
use crate::ops::cpu::stem::PADDING;

/// Channels in scratch at a time.
const CHANNELS: usize = 8;

/// Through the maximum and the ReLU: the gradient of the normalised convolution's output, and its sums.
#[derive(Debug)]
pub(super) struct MaximumBackward<'a> {
    /// Of the maximum.
    pub(super) tiles: Tiles,
    pub(super) output: Finished<'a>,
    pub(super) places: Maps,
    /// The convolution's output.
    pub(super) input: Maps,
    pub(super) plane: Plane,
    pub(super) by: Normalise<'a>,
    /// Where the gradient goes.
    pub(super) d: Maps,
    pub(super) partial: Partial,
}

impl Phase for MaximumBackward<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, task: usize, scratch: &mut Scratch) {
        let plane = self.tiles.plane;
        let channels = self.by.channels();
        // SAFETY: every task has its own part of the sums, and its own tiles of the maps.
        let (_, sums) = unsafe { self.partial.cleared(task) };
        let mark = scratch.mark();
        for tile in self.tiles.of_task(task) {
            scratch.rewind(mark);
            let live = plane.live::<L>(tile.images, scratch);
            let gradient = Bordered::new(l, (self.tiles, &tile), CHANNELS, scratch);
            let places = Bordered::new(l, (self.tiles, &tile), CHANNELS, scratch);
            let above = Tile {
                row: 2 * tile.row,
                rows: (2 * tile.rows).min(self.plane.height - 2 * tile.row),
                ..tile
            };
            let inside = self.plane.live::<L>(tile.images, scratch);
            for first in (0..channels).step_by(CHANNELS) {
                let size = CHANNELS.min(channels - first);
                // SAFETY: as above; the pieces are in the maps.
                unsafe {
                    for (row, rows, to) in gradient.pieces() {
                        self.output.part(first, size).write(l, &tile, live, (row, rows), to);
                    }
                    gradient.close(l, size);
                    for (row, rows, to) in places.pieces() {
                        let from = self.places.place::<L>(tile.group, first, row);
                        copy::<L>(from, to, size, rows, plane.width);
                    }
                    places.close(l, size);
                    let windows = (gradient.place, places.place);
                    self.through::<L>(l, (&above, inside), (first, size), windows, sums);
                }
            }
        }
    }
}

impl MaximumBackward<'_> {
    /// Rows `tile` of the convolution's output, from the windows that contain them: of gradient and places.
    #[inline(always)]
    unsafe fn through<L: Lanes>(
        &self,
        l: L,
        (tile, live): (&Tile, Option<Live<L::V>>),
        (first, size): (usize, usize),
        (gradient, places): (MapView<L::V>, MapView<L::V>),
        sums: *mut [f64; 2],
    ) {
        let input = self.input.place::<L>(tile.group, first, tile.row);
        let d_at = self.d.place::<L>(tile.group, first, tile.row);
        for channel in 0..size {
            let of = self.by.channel(l, first + channel);
            let (mut sum, mut product) = (l.splat(0.0), l.splat(0.0));
            for y in 0..tile.rows {
                for x in 0..self.plane.width {
                    // SAFETY: as promised by the caller; windows have a border of one.
                    unsafe {
                        // An even pixel is in the middle of its window, an odd one at the ends of two.
                        let mut d = l.splat(0.0);
                        for v in 0..=y % 2 {
                            for u in 0..=x % 2 {
                                let (row, column) = (y / 2 + v, x / 2 + u);
                                let place = (y + 1 - 2 * row) * 3 + (x + 1 - 2 * column);
                                let (row, column) = (row + 1, column + 1);
                                d = l.add(
                                    d,
                                    l.where_equal(
                                        *places.vector(channel, row, column),
                                        l.splat(place as f32),
                                        *gradient.vector(channel, row, column),
                                    ),
                                );
                            }
                        }
                        let distance = l.sub(*input.vector(channel, y, x), of.mean);
                        let before = keep(l, live, (tile.row + y, x), before_relu(l, of, distance));
                        let d = l.where_positive(before, d);
                        sum = l.add(sum, d);
                        product = l.fma(d, distance, product);
                        *d_at.vector(channel, y, x) = d;
                    }
                }
            }
            // SAFETY: as promised by the caller.
            unsafe {
                let sums = &mut *sums.add(first + channel);
                sums[0] += f64::from(l.sum(sum));
                sums[1] += f64::from(l.sum(product));
            }
        }
    }
}

/// The convolution: the gradient of its weights alone.
#[derive(Debug)]
pub(super) struct WideBackward<'a> {
    /// Of the convolution's output.
    pub(super) tiles: Tiles,
    pub(super) output: InnerNorm<'a>,
    pub(super) images: Maps,
    pub(super) partial: Partial,
}

impl Phase for WideBackward<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, task: usize, scratch: &mut Scratch) {
        let plane = self.tiles.plane;
        let outputs = self.output.scale.len();
        // SAFETY: every task has its own part of the sums.
        let (weight_sums, _) = unsafe { self.partial.cleared(task) };
        let pixels = self.tiles.rows * plane.width;
        let at = scratch.vectors::<L>(outputs * pixels);
        let gradient = MapView { at, channel: pixels, row: plane.width };
        let mark = scratch.mark();
        for tile in self.tiles.of_task(task) {
            scratch.rewind(mark);
            let live = plane.live::<L>(tile.images, scratch);
            // SAFETY: only the scratch and this task's sums are written.
            unsafe {
                self.output.write(l, (&tile, live), gradient);
                let outer = Outer {
                    input: self.images.place_around::<L>(tile.group, 0, 2 * tile.row, PADDING),
                    inputs: 3,
                    gradient,
                    outputs,
                    rows: tile.rows,
                    width: plane.width,
                    sums: weight_sums,
                    stride: 3 * 49,
                };
                convolve_wide_gradient(l, &outer);
            }
        }
    }
}
