//! The random part of a picture that `augment = "imagenet"` shows, drawn as torchvision's RandomResizedCrop draws it.

use crate::data::size::{Area, Size};
use crate::rng::Stream;

/// Narrowest and widest part, as width divided by height.
const NARROWEST: f64 = 3.0 / 4.0;
const WIDEST: f64 = 4.0 / 3.0;
/// Draws before a part is given up that fits.
const TRIES: usize = 10;

/// A part of a picture of this size that shows at least the share `scale` of it. Where none is found that fits, the
/// middle, as much of it as is neither too narrow nor too wide.
pub(super) fn draw(size: Size, scale: f64, draws: &mut Stream) -> Area {
    let (width, height) = (size.width as f64, size.height as f64);
    for _ in 0..TRIES {
        let mut between = |low: f64, high: f64| low + (high - low) * f64::from(draws.uniform());
        let area = width * height * between(scale, 1.0);
        let ratio = between(NARROWEST.ln(), WIDEST.ln()).exp();
        let root = |square: f64| square.sqrt().round_ties_even() as usize;
        let part = Size { width: root(area * ratio), height: root(area / ratio) };
        if (1..=size.width).contains(&part.width) && (1..=size.height).contains(&part.height) {
            let mut begin = |spare: usize| draws.below(spare as u32 + 1) as usize;
            let top = begin(size.height - part.height);
            return Area { top, left: begin(size.width - part.width), size: part };
        }
    }
    let rounded = |length: f64| length.round_ties_even() as usize;
    let part = if width / height < NARROWEST {
        Size { height: rounded(width / NARROWEST), ..size }
    } else if width / height > WIDEST {
        Size { width: rounded(height * WIDEST), ..size }
    } else {
        size
    };
    Area { left: (size.width - part.width) / 2, top: (size.height - part.height) / 2, size: part }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const SIZE: Size = Size { width: 120, height: 80 };

    fn parts(size: Size, scale: f64) -> Vec<Area> {
        (0..20_000).map(|image| draw(size, scale, &mut Stream::new(1, Purpose::Augment, 2, image))).collect()
    }

    #[test]
    fn a_part_lies_within_the_picture_and_within_the_shares_and_the_proportions() {
        for Area { left, top, size } in parts(SIZE, 0.25) {
            assert!(left + size.width <= 120 && top + size.height <= 80);
            let share = size.pixels() as f64 / 9600.0;
            // Both sides are rounded.
            assert!((0.24..=1.0).contains(&share), "{share}");
            let ratio = size.width as f64 / size.height as f64;
            assert!((0.73..1.37).contains(&ratio), "{ratio}");
        }
    }

    #[test]
    fn shares_are_uniform_and_proportions_are_so_in_their_logarithm() {
        let parts = parts(Size::square(1000), 0.08);
        // Up to three quarters every draw fits, whatever its proportions.
        let share = |part: &&Area| part.size.pixels() as f64 / 1e6;
        let small: Vec<&Area> = parts.iter().filter(|part| share(part) < 0.75).collect();
        let half = small.iter().filter(|part| share(part) < 0.415).count() as f64 / small.len() as f64;
        assert!((half - 0.5).abs() < 0.015, "{half} of these parts show less than 41.5 %");
        let logarithms = small.iter().map(|part| (part.size.width as f64 / part.size.height as f64).ln());
        let mean = logarithms.sum::<f64>() / small.len() as f64;
        assert!(mean.abs() < 0.01, "{mean}");
        let corners = [|part: &Area| part.left == 0, |part: &Area| part.top == 0];
        assert!(corners.iter().all(|at| parts.iter().any(at)));
    }

    #[test]
    fn where_nothing_fits_the_middle_is_shown() {
        let size = |width, height| Size { width, height };
        let of = |size: Size| draw(size, 1.0, &mut Stream::new(1, Purpose::Augment, 2, 3));
        assert_eq!(of(size(300, 30)), Area { left: 130, top: 0, size: size(40, 30) });
        assert_eq!(of(size(30, 301)), Area { left: 0, top: 130, size: size(30, 40) });
        assert_eq!(of(size(1, 1)), Area::all(size(1, 1)));
    }

    #[test]
    fn the_draws_of_an_image_are_its_own() {
        let of = |epoch, image| draw(SIZE, 0.08, &mut Stream::new(1, Purpose::Augment, epoch, image));
        assert_eq!(of(1, 7), of(1, 7));
        assert!(of(1, 7) != of(2, 7) && of(1, 7) != of(1, 8));
    }
}
