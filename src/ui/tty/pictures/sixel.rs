//! Sixels: a palette, and bands of six rows of pixels, colour by colour.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::ui::widgets::picture::Placed;

/// Colours of a palette.
const COLOURS: usize = 256;
/// Rows of a band.
const BAND: usize = 6;

/// The command that shows a picture at the cursor, on cells of so many pixels.
pub(super) fn command(placed: &Placed, (cell_width, cell_height): (u16, u16)) -> String {
    let width = usize::from(placed.area.width) * usize::from(cell_width);
    let height = usize::from(placed.area.height) * usize::from(cell_height);
    let (palette, indices) = reduced(placed);
    let at = |x: usize, y: usize| indices[y * placed.side / height * placed.side + x * placed.side / width];
    // Pixels are as wide as they are high.
    let mut text = format!("\x1bP0;1q\"1;1;{width};{height}");
    for (index, colour) in palette.iter().enumerate() {
        let [r, g, b] = colour.map(|value| (u32::from(value) * 100 + 127) / 255);
        // A string takes everything.
        _ = write!(text, "#{index};2;{r};{g};{b}");
    }
    for top in (0..height).step_by(BAND) {
        let rows = BAND.min(height - top);
        let mut used: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for x in 0..width {
            for row in 0..rows {
                let bits = used.entry(at(x, top + row)).or_insert_with(|| vec![0; width]);
                bits[x] |= 1 << row;
            }
        }
        let last = used.len();
        for (number, (colour, bits)) in used.into_iter().enumerate() {
            _ = write!(text, "#{colour}");
            put_runs(&mut text, &bits);
            text.push(if number + 1 < last { '$' } else { '-' });
        }
    }
    text.push_str("\x1b\\");
    text
}

/// Columns of six pixels each; what is repeated is counted.
fn put_runs(text: &mut String, columns: &[u8]) {
    for run in columns.chunk_by(|a, b| a == b) {
        let sign = char::from(run[0] + b'?');
        if run.len() > 3 {
            _ = write!(text, "!{}{sign}", run.len());
        } else {
            text.extend(std::iter::repeat_n(sign, run.len()));
        }
    }
}

/// A palette, and the colour in it of each pixel.
fn reduced(placed: &Placed) -> (Vec<[u8; 3]>, Vec<u8>) {
    let pixels: Vec<[u8; 3]> = placed.pixels.as_chunks::<3>().0.to_vec();
    let mut distinct = pixels.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let mut boxes = vec![distinct];
    // The box with the widest range of a channel is cut at its median, until there are enough.
    while boxes.len() < COLOURS {
        let widest = boxes.iter().enumerate().max_by_key(|(_, colours)| widest(colours).0);
        let Some((index, (range, channel))) = widest.map(|(index, colours)| (index, self::widest(colours)))
        else {
            break;
        };
        if range == 0 {
            break;
        }
        let mut colours = boxes.swap_remove(index);
        colours.sort_unstable_by_key(|colour| colour[channel]);
        let upper = colours.split_off(colours.len() / 2);
        boxes.extend([colours, upper]);
    }
    let mut palette = Vec::with_capacity(boxes.len());
    let mut index_of = BTreeMap::new();
    for (index, colours) in boxes.iter().filter(|colours| !colours.is_empty()).enumerate() {
        let count = colours.len() as u32;
        let mean = |channel: usize| {
            let sum: u32 = colours.iter().map(|colour| u32::from(colour[channel])).sum();
            ((sum + count / 2) / count) as u8
        };
        palette.push([mean(0), mean(1), mean(2)]);
        index_of.extend(colours.iter().map(|colour| (*colour, index as u8)));
    }
    let indices = pixels.iter().map(|pixel| index_of.get(pixel).copied().unwrap_or(0)).collect();
    (palette, indices)
}

/// The widest range of a channel among `colours`, and which channel that is.
fn widest(colours: &[[u8; 3]]) -> (u8, usize) {
    let range = |channel: usize| {
        let values = colours.iter().map(|colour| colour[channel]);
        values.clone().max().unwrap_or(0) - values.min().unwrap_or(0)
    };
    [(range(0), 0), (range(1), 1), (range(2), 2)].into_iter().max().unwrap_or((0, 0))
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    /// Width, height and pixels of a picture in sixels.
    fn decoded(command: &str) -> (usize, usize, Vec<[u8; 3]>) {
        let body = command.strip_prefix("\x1bP0;1q\"1;1;").unwrap().strip_suffix("\x1b\\").unwrap();
        let mut signs = body.chars().peekable();
        let number = |signs: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut value = 0;
            while let Some(digit) = signs.peek().and_then(|sign| sign.to_digit(10)) {
                value = value * 10 + digit as usize;
                signs.next();
            }
            value
        };
        let width = number(&mut signs);
        assert_eq!(signs.next(), Some(';'));
        let height = number(&mut signs);
        let mut pixels = vec![None; width * height];
        let (mut palette, mut colour, mut x, mut top) = (BTreeMap::new(), 0, 0, 0);
        while let Some(sign) = signs.next() {
            let (times, sign) = match sign {
                '#' => {
                    colour = number(&mut signs);
                    if signs.next_if_eq(&';').is_some() {
                        let values: Vec<usize> = (0..4)
                            .map(|_| {
                                let value = number(&mut signs);
                                signs.next_if_eq(&';');
                                value
                            })
                            .collect();
                        assert_eq!(values[0], 2);
                        palette.insert(colour, [1, 2, 3].map(|at| (values[at] * 255 / 100) as u8));
                    }
                    continue;
                }
                '$' => {
                    x = 0;
                    continue;
                }
                '-' => {
                    (x, top) = (0, top + BAND);
                    continue;
                }
                '!' => (number(&mut signs), signs.next().unwrap()),
                sign => (1, sign),
            };
            let bits = sign as u8 - b'?';
            for _ in 0..times {
                for row in (0..BAND).filter(|row| bits & (1 << row) != 0) {
                    let pixel = &mut pixels[(top + row) * width + x];
                    assert_eq!(*pixel, None, "a pixel is painted once");
                    *pixel = Some(palette[&colour]);
                }
                x += 1;
            }
        }
        (width, height, pixels.into_iter().map(|pixel| pixel.expect("every pixel is painted")).collect())
    }

    fn near(a: [u8; 3], b: [u8; 3], by: u8) -> bool {
        (0..3).all(|channel| a[channel].abs_diff(b[channel]) <= by)
    }

    #[test]
    fn a_picture_fills_its_cells_and_has_its_colours_again() {
        let pixels: Vec<u8> = (0..3 * 8 * 8).map(|value| (value * 5 % 256) as u8).collect();
        let placed = Placed { area: Rect::new(0, 0, 4, 2), side: 8, pixels: pixels.clone() };
        let (width, height, drawn) = decoded(&command(&placed, (7, 16)));
        assert_eq!((width, height), (28, 32));
        for (index, colour) in drawn.iter().enumerate() {
            let (x, y) = (index % width, index / width);
            let from = 3 * (y * 8 / height * 8 + x * 8 / width);
            // A palette has percents.
            assert!(near(*colour, pixels[from..from + 3].try_into().unwrap(), 3), "{x}, {y}: {colour:?}");
        }
    }

    #[test]
    fn of_more_colours_than_a_palette_has_the_nearest_stay() {
        let side = 32;
        let pixels: Vec<u8> =
            (0..side * side).flat_map(|at| [(at % side * 8) as u8, (at / side * 8) as u8, 128]).collect();
        let placed = Placed { area: Rect::new(0, 0, 32, 16), side, pixels: pixels.clone() };
        let (palette, indices) = reduced(&placed);
        assert_eq!(palette.len(), COLOURS);
        for (at, index) in indices.iter().enumerate() {
            let pixel = pixels[3 * at..3 * at + 3].try_into().unwrap();
            assert!(near(palette[usize::from(*index)], pixel, 16), "{at}");
        }
    }
}
