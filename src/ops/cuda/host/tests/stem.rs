//! The stem of ImageNet networks, kernel by kernel.

use super::numbers::*;
use super::pointwise::{Inner, measured};
use super::*;
use crate::ops::cuda::geometry::{Columns, Rows, Slices, pointwise_shared, pointwise_weights_shared};

/// Images, their side and the channels of the stem.
const CASES: [(usize, usize, usize); 5] = [(1, 33, 24), (3, 14, 5), (2, 7, 70), (1, 32, 8), (5, 1, 3)];

fn stride(channels: usize) -> usize {
    channels.next_multiple_of(8)
}

/// Images `[pixels, 4]`, the fourth number 0.
fn images(count: usize, side: usize) -> Vec<f32> {
    let mut numbers = normal(81, count * side * side * 4);
    numbers.iter_mut().skip(3).step_by(4).for_each(|x| *x = 0.0);
    numbers
}

/// The pixel of an image that `tap` of the 7x7 around a pixel of the convolution's output falls on.
fn at_tap(side: usize, pixel: usize, tap: usize) -> Option<usize> {
    let half = side.div_ceil(2);
    let (image, y, x) = (pixel / half / half, pixel / half % half, pixel % half);
    let (y, x) = ((2 * y + tap / 7).checked_sub(3)?, (2 * x + tap % 7).checked_sub(3)?);
    (y < side && x < side).then(|| (image * side + y) * side + x)
}

fn forward(bench: &mut Bench, (count, side, outputs): (usize, usize, usize), rows: Rows) {
    let (precision, half) = (bench.precision, side.div_ceil(2));
    let (columns, pixels, out_row) = (Columns::of(outputs, rows.mt), count * half * half, stride(outputs));
    let tiles = pixels.div_ceil(rows.count());
    let (images, weights) = (images(count, side), normal(31, outputs * 3 * 49));
    let factors = packed_around(&weights, outputs, columns.width);
    let factors: Vec<f32> = factors.into_iter().map(|w| factor(precision, w)).collect();
    let output = bench.maps(&vec![7.0; pixels * out_row]);
    let moments = bench.doubles(&vec![-1.0; 3 * outputs * tiles]);
    let args = args! {
        images: bench.floats(&images), packed: bench.maps(&factors), output: output, moments: moments,
        pixels: pixels, output_stride: out_row, outputs: outputs,
    };
    let kernel = format!("stem_forward<{}, {}, {}, {side}, true>", rows.mt, rows.warps, columns.width);
    let shared = pointwise_shared(precision, rows, columns.width, 0);
    let shape = ([tiles * columns.tiles, 1, 1], rows.threads() as usize, shared);
    bench.launch(kernel, "StemForward", shape, args);
    bench.check(move |ran| {
        let mut expected = vec![7.0; pixels * out_row];
        for pixel in 0..pixels {
            for o in 0..outputs {
                let mut sum = 0.0;
                for tap in 0..49 {
                    let Some(from) = at_tap(side, pixel, tap) else { continue };
                    for c in 0..3 {
                        let weight = factor(precision, weights[(o * 3 + c) * 49 + tap]);
                        sum += f64::from(factor(precision, images[from * 4 + c])) * f64::from(weight);
                    }
                }
                expected[pixel * out_row + o] = sum;
            }
        }
        let (found, what) = (ran.maps(output), format!("output of {count} {side} {outputs}"));
        close(&found, &expected, precision, &what);
        measured(&ran.doubles(moments), outputs, tiles, |tile, o| {
            let of = tile * rows.count()..pixels.min((tile + 1) * rows.count());
            of.map(|pixel| f64::from(found[pixel * out_row + o])).collect()
        });
    });
}

#[test]
fn the_stem_sees_seven_by_seven_around_every_second_pixel_and_its_tiles_are_measured() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        for (case, rows) in CASES.into_iter().zip([(1, 4), (1, 2), (2, 4), (1, 4), (1, 2)]) {
            forward(&mut bench, case, Rows { mt: rows.0, warps: rows.1 });
        }
        bench.needs_all_its_shared_memory();
        bench.run();
    }
}

/// What a pool wrote for one of its pixels: the largest, and where of the nine it was.
type Largest = (f32, u8);

/// The pool of one channel of one image `[side, side]` behind its ReLU.
fn pooled(values: &[f32], side: usize) -> Vec<Largest> {
    let half = side.div_ceil(2);
    (0..half * half)
        .map(|pixel| {
            let (top, left) = (pixel / half * 2, pixel % half * 2);
            let mut largest = (0.0, 9);
            for place in 0..9 {
                let (y, x) = ((top + place / 3).wrapping_sub(1), (left + place % 3).wrapping_sub(1));
                if y < side && x < side && values[y * side + x] > largest.0 {
                    largest = (values[y * side + x], place as u8);
                }
            }
            largest
        })
        .collect()
}

/// Maps of few different values, so that the largest of a window is often there twice.
fn even_maps(pixels: usize, row: usize, channels: usize) -> Vec<f32> {
    let numbers = normal(91, pixels * row).into_iter().enumerate();
    numbers.map(|(at, x)| if at % row < channels { (2.0 * x).round() / 2.0 } else { f32::NAN }).collect()
}

#[test]
fn the_stems_pool_takes_the_first_of_the_largest_and_remembers_where_it_was() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        for (count, side, channels) in [(3usize, 7usize, 13usize), (1, 2, 130), (2, 16, 4), (2, 1, 1)] {
            let (half, row, out_row) = (side.div_ceil(2), stride(channels), stride(channels + 8));
            let pixels = count * half * half;
            let tiles = pixels.div_ceil(32);
            let (maps, norm) = (even_maps(count * side * side, row, channels), Norm::new(21, channels));
            for trains in [true, false] {
                let mean = norm.put(&mut bench);
                let output = bench.maps(&vec![7.0; pixels * out_row]);
                let places = bench.bytes(vec![77; pixels * channels]);
                let moments = bench.doubles(&vec![0.0; 3 * channels * tiles]);
                let args = args! {
                    maps: bench.maps(&maps), mean: mean.mean, scale: mean.scale, weight: mean.weight,
                    bias: mean.bias, output: output, places: trains.then_some(places),
                    moments: trains.then_some(moments), stride: row, channels: channels, pixels: pixels,
                    side: side, output_stride: out_row,
                };
                let shape = ([tiles, channels.div_ceil(128), 1], 128, 0);
                bench.launch(format!("stem_pool<{trains}>"), "StemPool", shape, args);
                let (maps, norm) = (maps.clone(), norm.clone());
                bench.check(move |ran| {
                    let (mut expected, mut chosen) =
                        (vec![7.0; pixels * out_row], vec![77; pixels * channels]);
                    for c in 0..channels {
                        for image in 0..count {
                            let of = (0..side * side).map(|at| maps[(image * side * side + at) * row + c]);
                            let values: Vec<f32> = of.map(|x| norm.relu(x, c)).collect();
                            for (at, (largest, place)) in pooled(&values, side).into_iter().enumerate() {
                                let pixel = image * half * half + at;
                                expected[pixel * out_row + c] = f64::from(kept(precision, largest));
                                chosen[pixel * channels + c] = if trains { place } else { 77 };
                            }
                        }
                    }
                    let found = ran.maps(output);
                    close(&found, &expected, precision, "largest");
                    assert_eq!(ran.bytes(places), chosen, "{count} {side} {channels}");
                    if trains {
                        measured(&ran.doubles(moments), channels, tiles, |tile, c| {
                            let of = tile * 32..pixels.min(tile * 32 + 32);
                            of.map(|pixel| f64::from(found[pixel * out_row + c])).collect()
                        });
                    }
                });
            }
        }
        bench.run();
    }
}

#[test]
fn a_pixel_has_the_gradient_of_every_window_that_it_was_the_largest_of() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        for (count, side, channels) in [(3usize, 7usize, 13usize), (1, 2, 130), (2, 16, 4), (2, 1, 1)] {
            let (half, row) = (side.div_ceil(2), stride(channels));
            let (pixels, pooled_pixels) = (count * side * side, count * half * half);
            let tiles = pixels.div_ceil(32);
            let maps = even_maps(pixels, row, channels);
            let (norm, block) = (
                Norm::new(21, channels),
                Block::new(precision, 61, pooled_pixels, stride(channels + 8), 0, channels),
            );
            let mut places = vec![0; pooled_pixels * channels];
            for c in 0..channels {
                for image in 0..count {
                    let of = (0..side * side).map(|at| maps[(image * side * side + at) * row + c]);
                    let values: Vec<f32> = of.map(|x| norm.relu(x, c)).collect();
                    for (at, (_, place)) in pooled(&values, side).into_iter().enumerate() {
                        places[(image * half * half + at) * channels + c] = place;
                    }
                }
            }
            let (mean, output) = (norm.put(&mut bench), block.norm.put(&mut bench));
            let d = bench.maps(&vec![7.0; pixels * row]);
            let left = bench.floats(&vec![9.0; 2 * channels * tiles]);
            let args = args! {
                maps: bench.maps(&maps), mean: mean.mean, places: bench.bytes(places.clone()), d: d, left: left,
                output_gradient: bench.floats(&block.gradient), block: bench.maps(&block.maps),
                output_mean: output.mean, output_scale: output.scale,
                output_left: bench.doubles(&block.pending_means), stride: row, channels: channels,
                pixels: pixels, side: side, output_stride: block.stride,
            };
            let shape = ([tiles, channels.div_ceil(128), 1], 128, 0);
            bench.launch("stem_pool_backward", "StemPoolBackward", shape, args);
            bench.check(move |ran| {
                let mut expected = vec![7.0; pixels * row];
                for pixel in 0..pixels {
                    (0..channels).for_each(|c| expected[pixel * row + c] = 0.0);
                }
                for window in 0..pooled_pixels {
                    let (image, y, x) = (window / half / half, window / half % half, window % half);
                    for c in 0..channels {
                        let place = usize::from(places[window * channels + c]);
                        if place == 9 {
                            continue;
                        }
                        let (y, x) = (2 * y + place / 3 - 1, 2 * x + place % 3 - 1);
                        let to = (image * side + y) * side + x;
                        expected[to * row + c] += f64::from(block.finished(window, c));
                    }
                }
                let ds = ran.maps(d);
                close(&ds, &expected, precision, "gradient behind the ReLU");
                let mut sums = vec![0.0; 2 * channels * tiles];
                for pixel in 0..pixels {
                    for c in 0..channels {
                        let (at, of) = (pixel * row + c, c * tiles + pixel / 32);
                        sums[of] += f64::from(ds[at]);
                        sums[channels * tiles + of] +=
                            f64::from(ds[at]) * f64::from(norm.distance(maps[at], c));
                    }
                }
                close(&ran.floats(left), &sums, Precision::F32, "sums");
            });
        }
        bench.run();
    }
}

fn weights(bench: &mut Bench, (count, side, outputs): (usize, usize, usize), rows: Rows) {
    let (precision, half) = (bench.precision, side.div_ceil(2));
    let (pixels, columns) = (count * half * half, Columns::of(outputs, rows.mt));
    let (across, slices) = ((4 * 49usize).div_ceil(rows.count()), Slices::of(pixels, 64, 100));
    let (images, inner) = (images(count, side), Inner::new(precision, pixels, outputs));
    let norm = inner.norm.put(bench);
    let length = outputs * 3 * 49;
    let partial = bench.floats(&vec![f32::NAN; slices.count * length]);
    let args = args! {
        images: bench.floats(&images), partial: partial, d: bench.maps(&inner.d),
        output: bench.maps(&inner.maps), output_mean: norm.mean, output_scale: norm.scale,
        output_weight: norm.weight, shift: bench.floats(&inner.shift), slope: bench.floats(&inner.slope),
        pixels: pixels, slice: slices.slice, output_stride: inner.row, outputs: outputs,
    };
    let kernel = format!("stem_weights<{}, {}, {}, {side}>", rows.mt, rows.warps, columns.width);
    let shared = pointwise_weights_shared(precision, rows, columns.width, 4 * outputs.next_multiple_of(16));
    let shape = ([across, columns.tiles, slices.count], rows.threads() as usize, shared);
    bench.launch(kernel, "StemWeights", shape, args);
    bench.check(move |ran| {
        let mut expected = vec![0.0; length];
        for pixel in 0..pixels {
            for o in 0..outputs {
                let d = f64::from(factor(precision, inner.gradient(pixel, o)));
                for tap in 0..49 {
                    let Some(from) = at_tap(side, pixel, tap) else { continue };
                    for c in 0..3 {
                        let x = f64::from(factor(precision, images[from * 4 + c]));
                        expected[(o * 3 + c) * 49 + tap] += d * x;
                    }
                }
            }
        }
        let partial = ran.floats(partial);
        let sum = |at: usize| partial.iter().skip(at).step_by(length).map(|&x| f64::from(x)).sum::<f64>();
        let found: Vec<f32> = (0..length).map(|at| sum(at) as f32).collect();
        close(&found, &expected, Precision::F32, &format!("weights of {count} {side} {outputs}"));
    });
}

#[test]
fn the_slices_of_the_gradient_of_the_stems_weights_add_up_to_it() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        for (case, rows) in CASES.into_iter().zip([(2, 4), (1, 4), (1, 2), (2, 4), (1, 2)]) {
            weights(&mut bench, case, Rows { mt: rows.0, warps: rows.1 });
        }
        bench.needs_all_its_shared_memory();
        bench.run();
    }
}
