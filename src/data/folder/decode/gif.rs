//! The first frame of a GIF, as PIL shows it: what is transparent has the colour that the palette has for it.

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};
use image::RgbImage;

use crate::data::folder::decode::fault::{CUT_OFF, because, check_room};
use crate::data::folder::decode::pixels::{Picture, UPRIGHT};

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    // The limit is `check_room`.
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(bytes).map_err(failed)?;
    let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let Some(frame) = decoder.next_frame_info().map_err(failed)? else {
        return Err("it has no pixels".into());
    };
    let [left, top, wide, high] = [frame.left, frame.top, frame.width, frame.height].map(u32::from);
    let (width, height) = (width.max(left + wide), height.max(top + high));
    check_room(width, height, u64::from(wide) * u64::from(high))?;
    let palette = frame.palette.clone().or(global).unwrap_or_default();
    let around = frame.transparent.unwrap_or(0);

    let mut indices = vec![0; (wide * high) as usize];
    decoder.read_into_buffer(&mut indices).map_err(failed)?;
    let colour = |index: u8| {
        let at = 3 * usize::from(index);
        palette.get(at..at + 3).map_or([index; 3], |rgb| [rgb[0], rgb[1], rgb[2]])
    };
    let mut rgb = RgbImage::from_pixel(width, height, image::Rgb(colour(around)));
    for (row, indices) in (top..).zip(indices.chunks_exact(wide.max(1) as usize)) {
        for (column, &index) in (left..).zip(indices) {
            rgb.put_pixel(column, row, image::Rgb(colour(index)));
        }
    }
    Ok(Picture { rgb, orientation: UPRIGHT })
}

fn failed(error: DecodingError) -> String {
    match error {
        DecodingError::UnexpectedEof => CUT_OFF.into(),
        DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => CUT_OFF.into(),
        error => because(error),
    }
}
