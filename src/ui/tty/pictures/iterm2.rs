//! iTerm2's inline images: a file, here a PNG, scaled to cells.

use base64::prelude::{BASE64_STANDARD, Engine};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::ui::widgets::picture::Placed;

/// The command that shows a picture at the cursor.
pub(super) fn command(placed: &Placed) -> String {
    let (side, cells) = (placed.side as u32, placed.area);
    let mut file = Vec::new();
    // Nothing that is written to memory fails, and the pixels are as many as they have to be.
    _ = PngEncoder::new(&mut file).write_image(&placed.pixels, side, side, ExtendedColorType::Rgb8);
    format!(
        "\x1b]1337;File=inline=1;size={};width={};height={};preserveAspectRatio=0;doNotMoveCursor=1:{}\x07",
        file.len(),
        cells.width,
        cells.height,
        BASE64_STANDARD.encode(&file)
    )
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn the_file_is_the_picture_again() {
        let pixels: Vec<u8> = (0..3 * 5 * 5).map(|value| value * 3).collect();
        let placed = Placed { area: Rect::new(4, 5, 20, 10), side: 5, pixels: pixels.clone() };
        let command = command(&placed);
        let (keys, data) = command.strip_suffix('\x07').unwrap().split_once(':').unwrap();
        let file = BASE64_STANDARD.decode(data).unwrap();
        let head = format!("\x1b]1337;File=inline=1;size={};width=20;height=10;", file.len());
        assert!(keys.starts_with(&head), "{keys}");
        assert_eq!(image::load_from_memory(&file).unwrap().to_rgb8().into_raw(), pixels);
    }
}
