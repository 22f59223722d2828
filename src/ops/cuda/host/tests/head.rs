//! The end of the network: averages, the linear layer, the loss, and back.

use super::numbers::*;
use super::*;

#[test]
fn the_average_over_a_map_and_its_gradient_are_those_of_a_normalisation_and_its_relu() {
    for precision in PRECISIONS {
        let mut bench = Bench::new(precision);
        for (images, area, channels) in [(3usize, 9, 13usize), (1, 1, 1), (2, 64, 130)] {
            let (pixels, row) = (images * area, channels.next_multiple_of(8));
            let tiles = pixels.div_ceil(32);
            let maps = maps(precision, 1, pixels, row, 0, channels);
            let (norm, dy) = (Norm::new(2, channels), normal(6, images * channels));
            let (places, read) = (norm.put(&mut bench), bench.maps(&maps));
            let averages = bench.floats(&vec![0.0; images * channels]);
            let gradient = bench.floats(&vec![7.0; pixels * row]);
            let left = bench.floats(&vec![9.0; 2 * channels * tiles]);
            let args = args! {
                maps: read, mean: places.mean, scale: places.scale, weight: places.weight, bias: places.bias,
                averages: averages, stride: row, channels: channels, area: area,
            };
            let across = channels.div_ceil(128);
            bench.launch("average", "Average", ([images, across, 1], 128, 0), args);
            let args = args! {
                maps: read, mean: places.mean, scale: places.scale, weight: places.weight, bias: places.bias,
                averages_gradient: bench.floats(&dy), gradient: gradient, left: left, stride: row,
                channels: channels, pixels: pixels, area: area,
            };
            bench.launch("average_backward", "AverageBackward", ([tiles, across, 1], 128, 0), args);
            bench.check(move |ran| {
                let mut expected = vec![0.0; images * channels];
                let (mut passed, mut sums) = (vec![7.0; pixels * row], vec![0.0; 2 * channels * tiles]);
                for pixel in 0..pixels {
                    for c in 0..channels {
                        let (at, x) = (pixel / area * channels + c, maps[pixel * row + c]);
                        expected[at] += f64::from(norm.relu(x, c)) / area as f64;
                        let open = norm.before(x, c) > 0.0;
                        let d = if open { f64::from(dy[at]) / area as f64 } else { 0.0 };
                        passed[pixel * row + c] = f64::from(norm.a(c)) * d;
                        sums[c * tiles + pixel / 32] += d;
                        sums[(channels + c) * tiles + pixel / 32] += d * f64::from(norm.distance(x, c));
                    }
                }
                close(&ran.floats(averages), &expected, Precision::F32, "averages");
                close(&ran.floats(gradient), &passed, Precision::F32, "gradient");
                close(&ran.floats(left), &sums, Precision::F32, "sums");
            });
        }
        bench.run();
    }
}

#[test]
fn the_linear_layer_and_its_three_gradients_are_products() {
    let mut bench = Bench::new(Precision::F32);
    for (images, channels, classes) in [(3, 13, 10), (1, 1, 1), (2, 130, 7)] {
        let (read, matrix) = (normal(1, images * channels), normal(2, classes * channels));
        let added = normal(3, classes);
        let dy = normal(4, images * classes);
        let (averages, weight) = (bench.floats(&read), bench.floats(&matrix));
        let logits = bench.floats(&vec![9.0; images * classes]);
        let args = args! {
            averages: averages, weight: weight, bias: bench.floats(&added), logits: logits, channels: channels,
            classes: classes,
        };
        bench.launch("classify", "Classify", ([images, 1, 1], 128, 0), args);
        let (dw, db) = (bench.floats(&vec![9.0; classes * channels]), bench.floats(&vec![9.0; classes]));
        let dx = bench.floats(&vec![9.0; images * channels]);
        let gradient = bench.floats(&dy);
        let args = || {
            args! {
                gradient: gradient, averages: averages, weight: weight, weight_gradient: dw, bias_gradient: db,
                averages_gradient: dx, batch: images, channels: channels, classes: classes,
            }
        };
        let across = channels.div_ceil(128);
        bench.launch("classify_weights", "ClassifyBackward", ([classes, across, 1], 128, 0), args());
        bench.launch("classify_input", "ClassifyBackward", ([images, across, 1], 128, 0), args());
        bench.check(move |ran| {
            let mut sums = vec![0.0; images * classes];
            let (mut to_w, mut to_b) = (vec![0.0; classes * channels], vec![0.0; classes]);
            let mut to_x = vec![0.0; images * channels];
            for i in 0..images {
                for k in 0..classes {
                    sums[i * classes + k] = f64::from(added[k]);
                    let d = f64::from(dy[i * classes + k]);
                    to_b[k] += d;
                    for c in 0..channels {
                        let (x, w) = (f64::from(read[i * channels + c]), f64::from(matrix[k * channels + c]));
                        sums[i * classes + k] += x * w;
                        to_w[k * channels + c] += d * x;
                        to_x[i * channels + c] += d * w;
                    }
                }
            }
            close(&ran.floats(logits), &sums, Precision::F32, "logits");
            close(&ran.floats(dw), &to_w, Precision::F32, "gradient of the weight");
            close(&ran.floats(db), &to_b, Precision::F32, "gradient of the bias");
            close(&ran.floats(dx), &to_x, Precision::F32, "gradient of the averages");
        });
    }
    bench.run();
}

#[test]
fn the_loss_is_the_cross_entropy_with_smoothing_and_weights_and_the_first_of_the_largest_logits_is_said() {
    let mut bench = Bench::new(Precision::F32);
    for (images, classes, smoothing, backward, weighted) in [
        (4, 10, 0.0f32, true, false),
        (3, 100, 0.1, true, false),
        (2, 1, 0.1, true, false),
        (2, 33, 0.2, false, false),
        (4, 10, 0.0, true, true),
        (40, 33, 0.1, true, true),
    ] {
        let weights: Vec<f32> =
            (0..classes).map(|k| if weighted { 0.5 + k as f32 / 4.0 } else { 1.0 }).collect();
        let mut x: Vec<f32> = normal(1, images * classes).iter().map(|x| 20.0 * x).collect();
        // Two are the largest.
        if classes > 5 {
            x[5] = 90.0;
            x[3] = 90.0;
        }
        let truth: Vec<i32> = (0..images).map(|i| (i * 3 + 3) as i32 % classes as i32).collect();
        let (losses, dx) = (bench.floats(&vec![9.0; images]), bench.floats(&vec![9.0; images * classes]));
        let (hits, predictions) = (bench.ints(&vec![9; images]), bench.ints(&vec![9; images]));
        let args = args! {
            logits: bench.floats(&x), labels: bench.ints(&truth), losses: losses, hits: hits,
            predictions: predictions, gradient: backward.then_some(dx),
            class_weights: weighted.then(|| bench.floats(&weights)), batch: images, classes: classes,
            smoothing: smoothing,
        };
        bench.launch("loss", "Loss", ([images, 1, 1], 32, 0), args);
        bench.check(move |ran| {
            let (mut expected, mut to_x) = (Vec::new(), Vec::new());
            let weight = |k: usize| f64::from(weights[k]);
            let total: f64 = truth.iter().map(|&label| weight(label as usize)).sum();
            for (image, row) in x.chunks(classes).enumerate() {
                let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
                let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let log_sum = most + row.iter().map(|x| (x - most).exp()).sum::<f64>().ln();
                let (label, e) = (truth[image] as usize, f64::from(smoothing));
                let own = |k| if k == label { (1.0 - e) * weight(k) } else { 0.0 };
                let target = |k| own(k) + e / classes as f64 * weight(k);
                let mass: f64 = (0..classes).map(target).sum();
                let loss: f64 = (0..classes).map(|k| target(k) * (log_sum - row[k])).sum();
                expected.push(loss * images as f64 / total);
                let d = |k: usize| (mass * (row[k] - log_sum).exp() - target(k)) / total;
                to_x.extend((0..classes).map(|k| if backward { d(k) } else { 9.0 }));
                let said = row.iter().position(|&x| x == most).unwrap();
                assert_eq!(ran.ints(predictions)[image], said as i32);
                assert_eq!(ran.ints(hits)[image], i32::from(said == label));
            }
            close(&ran.floats(losses), &expected, Precision::F32, "losses");
            close(&ran.floats(dx), &to_x, Precision::F32, "gradient of the logits");
        });
    }
    bench.run();
}

#[test]
fn logits_that_are_not_finite_give_a_loss_that_is_not_and_a_class_that_there_is() {
    let mut bench = Bench::new(Precision::F32);
    let x = [f32::NAN, 1.0, 2.0, f32::NAN, f32::NAN, f32::NAN, f32::INFINITY, 0.0, 1.0];
    let (losses, hits, said) = (bench.floats(&[0.0; 3]), bench.ints(&[9; 3]), bench.ints(&[9; 3]));
    let args = args! {
        logits: bench.floats(&x), labels: bench.ints(&[1, 0, 0]), losses: losses, hits: hits, predictions: said,
        gradient: None, class_weights: None, batch: 3usize, classes: 3usize, smoothing: 0.0f32,
    };
    bench.launch("loss", "Loss", ([3, 1, 1], 32, 0), args);
    bench.check(move |ran| {
        assert!(ran.floats(losses).iter().all(|x| x.is_nan()), "{:?}", ran.floats(losses));
        assert!(ran.ints(said).iter().all(|k| (0..3).contains(k)), "{:?}", ran.ints(said));
    });
    bench.run();
}
