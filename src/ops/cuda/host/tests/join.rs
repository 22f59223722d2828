//! Sums of tiles and slices joined.

use super::numbers::*;
use super::*;

#[test]
fn the_moments_of_tiles_are_joined_to_those_of_all_their_numbers_however_far_from_0() {
    let mut bench = Bench::new(Precision::F32);
    for (channels, counts) in
        [(3, vec![5]), (1, vec![128, 1, 64]), (2, (0..300).map(|i| 1 + i % 7).collect())]
    {
        let (tiles, all): (usize, usize) = (counts.len(), counts.iter().sum());
        let numbers: Vec<Vec<f64>> = (0..channels)
            .map(|c| normal(c as u64, all).iter().map(|&x| 100.0 * c as f64 + f64::from(x)).collect())
            .collect();
        let mut moments = vec![0.0; 3 * channels * tiles];
        for (channel, numbers) in numbers.iter().enumerate() {
            let mut rest = numbers.as_slice();
            for (tile, &count) in counts.iter().enumerate() {
                let (of, after) = rest.split_at(count);
                let mean = of.iter().sum::<f64>() / count as f64;
                let squares = of.iter().map(|x| (x - mean).powi(2)).sum();
                for (row, number) in [count as f64, mean, squares].into_iter().enumerate() {
                    moments[(row * channels + channel) * tiles + tile] = number;
                }
                rest = after;
            }
        }
        let (mean, scale) = (bench.floats(&vec![0.0; channels]), bench.floats(&vec![0.0; channels]));
        let statistics = bench.doubles(&vec![0.0; 2 * channels]);
        let args = args! {
            moments: bench.doubles(&moments), mean: mean, scale: scale, statistics: statistics,
            channels: channels, tiles: tiles, epsilon: 1e-5f32,
        };
        bench.launch("join_moments", "JoinMoments", ([channels, 1, 1], 128, 128 * 24), args);
        bench.check(move |ran| {
            for (c, numbers) in numbers.iter().enumerate() {
                let expected = numbers.iter().sum::<f64>() / all as f64;
                let variance = numbers.iter().map(|x| (x - expected).powi(2)).sum::<f64>() / all as f64;
                let found = &ran.doubles(statistics)[2 * c..2 * c + 2];
                assert!((found[0] - expected).abs() < 1e-12 * (1.0 + expected), "{found:?}, {expected}");
                assert!((found[1] - variance).abs() < 1e-10 * (1.0 + variance), "{found:?}, {variance}");
                assert_eq!(ran.floats(mean)[c], found[0] as f32);
                assert_eq!(ran.floats(scale)[c], (1.0 / (found[1] + f64::from(1e-5f32)).sqrt()) as f32);
            }
        });
    }
    bench.run();
}

#[test]
fn the_sums_of_a_normalisation_give_its_own_gradients_and_the_means_that_are_taken_or_left() {
    let mut bench = Bench::new(Precision::F32);
    for (channels, tiles) in [(5, 3), (1, 1), (2, 300)] {
        for means in ["TAKEN", "LEFT", "LEFT_FIRST"] {
            let (norm, sums) = (Norm::new(3, channels), normal(4, 2 * channels * tiles));
            let before: Vec<f64> = normal(5, 2 * channels).iter().map(|&x| f64::from(x)).collect();
            let (count, places) = (77.0f32, norm.put(&mut bench));
            let [weight, bias, shift, slope] = [(); 4].map(|()| bench.floats(&vec![9.0; channels]));
            let left = bench.doubles(&before);
            let args = args! {
                sums: bench.floats(&sums), scale: places.scale, weight: places.weight, weight_gradient: weight,
                bias_gradient: bias, left: left, shift: shift, slope: slope, channels: channels, tiles: tiles,
                count: count,
            };
            bench.launch(format!("join_sums<{means}>"), "JoinSums", ([channels, 1, 1], 128, 2048), args);
            bench.check(move |ran| {
                for c in 0..channels {
                    let sum = |row: usize| -> f64 {
                        let from = (row * channels + c) * tiles;
                        sums[from..from + tiles].iter().map(|&x| f64::from(x)).sum()
                    };
                    let (d, product) = (sum(0), sum(1));
                    let (s, g, m) = (f64::from(norm.scale[c]), f64::from(norm.weight[c]), f64::from(count));
                    let near = |place: Address, expected: f64| {
                        let found = f64::from(ran.floats(place)[c]);
                        assert!(
                            (found - expected).abs() < 1e-6 * (1.0 + expected.abs()),
                            "{found}, {expected}"
                        );
                    };
                    near(bias, d);
                    near(weight, product * s);
                    // Of the batch normalisation: a·d - a·mean(d) - a·x̂·mean(d·x̂), with x̂ = s·(x - mean).
                    let taken = means == "TAKEN";
                    near(shift, if taken { g * s * d / m } else { 9.0 });
                    near(slope, if taken { g * s * s * (s * product) / m } else { 9.0 });
                    let [had, had_product] = [before[2 * c], before[2 * c + 1]];
                    let [had, had_product] = match means {
                        "LEFT" => [had + g * d / m, had_product + g * s * product / m],
                        "LEFT_FIRST" => [g * d / m, g * s * product / m],
                        _ => [had, had_product],
                    };
                    let found = &ran.doubles(left)[2 * c..2 * c + 2];
                    assert!((found[0] - had).abs() < 1e-12 && (found[1] - had_product).abs() < 1e-12);
                }
            });
        }
    }
    bench.run();
}

#[test]
fn the_slices_of_weights_are_summed_whatever_their_number() {
    let mut bench = Bench::new(Precision::F32);
    for (length, slices) in [(1, 1), (70, 3), (32, 8), (33, 41)] {
        let partial = normal(3, length * slices);
        let gradient = bench.floats(&vec![9.0; length]);
        let args =
            args! { partial: bench.floats(&partial), gradient: gradient, length: length, slices: slices };
        bench.launch("join_weights", "JoinWeights", ([length.div_ceil(32), 1, 1], 256, 1024), args);
        bench.check(move |ran| {
            let of = |at| partial.iter().skip(at).step_by(length).map(|&x| f64::from(x)).sum();
            let expected: Vec<f64> = (0..length).map(of).collect();
            close(&ran.floats(gradient), &expected, Precision::F32, "weights");
        });
    }
    bench.run();
}
