//! One image file as bytes of the size the network takes.

use std::io::BufReader;
use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, ImageReader, RgbImage, imageops};

use crate::data::error::{DataError, unusable};
use crate::files;

/// Endings of the formats that are read.
pub(crate) const EXTENSIONS: [&str; 11] =
    ["bmp", "gif", "jpeg", "jpg", "pam", "pbm", "pgm", "png", "pnm", "ppm", "webp"];

/// Largest file that is read as an image, in bytes: what the decoder's limits allow for the pixels of one. Decoders
/// may read all of a file before they look at its size.
const MOST_BYTES: u64 = 512 << 20;

/// More times longer than wide than this, an image is cropped before it is resized too.
const LONGEST: u32 = 16;

/// Reads the image at `path` as `[3, side, side]`: shorter side resized with a triangle filter, the
/// middle of the longer one, RGB, transparency on black. A file that is no image is an error that
/// names it; very large ones are refused by the decoder's own limits.
pub(crate) fn read(path: &Path, side: usize) -> Result<Vec<u8>, DataError> {
    let file = match files::open_up_to(path, MOST_BYTES) {
        Ok(file) => BufReader::new(file),
        Err(error) => {
            let remedy =
                if files::is_unfit(&error) { "take it away" } else { "make it readable or take it away" };
            return unusable(format!("{} cannot be read ({error}); {remedy}.", path.display()));
        }
    };
    let mut reader = ImageReader::new(file);
    if let Ok(format) = ImageFormat::from_path(path) {
        reader.set_format(format);
    }
    // By content before extension: many a .png is a JPEG.
    let reader = reader.with_guessed_format().map_err(image::ImageError::IoError);
    match reader.and_then(ImageReader::decode) {
        Ok(image) if !has_room(image.width(), image.height()) => unusable(format!(
            "{} has {} x {} pixels, more than are read of one image; make it smaller or take it away.",
            path.display(),
            image.width(),
            image.height()
        )),
        Ok(image) => Ok(planes(&fit(on_black(image), side as u32))),
        Err(error) => unusable(format!(
            "{} cannot be decoded ({}); repair it or take it away.",
            path.display(),
            error.to_string().trim_end_matches('.')
        )),
    }
}

/// Whether an image in RGB takes no more than the decoder allows for its own pixels, which may be bits.
fn has_room(width: u32, height: u32) -> bool {
    u64::from(width) * u64::from(height) <= MOST_BYTES / 3
}

/// The image in RGB, what is transparent blended with black.
fn on_black(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0;
        let blend = |value: u8| ((u16::from(value) * u16::from(alpha) + 127) / 255) as u8;
        image::Rgb([r, g, b].map(blend))
    })
}

/// The middle `side` x `side` pixels after the shorter side has become `side` long; halves are
/// rounded down.
fn fit(image: RgbImage, side: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    if (width, height) == (side, side) {
        return image;
    }
    let short = width.min(height).max(1);
    // A strip would become millions of pixels long on the way to its middle.
    let most = short.saturating_mul(LONGEST);
    let image =
        if width.max(height) > most { centre(&image, width.min(most), height.min(most)) } else { image };
    let scaled = |length: u32| ((u64::from(length) * u64::from(side) / u64::from(short)) as u32).max(side);
    let resized =
        imageops::resize(&image, scaled(image.width()), scaled(image.height()), FilterType::Triangle);
    centre(&resized, side, side)
}

/// The middle of an image that is at least as large.
fn centre(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    let left = (image.width() - width) / 2;
    let top = (image.height() - height) / 2;
    imageops::crop_imm(image, left, top, width, height).to_image()
}

/// Interleaved pixels as planes.
fn planes(image: &RgbImage) -> Vec<u8> {
    let channel = |c| image.as_raw().iter().copied().skip(c).step_by(3);
    (0..3).flat_map(channel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, Rgba, RgbaImage};

    /// An image whose columns are black, then white from `edge` on.
    fn columns(width: u32, height: u32, edge: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, _| Rgb([if x < edge { 0 } else { 255 }; 3]))
    }

    #[test]
    fn the_shorter_side_is_resized_and_the_middle_of_the_longer_kept() {
        // 40 x 10 becomes 16 x 4, of which columns 6 to 9 are kept: 15 to 24 of the original.
        let fitted = fit(columns(40, 10, 20), 4);
        assert_eq!(fitted.dimensions(), (4, 4));
        let row: Vec<u8> = (0..4).map(|x| fitted.get_pixel(x, 2).0[0]).collect();
        assert!(row[0] < 10 && row[3] > 245 && row.is_sorted(), "{row:?}");
        // An upright one likewise, and one of the right size is left alone.
        assert_eq!(fit(columns(10, 41, 5), 4).dimensions(), (4, 4));
        assert_eq!(fit(columns(4, 4, 1), 4), columns(4, 4, 1));
    }

    #[test]
    fn an_image_has_room_up_to_the_pixels_of_the_largest_cameras_and_some() {
        assert!(has_room(11_648, 8_736) && has_room(178_956_970, 1));
        assert!(!has_room(20_000, 20_000) && !has_room(u32::MAX, u32::MAX));
    }

    #[test]
    fn a_triangle_filter_averages_where_an_image_shrinks() {
        // Four pixels become one of their weighted mean: 5, 7, 7, 5, 3, 1 for pixels 0 to 5 of the
        // left half, which is 53/28 of the 32 from one to the next.
        let fitted = fit(RgbImage::from_fn(8, 8, |x, _| Rgb([(x * 32) as u8; 3])), 2);
        let row = [fitted.get_pixel(0, 0).0[0], fitted.get_pixel(1, 0).0[0]];
        assert_eq!(row, [61, 224 - 61]);
    }

    #[test]
    fn a_long_strip_costs_no_more_than_its_middle() {
        let fitted = fit(columns(60_000, 1, 30_000), 32);
        assert_eq!(fitted.dimensions(), (32, 32));
        let (left, right) = (fitted.get_pixel(0, 0).0[0], fitted.get_pixel(31, 0).0[0]);
        assert!(left < 10 && right > 245, "from {left} to {right}");
    }

    #[test]
    fn what_is_transparent_becomes_black() {
        let rgba = RgbaImage::from_fn(3, 1, |x, _| Rgba([200, 100, 50, [255, 128, 0][x as usize]]));
        let rgb = on_black(rgba.into());
        assert_eq!(rgb.as_raw(), &[200, 100, 50, 100, 50, 25, 0, 0, 0]);
        assert_eq!(planes(&rgb), [200, 100, 0, 100, 50, 0, 50, 25, 0]);
    }
}
