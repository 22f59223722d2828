//! The two products of a layer forward, tile by tile: read, normalise, multiply, measure.

#![expect(unsafe_code, reason = "tiles are read and written through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::arch::layout::Plane;
use crate::ops::cpu::bordered::Bordered;
use crate::ops::cpu::dropout::Dropout;
use crate::ops::cpu::kernels::{MapView, Product, convolve, pointwise};
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Maps, Phase, Scratch, Tile, Tiles};
use crate::ops::cpu::norm::{MomentsOut, Normalise, measure, normalise};

/// Input channels that a 1x1 convolution has in scratch at a time. Each such part of a sum starts from 0:
/// short parts round less, which costs nothing measurable at this length.
const POINTWISE_CHANNELS: usize = 64;
/// Pixels of a tile of a 1x1 convolution.
pub(super) const POINTWISE_PIXELS: usize = 32;
/// The same of a 3x3 convolution: nine products each.
const CONVOLVE_CHANNELS: usize = 8;
/// Pixels of a tile of a 3x3 convolution.
pub(super) const CONVOLVE_PIXELS: usize = 128;

/// What becomes of a convolution's output.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then<'a> {
    /// Training: it is dropped out, what the layer read is added to it, and it is measured.
    Measured { out: MomentsOut, dropout: Option<Dropout>, shortcut: Option<Maps> },
    /// Evaluation: the next normalisation is in the weights but for this shift; it is added and relu taken.
    Shifted(&'a [f32]),
    /// Evaluation: what the layer read is added to it, so many channels.
    Added(Maps, usize),
    /// Evaluation: nothing.
    Left,
}

impl Then<'_> {
    /// # Safety
    /// `place` must hold the finished tile, and nothing else may touch it meanwhile.
    #[inline(always)]
    pub(super) unsafe fn follow<L: Lanes>(
        self,
        l: L,
        (area, tile): (Plane, &Tile),
        place: MapView<L::V>,
        index: usize,
        scratch: &mut Scratch,
    ) {
        // SAFETY: as promised by the caller.
        unsafe {
            match self {
                Self::Measured { out, dropout, shortcut } => {
                    if let Some(dropout) = dropout {
                        dropout.apply::<L>(tile, (tile.row, tile.rows), place, area.width);
                    }
                    if let Some(maps) = shortcut {
                        let from = maps.place::<L>(tile.group, 0, tile.row);
                        add(l, from, place, out.channels, tile.rows, area.width);
                    }
                    let there = area.live::<L>(tile.images, scratch);
                    measure(l, (area, tile), there, place, out, index);
                }
                Self::Shifted(shift) => shift_and_relu(l, place, shift, tile.rows, area.width),
                Self::Added(maps, channels) => {
                    let from = maps.place::<L>(tile.group, 0, tile.row);
                    add(l, from, place, channels, tile.rows, area.width);
                }
                Self::Left => {}
            }
        }
    }
}

/// `place[c] = relu(place[c] + shift[c])`.
///
/// # Safety
/// `place` must hold the rows, and nothing else may touch them meanwhile.
#[inline(always)]
pub(super) unsafe fn shift_and_relu<L: Lanes>(
    l: L,
    place: MapView<L::V>,
    shift: &[f32],
    rows: usize,
    width: usize,
) {
    for (channel, &shift) in shift.iter().enumerate() {
        let shift = l.splat(shift);
        for row in 0..rows {
            // SAFETY: as promised by the caller.
            unsafe {
                let line = place.vector(channel, row, 0);
                for x in 0..width {
                    *line.add(x) = l.relu(l.add(*line.add(x), shift));
                }
            }
        }
    }
}

/// BN-ReLU-1x1 of a state of a block.
#[derive(Debug)]
pub(super) struct Expand<'a> {
    pub(super) tiles: Tiles,
    pub(super) input: Maps,
    pub(super) by: Normalise<'a>,
    /// Packed `[inputs, outputs]`.
    pub(super) weights: &'a [f32],
    pub(super) outputs: usize,
    pub(super) output: Maps,
    pub(super) then: Then<'a>,
}

impl Phase for Expand<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let tile = self.tiles.tile(index);
        let (inputs, width) = (self.by.channels(), self.tiles.plane.width);
        let pixels = tile.rows * width;
        let chunk = POINTWISE_CHANNELS.min(inputs);
        let normalised = MapView { at: scratch.vectors::<L>(chunk * pixels), channel: pixels, row: width };
        let output = self.output.place::<L>(tile.group, 0, tile.row);
        for first in (0..inputs).step_by(chunk) {
            let channels = chunk.min(inputs - first);
            let input = self.input.place::<L>(tile.group, first, tile.row);
            // SAFETY: the tile's rows of input and output are in their buffers; only this piece writes them.
            unsafe {
                normalise(l, self.by.part(first, channels), input, normalised, tile.rows, width);
                pointwise(
                    l,
                    &Product {
                        input: normalised,
                        weights: self.weights.as_ptr(),
                        total: inputs,
                        first,
                        channels,
                        outputs: self.outputs,
                        rows: tile.rows,
                        width,
                        output,
                        accumulate: first > 0,
                    },
                );
            }
        }
        // SAFETY: as above.
        unsafe { self.then.follow(l, (self.tiles.plane, &tile), output, index, scratch) }
    }
}

/// What a 3x3 convolution reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// Maps to be normalised, then relu.
    Raw(Maps, Normalise<'a>),
    /// Maps to be read as they are, with their number of channels.
    Plain(Maps, usize),
    /// Finished maps with a border, with their number of channels.
    Bordered(Maps, usize),
}

/// BN-ReLU-3x3 that writes what a layer adds to a block.
#[derive(Debug)]
pub(super) struct Grow<'a> {
    pub(super) tiles: Tiles,
    pub(super) source: Source<'a>,
    /// Packed `[(inputs, 9), outputs]`.
    pub(super) weights: &'a [f32],
    pub(super) outputs: usize,
    pub(super) output: Maps,
    pub(super) then: Then<'a>,
}

impl Phase for Grow<'_> {
    #[inline(always)]
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch) {
        let tile = self.tiles.tile(index);
        let width = self.tiles.plane.width;
        let output = self.output.place::<L>(tile.group, 0, tile.row);
        let inputs = match self.source {
            Source::Raw(_, by) => by.channels(),
            Source::Plain(_, channels) | Source::Bordered(_, channels) => channels,
        };
        let product = |input, first, channels| Product {
            input,
            weights: self.weights.as_ptr(),
            total: inputs * 9,
            first: first * 9,
            channels,
            outputs: self.outputs,
            rows: tile.rows,
            width,
            output,
            accumulate: first > 0,
        };
        if let Source::Bordered(maps, channels) = self.source {
            let input = maps.place_around::<L>(tile.group, 0, tile.row, 1);
            // SAFETY: bordered maps have a row above and below and a column at each side.
            unsafe { convolve::<L, 3, 1>(l, &product(input, 0, channels)) };
        } else {
            let chunk = CONVOLVE_CHANNELS.min(inputs);
            let bordered = Bordered::new(l, (self.tiles, &tile), chunk, scratch);
            for first in (0..inputs).step_by(chunk) {
                let channels = chunk.min(inputs - first);
                // SAFETY: the rows taken are in the maps; the border is in scratch.
                unsafe {
                    for (row, rows, to) in bordered.pieces() {
                        match self.source {
                            Source::Raw(maps, by) => {
                                let from = maps.place::<L>(tile.group, first, row);
                                normalise(l, by.part(first, channels), from, to, rows, width);
                            }
                            Source::Plain(maps, _) | Source::Bordered(maps, _) => {
                                copy::<L>(maps.place::<L>(tile.group, first, row), to, channels, rows, width);
                            }
                        }
                    }
                    bordered.close(l, channels);
                    convolve::<L, 3, 1>(l, &product(bordered.place, first, channels));
                }
            }
        }
        // SAFETY: only this piece writes the tile's rows of the output.
        unsafe { self.then.follow(l, (self.tiles.plane, &tile), output, index, scratch) }
    }
}

/// `to[c] += from[c]`, row by row.
///
/// # Safety
/// Both places must lie in live memory that nothing else writes meanwhile.
#[inline(always)]
unsafe fn add<L: Lanes>(
    l: L,
    from: MapView<L::V>,
    to: MapView<L::V>,
    channels: usize,
    rows: usize,
    width: usize,
) {
    for channel in 0..channels {
        for row in 0..rows {
            // SAFETY: as promised by the caller.
            unsafe {
                let from: *const L::V = from.vector(channel, row, 0);
                let to = to.vector(channel, row, 0);
                for x in 0..width {
                    *to.add(x) = l.add(*to.add(x), *from.add(x));
                }
            }
        }
    }
}

/// Copies rows as they are.
///
/// # Safety
/// Both places must lie in live memory that nothing else writes meanwhile.
#[inline(always)]
pub(super) unsafe fn copy<L: Lanes>(
    from: MapView<L::V>,
    to: MapView<L::V>,
    channels: usize,
    rows: usize,
    width: usize,
) {
    for channel in 0..channels {
        for row in 0..rows {
            for x in 0..width {
                // SAFETY: as promised by the caller.
                unsafe { *to.vector(channel, row, x) = *from.vector(channel, row, x) };
            }
        }
    }
}
