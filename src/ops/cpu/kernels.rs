//! The products at the bottom of everything: register tiles over vectors of images.
//!
//! A feature map here is an array of vectors; a vector holds the same pixel of as many images as the
//! machine has lanes. So every product has whole vectors on one side and single weights on the
//! other, whatever the number of channels, and a convolution needs no shifting inside a vector.

#![expect(unsafe_code, reason = "the innermost loops read and write through pointers, without bounds checks")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use rayon::prelude::*;

use crate::ops::cpu::lanes::Lanes;

/// Where vectors of feature maps lie: a pointer and the distances, in vectors, from a channel to the
/// next and from a row to the next. Pixels of a row are neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct MapView<V> {
    pub(super) at: *mut V,
    pub(super) channel: usize,
    pub(super) row: usize,
}

impl<V> MapView<V> {
    /// The vector at (`channel`, `row`, `x`).
    ///
    /// # Safety
    /// It must lie in the memory the place was made for.
    #[inline(always)]
    pub(super) unsafe fn vector(self, channel: usize, row: usize, x: usize) -> *mut V {
        // SAFETY: the caller promises that the result is inside the allocation.
        unsafe { self.at.add(channel * self.channel + row * self.row + x) }
    }
}

/// Sizes of the register tiles that `n` output channels are split into, for at most `largest`.
pub(super) fn split(n: usize, largest: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let left = n - start;
        let size = [12, 8, 6, 4, 2, 1].into_iter().find(|&size| size <= left.min(largest))?;
        start += size;
        Some((start - size, size))
    })
}

/// Numbers from which on a single thread is not left to move them.
pub(super) const MANY: usize = 1 << 15;

/// Weights `[k, n]` (by `weight(k, n)`) in the order the products read them: register tile by register
/// tile, in each k by k.
pub(super) fn pack(
    k: usize,
    n: usize,
    largest: usize,
    into: &mut [f32],
    weight: impl Fn(usize, usize) -> f32 + Sync,
) {
    let tile = |(start, size): (usize, usize), into: &mut [f32]| {
        for (i, row) in into.chunks_exact_mut(size).enumerate() {
            for (o, slot) in (start..).zip(row) {
                *slot = weight(i, o);
            }
        }
    };
    let mut rest = into;
    let tiles = split(n, largest).map(|(start, size)| {
        let (own, others) = std::mem::take(&mut rest).split_at_mut(size * k);
        rest = others;
        ((start, size), own)
    });
    if k * n < MANY {
        tiles.for_each(|(at, into)| tile(at, into));
    } else {
        tiles.collect::<Vec<_>>().into_par_iter().for_each(|(at, into)| tile(at, into));
    }
}

/// What a product works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product<V> {
    /// What is multiplied: for a convolution, with a border of one pixel on every side.
    pub(super) input: MapView<V>,
    /// Packed weights of all `total` rows k.
    pub(super) weights: *const f32,
    /// Rows k (channels, or channels times taps) of the packed weights.
    pub(super) total: usize,
    /// The first row k of this product.
    pub(super) first: usize,
    /// Input channels of this product.
    pub(super) channels: usize,
    /// Output channels.
    pub(super) outputs: usize,
    /// Pixels: rows and columns.
    pub(super) rows: usize,
    pub(super) width: usize,
    /// Where the result goes.
    pub(super) output: MapView<V>,
    /// Whether the result is added to what is there.
    pub(super) accumulate: bool,
}

/// A call for register tiles of `$size` outputs and `$n` pixels.
macro_rules! by_tile {
    ($size:expr, $n:literal, $call:ident, [$($constant:ident),*], $($argument:expr),*) => {
        match $size {
            12 => $call::<L, 12, $n $(, $constant)*>($($argument),*),
            8 => $call::<L, 8, $n $(, $constant)*>($($argument),*),
            6 => $call::<L, 6, $n $(, $constant)*>($($argument),*),
            4 => $call::<L, 4, $n $(, $constant)*>($($argument),*),
            2 => $call::<L, 2, $n $(, $constant)*>($($argument),*),
            _ => $call::<L, 1, $n $(, $constant)*>($($argument),*),
        }
    };
}

/// A 1x1 convolution: `output[o] (+)= Σ_c weight[c, o] · input[c]`.
///
/// # Safety
/// Input, weights and output must lie in live memory that nothing else writes meanwhile.
#[inline(always)]
pub(super) unsafe fn pointwise<L: Lanes>(l: L, product: &Product<L::V>) {
    // Rows that follow each other are one run of pixels.
    let run = product.input.row == product.width && product.output.row == product.width;
    let (rows, width) = if run { (1, product.rows * product.width) } else { (product.rows, product.width) };
    for row in 0..rows {
        let mut x = 0;
        // All outputs of a pixel before the next: its channels and the weights stay in the nearest cache.
        while x + 2 <= width {
            for (start, size) in split(product.outputs, L::TILE) {
                // SAFETY: tiles cover exactly the rows, columns and outputs of the product.
                unsafe { by_tile!(size, 2, pointwise_tile, [], l, product, start, row, x) }
            }
            x += 2;
        }
        if x < width {
            for (start, size) in split(product.outputs, L::TILE) {
                // SAFETY: as above.
                unsafe { by_tile!(size, 1, pointwise_tile, [], l, product, start, row, x) }
            }
        }
    }
}

#[inline(always)]
unsafe fn pointwise_tile<L: Lanes, const M: usize, const N: usize>(
    l: L,
    product: &Product<L::V>,
    start: usize,
    row: usize,
    x: usize,
) {
    // SAFETY: as promised by the caller of `pointwise`.
    unsafe {
        let mut weights = product.weights.add(start * product.total + product.first * M);
        let output = product.output.vector(start, row, x);
        let mut sums = [[l.splat(0.0); N]; M];
        let mut input: *const L::V = product.input.vector(0, row, x);
        for _ in 0..product.channels {
            let xs = line::<L, N>(input, 1);
            multiply(l, &mut sums, &xs, weights);
            input = input.add(product.input.channel);
            weights = weights.add(M);
        }
        store(l, output, product.output.channel, &sums, product.accumulate);
    }
}

/// A convolution with a square kernel of side `K` and stride `STRIDE`:
/// `output[o](y, x) (+)= Σ_c,u,v weight[(c, u, v), o] · input[c](STRIDE·y + u, STRIDE·x + v)`, the input with its border.
///
/// # Safety
/// Input, weights and output must lie in live memory that nothing else writes meanwhile.
#[inline(always)]
pub(super) unsafe fn convolve<L: Lanes, const K: usize, const STRIDE: usize>(l: L, product: &Product<L::V>) {
    for (start, size) in split(product.outputs, L::TILE) {
        for row in 0..product.rows {
            let mut x = 0;
            while x + 2 <= product.width {
                // SAFETY: tiles cover exactly the rows, columns and outputs of the product.
                unsafe { by_tile!(size, 2, convolve_tile, [K, STRIDE], l, product, start, row, x) }
                x += 2;
            }
            if x < product.width {
                // SAFETY: as above.
                unsafe { by_tile!(size, 1, convolve_tile, [K, STRIDE], l, product, start, row, x) }
            }
        }
    }
}

#[inline(always)]
unsafe fn convolve_tile<L: Lanes, const M: usize, const N: usize, const K: usize, const STRIDE: usize>(
    l: L,
    product: &Product<L::V>,
    start: usize,
    row: usize,
    x: usize,
) {
    // SAFETY: as promised by the caller of `convolve`.
    unsafe {
        let mut weights = product.weights.add(start * product.total + product.first * M);
        let output = product.output.vector(start, row, x);
        let mut sums = [[l.splat(0.0); N]; M];
        let mut input: *const L::V = product.input.vector(0, STRIDE * row, STRIDE * x);
        for _ in 0..product.channels {
            for u in 0..K {
                let line_of = input.add(u * product.input.row);
                for v in 0..K {
                    let xs = line::<L, N>(line_of.add(v), STRIDE);
                    multiply(l, &mut sums, &xs, weights);
                    weights = weights.add(M);
                }
            }
            input = input.add(product.input.channel);
        }
        store(l, output, product.output.channel, &sums, product.accumulate);
    }
}

/// `N` vectors, `step` apart.
#[inline(always)]
pub(super) unsafe fn line<L: Lanes, const N: usize>(from: *const L::V, step: usize) -> [L::V; N] {
    // SAFETY: as promised by the caller.
    unsafe {
        let mut vectors = [*from; N];
        for (i, vector) in vectors.iter_mut().enumerate().skip(1) {
            *vector = *from.add(i * step);
        }
        vectors
    }
}

/// Writes the sums, or adds them to what is there: each part of a long sum starts from 0, so that its
/// rounding is that of the part.
#[inline(always)]
unsafe fn store<L: Lanes, const M: usize, const N: usize>(
    l: L,
    to: *mut L::V,
    channel: usize,
    sums: &[[L::V; N]; M],
    accumulate: bool,
) {
    for (o, of) in sums.iter().enumerate() {
        for (p, &sum) in of.iter().enumerate() {
            // SAFETY: as promised by the caller.
            unsafe {
                let to = to.add(o * channel + p);
                *to = if accumulate { l.add(*to, sum) } else { sum };
            }
        }
    }
}

/// `sums[o][p] += xs[p] · weights[o]`.
#[inline(always)]
unsafe fn multiply<L: Lanes, const M: usize, const N: usize>(
    l: L,
    sums: &mut [[L::V; N]; M],
    xs: &[L::V; N],
    weights: *const f32,
) {
    for (o, of) in sums.iter_mut().enumerate() {
        // SAFETY: the tile has M weights.
        let weight = l.splat(unsafe { *weights.add(o) });
        for (sum, &x) in of.iter_mut().zip(xs) {
            *sum = l.fma(x, weight, *sum);
        }
    }
}
