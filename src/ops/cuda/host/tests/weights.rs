//! Gradients of convolution weights, slice by slice.

use super::conv3::at_tap;
use super::numbers::*;
use super::pointwise::output_gradient;
use super::*;
use crate::ops::cuda::geometry::{
    Columns, Rows, Slices, Window, conv3_weights_shared, pointwise_weights_shared,
};

fn stride(channels: usize) -> usize {
    channels.next_multiple_of(8)
}

/// The sum of the slices of `partial`.
fn joined(partial: &[f32], slices: usize) -> Vec<f32> {
    let length = partial.len() / slices;
    let of = |at| partial.iter().skip(at).step_by(length).map(|&x| f64::from(x)).sum::<f64>();
    (0..length).map(|at| of(at) as f32).collect()
}

#[derive(Clone, Copy, Debug)]
struct Case {
    images: usize,
    side: usize,
    inputs: usize,
    outputs: usize,
    mt: usize,
    warps: usize,
    width: usize,
    pooled: bool,
    dropout: bool,
}

fn pointwise(bench: &mut Bench, case: Case) {
    let Case { images, side, inputs, outputs, mt, warps, width, pooled, dropout } = case;
    let (precision, pixels, row) = (bench.precision, images * side * side, stride(inputs + 9));
    let rows = Rows { mt, warps };
    let columns = Columns { width, tiles: outputs.div_ceil(width) };
    let (across, slices) = (inputs.div_ceil(rows.count()), Slices::of(pixels, 64, 100));
    let maps = maps(precision, 11, pixels, row, 0, inputs);
    let norm = Norm::new(21, inputs);
    let mean = norm.put(bench);
    let partial = bench.floats(&vec![f32::NAN; slices.count * outputs * inputs]);
    let output = output_gradient(bench, images, side, outputs, pooled);
    let mut args = args! {
        maps: bench.maps(&maps), mean: mean.mean, scale: mean.scale, weight: mean.weight, bias: mean.bias,
        partial: partial, clock: dropout.then(|| clock(bench)), stride: row, channels: inputs, pixels: pixels,
        slice: slices.slice, side: side, outputs: outputs, convolution: CONVOLUTION, rate: RATE,
    };
    args.extend(output.args);
    let shared = pointwise_weights_shared(precision, rows, width, 3 * rows.count() + output.coefficients);
    let kernel = format!("pointwise_weights<{mt}, {warps}, {width}, {pooled}, {dropout}>");
    let shape = ([across, columns.tiles, slices.count], rows.threads() as usize, shared);
    bench.launch(kernel, "PointwiseWeights", shape, args);
    let mask = mask(dropout, outputs * pixels);
    bench.check(move |ran| {
        let mut expected = vec![0.0; outputs * inputs];
        for pixel in 0..pixels {
            let input: Vec<f32> =
                (0..inputs).map(|c| factor(precision, norm.relu(maps[pixel * row + c], c))).collect();
            for o in 0..outputs {
                let kept = mask[element(pixel, o, outputs, side * side)];
                let d = f64::from(factor(precision, (output.of)(pixel, o) * kept));
                for (c, &x) in input.iter().enumerate() {
                    expected[o * inputs + c] += d * f64::from(x);
                }
            }
        }
        let found = joined(&ran.floats(partial), slices.count);
        close(&found, &expected, Precision::F32, &format!("{case:?}"));
    });
}

#[derive(Clone, Copy, Debug)]
struct Case3 {
    images: usize,
    side: usize,
    inputs: usize,
    outputs: usize,
    channel: usize,
    mt: usize,
    width: usize,
    window: usize,
    first: bool,
    dropout: bool,
}

fn conv3(bench: &mut Bench, case: Case3) {
    let Case3 { images, side, inputs, outputs, channel, mt, width, window, first, dropout } = case;
    let (precision, pixels) = (bench.precision, images * side * side);
    let (row, window) = (if first { 4 } else { stride(inputs + 9) }, Window::of(side, window));
    let columns = Columns { width, tiles: outputs.div_ceil(width) };
    let (across, tiles) = (inputs.div_ceil(16 * mt), window.tiles(images));
    let slices = Slices::of(tiles, 1, 100);
    let held = if first { Precision::F32 } else { precision };
    let mut maps = maps(held, 11, pixels, row, 0, inputs);
    if first {
        maps.iter_mut().skip(3).step_by(4).for_each(|x| *x = 0.0);
    }
    let (norm, block) = (
        Norm::new(21, inputs),
        Block::new(precision, 61, pixels, stride(channel + outputs), channel, outputs),
    );
    let (mean, output) = (norm.put(bench), block.norm.put(bench));
    let partial = bench.floats(&vec![f32::NAN; slices.count * outputs * inputs * 9]);
    let args = args! {
        maps: if first { None } else { Some(bench.maps(&maps)) },
        images: if first { Some(bench.floats(&maps)) } else { None },
        mean: mean.mean, scale: mean.scale, weight: mean.weight, bias: mean.bias, partial: partial,
        block: bench.maps(&block.maps), output_gradient: bench.floats(&block.gradient), output_mean: output.mean,
        output_scale: output.scale, output_left: bench.doubles(&block.pending_means),
        clock: dropout.then(|| clock(bench)), stride: row, channels: inputs, batch: images, tiles: tiles,
        slice: slices.slice, output_stride: block.stride, channel: channel, outputs: outputs,
        convolution: CONVOLUTION, rate: RATE,
    };
    let coefficients = 3 * outputs.next_multiple_of(16) + if first { 0 } else { 3 * 16 * mt };
    let shared = conv3_weights_shared(precision, mt, width, window, coefficients);
    let kernel = format!("conv3_weights<{mt}, {width}, {}, {first}, {dropout}>", window.template());
    bench.launch(kernel, "Conv3Weights", ([across, columns.tiles, slices.count], 96, shared), args);
    let mask = mask(dropout, outputs * pixels);
    bench.check(move |ran| {
        let input: Vec<f64> = (0..pixels * inputs)
            .map(|at| {
                let x = maps[at / inputs * row + at % inputs];
                f64::from(factor(precision, if first { x } else { norm.relu(x, at % inputs) }))
            })
            .collect();
        let mut expected = vec![0.0; outputs * inputs * 9];
        for pixel in 0..pixels {
            for o in 0..outputs {
                let kept = mask[element(pixel, o, outputs, side * side)];
                let d = f64::from(factor(precision, block.finished(pixel, channel + o) * kept));
                for tap in 0..9 {
                    let Some(from) = at_tap(side, pixel, tap) else { continue };
                    for c in 0..inputs {
                        expected[(o * inputs + c) * 9 + tap] += d * input[from * inputs + c];
                    }
                }
            }
        }
        let found = joined(&ran.floats(partial), slices.count);
        close(&found, &expected, Precision::F32, &format!("{case:?}"));
    });
}

#[test]
fn the_slices_of_a_gradient_of_pointwise_weights_add_up_to_it() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        let case = Case {
            images: 3,
            side: 7,
            inputs: 19,
            outputs: 13,
            mt: 1,
            warps: 2,
            width: 16,
            pooled: false,
            dropout: false,
        };
        pointwise(&mut bench, case);
        pointwise(&mut bench, Case { dropout: true, inputs: 70, outputs: 40, width: 32, ..case });
        pointwise(&mut bench, Case { pooled: true, mt: 2, warps: 2, inputs: 130, width: 8, ..case });
        pointwise(&mut bench, Case { pooled: true, dropout: true, warps: 4, outputs: 50, width: 48, ..case });
        pointwise(&mut bench, Case { images: 1, side: 1, inputs: 1, outputs: 1, width: 8, ..case });
        bench.needs_all_its_shared_memory();
        bench.run();
    }
}

#[test]
fn the_slices_of_a_gradient_of_3x3_weights_add_up_to_it() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        let case = Case3 {
            images: 3,
            side: 7,
            inputs: 19,
            outputs: 5,
            channel: 3,
            mt: 1,
            width: 8,
            window: 64,
            first: false,
            dropout: false,
        };
        conv3(&mut bench, case);
        conv3(
            &mut bench,
            Case3 { side: 33, images: 1, outputs: 12, channel: 8, width: 16, dropout: true, ..case },
        );
        conv3(&mut bench, Case3 { side: 2, inputs: 70, outputs: 18, mt: 2, width: 16, window: 32, ..case });
        conv3(&mut bench, Case3 { side: 1, images: 1, inputs: 48, mt: 3, window: 32, ..case });
        conv3(
            &mut bench,
            Case3 { side: 9, inputs: 3, outputs: 24, channel: 0, width: 16, first: true, ..case },
        );
        bench.needs_all_its_shared_memory();
        bench.run();
    }
}
