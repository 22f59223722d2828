//! Pixels of any kind in RGB, as PIL's `convert("RGB")` gives them: transparency is dropped; of samples of two bytes the
//! upper one counts, but grey ones alone are clipped at 255.

use image::metadata::Orientation;
use image::{DynamicImage, Luma, Pixel, RgbImage};

/// An image in RGB and how it is to be turned.
pub(super) struct Picture {
    pub(super) rgb: RgbImage,
    pub(super) orientation: Orientation,
}

pub(super) const UPRIGHT: Orientation = Orientation::NoTransforms;

/// `image` in RGB. With `clipped` its transparency comes from a colour key, which its grey lacks for PIL.
pub(super) fn as_pil(image: DynamicImage, clipped: bool) -> RgbImage {
    let (width, height) = (image.width(), image.height());
    let bytes = match image {
        DynamicImage::ImageRgb8(image) => return image,
        DynamicImage::ImageLuma8(image) => grey(image.pixels().map(|pixel| pixel.0[0])),
        DynamicImage::ImageLumaA8(image) => grey(image.pixels().map(|pixel| pixel.0[0])),
        DynamicImage::ImageRgba8(image) => image.pixels().flat_map(|pixel| pixel.to_rgb().0).collect(),
        DynamicImage::ImageLuma16(image) => grey(image.pixels().map(|&Luma([value])| clip(value))),
        DynamicImage::ImageLumaA16(image) => {
            let value = if clipped { clip } else { upper };
            grey(image.pixels().map(|pixel| value(pixel.0[0])))
        }
        DynamicImage::ImageRgb16(image) => image.pixels().flat_map(|pixel| pixel.0.map(upper)).collect(),
        DynamicImage::ImageRgba16(image) => {
            image.pixels().flat_map(|pixel| pixel.to_rgb().0.map(upper)).collect()
        }
        other => return other.into_rgb8(),
    };
    RgbImage::from_raw(width, height, bytes).unwrap_or_default()
}

/// Whether a PNG has grey samples of two bytes and nothing else.
pub(super) fn is_grey_16(png: &[u8]) -> bool {
    png.get(24..26) == Some(&[16, 0])
}

/// The upper byte of a sample.
pub(super) fn upper(sample: u16) -> u8 {
    (sample >> 8) as u8
}

/// A grey sample, white beyond 255.
pub(super) fn clip(sample: u16) -> u8 {
    sample.min(255) as u8
}

/// Grey in RGB.
pub(super) fn grey(samples: impl Iterator<Item = u8>) -> Vec<u8> {
    samples.flat_map(|sample| [sample; 3]).collect()
}
