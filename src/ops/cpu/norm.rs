//! Batch statistics, measured once per feature map, and what the layers that read it make of them.

#![expect(unsafe_code, reason = "feature maps are read through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::arch::blocks::Norm;
use crate::arch::layout::Plane;
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::cpu::kernels::MapView;
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Tile, Tiles};
use crate::ops::cpu::plane::{Live, keep};

/// Mean and sum of squared distances from it, of one channel in one tile.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    mean: f64,
    squares: f64,
}

/// Where the tiles of a phase leave their moments: `[tile, channels]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct MomentsOut {
    pub(super) at: *mut Moments,
    pub(super) channels: usize,
}

// SAFETY: each tile writes its own row.
unsafe impl Send for MomentsOut {}
// SAFETY: as above.
unsafe impl Sync for MomentsOut {}

/// Measures channels of a tile from `place` on and leaves them in row `index` of `out`.
///
/// # Safety
/// The tile's vectors must be live and complete, `there` made for the tile, and nobody else may write the row.
#[inline(always)]
pub(super) unsafe fn measure<L: Lanes>(
    l: L,
    (area, tile): (Plane, &Tile),
    there: Option<Live<L::V>>,
    place: MapView<L::V>,
    out: MomentsOut,
    index: usize,
) {
    let width = area.width;
    let count = (tile.images * area.pixels_of_rows(tile.row, tile.rows)) as f64;
    for channel in 0..out.channels {
        // SAFETY: as promised by the caller.
        unsafe {
            let mut sum = l.splat(0.0);
            for row in 0..tile.rows {
                let line: *const L::V = place.vector(channel, row, 0);
                for x in 0..width {
                    let value = *line.add(x);
                    sum = l.add(sum, keep(l, there, (tile.row + row, x), value));
                }
            }
            // The mean to about f32's precision; distances from it are exact enough to correct it.
            let near = (f64::from(l.sum(sum)) / count) as f32;
            let centre = l.splat(near);
            let (mut sum, mut square) = (l.splat(0.0), l.splat(0.0));
            for row in 0..tile.rows {
                let line: *const L::V = place.vector(channel, row, 0);
                for x in 0..width {
                    let distance = keep(l, there, (tile.row + row, x), l.sub(*line.add(x), centre));
                    sum = l.add(sum, distance);
                    square = l.fma(distance, distance, square);
                }
            }
            let (shifted, squares) = (f64::from(l.sum(sum)), f64::from(l.sum(square)));
            let offset = shifted / count;
            *out.at.add(index * out.channels + channel) =
                Moments { mean: f64::from(near) + offset, squares: squares - shifted * offset };
        }
    }
}

/// The statistics of some channels over a batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Statistics {
    pub(super) mean: Vec<f64>,
    /// Divided by M.
    pub(super) variance: Vec<f64>,
}

impl Statistics {
    /// Joins what the tiles found, in their order (Chan, Golub, LeVeque 1979), and appends it.
    pub(super) fn join(&mut self, tiles: Tiles, channels: usize, moments: &[Moments]) {
        let count = |tile: Tile| (tile.images * tiles.plane.pixels_of_rows(tile.row, tile.rows)) as f64;
        let counts: Vec<f64> = (0..tiles.count()).map(|index| count(tiles.tile(index))).collect();
        for channel in 0..channels {
            let (mut count, mut mean, mut squares) = (0f64, 0f64, 0f64);
            for (row, more) in moments.chunks_exact(channels).zip(&counts) {
                let Moments { mean: other, squares: others } = row[channel];
                let (total, distance) = (count + more, other - mean);
                mean += distance * more / total;
                squares += others + distance * distance * count * more / total;
                count = total;
            }
            self.mean.push(mean);
            self.variance.push(squares / count);
        }
    }

    pub(super) fn clear(&mut self) {
        self.mean.clear();
        self.variance.clear();
    }
}

/// What a normalisation does to the channels it reads, as f32 for the kernels: BN(x) = a·(x - mean) + β.
/// The difference first: it is exact where BN(x) is near 0, so that rounding seldom turns a ReLU.
#[derive(Clone, Debug, Default)]
pub(super) struct Affine {
    /// γ·s with s = 1/√(variance + ε).
    pub(super) a: Vec<f32>,
    pub(super) mean: Vec<f32>,
    /// β.
    pub(super) bias: Vec<f32>,
    /// β - a·mean: BN(x) = a·x + shift.
    pub(super) shift: Vec<f32>,
    /// s, in f64.
    pub(super) s: Vec<f64>,
}

impl Affine {
    /// What `norm` does by the statistics of a batch, from a first channel on.
    pub(super) fn set_by(
        &mut self,
        batch_norm: BatchNormConfig,
        norm: Norm,
        parameters: &[f32],
        (statistics, first): (&Statistics, usize),
    ) {
        let (weight, bias) = (norm.weight(parameters), norm.bias(parameters));
        let (mean, variance) = (&statistics.mean[first..], &statistics.variance[first..]);
        self.set(batch_norm, weight, bias, mean.iter().copied(), variance.iter().copied());
    }

    pub(super) fn set(
        &mut self,
        batch_norm: BatchNormConfig,
        weight: &[f32],
        bias: &[f32],
        mean: impl Iterator<Item = f64>,
        variance: impl Iterator<Item = f64>,
    ) {
        self.a.clear();
        self.mean.clear();
        self.bias.clear();
        self.shift.clear();
        self.s.clear();
        for (((&weight, &bias), mean), variance) in weight.iter().zip(bias).zip(mean).zip(variance) {
            let s = 1.0 / (variance + batch_norm.epsilon).sqrt();
            let a = f64::from(weight) * s;
            self.a.push(a as f32);
            self.mean.push(mean as f32);
            self.bias.push(bias);
            self.shift.push((f64::from(bias) - a * mean) as f32);
            self.s.push(s);
        }
    }
}

impl Affine {
    /// As the kernels read it.
    pub(super) fn view(&self) -> Normalise<'_> {
        Normalise { a: &self.a, mean: &self.mean, bias: &self.bias }
    }
}

/// An [`Affine`] over some channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Normalise<'a> {
    pub(super) a: &'a [f32],
    pub(super) mean: &'a [f32],
    bias: &'a [f32],
}

/// A channel's numbers in every lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel<V> {
    a: V,
    pub(super) mean: V,
    bias: V,
}

impl<'a> Normalise<'a> {
    pub(super) fn channels(self) -> usize {
        self.a.len()
    }

    pub(super) fn part(self, first: usize, channels: usize) -> Self {
        let cut = |xs: &'a [f32]| &xs[first..first + channels];
        Self { a: cut(self.a), mean: cut(self.mean), bias: cut(self.bias) }
    }

    #[inline(always)]
    pub(super) fn channel<L: Lanes>(self, l: L, channel: usize) -> Channel<L::V> {
        Channel {
            a: l.splat(self.a[channel]),
            mean: l.splat(self.mean[channel]),
            bias: l.splat(self.bias[channel]),
        }
    }
}

/// BN(x) of a channel from x - mean: the one expression that decides every ReLU, forward and backward.
#[inline(always)]
pub(super) fn before_relu<L: Lanes>(l: L, channel: Channel<L::V>, distance: L::V) -> L::V {
    l.fma(channel.a, distance, channel.bias)
}

/// relu(BN(x)).
#[inline(always)]
pub(super) fn after_relu<L: Lanes>(l: L, channel: Channel<L::V>, x: L::V) -> L::V {
    l.relu(before_relu(l, channel, l.sub(x, channel.mean)))
}

/// `to[c] = relu(BN(from[c]))`, row by row.
///
/// # Safety
/// Both places must lie in live memory that nothing else writes meanwhile.
#[inline(always)]
pub(super) unsafe fn normalise<L: Lanes>(
    l: L,
    by: Normalise,
    from: MapView<L::V>,
    to: MapView<L::V>,
    rows: usize,
    width: usize,
) {
    for channel in 0..by.channels() {
        let of = by.channel(l, channel);
        for row in 0..rows {
            // SAFETY: as promised by the caller.
            unsafe {
                let from: *const L::V = from.vector(channel, row, 0);
                let to = to.vector(channel, row, 0);
                for x in 0..width {
                    *to.add(x) = after_relu(l, of, *from.add(x));
                }
            }
        }
    }
}
