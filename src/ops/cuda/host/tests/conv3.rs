//! 3x3 convolutions, forward and backward.

use super::numbers::*;
use super::pointwise::measured;
use super::*;
use crate::ops::cuda::geometry::{Columns, Rows, Window, conv3_shared};

/// Sizes and kind of a 3x3 convolution.
#[derive(Clone, Copy, Debug)]
struct Case {
    images: usize,
    side: usize,
    inputs: usize,
    outputs: usize,
    /// Where the outputs begin in their block.
    channel: usize,
    mt: usize,
    warps: usize,
    dropout: bool,
    /// Forward: whether it reads images, and is measured; backward: whether it adds to a block.
    first: bool,
}

const CASES: &[Case] = &[
    Case {
        images: 2,
        side: 7,
        inputs: 19,
        outputs: 5,
        channel: 3,
        mt: 1,
        warps: 2,
        dropout: false,
        first: false,
    },
    Case {
        images: 1,
        side: 9,
        inputs: 33,
        outputs: 12,
        channel: 8,
        mt: 1,
        warps: 4,
        dropout: true,
        first: false,
    },
    Case {
        images: 3,
        side: 2,
        inputs: 8,
        outputs: 70,
        channel: 0,
        mt: 1,
        warps: 2,
        dropout: true,
        first: false,
    },
    Case {
        images: 1,
        side: 33,
        inputs: 4,
        outputs: 3,
        channel: 1,
        mt: 2,
        warps: 4,
        dropout: false,
        first: false,
    },
    Case {
        images: 5,
        side: 1,
        inputs: 16,
        outputs: 1,
        channel: 4,
        mt: 1,
        warps: 2,
        dropout: false,
        first: false,
    },
    Case {
        images: 3,
        side: 6,
        inputs: 3,
        outputs: 10,
        channel: 0,
        mt: 1,
        warps: 2,
        dropout: false,
        first: true,
    },
    Case {
        images: 1,
        side: 16,
        inputs: 3,
        outputs: 24,
        channel: 0,
        mt: 2,
        warps: 4,
        dropout: true,
        first: true,
    },
];

impl Case {
    fn window(self) -> Window {
        Window::of(self.side, Rows { mt: self.mt, warps: self.warps }.count())
    }
}

fn stride(channels: usize) -> usize {
    channels.next_multiple_of(8)
}

/// The tile that each pixel is in.
pub(super) fn tile_of(window: Window, pixel: usize) -> usize {
    let Window { images, rows, columns, side } = window;
    let (image, y, x) = (pixel / side / side, pixel / side % side, pixel % side);
    (image / images * side.div_ceil(rows) + y / rows) * side.div_ceil(columns) + x / columns
}

/// The pixel that `tap` of a 3x3 window around `pixel` falls on.
pub(super) fn at_tap(side: usize, pixel: usize, tap: usize) -> Option<usize> {
    let (image, y, x) = (pixel / side / side, pixel / side % side, pixel % side);
    let (y, x) = ((y + tap / 3).checked_sub(1)?, (x + tap % 3).checked_sub(1)?);
    (y < side && x < side).then(|| (image * side + y) * side + x)
}

fn forward(bench: &mut Bench, case: Case) {
    let Case { images, side, inputs, outputs, channel, mt, warps, dropout, first } = case;
    let (precision, window, columns) = (bench.precision, case.window(), Columns::of(outputs, mt));
    let (pixels, tiles) = (images * side * side, window.tiles(images));
    let (row, out_row) = (if first { 4 } else { stride(inputs + 9) }, stride(channel + outputs + 3));
    let held = if first { Precision::F32 } else { precision };
    let mut maps = maps(held, 11, pixels, row, 0, inputs);
    let norm = Norm::new(21, inputs);
    let weights = normal(31, outputs * inputs * 9);
    let factors = packed(&weights, (outputs, inputs, 9), columns.width, false);
    let factors: Vec<f32> = factors.into_iter().map(|w| factor(precision, w)).collect();
    if first {
        maps.iter_mut().skip(3).step_by(4).for_each(|x| *x = 0.0);
    }

    let mean = norm.put(bench);
    let output = bench.maps(&vec![7.0; pixels * out_row]);
    let moments = bench.doubles(&vec![-1.0; 3 * outputs * tiles]);
    let args = args! {
        maps: if first { None } else { Some(bench.maps(&maps)) },
        images: if first { Some(bench.floats(&maps)) } else { None },
        mean: mean.mean, scale: mean.scale, weight: mean.weight, bias: mean.bias, packed: bench.maps(&factors),
        output: output, moments: moments, clock: dropout.then(|| clock(bench)), stride: row, channels: inputs,
        batch: images, output_stride: out_row, channel: channel, outputs: outputs, convolution: CONVOLUTION,
        rate: RATE,
    };
    let kernel = format!(
        "conv3_forward<{mt}, {warps}, {}, {}, {first}, {dropout}, true>",
        columns.width,
        window.template()
    );
    let coefficients = if first { 0 } else { 3 * inputs.next_multiple_of(16) };
    let shared = conv3_shared(precision, warps, columns.width, window, coefficients);
    bench.launch(kernel, "Conv3Forward", ([tiles * columns.tiles, 1, 1], 32 * warps, shared), args);

    let mask = mask(dropout, outputs * pixels);
    bench.check(move |ran| {
        let input: Vec<f32> = (0..pixels * inputs)
            .map(|at| {
                let x = maps[at / inputs * row + at % inputs];
                factor(precision, if first { x } else { norm.relu(x, at % inputs) })
            })
            .collect();
        let weights: Vec<f32> = weights.iter().map(|&w| factor(precision, w)).collect();
        let mut expected = vec![7.0; pixels * out_row];
        for pixel in 0..pixels {
            for o in 0..outputs {
                let mut sum = 0.0;
                for tap in 0..9 {
                    let Some(from) = at_tap(side, pixel, tap) else { continue };
                    for c in 0..inputs {
                        sum += f64::from(input[from * inputs + c])
                            * f64::from(weights[(o * inputs + c) * 9 + tap]);
                    }
                }
                let kept = mask[element(pixel, o, outputs, side * side)];
                expected[pixel * out_row + channel + o] = sum * f64::from(kept);
            }
        }
        let found = ran.maps(output);
        close(&found, &expected, precision, &format!("output of {case:?}"));
        measured(&ran.doubles(moments), outputs, tiles, |tile, o| {
            let of = (0..pixels).filter(|&pixel| tile_of(window, pixel) == tile);
            of.map(|pixel| f64::from(found[pixel * out_row + channel + o])).collect()
        });
    });
}

fn backward(bench: &mut Bench, case: Case) {
    let Case { images, side, inputs, outputs, channel, mt, warps, dropout, first: add } = case;
    let (precision, window, columns) = (bench.precision, case.window(), Columns::of(inputs, mt));
    let (pixels, tiles, row) = (images * side * side, window.tiles(images), stride(inputs + 9));
    let maps = maps(precision, 11, pixels, row, 0, inputs);
    let norm = Norm::new(21, inputs);
    let weights = normal(31, outputs * inputs * 9);
    let factors = packed(&weights, (outputs, inputs, 9), columns.width, true);
    let factors: Vec<f32> = factors.into_iter().map(|w| factor(precision, w)).collect();
    let block = Block::new(precision, 61, pixels, stride(channel + outputs), channel, outputs);
    let before = normal(71, pixels * row);

    let (mean, output) = (norm.put(bench), block.norm.put(bench));
    let (d, gradient) = (bench.maps(&vec![7.0; pixels * row]), bench.floats(&before));
    let left = bench.floats(&vec![9.0; 2 * inputs * tiles]);
    let args = args! {
        maps: bench.maps(&maps), mean: mean.mean, scale: mean.scale, weight: mean.weight, bias: mean.bias,
        packed: bench.maps(&factors), d: d, gradient: gradient, left: left, block: bench.maps(&block.maps),
        output_gradient: bench.floats(&block.gradient), output_mean: output.mean, output_scale: output.scale,
        output_left: bench.doubles(&block.pending_means), clock: dropout.then(|| clock(bench)), stride: row,
        channels: inputs, batch: images, output_stride: block.stride, channel: channel, outputs: outputs,
        convolution: CONVOLUTION, rate: RATE,
    };
    let kernel = format!(
        "conv3_backward<{mt}, {warps}, {}, {}, {}, {dropout}>",
        columns.width,
        window.template(),
        if add { "ADD" } else { "STORE" }
    );
    let coefficients = 3 * columns.width + 3 * outputs.next_multiple_of(16);
    let shared = conv3_shared(precision, warps, columns.width, window, coefficients);
    bench.launch(kernel, "Conv3Backward", ([tiles * columns.tiles, 1, 1], 32 * warps, shared), args);

    let mask = mask(dropout, outputs * pixels);
    bench.check(move |ran| {
        let of_output: Vec<f32> = (0..pixels * outputs)
            .map(|at| {
                let (pixel, o) = (at / outputs, at % outputs);
                let kept = mask[element(pixel, o, outputs, side * side)];
                factor(precision, block.finished(pixel, channel + o) * kept)
            })
            .collect();
        let weights: Vec<f32> = weights.iter().map(|&w| factor(precision, w)).collect();
        let mut stored = vec![7.0; pixels * row];
        let mut added: Vec<f64> = before.iter().map(|&x| f64::from(x)).collect();
        let mut sums = vec![0.0; 2 * inputs * tiles];
        let ds = ran.maps(d);
        for pixel in 0..pixels {
            for c in 0..inputs {
                let at = pixel * row + c;
                let mut sum = 0.0;
                for tap in 0..9 {
                    // Who read this pixel as its `tap`.
                    let Some(reader) = at_tap(side, pixel, 8 - tap) else { continue };
                    for o in 0..outputs {
                        sum += f64::from(of_output[reader * outputs + o])
                            * f64::from(weights[(o * inputs + c) * 9 + tap]);
                    }
                }
                let d = if norm.before(maps[at], c) > 0.0 { sum } else { 0.0 };
                if add {
                    added[at] += f64::from(norm.a(c)) * d;
                } else {
                    stored[at] = d;
                }
                // What the normalisation's sums are of is what was stored.
                let d = if add { d } else { f64::from(ds[at]) };
                let tile = tile_of(window, pixel);
                sums[c * tiles + tile] += d;
                sums[(inputs + c) * tiles + tile] += d * f64::from(norm.distance(maps[at], c));
            }
        }
        close(&ds, &stored, precision, &format!("d of {case:?}"));
        close(&ran.floats(gradient), &added, Precision::F32, &format!("gradient of {case:?}"));
        close(&ran.floats(left), &sums, Precision::F32, &format!("sums of {case:?}"));
    });
}

#[test]
fn a_convolution_of_3x3_sees_zeros_around_its_maps_and_its_tiles_are_measured() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        for &case in CASES {
            forward(&mut bench, case);
        }
        bench.needs_all_its_shared_memory();
        bench.run();
    }
}

#[test]
fn the_gradient_of_a_convolution_of_3x3_is_stored_for_a_bottleneck_and_added_for_a_block() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        for &case in CASES {
            backward(&mut bench, case);
            backward(&mut bench, Case { first: !case.first, ..case });
        }
        bench.needs_all_its_shared_memory();
        bench.run();
    }
}
