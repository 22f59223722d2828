//! One image file as the bytes that are kept of it.

mod fault;
mod gif;
mod middle;
mod pixels;
mod resize;
mod tiff;
mod whole;

use std::io::{Cursor, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use crate::data::folder::decode::fault::{MOST_BYTES, check_room, failed};
use crate::data::folder::decode::pixels::{Picture, as_pil};
use crate::data::folder::decode::resize::square;
use crate::data::keep::{Keep, Kept};
use crate::data::size::Size;
use crate::files;

/// Endings of the formats that are read.
pub(crate) const EXTENSIONS: [&str; 15] = [
    "bmp", "gif", "jfif", "jpe", "jpeg", "jpg", "pam", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff",
    "webp",
];

/// What `keep` says of the image at `path`: RGB as PIL's `convert("RGB")` gives it, turned as its EXIF orientation says.
/// What is wrong with a file that cannot be used is a clause about "it". Any number of threads may call this at once.
pub(crate) fn read(path: &Path, keep: Keep) -> Result<Kept, String> {
    let picture = decode(&bytes_of(path)?)?;
    match keep {
        Keep::Square { side } => {
            Ok(Kept { size: Size::square(side), planes: square(&picture, side as u32)? })
        }
        Keep::Middle { resized, side } => Ok(middle::middle(picture, resized, side)),
        Keep::Whole { shorter } => Ok(middle::whole(picture, shorter)),
    }
}

/// The size and the pixels of the whole image at `path`, three bytes each, turned as its EXIF orientation says.
pub(crate) fn upright(path: &Path) -> Result<(Size, Vec<u8>), String> {
    let (rgb, all) = middle::upright(decode(&bytes_of(path)?)?);
    Ok((all.size, rgb.into_raw()))
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, String> {
    files::read(path, MOST_BYTES).map_err(|error| match error.kind() {
        _ if files::is_unfit(&error) => error.to_string(),
        ErrorKind::NotFound => "it does not exist".into(),
        ErrorKind::PermissionDenied => "you may not read it".into(),
        _ => format!("it cannot be read ({error})"),
    })
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
