//! 1x1 convolutions, forward and backward, and the average over 2x2 pixels.

use super::numbers::*;
use super::*;
use crate::ops::cuda::geometry::{Columns, Rows, pointwise_shared};

/// Sizes and kind of a 1x1 convolution.
#[derive(Clone, Copy, Debug)]
struct Case {
    images: usize,
    side: usize,
    inputs: usize,
    outputs: usize,
    mt: usize,
    warps: usize,
    dropout: bool,
    /// Forward: whether 2x2 pixels are averaged before; backward: whether they were averaged after.
    pooled: bool,
    measure: bool,
}

const CASES: &[Case] = &[
    Case {
        images: 2,
        side: 7,
        inputs: 19,
        outputs: 13,
        mt: 1,
        warps: 2,
        dropout: false,
        pooled: false,
        measure: true,
    },
    Case {
        images: 1,
        side: 5,
        inputs: 3,
        outputs: 70,
        mt: 1,
        warps: 2,
        dropout: true,
        pooled: false,
        measure: true,
    },
    Case {
        images: 3,
        side: 7,
        inputs: 33,
        outputs: 9,
        mt: 1,
        warps: 4,
        dropout: false,
        pooled: true,
        measure: true,
    },
    Case {
        images: 2,
        side: 8,
        inputs: 16,
        outputs: 48,
        mt: 2,
        warps: 4,
        dropout: true,
        pooled: false,
        measure: false,
    },
    Case {
        images: 3,
        side: 8,
        inputs: 40,
        outputs: 50,
        mt: 2,
        warps: 4,
        dropout: false,
        pooled: true,
        measure: false,
    },
    Case {
        images: 1,
        side: 1,
        inputs: 8,
        outputs: 1,
        mt: 1,
        warps: 2,
        dropout: false,
        pooled: false,
        measure: true,
    },
];

impl Case {
    fn rows(self) -> Rows {
        Rows { mt: self.mt, warps: self.warps }
    }
}

fn stride(channels: usize) -> usize {
    channels.next_multiple_of(8)
}

fn forward(bench: &mut Bench, case: Case) {
    let Case { images, side, inputs, outputs, dropout, pooled, measure, .. } = case;
    let (precision, rows, columns) = (bench.precision, case.rows(), Columns::of(outputs, case.mt));
    let out_side = if pooled { side / 2 } else { side };
    let (read, pixels) = (images * side * side, images * out_side * out_side);
    // More channels than the convolution reads: a prefix of a block.
    let (row, out_row) = (stride(inputs + 9), stride(outputs));
    let maps = maps(precision, 11, read, row, 0, inputs);
    let norm = Norm::new(21, inputs);
    let weights = normal(31, outputs * inputs);
    let factors = packed(&weights, (outputs, inputs, 1), columns.width, false);
    let factors: Vec<f32> = factors.into_iter().map(|w| factor(precision, w)).collect();

    let (mean, tiles) = (norm.put(bench), pixels.div_ceil(rows.count()));
    let output = bench.maps(&vec![7.0; pixels * out_row]);
    let moments = bench.doubles(&vec![-1.0; 3 * outputs * tiles]);
    let args = args! {
        maps: bench.maps(&maps), mean: mean.mean, scale: mean.scale, weight: mean.weight, bias: mean.bias,
        packed: bench.maps(&factors), output: output, moments: measure.then_some(moments),
        clock: dropout.then(|| clock(bench)), stride: row, channels: inputs, pixels: pixels, side: side,
        output_stride: out_row, outputs: outputs, convolution: CONVOLUTION, rate: RATE,
    };
    let kernel = format!(
        "pointwise_forward<{}, {}, {}, {pooled}, {dropout}, {measure}>",
        rows.mt, rows.warps, columns.width
    );
    let shared = pointwise_shared(precision, rows, columns.width, 3 * inputs.next_multiple_of(16));
    bench.launch(
        kernel,
        "PointwiseForward",
        ([tiles * columns.tiles, 1, 1], rows.threads() as usize, shared),
        args,
    );

    let mask = mask(dropout, outputs * pixels);
    bench.check(move |ran| {
        let input = |pixel: usize, c: usize| {
            let relu = |pixel: usize| norm.relu(maps[pixel * row + c], c);
            if !pooled {
                return factor(precision, relu(pixel));
            }
            let (image, y, x) = (pixel / out_side / out_side, pixel / out_side % out_side, pixel % out_side);
            let first = (image * side + 2 * y) * side + 2 * x;
            let sum = relu(first) + relu(first + 1) + relu(first + side) + relu(first + side + 1);
            factor(precision, 0.25 * sum)
        };
        let mut expected = vec![7.0; pixels * out_row];
        for pixel in 0..pixels {
            for o in 0..outputs {
                let products = (0..inputs).map(|c| {
                    f64::from(input(pixel, c)) * f64::from(factor(precision, weights[o * inputs + c]))
                });
                let kept = mask[element(pixel, o, outputs, out_side * out_side)];
                expected[pixel * out_row + o] = products.sum::<f64>() * f64::from(kept);
            }
        }
        let found = ran.maps(output);
        close(&found, &expected, precision, &format!("output of {case:?}"));
        if measure {
            let of = |tile: usize| tile * rows.count()..pixels.min((tile + 1) * rows.count());
            measured(&ran.doubles(moments), outputs, tiles, |tile, o| {
                of(tile).map(|pixel| f64::from(found[pixel * out_row + o])).collect()
            });
        }
    });
}

/// Whether `moments` are those of the numbers that each tile has of each channel.
pub(super) fn measured(
    moments: &[f64],
    channels: usize,
    tiles: usize,
    numbers: impl Fn(usize, usize) -> Vec<f64>,
) {
    for channel in 0..channels {
        for tile in 0..tiles {
            let numbers = numbers(tile, channel);
            let count = numbers.len() as f64;
            let mean = numbers.iter().sum::<f64>() / count;
            let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
            let found = [0, 1, 2].map(|row| moments[(row * channels + channel) * tiles + tile]);
            assert_eq!(found[0], count, "tile {tile}");
            assert!(
                (found[1] - mean).abs() < 1e-6,
                "mean of channel {channel}, tile {tile}: {found:?}, {mean}"
            );
            assert!(
                (found[2] - squares).abs() < 1e-5 * (1.0 + squares),
                "{channel} {tile}: {found:?}, {squares}"
            );
        }
    }
}

/// The gradient of what a 1x1 convolution wrote, for a normalisation with its single reader.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub(super) d: Vec<f32>,
    pub(super) maps: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) shift: Vec<f32>,
    pub(super) slope: Vec<f32>,
    pub(super) row: usize,
}

impl Inner {
    pub(super) fn new(precision: Precision, pixels: usize, outputs: usize) -> Self {
        let row = stride(outputs);
        Self {
            d: maps(precision, 41, pixels, row, 0, outputs),
            maps: maps(precision, 42, pixels, row, 0, outputs),
            norm: Norm::new(43, outputs),
            shift: normal(51, outputs).iter().map(|x| 0.1 * x).collect(),
            slope: normal(52, outputs).iter().map(|x| 0.1 * x).collect(),
            row,
        }
    }

    pub(super) fn gradient(&self, pixel: usize, o: usize) -> f32 {
        let at = pixel * self.row + o;
        let distance = self.norm.distance(self.maps[at], o);
        distance.mul_add(-self.slope[o], self.norm.a(o).mul_add(self.d[at], -self.shift[o]))
    }
}

/// The gradient of what a transition's convolution wrote, from that of the averages behind it.
pub(super) fn spread(block: &Block, side: usize, pixel: usize, o: usize) -> f32 {
    let (half, image, y, x) = (side / 2, pixel / side / side, pixel / side % side, pixel % side);
    if y / 2 >= half || x / 2 >= half {
        return 0.0;
    }
    0.25 * block.finished((image * half + y / 2) * half + x / 2, o)
}

/// What the gradient of an output is read from: arguments, and the gradient by pixel and output.
pub(super) struct OutputGradient {
    pub(super) args: Vec<(&'static str, Arg)>,
    pub(super) of: Box<dyn Fn(usize, usize) -> f32>,
    pub(super) coefficients: usize,
}

/// SPREAD or not.
pub(super) fn output_gradient(
    bench: &mut Bench,
    images: usize,
    side: usize,
    outputs: usize,
    pooled: bool,
) -> OutputGradient {
    let (precision, room) = (bench.precision, outputs.next_multiple_of(16));
    if pooled {
        let half = side / 2;
        let block = Block::new(precision, 61, images * half * half, stride(outputs + 8), 0, outputs);
        let norm = block.norm.put(bench);
        let args = args! {
            d: None, output: bench.maps(&block.maps), output_gradient: bench.floats(&block.gradient),
            output_mean: norm.mean, output_scale: norm.scale, output_weight: None, shift: None, slope: None,
            output_left: bench.doubles(&block.pending_means), output_stride: block.stride,
        };
        let of = move |pixel: usize, o: usize| spread(&block, side, pixel, o);
        return OutputGradient { args, of: Box::new(of), coefficients: 3 * room };
    }
    let inner = Inner::new(precision, images * side * side, outputs);
    let norm = inner.norm.put(bench);
    let args = args! {
        d: bench.maps(&inner.d), output: bench.maps(&inner.maps), output_gradient: None, output_mean: norm.mean,
        output_scale: norm.scale, output_weight: norm.weight, shift: bench.floats(&inner.shift),
        slope: bench.floats(&inner.slope), output_left: None, output_stride: inner.row,
    };
    let of = move |pixel: usize, o: usize| inner.gradient(pixel, o);
    OutputGradient { args, of: Box::new(of), coefficients: 4 * room }
}

fn backward(bench: &mut Bench, case: Case) {
    let Case { images, side, inputs, outputs, dropout, pooled, .. } = case;
    let (precision, rows, columns) = (bench.precision, case.rows(), Columns::of(inputs, case.mt));
    let (pixels, row) = (images * side * side, stride(inputs + 9));
    let maps = maps(precision, 11, pixels, row, 0, inputs);
    let norm = Norm::new(21, inputs);
    let weights = normal(31, outputs * inputs);
    let factors = packed(&weights, (outputs, inputs, 1), columns.width, true);
    let factors: Vec<f32> = factors.into_iter().map(|w| factor(precision, w)).collect();
    let before = normal(71, pixels * row);

    let (mean, tiles) = (norm.put(bench), pixels.div_ceil(rows.count()));
    let (gradient, left) = (bench.floats(&before), bench.floats(&vec![9.0; 2 * inputs * tiles]));
    let output = output_gradient(bench, images, side, outputs, pooled);
    let mut args = args! {
        maps: bench.maps(&maps), mean: mean.mean, scale: mean.scale, weight: mean.weight, bias: mean.bias,
        packed: bench.maps(&factors), gradient: gradient, left: left, clock: dropout.then(|| clock(bench)),
        stride: row, channels: inputs, pixels: pixels, side: side, outputs: outputs, convolution: CONVOLUTION,
        rate: RATE,
    };
    args.extend(output.args);
    let kernel =
        format!("pointwise_backward<{}, {}, {}, {pooled}, {dropout}>", rows.mt, rows.warps, columns.width);
    let shared = pointwise_shared(precision, rows, columns.width, 3 * columns.width + output.coefficients);
    bench.launch(
        kernel,
        "PointwiseBackward",
        ([tiles * columns.tiles, 1, 1], rows.threads() as usize, shared),
        args,
    );

    let mask = mask(dropout, outputs * pixels);
    bench.check(move |ran| {
        let mut expected: Vec<f64> = before.iter().map(|&x| f64::from(x)).collect();
        let mut sums = vec![0.0; 2 * inputs * tiles];
        for pixel in 0..pixels {
            let of_outputs: Vec<f32> = (0..outputs)
                .map(|o| {
                    let kept = mask[element(pixel, o, outputs, side * side)];
                    factor(precision, (output.of)(pixel, o) * kept)
                })
                .collect();
            for c in 0..inputs {
                let (x, tile) = (maps[pixel * row + c], pixel / rows.count());
                if norm.before(x, c) <= 0.0 {
                    if pooled {
                        expected[pixel * row + c] = 0.0;
                    }
                    continue;
                }
                let products = of_outputs
                    .iter()
                    .enumerate()
                    .map(|(o, &d)| f64::from(d) * f64::from(factor(precision, weights[o * inputs + c])));
                let d: f64 = products.sum();
                let all = if pooled { 0.0 } else { expected[pixel * row + c] };
                expected[pixel * row + c] = all + f64::from(norm.a(c)) * d;
                sums[c * tiles + tile] += d;
                sums[(inputs + c) * tiles + tile] += d * f64::from(norm.distance(x, c));
            }
        }
        close(&ran.floats(gradient), &expected, Precision::F32, &format!("gradient of {case:?}"));
        close(&ran.floats(left), &sums, Precision::F32, &format!("sums of {case:?}"));
    });
}

#[test]
fn a_pointwise_convolution_is_a_sum_over_normalised_channels_and_its_tiles_are_measured() {
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
fn the_gradient_of_a_pointwise_convolution_passes_its_relu_into_the_gradient_of_the_block() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        for &case in CASES {
            backward(&mut bench, case);
        }
        // Dropout before the average of a transition.
        backward(&mut bench, Case { dropout: true, pooled: true, ..CASES[0] });
        bench.needs_all_its_shared_memory();
        bench.run();
    }
}

#[test]
fn an_average_over_four_pixels_leaves_out_an_odd_last_row_and_column() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        for (images, side, channels) in [(3usize, 7usize, 13usize), (1, 2, 130), (2, 16, 1)] {
            let (half, row, out_row) = (side / 2, stride(channels), stride(channels + 8));
            let (pixels, tiles) = (images * half * half, (images * half * half).div_ceil(32));
            let from = maps(precision, 3, images * side * side, row, 0, channels);
            let output = bench.maps(&vec![7.0; pixels * out_row]);
            let moments = bench.doubles(&vec![0.0; 3 * channels * tiles]);
            let args = args! {
                maps: bench.maps(&from), output: output, moments: moments, stride: row, channels: channels,
                pixels: pixels, side: side, output_stride: out_row,
            };
            bench.launch("pool", "Pool", ([tiles, channels.div_ceil(128), 1], 128, 0), args);
            bench.check(move |ran| {
                let mut expected = vec![7.0; pixels * out_row];
                for pixel in 0..pixels {
                    let (image, y, x) = (pixel / half / half, pixel / half % half, pixel % half);
                    for c in 0..channels {
                        let at = |v, u| from[((image * side + 2 * y + v) * side + 2 * x + u) * row + c];
                        let sum = at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1);
                        expected[pixel * out_row + c] = f64::from(sum) / 4.0;
                    }
                }
                let found = ran.maps(output);
                close(&found, &expected, precision, "averages");
                measured(&ran.doubles(moments), channels, tiles, |tile, c| {
                    let of = tile * 32..pixels.min(tile * 32 + 32);
                    of.map(|pixel| f64::from(found[pixel * out_row + c])).collect()
                });
            });
        }
        bench.run();
    }
}
