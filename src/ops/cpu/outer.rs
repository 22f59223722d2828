//! The products behind the gradients of weights: sums over pixels and images of input times gradient.

#![expect(unsafe_code, reason = "the innermost loops read and write through pointers, without bounds checks")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::ops::cpu::kernels::{MapView, line};
use crate::ops::cpu::lanes::Lanes;

/// What the gradient of weights is summed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outer<V> {
    /// The input of the convolution.
    pub(super) input: MapView<V>,
    pub(super) inputs: usize,
    /// The gradient of its output; for a 3x3 convolution with a border of one pixel.
    pub(super) gradient: MapView<V>,
    pub(super) outputs: usize,
    pub(super) rows: usize,
    pub(super) width: usize,
    /// The sums: `[inputs, stride]` of a 1x1 convolution, `[outputs, 9, stride]` of a 3x3.
    pub(super) sums: *mut f32,
    pub(super) stride: usize,
}

/// The gradient of a 1x1 convolution: `sums[c, o] += Σ input[c] · gradient[o]` over pixels and images. Rows
/// follow each other in both, so that a map is one run of pixels.
///
/// # Safety
/// All must lie in live memory that nothing else writes meanwhile.
#[inline(always)]
pub(super) unsafe fn pointwise_gradient<L: Lanes>(l: L, outer: &Outer<L::V>) {
    debug_assert!(outer.input.row == outer.width && outer.gradient.row == outer.width);
    let many = L::TILE >= 12;
    let mut c = 0;
    while c < outer.inputs {
        let left = outer.inputs - c;
        // SAFETY: as promised by the caller.
        unsafe {
            c += if many && left >= 6 {
                pointwise_gradient_rows::<L, 6>(l, outer, c)
            } else if many && left >= 4 {
                pointwise_gradient_rows::<L, 4>(l, outer, c)
            } else if left >= 2 {
                pointwise_gradient_rows::<L, 2>(l, outer, c)
            } else {
                pointwise_gradient_rows::<L, 1>(l, outer, c)
            };
        }
    }
}

#[inline(always)]
unsafe fn pointwise_gradient_rows<L: Lanes, const A: usize>(l: L, outer: &Outer<L::V>, c: usize) -> usize {
    let mut o = 0;
    while o < outer.outputs {
        // SAFETY: as promised by the caller of `pointwise_gradient`.
        unsafe {
            o += match outer.outputs - o {
                4.. => pointwise_gradient_tile::<L, A, 4>(l, outer, c, o),
                2.. => pointwise_gradient_tile::<L, A, 2>(l, outer, c, o),
                _ => pointwise_gradient_tile::<L, A, 1>(l, outer, c, o),
            };
        }
    }
    A
}

#[inline(always)]
unsafe fn pointwise_gradient_tile<L: Lanes, const A: usize, const B: usize>(
    l: L,
    outer: &Outer<L::V>,
    c: usize,
    o: usize,
) -> usize {
    // SAFETY: as promised by the caller of `pointwise_gradient`.
    unsafe {
        let mut sums = [[l.splat(0.0); B]; A];
        let input: *const L::V = outer.input.vector(c, 0, 0);
        let gradient: *const L::V = outer.gradient.vector(o, 0, 0);
        for pixel in 0..outer.rows * outer.width {
            let bs = line::<L, B>(gradient.add(pixel), outer.gradient.channel);
            for (a, of) in sums.iter_mut().enumerate() {
                let value = *input.add(a * outer.input.channel + pixel);
                for (sum, &b) in of.iter_mut().zip(&bs) {
                    *sum = l.fma(value, b, *sum);
                }
            }
        }
        for (a, of) in sums.iter().enumerate() {
            let to = outer.sums.add((c + a) * outer.stride + o);
            add_sums(l, of, to);
        }
    }
    B
}

/// The gradient of a 3x3 convolution of padding 1:
/// `sums[o, (u, v), c] += Σ input[c](y, x) · gradient[o](y + 2 - u, x + 2 - v)`, the gradient with its border.
///
/// # Safety
/// All must lie in live memory that nothing else writes meanwhile.
#[inline(always)]
pub(super) unsafe fn convolve_gradient<L: Lanes>(l: L, outer: &Outer<L::V>) {
    let mut c = 0;
    while c < outer.inputs {
        // SAFETY: as promised by the caller.
        unsafe {
            c += match outer.inputs - c {
                4.. => convolve_gradient_rows::<L, 4>(l, outer, c),
                2.. => convolve_gradient_rows::<L, 2>(l, outer, c),
                _ => convolve_gradient_rows::<L, 1>(l, outer, c),
            };
        }
    }
}

#[inline(always)]
unsafe fn convolve_gradient_rows<L: Lanes, const A: usize>(l: L, outer: &Outer<L::V>, c: usize) -> usize {
    let many = L::TILE >= 12;
    let mut o = 0;
    while o < outer.outputs {
        // SAFETY: as promised by the caller of `convolve_gradient`.
        unsafe {
            o += if many && outer.outputs - o >= 2 {
                for u in 0..3 {
                    convolve_gradient_tile::<L, A, 2>(l, outer, (c, o), u);
                }
                2
            } else {
                for u in 0..3 {
                    convolve_gradient_tile::<L, A, 1>(l, outer, (c, o), u);
                }
                1
            };
        }
    }
    A
}

#[inline(always)]
unsafe fn convolve_gradient_tile<L: Lanes, const A: usize, const B: usize>(
    l: L,
    outer: &Outer<L::V>,
    (input, output): (usize, usize),
    u: usize,
) {
    // SAFETY: as promised by the caller of `convolve_gradient`; the gradient has two more rows and
    // columns than are walked.
    unsafe {
        let mut sums = [[[l.splat(0.0); A]; 3]; B];
        for row in 0..outer.rows {
            let values_at: *const L::V = outer.input.vector(input, row, 0);
            let gradient: *const L::V = outer.gradient.vector(output, row + 2 - u, 0);
            for x in 0..outer.width {
                let values = line::<L, A>(values_at.add(x), outer.input.channel);
                for (b, of) in sums.iter_mut().enumerate() {
                    for (v, taps) in of.iter_mut().enumerate() {
                        let g = *gradient.add(b * outer.gradient.channel + x + 2 - v);
                        for (sum, &value) in taps.iter_mut().zip(&values) {
                            *sum = l.fma(value, g, *sum);
                        }
                    }
                }
            }
        }
        for (b, of) in sums.iter().enumerate() {
            for (v, taps) in of.iter().enumerate() {
                let to = outer.sums.add(((output + b) * 9 + u * 3 + v) * outer.stride + input);
                add_sums(l, taps, to);
            }
        }
    }
}

/// The gradient of a 7x7 convolution of stride 2:
/// `sums[o, (c, u, v)] += Σ input[c](2y + u, 2x + v) · gradient[o](y, x)`, the input with its border.
///
/// # Safety
/// All must lie in live memory that nothing else writes meanwhile.
#[inline(always)]
pub(super) unsafe fn convolve_wide_gradient<L: Lanes>(l: L, outer: &Outer<L::V>) {
    let many = L::TILE >= 12;
    let mut o = 0;
    while o < outer.outputs {
        // SAFETY: as promised by the caller.
        unsafe {
            o += match outer.outputs - o {
                3.. if many => convolve_wide_gradient_rows::<L, 3>(l, outer, o),
                2.. if many => convolve_wide_gradient_rows::<L, 2>(l, outer, o),
                _ => convolve_wide_gradient_rows::<L, 1>(l, outer, o),
            };
        }
    }
}

#[inline(always)]
unsafe fn convolve_wide_gradient_rows<L: Lanes, const B: usize>(
    l: L,
    outer: &Outer<L::V>,
    o: usize,
) -> usize {
    // SAFETY: as promised by the caller of `convolve_wide_gradient`.
    unsafe {
        for (c, u) in (0..outer.inputs).flat_map(|c| (0..7).map(move |u| (c, u))) {
            let mut sums = [[l.splat(0.0); 7]; B];
            for row in 0..outer.rows {
                let input: *const L::V = outer.input.vector(c, 2 * row + u, 0);
                let gradient: *const L::V = outer.gradient.vector(o, row, 0);
                for x in 0..outer.width {
                    let values = line::<L, 7>(input.add(2 * x), 1);
                    for (b, of) in sums.iter_mut().enumerate() {
                        let g = *gradient.add(b * outer.gradient.channel + x);
                        for (sum, &value) in of.iter_mut().zip(&values) {
                            *sum = l.fma(value, g, *sum);
                        }
                    }
                }
            }
            for (b, of) in sums.iter().enumerate() {
                let to = outer.sums.add((o + b) * outer.stride + (c * 7 + u) * 7);
                add_sums(l, &[of[0], of[1], of[2], of[3]], to);
                add_sums(l, &[of[4], of[5], of[6]], to.add(4));
            }
        }
    }
    B
}

/// Adds the sum of each vector's lanes to the numbers at `to`.
#[inline(always)]
unsafe fn add_sums<L: Lanes, const M: usize>(l: L, vectors: &[L::V; M], to: *mut f32) {
    let mut four = [l.splat(0.0); 4];
    four[..M].copy_from_slice(vectors);
    for (i, sum) in l.sums(four).into_iter().enumerate().take(M) {
        // SAFETY: as promised by the caller.
        unsafe { *to.add(i) += sum };
    }
}
