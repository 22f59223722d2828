//! What is wrong with an image file, as clauses about "it".

use std::io::ErrorKind;

use image::ImageError;

/// Largest file that is read as an image, and largest image in memory, in bytes.
pub(super) const MOST_BYTES: u64 = 512 << 20;

pub(super) const CUT_OFF: &str = "it is cut off";

/// Refuses an image by its header, which `bytes` of pixels would follow.
pub(super) fn check_room(width: u32, height: u32, bytes: u64) -> Result<(), String> {
    let rgb = (u64::from(width) * u64::from(height)).saturating_mul(3);
    if rgb == 0 {
        return Err("it has no pixels".into());
    }
    if rgb.max(bytes) > MOST_BYTES {
        return Err(format!("it has {width} x {height} pixels, more than are read of one image"));
    }
    Ok(())
}

/// Why a decoder of `image` failed.
pub(super) fn failed(error: ImageError) -> String {
    match error {
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => CUT_OFF.into(),
        error => because(error),
    }
}

/// Why any other decoder failed.
pub(super) fn because(error: impl std::fmt::Display) -> String {
    format!("it cannot be decoded ({})", error.to_string().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_room_up_to_the_pixels_of_the_largest_cameras_and_some() {
        assert_eq!(check_room(11_648, 8_736, 11_648 * 8_736 * 4), Ok(()));
        assert_eq!(check_room(178_956_970, 1, 178_956_970), Ok(()));
        assert_eq!(
            check_room(20_000, 20_000, 20_000 * 2_500),
            Err("it has 20000 x 20000 pixels, more than are read of one image".into())
        );
        assert!(check_room(u32::MAX, u32::MAX, 0).is_err() && check_room(8_000, 8_000, 1 << 30).is_err());
        assert_eq!(check_room(3, 0, 0), Err("it has no pixels".into()));
    }
}
