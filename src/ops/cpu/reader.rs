//! Gradients on their way through a batch normalisation, in one pass.
//!
//! With d the gradient after the ReLU's mask, batch normalisation hands on
//! γ·s·(d - mean(d) - x̂·mean(d·x̂)). Only the first term is added to the block's gradient when a layer is
//! passed ([`Reader`]); the sums Σd and Σd·(x - mean) go out ([`Partial`]), and the two means are taken off
//! when the last reader of a channel has passed ([`Finished`]). A shortcut hands on what is finished, so it has
//! no means of its own.

#![expect(unsafe_code, reason = "tiles are read and written through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::ops::cpu::dropout::Dropout;
use crate::ops::cpu::kernels::MapView;
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Maps, Tile};
use crate::ops::cpu::norm::{Normalise, before_relu};
use crate::ops::cpu::plane::{Live, keep};

/// What is still to be taken off the gradient of some channels: s·P + s²·Q·(x - mean), with P and Q
/// the means of all readers together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correction<'a> {
    pub(super) mean: &'a [f32],
    /// s·P.
    pub(super) p: &'a [f32],
    /// s²·Q.
    pub(super) q: &'a [f32],
}

/// The finished gradient of what a layer wrote into a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finished<'a> {
    pub(super) gradient: Maps,
    pub(super) features: Maps,
    pub(super) correction: Correction<'a>,
    pub(super) dropout: Option<Dropout>,
}

impl Finished<'_> {
    pub(super) fn channels(&self) -> usize {
        self.correction.mean.len()
    }

    /// Its channels from `first` on, `size` of them.
    pub(super) fn part(&self, first: usize, size: usize) -> Self {
        let Correction { mean, p, q } = self.correction;
        let range = first..first + size;
        let correction = Correction { mean: &mean[range.clone()], p: &p[range.clone()], q: &q[range] };
        let (gradient, features) = (self.gradient.from(first), self.features.from(first));
        Self { gradient, features, correction, ..*self }
    }

    /// Writes `rows` rows from `row` on of the tile's images to `to`: 0 where there is no pixel of an image.
    ///
    /// # Safety
    /// `to` must have room for them, `live` be made for the tile, and nothing may write these channels meanwhile.
    #[inline(always)]
    pub(super) unsafe fn write<L: Lanes>(
        &self,
        l: L,
        tile: &Tile,
        live: Option<Live<L::V>>,
        (row, rows): (usize, usize),
        to: MapView<L::V>,
    ) {
        let width = self.features.width;
        let (gradient, features) =
            (self.gradient.place::<L>(tile.group, 0, row), self.features.place::<L>(tile.group, 0, row));
        let Correction { mean, p, q } = self.correction;
        for (channel, ((&mean, &p), &q)) in mean.iter().zip(p).zip(q).enumerate() {
            let (mean, p, q) = (l.splat(mean), l.splat(p), l.splat(-q));
            for y in 0..rows {
                // SAFETY: as promised by the caller.
                unsafe {
                    let gradient: *const L::V = gradient.vector(channel, y, 0);
                    let features: *const L::V = features.vector(channel, y, 0);
                    let to = to.vector(channel, y, 0);
                    for x in 0..width {
                        let distance = l.sub(*features.add(x), mean);
                        let value = l.fma(distance, q, l.sub(*gradient.add(x), p));
                        *to.add(x) = keep(l, live, (row + y, x), value);
                    }
                }
            }
        }
        if let Some(dropout) = self.dropout {
            // SAFETY: as above.
            unsafe { dropout.apply::<L>(tile, (row, rows), to, width) };
        }
    }
}

/// What a task leaves behind: gradients of weights, and Σd and Σd·(x - mean) of each input channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partial {
    pub(super) weights: *mut f32,
    /// Numbers of one task.
    pub(super) weights_len: usize,
    pub(super) sums: *mut [f64; 2],
    pub(super) inputs: usize,
}

// SAFETY: each task writes its own part.
unsafe impl Send for Partial {}
// SAFETY: as above.
unsafe impl Sync for Partial {}

impl Partial {
    /// The task's parts.
    pub(super) fn of_task(self, task: usize) -> (*mut f32, *mut [f64; 2]) {
        (self.weights.wrapping_add(task * self.weights_len), self.sums.wrapping_add(task * self.inputs))
    }

    /// The task's parts, zeroed.
    ///
    /// # Safety
    /// Nobody else may use the part of this task meanwhile.
    pub(super) unsafe fn cleared(self, task: usize) -> (*mut f32, *mut [f64; 2]) {
        let (weights, sums) = self.of_task(task);
        // SAFETY: the buffers have room for every task.
        unsafe {
            weights.write_bytes(0, self.weights_len);
            sums.write_bytes(0, self.inputs);
        }
        (weights, sums)
    }

    /// The task's parts, zeroed for `size` input channels from `first` on: of weights `[rows, inputs]`.
    ///
    /// # Safety
    /// Nobody else may use these channels' numbers meanwhile.
    pub(super) unsafe fn cleared_columns(
        self,
        task: usize,
        (first, size): (usize, usize),
    ) -> (*mut f32, *mut [f64; 2]) {
        let (weights, sums) = self.of_task(task);
        // SAFETY: the buffers have room for every task.
        unsafe {
            for row in 0..self.weights_len / self.inputs {
                weights.add(row * self.inputs + first).write_bytes(0, size);
            }
            sums.add(first).write_bytes(0, size);
        }
        (weights, sums)
    }

    /// The same of weights `[inputs, columns]`.
    ///
    /// # Safety
    /// As above.
    pub(super) unsafe fn cleared_rows(
        self,
        task: usize,
        (first, size): (usize, usize),
    ) -> (*mut f32, *mut [f64; 2]) {
        let (weights, sums) = self.of_task(task);
        let columns = self.weights_len / self.inputs;
        // SAFETY: the buffers have room for every task.
        unsafe {
            weights.add(first * columns).write_bytes(0, size * columns);
            sums.add(first).write_bytes(0, size);
        }
        (weights, sums)
    }
}

/// What a convolution read in the forward pass, and where its gradient goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    pub(super) maps: Maps,
    pub(super) by: Normalise<'a>,
    /// Where `scale`·d goes: the maps of the gradient, and a factor for each channel.
    pub(super) gradient: Maps,
    pub(super) scale: &'a [f32],
    pub(super) onto: Onto<'a>,
}

/// What a reader's gradient meets where it goes.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "one is made for each layer, and none is kept")]
pub(super) enum Onto<'a> {
    /// Nothing: it is the first of its maps, or the only one.
    Nothing,
    /// That of other readers of the same maps.
    Others,
    /// That of the layer's output, which the maps were added to.
    Shortcut(Finished<'a>),
}

impl Reader<'_> {
    pub(super) fn channels(&self) -> usize {
        self.by.channels()
    }

    /// Takes the gradient of channels `first..first + size` behind the ReLU, `d`, through it: hands it on
    /// scaled, adds up `sums`, and leaves the normalised input in the place of `d`.
    ///
    /// # Safety
    /// Nothing else may write the tile's rows of these channels meanwhile; `there` must be made for the tile.
    #[inline(always)]
    pub(super) unsafe fn through_relu<L: Lanes>(
        &self,
        l: L,
        (tile, there): (&Tile, Option<Live<L::V>>),
        (first, size): (usize, usize),
        d: MapView<L::V>,
        sums: *mut [f64; 2],
    ) {
        let width = self.maps.width;
        let maps = self.maps.place::<L>(tile.group, first, tile.row);
        let gradient = self.gradient.place::<L>(tile.group, first, tile.row);
        if let Onto::Shortcut(output) = self.onto {
            // SAFETY: as promised by the caller; the output is other maps than these.
            unsafe { output.part(first, size).write(l, tile, there, (tile.row, tile.rows), gradient) };
        }
        let replaces = matches!(self.onto, Onto::Nothing);
        for i in 0..size {
            let channel = first + i;
            let (of, scale) = (self.by.channel(l, channel), l.splat(self.scale[channel]));
            let (mut sum, mut product) = (l.splat(0.0), l.splat(0.0));
            for row in 0..tile.rows {
                // SAFETY: as promised by the caller.
                unsafe {
                    let maps: *const L::V = maps.vector(i, row, 0);
                    let line = d.vector(i, row, 0);
                    let gradient = gradient.vector(i, row, 0);
                    for x in 0..width {
                        let distance = l.sub(*maps.add(x), of.mean);
                        let before = before_relu(l, of, distance);
                        let before = keep(l, there, (tile.row + row, x), before);
                        let d = l.where_positive(before, *line.add(x));
                        sum = l.add(sum, d);
                        product = l.fma(d, distance, product);
                        *gradient.add(x) =
                            if replaces { l.mul(scale, d) } else { l.fma(scale, d, *gradient.add(x)) };
                        *line.add(x) = l.relu(before);
                    }
                }
            }
            // SAFETY: as promised by the caller.
            unsafe {
                let sums = &mut *sums.add(channel);
                sums[0] += f64::from(l.sum(sum));
                sums[1] += f64::from(l.sum(product));
            }
        }
    }
}
