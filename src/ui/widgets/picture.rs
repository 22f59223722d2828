//! An image in cells: two pixels each as half blocks, one without them, a ramp of grey without colour.

use crate::ui::style::colours::{ColourLevel, brightness};
use crate::ui::style::glyphs::Glyphs;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::widgets::Widget;

/// The foreground of blanks that are kept free for a picture, and of no others. A blank shows none, but it differs from
/// whatever is drawn there later, so that this is drawn indeed.
const KEPT: Color = Color::Indexed(16);

/// A picture that the terminal draws itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The cells that it fills.
    pub(crate) area: Rect,
    /// Pixels of a row, and rows.
    pub(crate) side: usize,
    /// Red, green and blue of each, row by row.
    pub(crate) pixels: Vec<u8>,
}

impl Placed {
    /// Whether nothing else was drawn over its cells.
    pub(crate) fn is_free(&self, buffer: &Buffer) -> bool {
        let kept = |at| buffer.cell(at).is_some_and(|cell| cell.symbol() == " " && cell.fg == KEPT);
        self.area.positions().all(kept)
    }
}

/// From black to white.
const RAMP: &[u8] = b" .:-=+*#%@";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture<'a> {
    /// `[3, side, side]`: all reds row by row, then greens, then blues; 0 to 255.
    pub(crate) planes: &'a [u8],
    pub(crate) side: usize,
    pub(crate) level: ColourLevel,
    pub(crate) glyphs: Glyphs,
}

impl Picture<'_> {
    /// The cells that it takes of an area, at its upper left: all it can with the image staying square.
    pub(crate) fn fit(&self, area: Rect) -> Rect {
        // A cell is about twice as high as it is wide.
        let side = area.width.min(area.height.saturating_mul(2));
        let whole = side.min(self.side.saturating_mul(8).min(usize::from(u16::MAX)) as u16);
        Rect::new(area.x, area.y, whole, whole.div_ceil(2))
    }

    /// Keeps the cells free that the picture takes of an area, for the terminal to draw it there; `None` where there is
    /// nothing to draw.
    pub(crate) fn place(&self, area: Rect, buffer: &mut Buffer) -> Option<Placed> {
        let area = self.drawable(area.intersection(buffer.area))?;
        for at in area.positions() {
            buffer[at].set_symbol(" ").set_fg(KEPT);
        }
        let plane = self.side * self.side;
        let pixel = |at: usize| [0, 1, 2].map(|channel| self.planes[channel * plane + at]);
        Some(Placed { area, side: self.side, pixels: (0..plane).flat_map(pixel).collect() })
    }

    /// Draws it with signs of ASCII, in their colour if there are any.
    pub(crate) fn draw_signs(&self, area: Rect, buffer: &mut Buffer) {
        let Some(cells) = self.drawable(area.intersection(buffer.area)) else { return };
        for at in cells.positions() {
            let mean = self.mean((at.x - cells.x, cells.width), (at.y - cells.y, cells.height));
            let index = (brightness(mean) / 256.0 * RAMP.len() as f64) as usize;
            let cell = buffer[at].set_char(char::from(RAMP[index.min(RAMP.len() - 1)]));
            if self.level != ColourLevel::None {
                let [r, g, b] = mean;
                cell.set_fg(self.level.map(Color::Rgb(r, g, b)));
            }
        }
    }

    /// The cells that it takes of an area, if it is whole and there are any.
    fn drawable(&self, area: Rect) -> Option<Rect> {
        let cells = self.fit(area);
        let whole = self.side > 0 && self.planes.len() >= 3 * self.side * self.side;
        (whole && !cells.is_empty()).then_some(cells)
    }

    /// The mean colour of a rectangle, its ends in shares of `across` by `down` parts of the image.
    fn mean(&self, (x, across): (u16, u16), (y, down): (u16, u16)) -> [u8; 3] {
        let part = |index: u16, parts: u16| {
            let (index, parts) = (usize::from(index), usize::from(parts.max(1)));
            let begin = (index * self.side / parts).min(self.side - 1);
            begin..((index + 1) * self.side / parts).clamp(begin + 1, self.side)
        };
        let (columns, rows) = (part(x, across), part(y, down));
        let count = (columns.len() * rows.len()) as u64;
        [0, 1, 2].map(|plane| {
            let row = |row: usize| {
                let begin = (plane * self.side + row) * self.side;
                &self.planes[begin + columns.start..begin + columns.end]
            };
            let sum: u64 = rows.clone().flat_map(row).map(|&pixel| u64::from(pixel)).sum();
            ((sum + count / 2) / count) as u8
        })
    }
}

impl Widget for &Picture<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        if self.level == ColourLevel::None {
            return self.draw_signs(area, buffer);
        }
        let Some(cells) = self.drawable(area.intersection(buffer.area)) else { return };
        let colour = |[r, g, b]: [u8; 3]| self.level.map(Color::Rgb(r, g, b));
        for row in 0..cells.height {
            for column in 0..cells.width {
                let across = (column, cells.width);
                let Some(cell) = buffer.cell_mut((cells.x + column, cells.y + row)) else { continue };
                if self.glyphs.unicode {
                    let down = cells.height * 2;
                    let upper = colour(self.mean(across, (2 * row, down)));
                    let lower = colour(self.mean(across, (2 * row + 1, down)));
                    cell.set_symbol(self.glyphs.upper_half()).set_style(Style::new().fg(upper).bg(lower));
                } else {
                    let whole = colour(self.mean(across, (row, cells.height)));
                    cell.set_symbol(" ").set_style(Style::new().bg(whole));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::dump;
    use proptest::prelude::*;

    /// Red, green; blue, white.
    const FOUR: [u8; 12] = [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255];

    fn picture(level: ColourLevel, unicode: bool) -> Picture<'static> {
        Picture { planes: &FOUR, side: 2, level, glyphs: Glyphs { unicode } }
    }

    fn drawn(picture: Picture<'_>, width: u16, height: u16) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        (&picture).render(buffer.area, &mut buffer);
        buffer
    }

    #[test]
    fn half_blocks_show_two_pixels_in_a_cell() {
        let buffer = drawn(picture(ColourLevel::True, true), 2, 1);
        assert_eq!(dump::styled(&buffer), "|▀▀|\n ab\na: #FF0000 on #0000FF\nb: #00FF00 on #FFFFFF\n");
    }

    #[test]
    fn fewer_colours_are_the_nearest_and_none_is_a_ramp_of_grey() {
        let buffer = drawn(picture(ColourLevel::C16, true), 2, 1);
        assert_eq!(dump::styled(&buffer), "|▀▀|\n ab\na: LightRed on Blue\nb: LightGreen on White\n");
        let buffer = drawn(picture(ColourLevel::None, false), 4, 2);
        assert_eq!(dump::text(&buffer), "::++\n..@@\n");
    }

    #[test]
    fn without_half_blocks_a_cell_is_the_mean_of_what_it_covers() {
        let buffer = drawn(picture(ColourLevel::True, false), 2, 1);
        assert_eq!(dump::styled(&buffer), "|  |\n ab\na: Reset on #800080\nb: Reset on #80FF80\n");
    }

    #[test]
    fn planes_that_are_too_short_draw_nothing() {
        let buffer = drawn(Picture { planes: &FOUR[..7], ..picture(ColourLevel::True, true) }, 4, 4);
        assert_eq!(buffer, Buffer::empty(buffer.area));
    }

    #[test]
    fn signs_are_of_ascii_and_have_the_colours_that_there_are() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 2, 1));
        picture(ColourLevel::True, true).draw_signs(buffer.area, &mut buffer);
        assert_eq!(dump::styled(&buffer), "|:#|\n ab\na: #800080 on Reset\nb: #80FF80 on Reset\n");
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
    }

    #[test]
    fn a_picture_that_the_terminal_draws_has_blanks_in_its_cells_until_something_is_drawn_over_one() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 3));
        let placed = picture(ColourLevel::True, true).place(Rect::new(1, 1, 4, 2), &mut buffer).unwrap();
        assert_eq!((placed.area, placed.side), (Rect::new(1, 1, 4, 2), 2));
        assert_eq!(placed.pixels, [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
        assert!(placed.is_free(&buffer));
        buffer[(0, 0)].set_symbol("x");
        assert!(placed.is_free(&buffer));
        // Also a blank of something else.
        buffer[(4, 2)].reset();
        assert!(!placed.is_free(&buffer));
        let short = Picture { planes: &FOUR[..7], ..picture(ColourLevel::True, true) };
        assert_eq!(short.place(buffer.area, &mut buffer), None);
    }

    proptest! {
        #[test]
        fn an_image_of_any_size_stays_in_any_area(
            side in 0..40usize, width in 0..200u16, height in 0..100u16, level in 0..4usize, unicode: bool,
        ) {
            let level =
                [ColourLevel::None, ColourLevel::C16, ColourLevel::C256, ColourLevel::True][level];
            let planes = vec![7; 3 * side * side];
            let picture = Picture { planes: &planes, side, level, glyphs: Glyphs { unicode } };
            let area = Rect::new(2, 3, width, height);
            let fit = picture.fit(area);
            prop_assert_eq!(fit.intersection(area), fit);
            crate::ui::widgets::testing::stays_inside(area, |area, buffer| (&picture).render(area, buffer))?;
        }
    }
}
