//! The middle of a picture in the size of the network, as planes.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use crate::data::folder::decode::pixels::Picture;

/// The middle `side` x `side` pixels as `[3, side, side]`, after the shorter side has become `side` long and the picture
/// has been turned; halves are rounded down.
pub(super) fn square(picture: &Picture, side: u32) -> Result<Vec<u8>, String> {
    let Picture { rgb, orientation } = picture;
    let fitted = fit(rgb, *orientation, side)?;
    if *orientation == Orientation::NoTransforms {
        return Ok(planes(&fitted));
    }
    // Turned last, when it is small; `fit` has kept the middle of the turned one.
    let mut turned = DynamicImage::ImageRgb8(fitted);
    turned.apply_orientation(*orientation);
    Ok(planes(&turned.into_rgb8()))
}

/// The middle of `image`, which is still to be turned.
fn fit(image: &RgbImage, orientation: Orientation, side: u32) -> Result<RgbImage, String> {
    let (width, height) = image.dimensions();
    if (width, height) == (side, side) {
        return Ok(image.clone());
    }
    let short = width.min(height);
    let (reversed_x, reversed_y) = reversed(orientation);
    let (left, wide) = middle(width, short, side, reversed_x);
    let (top, high) = middle(height, short, side, reversed_y);
    // Pixels beside the middle count at its edges, as if all of the image were resized and then cropped.
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(left, top, wide, high);
    let failed = |error: &dyn std::fmt::Display| format!("it cannot be resized ({error})");
    let source =
        ImageRef::new(width, height, image.as_raw(), PixelType::U8x3).map_err(|error| failed(&error))?;
    let mut resized = Image::new(side, side, PixelType::U8x3);
    Resizer::new().resize(&source, &mut resized, &options).map_err(|error| failed(&error))?;
    Ok(RgbImage::from_raw(side, side, resized.into_vec()).unwrap_or_default())
}

/// Where the middle begins on a side of `length` pixels, and its length, if `short` of them become `side`. On a side that
/// will be `reversed`, halves are rounded up, so that they are rounded down afterwards.
fn middle(length: u32, short: u32, side: u32, reversed: bool) -> (f64, f64) {
    let scaled = u64::from(length) * u64::from(side) / u64::from(short);
    let scaled = scaled.max(u64::from(side));
    let spare = scaled - u64::from(side);
    let begin = if reversed { spare.div_ceil(2) } else { spare / 2 };
    let scale = f64::from(length) / scaled as f64;
    let begin = begin as f64 * scale;
    (begin, (f64::from(side) * scale).min(f64::from(length) - begin))
}

/// Whether columns and rows will run the other way.
fn reversed(orientation: Orientation) -> (bool, bool) {
    match orientation {
        Orientation::NoTransforms | Orientation::Rotate90FlipH => (false, false),
        Orientation::FlipHorizontal | Orientation::Rotate270 => (true, false),
        Orientation::FlipVertical | Orientation::Rotate90 => (false, true),
        Orientation::Rotate180 | Orientation::Rotate270FlipH => (true, true),
    }
}

/// Interleaved pixels as planes.
fn planes(image: &RgbImage) -> Vec<u8> {
    let channel = |c| image.as_raw().iter().copied().skip(c).step_by(3);
    (0..3).flat_map(channel).collect()
}

#[cfg(test)]
mod tests {
    use image::imageops::{FilterType, crop_imm, resize};
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::data::resize::{Samples, resized};
    use crate::data::size::{Area, Size};

    fn upright(image: &RgbImage, side: u32) -> RgbImage {
        fit(image, Orientation::NoTransforms, side).unwrap()
    }

    /// An image whose columns are black, then white from `edge` on.
    fn columns(width: u32, height: u32, edge: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, _| Rgb([if x < edge { 0 } else { 255 }; 3]))
    }

    /// An image without any symmetry.
    fn waves(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let (x, y) = (f64::from(x), f64::from(y));
            let wave = |value: f64| (127.5 + 127.0 * value.sin()) as u8;
            Rgb([wave(x * 0.31 + y * 0.07), wave(y * 0.23 - x * 0.02), wave(x * y * 0.004)])
        })
    }

    fn worst(a: &[u8], b: &[u8]) -> u8 {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    }

    #[test]
    fn the_shorter_side_is_resized_and_the_middle_of_the_longer_kept() {
        // 40 x 10 becomes 16 x 4, of which columns 6 to 9 are kept: 15 to 24 of the original.
        let fitted = upright(&columns(40, 10, 20), 4);
        assert_eq!(fitted.dimensions(), (4, 4));
        let row: Vec<u8> = (0..4).map(|x| fitted.get_pixel(x, 2).0[0]).collect();
        assert!(row[0] < 10 && row[3] > 245 && row.is_sorted(), "{row:?}");
        // An upright one likewise, and one of the right size is left alone.
        assert_eq!(upright(&columns(10, 41, 5), 4).dimensions(), (4, 4));
        assert_eq!(upright(&columns(4, 4, 1), 4), columns(4, 4, 1));
    }

    #[test]
    fn a_triangle_filter_averages_where_an_image_shrinks() {
        // Four pixels become one of their weighted mean: 5, 7, 7, 5, 3, 1 for pixels 0 to 5 of the
        // left half, which is 53/28 of the 32 from one to the next.
        let fitted = upright(&RgbImage::from_fn(8, 8, |x, _| Rgb([(x * 32) as u8; 3])), 2);
        let row = [fitted.get_pixel(0, 0).0[0], fitted.get_pixel(1, 0).0[0]];
        assert_eq!(row, [61, 224 - 61]);
    }

    #[test]
    fn the_middle_is_what_resizing_all_of_the_image_and_then_cropping_gives() {
        for (width, height, side) in [(101, 60, 24), (60, 133, 24), (33, 20, 48), (500, 375, 224)] {
            let image = waves(width, height);
            let short = width.min(height);
            let scaled = |length: u32| length * side / short;
            let all = resize(&image, scaled(width), scaled(height), FilterType::Triangle);
            let (left, top) = ((all.width() - side) / 2, (all.height() - side) / 2);
            let expected = crop_imm(&all, left, top, side, side).to_image();
            let apart = worst(upright(&image, side).as_raw(), expected.as_raw());
            assert!(apart <= 1, "{width} x {height}: {apart}");
        }
    }

    #[test]
    fn torchvision_would_differ_by_one_at_most_in_one_of_nine_bytes() {
        let (mut apart, mut all) = (0, 0);
        for (width, height, side) in [(100, 60, 24), (60, 134, 24), (34, 20, 48), (500, 376, 224)] {
            let (image, size) =
                (waves(width, height), Size { width: width as usize, height: height as usize });
            let to = size.with_shorter(side as usize);
            let part = Area::middle(to, Size::square(side as usize));
            let exact = resized(Samples::interleaved(image.as_raw(), size), Area::all(size), to, part);
            let ours = planes(&upright(&image, side));
            assert!(worst(&ours, &exact) <= 1, "{width} x {height}");
            apart += ours.iter().zip(&exact).filter(|(a, b)| a != b).count();
            all += exact.len();
        }
        assert!(apart * 8 < all && apart > 0, "{apart} of {all}");
    }

    #[test]
    fn turning_last_is_turning_first() {
        for value in 1..=8 {
            let orientation = Orientation::from_exif(value).unwrap();
            // 101 becomes 40 or 41 of which 24 are kept, so that a half is left.
            for (width, height) in [(101, 59), (59, 101)] {
                let rgb = waves(width, height);
                let mut turned = DynamicImage::ImageRgb8(rgb.clone());
                turned.apply_orientation(orientation);
                let expected = planes(&upright(&turned.into_rgb8(), 24));
                let fitted = square(&Picture { rgb, orientation }, 24).unwrap();
                let apart = worst(&fitted, &expected);
                assert!(apart <= 1, "{value}: {apart}");
            }
        }
    }

    #[test]
    fn a_long_strip_costs_no_more_than_its_middle() {
        let fitted = upright(&columns(60_000, 1, 30_000), 32);
        assert_eq!(fitted.dimensions(), (32, 32));
        let (left, right) = (fitted.get_pixel(0, 0).0[0], fitted.get_pixel(31, 0).0[0]);
        assert!(left < 10 && right > 245, "from {left} to {right}");
    }
}
