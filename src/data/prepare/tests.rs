//! Tests of the preparation: exact pixels.

use super::*;
use crate::recipe::{Data, Normalization};

const SIDE: usize = 8;

/// `n` images of 8x8 whose every pixel is different from its neighbours.
fn images(n: usize) -> Images {
    let pixels = (0..n * 3 * SIDE * SIDE).map(|i| (i * 7 % 251) as u8).collect();
    Images::new(SIDE, pixels, (0..n as u32).collect())
}

fn recipe(pad: Pad, normalization: Normalization) -> Recipe {
    Recipe {
        augment: Augment::Standard,
        input_size: SIDE,
        pad,
        normalization,
        ..Recipe::defaults(Data::Cifar10)
    }
}

fn prepare(pad: Pad, normalization: Normalization) -> Prepare {
    let moments = ChannelStats { mean: [100.0, 120.4, 140.6], std: [50.0, 25.0, 0.0] };
    Prepare::new(&recipe(pad, normalization), moments, true)
}

/// Plane `c` of image `i`.
fn plane(images: &Images, i: usize, c: usize) -> Vec<u8> {
    images.image(i).unwrap()[c * SIDE * SIDE..][..SIDE * SIDE].to_vec()
}

/// The crop that is drawn.
fn drawn(prepare: &Prepare, index: u32, epoch: u64) -> Crop {
    prepare.draw(&images(1), index, epoch).crop()
}

/// The pixel that a crop shows at (`y`, `x`), said once more in the slow and obvious way.
fn seen(plane: &[u8], crop: Crop, y: usize, x: usize) -> Option<u8> {
    let x = if crop.flip { SIDE - 1 - x } else { x };
    let y = (y + crop.top).checked_sub(PADDING).filter(|&y| y < SIDE)?;
    let x = (x + crop.left).checked_sub(PADDING).filter(|&x| x < SIDE)?;
    Some(plane[y * SIDE + x])
}

#[test]
fn every_crop_and_flip_shows_exactly_the_shifted_pixels() {
    let images = images(1);
    let plane = plane(&images, 0, 0);
    for top in 0..=2 * PADDING {
        for left in 0..=2 * PADDING {
            for flip in [false, true] {
                let crop = Crop { top, left, flip };
                let mut out = Vec::new();
                crop.cut(&plane, SIDE, None, Some, &mut out);
                let expected: Vec<_> =
                    (0..SIDE * SIDE).map(|i| seen(&plane, crop, i / SIDE, i % SIDE)).collect();
                assert_eq!(out, expected, "{crop:?}");
            }
        }
    }
}

#[test]
fn a_batch_is_the_drawn_crop_of_the_normalised_image() {
    let (images, prepare) = (images(3), prepare(Pad::Normalised, Normalization::Dataset));
    let batch = prepare.training(&images, &[2], 5).unwrap();
    assert_eq!((batch.side, batch.labels), (SIDE, vec![2]));
    let (crop, plane) = (drawn(&prepare, 2, 5), plane(&images, 2, 1));
    assert_ne!(crop, Crop::WHOLE);
    for i in 0..SIDE * SIDE {
        let expected = seen(&plane, crop, i / SIDE, i % SIDE)
            .map_or(0.0, |byte| ((f64::from(byte) - 120.4) / 25.0) as f32);
        assert!((batch.images[SIDE * SIDE + i] - expected).abs() == 0.0);
    }
}

#[test]
fn outside_is_the_mean_colour_or_black_and_a_constant_channel_is_divided_by_nothing() {
    let outside = |pad, normalization| prepare(pad, normalization).outside;
    assert_eq!(outside(Pad::Normalised, Normalization::Dataset), [(0.0, 100), (0.0, 120), (0.0, 141)]);
    assert_eq!(outside(Pad::Black, Normalization::Dataset), [(-2.0, 0), (-4.816, 0), (-140.6, 0)]);
    for pad in [Pad::Normalised, Pad::Black] {
        assert_eq!(outside(pad, Normalization::Unit), [(0.0, 0); 3]);
    }
    assert!((prepare(Pad::Black, Normalization::Unit).table[1][51] - 0.2).abs() == 0.0);
}

#[test]
fn a_draw_depends_on_image_and_epoch_and_not_on_the_batch() {
    let (images, prepare) = (images(40), prepare(Pad::Black, Normalization::Dataset));
    let one = |i, epoch| prepare.training(&images, &[i], epoch).unwrap().images;
    let both = prepare.training(&images, &[9, 4], 1).unwrap().images;
    assert_eq!(both, [one(9, 1), one(4, 1)].concat());
    assert_eq!(one(4, 1), one(4, 1));
    let all = |f: &dyn Fn(u32) -> Crop| (0..40).map(f).collect::<Vec<_>>();
    assert_ne!(all(&|i| drawn(&prepare, i, 1)), all(&|i| drawn(&prepare, i, 2)));
    assert_ne!(all(&|i| drawn(&prepare, i, 1)), all(&|i| drawn(&prepare, i.wrapping_add(1), 1)));
}

#[test]
fn crops_reach_every_offset_and_half_of_them_are_flipped_where_flips_are_allowed() {
    let mut prepare = prepare(Pad::Black, Normalization::Dataset);
    let crops: Vec<Crop> = (0..1000).map(|i| drawn(&prepare, i, 0)).collect();
    for offset in 0..=8 {
        assert!(crops.iter().any(|c| c.top == offset) && crops.iter().any(|c| c.left == offset));
    }
    let flipped = crops.iter().filter(|c| c.flip).count();
    assert!((400..600).contains(&flipped), "{flipped} of 1000 are flipped");
    prepare.flips = false;
    for (i, with) in crops.iter().enumerate() {
        // Without flips the crops stay what they were.
        assert_eq!(drawn(&prepare, i as u32, 0), Crop { flip: false, ..*with });
    }
}

#[test]
fn without_augmentation_training_sees_what_evaluation_sees() {
    let images = images(4);
    let recipe = Recipe { augment: Augment::None, ..recipe(Pad::Black, Normalization::Unit) };
    let prepare = Prepare::new(&recipe, ChannelStats::of(&images), true);
    assert_eq!(prepare.training(&images, &[1, 2], 3), prepare.plain(&images, 1..3));
    assert_eq!(prepare.augmented_pixels(&images, 1, 3).unwrap(), *images.image(1).unwrap());
}

#[test]
fn a_preview_shows_the_same_crop_as_training() {
    let images = images(2);
    let prepare = prepare(Pad::Black, Normalization::Unit);
    let preview = prepare.augmented_pixels(&images, 1, 7).unwrap();
    let trained = prepare.training(&images, &[1], 7).unwrap().images;
    assert_ne!(preview, *images.image(1).unwrap());
    let bytes: Vec<u8> = trained.iter().map(|x| (x * 255.0).round() as u8).collect();
    assert_eq!(preview, bytes);
}

#[test]
fn every_epoch_has_an_order_of_its_own_that_holds_every_image_once() {
    assert_ne!(order(0, 1, 100), order(0, 2, 100));
    assert_eq!(order(0, 1, 100), order(0, 1, 100));
    let mut sorted = order(3, 1, 100);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    assert!(order(0, 0, 0).is_empty());
}

/// Prepares images of any size for a network of 6x6, by what ImageNet does.
fn imagenet(normalization: Normalization) -> Prepare {
    let recipe = Recipe {
        augment: Augment::Imagenet,
        input_size: 6,
        resize: Some(7),
        normalization,
        ..Recipe::defaults(Data::Cifar10)
    };
    Prepare::new(&recipe, ChannelStats { mean: [0.0; 3], std: [1.0; 3] }, true)
}

#[test]
fn an_evaluation_resizes_the_shorter_side_and_cuts_out_the_middle() {
    let (images, prepare) = (images(2), imagenet(Normalization::Unit));
    let image = images.image(1).unwrap();
    let all = Area::all(Size::square(7));
    let whole =
        resized(Samples::planes(&image, Size::square(SIDE)), Area::all(Size::square(SIDE)), all.size, all);
    let shown = prepare.plain_pixels(&images, 1).unwrap();
    for i in 0..3 * 36 {
        // Half a pixel on each side becomes none at the left.
        assert_eq!(shown[i], whole[i / 36 * 49 + i / 6 % 6 * 7 + i % 6]);
    }
    assert_eq!(prepare.plain(&images, 0..2).unwrap().side, 6);
    // What is that already is left alone.
    let fitted = Images::new(6, shown.clone(), vec![0]).fitted();
    assert_eq!(prepare.plain_pixels(&fitted, 0).unwrap(), shown);
}

#[test]
fn a_random_part_is_resized_and_half_of_them_are_flipped() {
    let (images, prepare) = (images(1), imagenet(Normalization::Unit));
    let mut flips = 0;
    for epoch in 1..200 {
        let View::Part(area, flip) = prepare.draw(&images, 0, epoch) else { panic!("no part is drawn") };
        let to = Area::all(Size::square(6));
        let mut expected =
            resized(Samples::planes(&images.image(0).unwrap(), Size::square(SIDE)), area, to.size, to);
        if flip {
            expected.chunks_exact_mut(6).for_each(<[u8]>::reverse);
            flips += 1;
        }
        assert_eq!(prepare.augmented_pixels(&images, 0, epoch).unwrap(), expected);
        let batch = prepare.training(&images, &[0], epoch).unwrap();
        let bytes: Vec<u8> = batch.images.iter().map(|x| (x * 255.0).round() as u8).collect();
        assert_eq!(bytes, expected);
    }
    assert!((70..130).contains(&flips), "{flips} of 199 are flipped");
}

#[test]
fn the_standard_crop_is_of_the_resized_image() {
    let images = images(1);
    let recipe = Recipe { input_size: 12, ..recipe(Pad::Black, Normalization::Unit) };
    let prepare = Prepare::new(&recipe, ChannelStats::of(&images), true);
    let whole = prepare.plain_pixels(&images, 0).unwrap();
    let again = Images::new(12, whole, vec![0]);
    assert_eq!(prepare.training(&images, &[0], 3), prepare.training(&again, &[0], 3));
    assert_eq!((prepare.padded_crops(&images), prepare.padded_crops(&again)), (None, Some((true, true))));
}

#[test]
fn the_normalisation_of_imagenet_is_torchvisions_whatever_the_images() {
    let prepare = imagenet(Normalization::Imagenet);
    for (c, (mean, std)) in [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)].into_iter().enumerate() {
        for byte in [0, 100, 255_u8] {
            let wanted = (f64::from(byte) / 255.0 - mean) / std;
            assert!((f64::from(prepare.table[c][usize::from(byte)]) - wanted).abs() < 1e-6);
        }
    }
}
