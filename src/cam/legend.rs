//! What the colours of a map mean, in a strip at the lower edge of the picture.

use font8x8::UnicodeFonts;

use crate::cam::colours::shade;

/// Height and width of a letter.
const LETTER: usize = 8;
/// Pixels around the letters.
const MARGIN: usize = 2;
/// Pictures with a shorter side than this have only a bar of the colours.
const LEAST: usize = 128;
/// The shorter side of a picture for each size of letters.
const PER_SIZE: usize = 300;
/// Letters of the widest number beside the bar.
const NUMBER: usize = 5;

/// Draws the legend of a map whose strongest cell is `most` into the pixels `[height, width, 3]` of a picture, with a
/// `title`. A picture that is too small for letters has only the bar.
pub fn legend(rgb: &mut [u8], width: usize, title: &str, most: f32) {
    let height = rgb.len() / 3 / width.max(1);
    let shorter = width.min(height);
    if shorter < LEAST {
        let bar = (shorter / 16).max(1);
        for y in height.saturating_sub(bar)..height {
            (0..width).for_each(|x| put(rgb, width, (x, y), colour_of(x, width)));
        }
        return;
    }
    let size = (shorter / PER_SIZE).max(1);
    let (letter, margin) = (LETTER * size, MARGIN * size);
    let top = height - letter - 2 * margin;
    for pixel in &mut rgb[top * width * 3..] {
        *pixel = (u16::from(*pixel) / 5) as u8;
    }
    let bar = width / 5;
    let number = |value: f32| format!("{value:+.1}");
    let numbers = 2 * (NUMBER * letter + margin);
    let wide = bar + numbers + margin;
    let from = width - bar - NUMBER * letter - 2 * margin;
    let (left, right) = (number(-most), number(most));
    let mut canvas = Canvas { rgb, width, size };
    canvas.write(&right, width - margin - NUMBER * letter, top + margin);
    canvas.write(&left, from.saturating_sub(margin + left.len() * letter), top + margin);
    for (x, y) in (0..bar).flat_map(|x| (0..letter).map(move |y| (x, y))) {
        put(canvas.rgb, width, (from + x, top + margin + y), colour_of(x, bar));
    }
    let room = width.saturating_sub(wide + margin) / letter;
    let title: String = title.chars().take(room).collect();
    canvas.write(&title, margin, top + margin);
}

/// The colour at `x` of a bar from the strongest evidence against to that for.
fn colour_of(x: usize, width: usize) -> [u8; 3] {
    shade(2.0 * (x as f32 + 0.5) / width as f32 - 1.0)
}

fn put(rgb: &mut [u8], width: usize, (x, y): (usize, usize), colour: [u8; 3]) {
    if x < width
        && let Some(pixel) = rgb.get_mut((y * width + x) * 3..(y * width + x) * 3 + 3)
    {
        pixel.copy_from_slice(&colour);
    }
}

struct Canvas<'a> {
    rgb: &'a mut [u8],
    width: usize,
    /// Pixels of a dot of a letter.
    size: usize,
}

impl Canvas<'_> {
    fn write(&mut self, text: &str, left: usize, top: usize) {
        for (n, letter) in text.chars().enumerate() {
            let shape = [
                font8x8::BASIC_FONTS.get(letter),
                font8x8::LATIN_FONTS.get(letter),
                font8x8::GREEK_FONTS.get(letter),
            ];
            // A letter that the font lacks is a question mark: better than none.
            let shape = shape.into_iter().flatten().next().or_else(|| font8x8::BASIC_FONTS.get('?'));
            let dots = shape.unwrap_or_default();
            for (x, y) in (0..LETTER * self.size).flat_map(|x| (0..LETTER * self.size).map(move |y| (x, y))) {
                if dots[y / self.size] >> (x / self.size) & 1 == 1 {
                    let at = (left + n * LETTER * self.size + x, top + y);
                    put(self.rgb, self.width, at, [255; 3]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: usize, height: usize, title: &str) -> Vec<u8> {
        let mut rgb = vec![100; width * height * 3];
        legend(&mut rgb, width, title, 3.0);
        rgb
    }

    #[test]
    fn the_bar_goes_from_blue_to_vermilion_and_only_the_lower_edge_is_covered() {
        let rgb = drawn(32, 24, "cat");
        let pixel = |x: usize, y: usize| &rgb[(y * 32 + x) * 3..][..3];
        assert!(pixel(0, 23)[2] > pixel(0, 23)[0] && pixel(31, 23)[0] > pixel(31, 23)[2]);
        assert_eq!(pixel(5, 22), [100; 3]);
    }

    #[test]
    fn a_larger_picture_names_the_class_and_one_without_room_for_its_name_still_has_the_bar() {
        let white = |rgb: &[u8], columns: std::ops::Range<usize>, width: usize| {
            rgb.chunks_exact(3)
                .enumerate()
                .filter(|(i, p)| columns.contains(&(i % width)) && **p == [255; 3])
                .count()
        };
        let (named, unnamed) = (drawn(400, 300, "é cat 97 %"), drawn(400, 300, ""));
        assert!(white(&named, 0..100, 400) > 60, "{}", white(&named, 0..100, 400));
        assert_eq!(white(&unnamed, 0..100, 400), 0);
        assert!(white(&unnamed, 100..400, 400) > 40);
        drawn(128, 128, &"long ".repeat(99));
        drawn(5000, 128, "a");
        drawn(1, 1, "a");
        drawn(1, 300, "a");
    }
}
