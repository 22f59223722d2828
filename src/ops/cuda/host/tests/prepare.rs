//! What a pass begins with: images, packed weights, running statistics.

use super::numbers::*;
use super::*;
use crate::rng::{Purpose, Stream};

#[test]
fn images_are_taken_in_pixel_by_pixel() {
    let mut bench = Bench::new(Precision::F32);
    for (images, area) in [(3, 49), (1, 1), (2, 256)] {
        let from = normal(1, images * 3 * area);
        let to = bench.floats(&vec![9.0; images * area * 4]);
        let args = args! { from: bench.floats(&from), images: to, pixels: images * area, area: area };
        bench.launch("take_in", "TakeIn", ([(images * area).div_ceil(256), 1, 1], 256, 0), args);
        bench.check(move |ran| {
            for (at, x) in ran.floats(to).into_iter().enumerate() {
                let (pixel, c) = (at / 4, at % 4);
                let there = || from[(pixel / area * 3 + c) * area + pixel % area];
                assert_eq!(x, if c < 3 { there() } else { 0.0 });
            }
        });
    }
    bench.run();
}

#[test]
fn crops_and_flips_are_those_of_the_streams_of_the_epoch() {
    const COUNT: usize = 40;
    let mut bench = Bench::new(Precision::F32);
    for (side, crops, flips, ordered) in
        [(7, true, true, true), (5, true, false, false), (16, false, true, true)]
    {
        let (area, batch, index) = (side * side, 6, 2);
        let bytes: Vec<u8> = normal(1, COUNT * 3 * area).iter().map(|x| (x.abs() * 100.0) as u8).collect();
        let order: Vec<i32> = (0..COUNT).map(|i| (i * 7 % COUNT) as i32).collect();
        let labels: Vec<i32> = (0..COUNT).map(|i| 100 + i as i32).collect();
        let table = normal(2, 3 * 257);
        let clock = bench.ints(&[9, 5, 1, 2, 2, 3, index, 0]);
        let to = bench.floats(&vec![9.0; batch * area * 4]);
        let to_labels = bench.ints(&vec![9; batch]);
        let args = args! {
            pixels: bench.bytes(bytes.clone()), order: ordered.then(|| bench.ints(&order)),
            all_labels: bench.ints(&labels), table: bench.floats(&table), images: to, labels: to_labels,
            clock: clock, batch: batch, side: side, crops: usize::from(crops), flips: usize::from(flips),
        };
        bench.launch("augment", "Augment", ([batch, 1, 1], 256, 12), args);
        bench.check(move |ran| {
            for image in 0..batch {
                let number = index as usize * batch + image;
                let number = if ordered { order[number] as usize } else { number };
                assert_eq!(ran.ints(to_labels)[image], labels[number]);
                let (mut top, mut left, mut flip) = (4, 4, false);
                if crops {
                    let mut draws = Stream::new(5 << 32 | 9, Purpose::Augment, 2 << 32 | 1, number as u32);
                    (top, left) = (draws.below(9) as usize, draws.below(9) as usize);
                    flip = draws.below(2) == 1 && flips;
                }
                for place in 0..area {
                    let (y, x) = (place / side + top, place % side);
                    let x = if flip { side - 1 - x } else { x } + left;
                    let inside = (4..4 + side).contains(&y) && (4..4 + side).contains(&x);
                    let from = |c| bytes[(number * 3 + c) * area + (y - 4) * side + x - 4] as usize;
                    let found = &ran.floats(to)[(image * area + place) * 4..][..4];
                    for c in 0..3 {
                        assert_eq!(found[c], table[c * 257 + if inside { from(c) } else { 256 }]);
                    }
                    assert_eq!(found[3], 0.0);
                }
            }
        });
    }
    bench.run();
}

#[test]
fn packed_weights_lie_as_products_read_them_forward_and_backward() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        let (mut parameters, mut rows, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        for (outputs, inputs, taps, width) in
            [(13, 19, 1, 16), (5, 3, 9, 8), (70, 33, 1, 48), (16, 16, 9, 16)]
        {
            let weights = normal(outputs as u64, outputs * inputs * taps);
            for backward in [false, true] {
                let columns = if backward { inputs } else { outputs }.div_ceil(width);
                let row = [parameters.len(), outputs, inputs, taps, width, columns, usize::from(backward)];
                rows.extend(row.into_iter().chain([expected.len()]).map(|n| n as i32));
                let all = packed(&weights, (outputs, inputs, taps), width, backward);
                expected.extend(all.into_iter().map(|w| factor(precision, w)));
            }
            parameters.extend(weights);
        }
        for (outputs, width) in [(5, 8), (70, 48)] {
            let weights = normal(outputs as u64, outputs * 3 * 49);
            let row = [parameters.len(), outputs, 3, 49, width, outputs.div_ceil(width), 2, expected.len()];
            rows.extend(row.map(|n| n as i32));
            let all = packed_around(&weights, outputs, width);
            expected.extend(all.into_iter().map(|w| factor(precision, w)));
            parameters.extend(weights);
        }
        let to = bench.maps(&vec![9.0; expected.len()]);
        let args = args! { parameters: bench.floats(&parameters), packed: to, table: bench.ints(&rows) };
        bench.launch("pack", "Pack", ([3, rows.len() / 8, 1], 256, 0), args);
        bench.check(move |ran| assert_eq!(ran.maps(to), expected));
        bench.run();
    }
}

#[test]
fn running_variances_become_scales() {
    let mut bench = Bench::new(Precision::F32);
    let running: Vec<f32> = normal(1, 300).iter().map(|x| x.abs()).collect();
    let scale = bench.floats(&[9.0; 300]);
    let args = args! { running: bench.floats(&running), scale: scale, length: 300usize, epsilon: 1e-5f32 };
    bench.launch("running_scale", "RunningScale", ([2, 1, 1], 256, 0), args);
    bench.check(move |ran| {
        for (found, x) in ran.floats(scale).into_iter().zip(&running) {
            assert_eq!(found, (1.0 / (f64::from(*x) + f64::from(1e-5f32)).sqrt()) as f32);
        }
    });
    bench.run();
}
