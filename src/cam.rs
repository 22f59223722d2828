//! Class activation maps in colours over a picture, with a legend.
//!
//! Evidence for a class is vermilion, evidence against it blue (two colours of Okabe and Ito, 2008, which everybody tells
//! apart), the stronger the denser; the picture below is grey, so that no colour is its own.

mod colours;
mod legend;

use crate::cam::colours::mixed;

pub use colours::shade;
pub use legend::legend;

/// A class activation map over a part of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// Its cells, row by row.
    pub cells: &'a [f32],
    /// Its rows and columns.
    pub side: usize,
    /// Left, top, width and height of the part, in pixels.
    pub shown: [f64; 4],
}

impl Map<'_> {
    /// The largest distance of a cell from 0.
    pub fn most(&self) -> f32 {
        self.cells.iter().fold(0.0, |most, cell| most.max(cell.abs()))
    }

    /// Its value at a point of the picture, between the centres of its cells by their distances; `None` beside it.
    fn at(&self, x: f64, y: f64) -> Option<f32> {
        let [left, top, width, height] = self.shown;
        let (x, y) = ((x - left) / width, (y - top) / height);
        if !(0.0..1.0).contains(&x) || !(0.0..1.0).contains(&y) {
            return None;
        }
        let place = |share: f64| {
            let at = (share * self.side as f64 - 0.5).clamp(0.0, (self.side - 1) as f64);
            let first = at as usize;
            (first, (first + 1).min(self.side - 1), (at - first as f64) as f32)
        };
        let ((x0, x1, right), (y0, y1, down)) = (place(x), place(y));
        let row = |y: usize| {
            let (from, to) = (self.cells[y * self.side + x0], self.cells[y * self.side + x1]);
            from + (to - from) * right
        };
        let (upper, lower) = (row(y0), row(y1));
        Some(upper + (lower - upper) * down)
    }

    /// Makes the pixels `[height, width, 3]` of a picture as bright as the evidence for the class is strong, for where
    /// there are no colours.
    pub fn brighten(&self, rgb: &mut [u8], width: usize) {
        let most = self.most().max(f32::MIN_POSITIVE);
        for (index, pixel) in rgb.chunks_exact_mut(3).enumerate() {
            let (x, y) = ((index % width) as f64 + 0.5, (index / width) as f64 + 0.5);
            let share = self.at(x, y).map_or(0.0, |value| (value / most).max(0.0));
            pixel.fill((255.0 * share).round() as u8);
        }
    }

    /// Colours the pixels `[height, width, 3]` of a picture.
    pub fn colour(&self, rgb: &mut [u8], width: usize) {
        let most = self.most().max(f32::MIN_POSITIVE);
        for (index, pixel) in rgb.chunks_exact_mut(3).enumerate() {
            let (x, y) = ((index % width) as f64 + 0.5, (index / width) as f64 + 0.5);
            let share = self.at(x, y).map(|value| value / most);
            let mixed = mixed([pixel[0], pixel[1], pixel[2]], share);
            pixel.copy_from_slice(&mixed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_cell_has_the_densest_colour_and_what_is_not_shown_is_dark() {
        let map = Map { cells: &[4.0, 0.0, 0.0, -4.0], side: 2, shown: [2.0, 0.0, 4.0, 4.0] };
        assert_eq!(map.most(), 4.0);
        let mut rgb = vec![100; 8 * 4 * 3];
        map.colour(&mut rgb, 8);
        let pixel = |x: usize, y: usize| &rgb[(y * 8 + x) * 3..][..3];
        assert_eq!(pixel(0, 0), [45; 3]);
        assert_eq!(pixel(7, 3), [45; 3]);
        // Its corner: 100 + 0.8 · (213 - 100), and so on.
        assert_eq!(pixel(2, 0), [190, 95, 20]);
        assert_eq!(pixel(5, 3), [20, 111, 162]);
        let (middle, corner) = (pixel(3, 1), pixel(2, 0));
        assert!(middle[0] < corner[0] && middle[0] > 100, "{middle:?}");
    }

    #[test]
    fn between_the_centres_of_cells_a_map_is_linear_and_beyond_them_constant() {
        let map = Map { cells: &[0.0, 1.0, 2.0, 3.0], side: 2, shown: [0.0, 0.0, 2.0, 2.0] };
        for (x, y, value) in
            [(0.5, 0.5, 0.0), (1.0, 0.5, 0.5), (1.5, 1.5, 3.0), (1.0, 1.0, 1.5), (0.1, 0.2, 0.0)]
        {
            assert_eq!(map.at(x, y), Some(value), "{x} {y}");
        }
        assert_eq!(map.at(2.0, 1.0), None);
        assert_eq!(map.at(1.0, -0.1), None);
    }

    #[test]
    fn a_map_of_zeros_colours_nothing() {
        let mut rgb = vec![80; 12];
        let mut bright = rgb.clone();
        Map { cells: &[-3.0], side: 1, shown: [0.0, 0.0, 2.0, 2.0] }.brighten(&mut bright, 2);
        assert_eq!(bright, [0; 12]);
        Map { cells: &[0.0], side: 1, shown: [0.0, 0.0, 2.0, 2.0] }.colour(&mut rgb, 2);
        assert_eq!(rgb, [80; 12]);
    }
}
