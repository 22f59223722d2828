//! The first picture of a TIFF, in RGB as PIL gives it.

use std::io::{Cursor, ErrorKind};

use image::RgbImage;
use image::metadata::Orientation;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use crate::data::folder::decode::fault::{CUT_OFF, MOST_BYTES, because, check_room};
use crate::data::folder::decode::pixels::{Picture, UPRIGHT, clip, grey, upper};

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let mut limits = Limits::default();
    let most = usize::try_from(MOST_BYTES).unwrap_or(usize::MAX);
    (limits.decoding_buffer_size, limits.intermediate_buffer_size) = (most, most);
    // The decoder reads no palettes: their indices are read as if they were grey.
    let indices = as_grey(bytes);
    let bytes = indices.as_deref().unwrap_or(bytes);
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(failed)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(failed)?;
    let color = decoder.colortype().map_err(failed)?;
    let bits = u64::from(color.num_samples()) * u64::from(color.bit_depth());
    check_room(width, height, u64::from(width) * u64::from(height) * bits.div_ceil(8))?;
    check_whole(&mut decoder, bytes.len() as u64)?;
    let orientation = decoder.find_tag_unsigned::<u8>(Tag::Orientation).ok().flatten();
    let orientation = orientation.and_then(Orientation::from_exif).unwrap_or(UPRIGHT);
    let palette = match indices {
        Some(_) => Some(decoder.get_tag_u16_vec(Tag::ColorMap).map_err(failed)?),
        None => None,
    };
    let premultiplied = matches!(color, ColorType::RGBA(8))
        && decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples).ok().flatten() == Some(vec![1]);

    let mut samples = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut samples).map_err(failed)?;
    let samples = in_bytes(samples, color, width as usize, palette.is_some())?;
    let samples = if layout.planes > 1 { woven(&samples, layout.planes) } else { samples };
    let unknown = || because(format_args!("pixels of the kind {color:?} are not read"));
    let rgb = match palette {
        Some(palette) => samples.iter().flat_map(|&index| colour(&palette, index)).collect(),
        None => in_rgb(&samples, color, premultiplied).ok_or_else(unknown)?,
    };
    let rgb = RgbImage::from_raw(width, height, rgb).ok_or(CUT_OFF)?;
    Ok(Picture { rgb, orientation })
}

/// The file with a palette as one in grey, if it has a palette.
fn as_grey(bytes: &[u8]) -> Option<Vec<u8>> {
    const PHOTOMETRIC: u16 = 262;
    const PALETTE: u16 = 3;
    const GREY: u16 = 1;
    let little = bytes.starts_with(b"II*\0");
    let two = |at: usize| {
        let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let four = |at| {
        let (first, second) = (usize::from(two(at)?), usize::from(two(at + 2)?));
        Some(if little { second << 16 | first } else { first << 16 | second })
    };
    if !little && !bytes.starts_with(b"MM\0*") {
        return None;
    }
    let directory = four(4)?;
    let entry = |i: u16| directory + 2 + 12 * usize::from(i);
    let value = (0..two(directory)?).map(entry).find(|&at| two(at) == Some(PHOTOMETRIC))? + 8;
    if two(value)? != PALETTE {
        return None;
    }
    let mut grey = bytes.to_vec();
    let bytes = if little { GREY.to_le_bytes() } else { GREY.to_be_bytes() };
    grey.get_mut(value..value + 2)?.copy_from_slice(&bytes);
    Some(grey)
}

/// Refuses a file that ends before one of its strips or tiles does: what is missing of a compressed one may be filled in.
fn check_whole(decoder: &mut Decoder<Cursor<&[u8]>>, length: u64) -> Result<(), String> {
    let mut list = |tag| decoder.find_tag_unsigned_vec::<u64>(tag).map_err(failed);
    for (offsets, lengths) in
        [(Tag::StripOffsets, Tag::StripByteCounts), (Tag::TileOffsets, Tag::TileByteCounts)]
    {
        let (Some(offsets), Some(lengths)) = (list(offsets)?, list(lengths)?) else { continue };
        if offsets.iter().zip(&lengths).any(|(&offset, &bytes)| offset.saturating_add(bytes) > length) {
            return Err(CUT_OFF.into());
        }
    }
    Ok(())
}

/// A byte for each sample, as PIL reduces them: one grey channel is clipped, of others the upper byte counts.
fn in_bytes(
    samples: DecodingResult,
    color: ColorType,
    width: usize,
    indices: bool,
) -> Result<Vec<u8>, String> {
    let alone = matches!(color, ColorType::Gray(_));
    Ok(match samples {
        DecodingResult::U8(samples) if color.bit_depth() == 8 => samples,
        DecodingResult::U8(samples) if matches!(color.bit_depth(), 1 | 2 | 4) => {
            unpacked(&samples, color, width, indices)
        }
        DecodingResult::U16(samples) => samples.into_iter().map(if alone { clip } else { upper }).collect(),
        DecodingResult::I16(samples) if alone => clipped(&samples),
        DecodingResult::U32(samples) if alone => clipped(&samples),
        DecodingResult::I32(samples) if alone => clipped(&samples),
        DecodingResult::F32(samples) if alone => clipped(&samples),
        _ => return Err(because(format_args!("samples of the kind {color:?} are not read"))),
    })
}

/// Samples between 0 and 255, without their fractions.
fn clipped<T: Copy + Into<f64>>(samples: &[T]) -> Vec<u8> {
    samples.iter().map(|&sample| sample.into().clamp(0.0, 255.0) as u8).collect()
}

/// Samples of which two, four or eight make a byte, rows of which begin with a byte; from 0 to 255 unless they are `indices`.
fn unpacked(rows: &[u8], color: ColorType, width: usize, indices: bool) -> Vec<u8> {
    let depth = usize::from(color.bit_depth());
    let (in_row, most) = (width * usize::from(color.num_samples()), (1_u16 << depth) - 1);
    let scale = if indices { 1 } else { 255 / most };
    let row = |row: &[u8]| -> Vec<u8> {
        let sample = |i: usize| {
            let shift = 8 - depth - i * depth % 8;
            (u16::from(row[i * depth / 8] >> shift) & most) * scale
        };
        (0..in_row).map(|i| sample(i) as u8).collect()
    };
    rows.chunks_exact((in_row * depth).div_ceil(8).max(1)).flat_map(row).collect()
}

/// Planes as interleaved pixels.
fn woven(samples: &[u8], planes: usize) -> Vec<u8> {
    let length = samples.len() / planes;
    (0..length).flat_map(|i| (0..planes).map(move |plane| samples[plane * length + i])).collect()
}

/// `samples` in RGB, if the kind of pixels is known.
fn in_rgb(samples: &[u8], color: ColorType, premultiplied: bool) -> Option<Vec<u8>> {
    let each = |convert: &dyn Fn(&[u8]) -> [u8; 3]| {
        Some(samples.chunks_exact(usize::from(color.num_samples())).flat_map(convert).collect())
    };
    match color {
        ColorType::Gray(_) => Some(grey(samples.iter().copied())),
        // Grey and transparency.
        ColorType::GrayA(_) | ColorType::Multiband { num_samples: 2, .. } => each(&|pixel| [pixel[0]; 3]),
        ColorType::RGB(_) => Some(samples.to_vec()),
        ColorType::RGBA(_) if premultiplied => each(&|pixel| {
            let alpha = u16::from(pixel[3]);
            [0, 1, 2].map(|c| (u16::from(pixel[c]) * 255).checked_div(alpha).map_or(pixel[c], clip))
        }),
        ColorType::RGBA(_) => each(&|pixel| [pixel[0], pixel[1], pixel[2]]),
        ColorType::CMYK(_) => each(&|pixel| {
            let light = 255 - u16::from(pixel[3]);
            [0, 1, 2].map(|c| ((u16::from(255 - pixel[c]) * light + 127) / 255) as u8)
        }),
        ColorType::YCbCr(_) => each(&|pixel| from_ycbcr([pixel[0], pixel[1], pixel[2]])),
        _ => None,
    }
}

/// The colour that `palette`, three planes of it, has for `index`.
fn colour(palette: &[u16], index: u8) -> [u8; 3] {
    let size = palette.len() / 3;
    [0, 1, 2].map(|c| palette.get(c * size + usize::from(index)).map_or(0, |&value| upper(value)))
}

/// As a JPEG means it.
fn from_ycbcr(pixel: [u8; 3]) -> [u8; 3] {
    let [y, cb, cr] = pixel.map(f32::from);
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    let rgb = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
    rgb.map(|value| value.round().clamp(0.0, 255.0) as u8)
}

fn failed(error: TiffError) -> String {
    match error {
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => CUT_OFF.into(),
        error => because(error),
    }
}
