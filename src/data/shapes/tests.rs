//! Tests of the shapes: what they are made of, and that they are not too easy.

use std::ops::ControlFlow;

use super::*;
use crate::data::{ChannelStats, Prepare, order};
use crate::recipe::Data;

fn recipe(seed: u64) -> Recipe {
    Recipe { seed, ..Recipe::defaults(Data::Shapes) }
}

fn read(seed: u64) -> Parts {
    let mut on = |_, _| ControlFlow::Continue(());
    Shapes.load(&recipe(seed), &mut Report::new(&mut on)).unwrap()
}

/// The first `n` images of a set.
fn some(seed: u64, set: u64, n: usize) -> Images {
    let mut on = |_, _| ControlFlow::Continue(());
    draw_all(seed, set, n, &mut Report::new(&mut on)).unwrap()
}

#[test]
fn the_set_is_balanced_in_every_part() {
    let parts = read(0);
    assert_eq!(parts.train.class_counts(10), [450; 10]);
    assert_eq!(parts.validation.class_counts(10), [50; 10]);
    assert_eq!(parts.test.class_counts(10), [100; 10]);
    assert_eq!((parts.train.side().unwrap(), parts.classes.len()), (32, 10));
    assert!(!parts.flips && parts.dir.is_none());
}

/// Whoever changes this number changes every run on shapes that anyone has made.
#[test]
fn a_seed_always_draws_the_same_bytes() {
    let sum = |images: &Images| {
        images.in_memory().unwrap().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    assert_eq!(sum(&some(0, 0, 50)), 5_685_973_612_237_515_913);
    assert_eq!(sum(&some(0, 1, 50)), 6_089_182_620_175_065_796);
    assert_ne!(some(0, 0, 10), some(1, 0, 10));
}

#[test]
fn every_figure_fits_its_circle_and_differs_from_the_others() {
    let grid = || (-40..=40).flat_map(|y| (-40..=40).map(move |x| [x as f32 / 30.0, y as f32 / 30.0]));
    let masks: Vec<Vec<bool>> =
        FIGURES.iter().map(|(_, inside)| grid().map(|p| inside(p) < 0.0).collect()).collect();
    for (mask, (name, inside)) in masks.iter().zip(FIGURES) {
        let area = mask.iter().filter(|&&inside| inside).count();
        assert!((500..2300).contains(&area), "{name} covers {area} points");
        assert!(grid().all(|p| inside(p) > 0.0 || p[0].hypot(p[1]) < 1.15), "{name} is too large");
    }
    for a in 0..masks.len() {
        for b in 0..a {
            let differ = masks[a].iter().zip(&masks[b]).filter(|(a, b)| a != b).count();
            assert!(differ > 350, "{} is like {}", FIGURES[a].0, FIGURES[b].0);
        }
    }
}

#[test]
fn a_mirrored_arrow_is_of_the_other_class() {
    for y in -10..10 {
        for x in -10..10 {
            let (x, y) = (x as f32 / 10.0, y as f32 / 10.0);
            assert_eq!(FIGURES[8].1([x, y]).to_bits(), FIGURES[9].1([-x, y]).to_bits());
        }
    }
    assert_eq!((FIGURES[8].0, FIGURES[9].0), ("arrow left", "arrow right"));
}

/// Multinomial logistic regression on the normalised pixels: 3,072 weights and a bias per class, by
/// gradient descent in batches of ten.
struct Linear {
    /// `[3073, 10]`, the bias last.
    weights: Vec<[f32; 10]>,
}

impl Linear {
    fn probabilities(&self, image: &[f32]) -> [f32; 10] {
        let mut scores = self.weights[image.len()];
        for (x, row) in image.iter().zip(&self.weights) {
            for (score, w) in scores.iter_mut().zip(row) {
                *score += x * w;
            }
        }
        let top = scores.into_iter().fold(f32::MIN, f32::max);
        let shares = scores.map(|score| (score - top).exp());
        let sum: f32 = shares.iter().sum();
        shares.map(|share| share / sum)
    }

    /// One step of size `rate` along `[n, 3072]` images.
    fn step(&mut self, images: &[f32], labels: &[u32], rate: f32) {
        let errors: Vec<(&[f32], [f32; 10])> = images
            .chunks_exact(3072)
            .zip(labels)
            .map(|(image, &label)| {
                let mut error = self.probabilities(image);
                error[label as usize] -= 1.0;
                (image, error.map(|e| e * rate / labels.len() as f32))
            })
            .collect();
        for (image, error) in errors {
            for (x, row) in image.iter().chain(&[1.0]).zip(&mut self.weights) {
                for (w, e) in row.iter_mut().zip(&error) {
                    *w -= x * e;
                }
            }
        }
    }

    /// Mean loss, and the share that is right.
    fn judge(&self, images: &[f32], labels: &[u32]) -> (f64, f64) {
        let (mut loss, mut right) = (0.0, 0);
        for (image, &label) in images.chunks_exact(3072).zip(labels) {
            let probabilities = self.probabilities(image);
            let own = probabilities[label as usize];
            loss -= f64::from(own.max(1e-30)).ln();
            right += u32::from(probabilities.iter().all(|&p| p <= own));
        }
        (loss / labels.len() as f64, f64::from(right) / labels.len() as f64)
    }
}

/// The criterion: an epoch after which the loss on all training images is not 0.2 % below the lowest so
/// far halves the step; after the seventh halving the loss has stopped falling.
#[test]
fn a_linear_classifier_on_the_pixels_stays_far_below_half() {
    let parts = read(0);
    let prepare = Prepare::new(&recipe(0), ChannelStats::of(&parts.train), false);
    let train = prepare.plain(&parts.train, 0..parts.train.len()).unwrap();
    let validation = prepare.plain(&parts.validation, 0..parts.validation.len()).unwrap();
    let mut linear = Linear { weights: vec![[0.0; 10]; 3073] };
    let (mut rate, mut lowest, mut epoch, mut best) = (0.01, f64::MAX, 0, 0f64);
    while rate > 0.01 / 128.0 {
        for batch in order(0, epoch, parts.train.len()).chunks(10) {
            let batch = prepare.training(&parts.train, batch, epoch).unwrap();
            linear.step(&batch.images, &batch.labels, rate);
        }
        let (loss, _) = linear.judge(&train.images, &train.labels);
        if loss > 0.998 * lowest {
            rate /= 2.0;
        }
        lowest = lowest.min(loss);
        best = best.max(linear.judge(&validation.images, &validation.labels).1);
        epoch += 1;
    }
    let (_, learnt) = linear.judge(&train.images, &train.labels);
    assert!(learnt > 0.3, "it learnt only {learnt} of the training images");
    assert!(best < 0.5, "it reached {best} on validation");
}
