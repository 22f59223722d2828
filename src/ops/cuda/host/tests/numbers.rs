//! Numbers for the kernels, and what the loops share: rounding, normalisation, dropout, packed weights.

use crate::ops::cuda::Precision;
use crate::ops::cuda::geometry::DEPTH;
use crate::ops::cuda::host::tests::Bench;
use crate::ops::cuda::program::Address;
use crate::ops::dropout::Masks;
use crate::rng::{Purpose, Stream};

pub(super) fn to_bf16(x: f32) -> u16 {
    if x.is_nan() {
        return 0x7fff;
    }
    // The nearest of the two neighbours; of two as near, the one whose last bit is 0.
    let (down, exact) = (x.to_bits() >> 16, f64::from(x));
    let [below, above] = [down, down + 1].map(|bits| f64::from(f32::from_bits(bits << 16)));
    let nearer = (above - exact).abs() < (exact - below).abs();
    let tie = (above - exact).abs() == (exact - below).abs();
    (if nearer || tie && down % 2 == 1 { down + 1 } else { down }) as u16
}

pub(super) fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// What feature maps keep of a number.
pub(super) fn kept(precision: Precision, x: f32) -> f32 {
    if precision == Precision::Bf16 { from_bf16(to_bf16(x)) } else { x }
}

/// What a product takes of a number.
pub(super) fn factor(precision: Precision, x: f32) -> f32 {
    match precision {
        Precision::F32 => x,
        Precision::Tf32 => f32::from_bits((x.to_bits() + 0x1000) & !0x1fff),
        Precision::Bf16 => from_bf16(to_bf16(x)),
    }
}

/// `count` numbers around 0.
pub(super) fn normal(seed: u64, count: usize) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Init, 0, 0);
    (0..count).map(|_| stream.normal()).collect()
}

/// Maps `[pixels, stride]` with NaN in all channels but `first..first + channels`: nobody may read those.
pub(super) fn maps(
    precision: Precision,
    seed: u64,
    pixels: usize,
    stride: usize,
    first: usize,
    channels: usize,
) -> Vec<f32> {
    let there = |at: usize| (first..first + channels).contains(&(at % stride));
    let numbers = normal(seed, pixels * stride).into_iter().enumerate();
    numbers.map(|(at, x)| if there(at) { kept(precision, x) } else { f32::NAN }).collect()
}

/// A normalisation with its γ and β.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    pub(super) mean: Vec<f32>,
    pub(super) scale: Vec<f32>,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// Where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct NormPlaces {
    pub(super) mean: Address,
    pub(super) scale: Address,
    pub(super) weight: Address,
    pub(super) bias: Address,
}

impl Norm {
    pub(super) fn new(seed: u64, channels: usize) -> Self {
        Self {
            mean: normal(seed, channels).iter().map(|x| 0.5 * x).collect(),
            scale: normal(seed + 1, channels).iter().map(|x| 0.7 + x.abs()).collect(),
            weight: normal(seed + 2, channels),
            bias: normal(seed + 3, channels).iter().map(|x| 0.3 * x).collect(),
        }
    }

    pub(super) fn put(&self, bench: &mut Bench) -> NormPlaces {
        NormPlaces {
            mean: bench.floats(&self.mean),
            scale: bench.floats(&self.scale),
            weight: bench.floats(&self.weight),
            bias: bench.floats(&self.bias),
        }
    }

    pub(super) fn a(&self, c: usize) -> f32 {
        self.weight[c] * self.scale[c]
    }

    pub(super) fn distance(&self, x: f32, c: usize) -> f32 {
        x - self.mean[c]
    }

    pub(super) fn before(&self, x: f32, c: usize) -> f32 {
        self.a(c).mul_add(self.distance(x, c), self.bias[c])
    }

    pub(super) fn relu(&self, x: f32, c: usize) -> f32 {
        self.before(x, c).max(0.0)
    }
}

/// The finished gradient of what lies in a block: gradient and maps `[pixels, stride]`, and what its readers
/// left, pairs by channel.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) stride: usize,
    pub(super) gradient: Vec<f32>,
    pub(super) maps: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) pending_means: Vec<f64>,
}

impl Block {
    /// NaN everywhere but in channels `first..first + channels`.
    pub(super) fn new(
        precision: Precision,
        seed: u64,
        pixels: usize,
        stride: usize,
        first: usize,
        channels: usize,
    ) -> Self {
        Self {
            stride,
            gradient: maps(Precision::F32, seed, pixels, stride, first, channels),
            maps: maps(precision, seed + 1, pixels, stride, first, channels),
            norm: Norm::new(seed + 2, first + channels),
            pending_means: normal(seed + 6, 2 * (first + channels))
                .iter()
                .map(|&x| 0.1 * f64::from(x))
                .collect(),
        }
    }

    pub(super) fn finished(&self, pixel: usize, c: usize) -> f32 {
        let (at, s) = (pixel * self.stride + c, f64::from(self.norm.scale[c]));
        let (p, q) = ((s * self.pending_means[2 * c]) as f32, (s * s * self.pending_means[2 * c + 1]) as f32);
        (self.maps[at] - self.norm.mean[c]).mul_add(-q, self.gradient[at] - p)
    }
}

pub(super) const RATE: f32 = 0.25;
pub(super) const CONVOLUTION: usize = 7;
const SEED: u64 = 5 << 32 | 9;
const STEP: u64 = 3 << 32 | 2;

/// The clock of a step, as words: seed, epoch, step, index, failed.
pub(super) fn clock(bench: &mut Bench) -> Address {
    bench.ints(&[9, 5, 1, 0, 2, 3, 0, 0])
}

/// The factors of a mask by element `[images, channels, area]`; all 1 without dropout.
pub(super) fn mask(dropout: bool, elements: usize) -> Vec<f32> {
    let mut draws = Masks { rate: f64::from(RATE), seed: SEED, step: STEP }.draws(CONVOLUTION as u32);
    (0..elements).map(|_| if dropout { draws.factor() } else { 1.0 }).collect()
}

/// The element of a mask.
pub(super) fn element(pixel: usize, channel: usize, channels: usize, area: usize) -> usize {
    (pixel / area * channels + channel) * area + pixel % area
}

/// Weights `[outputs, inputs, taps]` as products read them, for columns in tiles of `width`.
pub(super) fn packed(
    weights: &[f32],
    (outputs, inputs, taps): (usize, usize, usize),
    width: usize,
    backward: bool,
) -> Vec<f32> {
    let (columns, deep) = if backward { (inputs, outputs) } else { (outputs, inputs) };
    let mut found = Vec::new();
    for tile in 0..columns.div_ceil(width) {
        for chunk in 0..deep.div_ceil(DEPTH) {
            for tap in 0..taps {
                for column in tile * width..(tile + 1) * width {
                    for k in chunk * DEPTH..(chunk + 1) * DEPTH {
                        let (o, i) = if backward { (k, column) } else { (column, k) };
                        let tap = if backward { taps - 1 - tap } else { tap };
                        let there = o < outputs && i < inputs;
                        found.push(if there { weights[(o * inputs + i) * taps + tap] } else { 0.0 });
                    }
                }
            }
        }
    }
    found
}

/// Weights `[outputs, 3, 49]` of the stem as its product reads them, for columns in tiles of `width`.
pub(super) fn packed_around(weights: &[f32], outputs: usize, width: usize) -> Vec<f32> {
    let mut found = Vec::new();
    for tile in 0..outputs.div_ceil(width) {
        for chunk in 0..(4 * 49usize).div_ceil(DEPTH) {
            for o in tile * width..(tile + 1) * width {
                for k in chunk * DEPTH..(chunk + 1) * DEPTH {
                    let (tap, c) = (k / 4, k % 4);
                    let there = o < outputs && c < 3 && tap < 49;
                    found.push(if there { weights[(o * 3 + c) * 49 + tap] } else { 0.0 });
                }
            }
        }
    }
    found
}

/// `found` is `expected` but for the rounding of sums of numbers of size 1, and of what maps keep.
pub(super) fn close(found: &[f32], expected: &[f64], precision: Precision, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let relative = if precision == Precision::Bf16 { 1.0 / 256.0 } else { 1e-5 };
    for (at, (&x, &y)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(x) - y).abs();
        assert!(off <= relative * y.abs() + 4e-5 || x.is_nan() && y.is_nan(), "{what} {at}: {x}, not {y}");
    }
}
