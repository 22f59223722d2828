//! One image file as bytes of the size the network takes.

mod fault;
mod gif;
mod pixels;
mod resize;
mod tiff;
mod whole;

use std::io::Cursor;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use crate::data::folder::decode::fault::{MOST_BYTES, check_room, failed};
use crate::data::folder::decode::pixels::{Picture, as_pil};
use crate::data::folder::decode::resize::square;
use crate::files;

/// Endings of the formats that are read.
pub(crate) const EXTENSIONS: [&str; 15] = [
    "bmp", "gif", "jfif", "jpe", "jpeg", "jpg", "pam", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff",
    "webp",
];

/// Reads the image at `path` as `[3, side, side]`: RGB as PIL's `convert("RGB")` gives it, turned as its EXIF
/// orientation says, the shorter side resized with a triangle filter, the middle of the longer one. What is wrong with
/// a file that cannot be used is a clause about "it". Any number of threads may call this at once.
pub(crate) fn read(path: &Path, side: usize) -> Result<Vec<u8>, String> {
    let bytes = files::read(path, MOST_BYTES).map_err(|error| {
        if files::is_unfit(&error) { error.to_string() } else { format!("it cannot be read ({error})") }
    })?;
    square(&decode(&bytes)?, side as u32)
}

/// The picture in a file of `bytes`, by its content alone: many a .png is a JPEG.
fn decode(bytes: &[u8]) -> Result<Picture, String> {
    if bytes.is_empty() {
        return Err("it is empty".into());
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Gif) => gif::decode(bytes),
        Ok(ImageFormat::Tiff) => tiff::decode(bytes),
        Ok(
            format @ (ImageFormat::Bmp
            | ImageFormat::Jpeg
            | ImageFormat::Png
            | ImageFormat::Pnm
            | ImageFormat::WebP),
        ) => decode_as(bytes, format),
        _ => Err("it is no picture in BMP, GIF, JPEG, PNG, PNM, TIFF or WebP".into()),
    }
}

/// Decoded bytes of a picture that is decoded while no other of that size is.
const LARGE: u64 = 128 << 20;
static ALONE: Mutex<()> = Mutex::new(());

/// The picture in a file of `bytes` in `format`.
fn decode_as(bytes: &[u8], format: ImageFormat) -> Result<Picture, String> {
    whole::check(bytes, format)?;
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check_room(width, height, decoder.total_bytes())?;
    // Large pictures one after the other: there may be as many threads as pictures.
    let _alone =
        (decoder.total_bytes() > LARGE).then(|| ALONE.lock().unwrap_or_else(PoisonError::into_inner));
    // Metadata that cannot be read says nothing about the pixels.
    let orientation = decoder.orientation().ok();
    let image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    let clipped = format == ImageFormat::Png && pixels::is_grey_16(bytes);
    Ok(Picture { rgb: as_pil(image, clipped), orientation: orientation.unwrap_or(pixels::UPRIGHT) })
}

#[cfg(test)]
mod tests;
