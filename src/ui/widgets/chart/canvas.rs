//! Dots of lines, two by four in a cell as Braille has them.

use ratatui::layout::Rect;

/// Dots of a cell, by column and row.
const BRAILLE: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ink {
    dots: u8,
    /// The line that was drawn last.
    pub(super) line: usize,
    /// Whether only raw curves lie here.
    pub(super) faint: bool,
}

impl Ink {
    pub(super) fn braille(self) -> char {
        char::from_u32(0x2800 + u32::from(self.dots)).unwrap_or(' ')
    }
}

/// The dots of a plot. Places on it are shares of width and height, (0, 0) at the lower left.
pub(super) struct Canvas {
    area: Rect,
    cells: Vec<Ink>,
}

impl Canvas {
    pub(super) fn new(area: Rect) -> Self {
        Self { area, cells: vec![Ink::default(); area.width as usize * area.height as usize] }
    }

    /// Joins neighbouring places; `None` is a gap. A place between two gaps is a dot.
    pub(super) fn curve(
        &mut self,
        line: usize,
        faint: bool,
        places: impl Iterator<Item = Option<(f64, f64)>>,
    ) {
        if self.cells.is_empty() {
            return;
        }
        let across = f64::from(self.area.width) * 2.0 - 1.0;
        let down = f64::from(self.area.height) * 4.0 - 1.0;
        let mut before = None;
        for place in places {
            let here = place.map(|(x, y)| (x * across, (1.0 - y) * down));
            if let Some(here) = here
                && let Some((from, to)) = clip(before.unwrap_or(here), here, (across, down))
            {
                self.segment(from, to, Ink { dots: 0, line, faint });
            }
            before = here;
        }
    }

    /// Every other dot between two curves, as places with their lower and upper ends; `None` is a gap.
    pub(super) fn band(&mut self, line: usize, places: impl Iterator<Item = Option<(f64, f64, f64)>>) {
        if self.cells.is_empty() {
            return;
        }
        let across = f64::from(self.area.width) * 2.0 - 1.0;
        let down = f64::from(self.area.height) * 4.0 - 1.0;
        let mut before: Option<(f64, f64, f64)> = None;
        for place in places {
            let here = place.map(|(x, low, high)| (x * across, (1.0 - high) * down, (1.0 - low) * down));
            if let (Some((x0, top0, bottom0)), Some((x1, top1, bottom1))) = (before, here) {
                let mut x = x0.max(0.0).ceil();
                while x <= x1.min(across) {
                    let share = if x1 > x0 { (x - x0) / (x1 - x0) } else { 1.0 };
                    let mut y = (top0 + share * (top1 - top0)).max(0.0).round();
                    let end = (bottom0 + share * (bottom1 - bottom0)).min(down).round();
                    while y <= end {
                        if (x + y) % 2.0 == 0.0 {
                            self.dot(x, y, Ink { dots: 0, line, faint: true });
                        }
                        y += 1.0;
                    }
                    x += 1.0;
                }
            }
            before = here;
        }
    }

    /// The cells with dots, by their place on the screen.
    pub(super) fn inked(&self) -> impl Iterator<Item = ((u16, u16), Ink)> {
        let width = usize::from(self.area.width.max(1));
        let at =
            move |index: usize| (self.area.x + (index % width) as u16, self.area.y + (index / width) as u16);
        self.cells.iter().enumerate().filter(|(_, ink)| ink.dots != 0).map(move |(p, ink)| (at(p), *ink))
    }

    fn segment(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink) {
        let (dx, dy) = (to.0.round() - from.0.round(), to.1.round() - from.1.round());
        let dots = dx.abs().max(dy.abs()).max(1.0);
        let mut done = 0.0;
        while done <= dots {
            let share = done / dots;
            self.dot(from.0.round() + share * dx, from.1.round() + share * dy, ink);
            done += 1.0;
        }
    }

    fn dot(&mut self, x: f64, y: f64, ink: Ink) {
        let (x, y) = (x.round() as usize, y.round() as usize);
        let (column, row) = (x / 2, y / 4);
        if column >= usize::from(self.area.width) || row >= usize::from(self.area.height) {
            return;
        }
        let cell = &mut self.cells[row * usize::from(self.area.width) + column];
        // A curve wipes the raw ones behind it out of its cells: dots of one cell share a colour.
        let dots = if cell.faint && !ink.faint { 0 } else { cell.dots };
        *cell = Ink { dots: dots | BRAILLE[x % 2][y % 4], ..ink };
    }
}

/// The part of a segment within (0, 0) and `far` (Liang and Barsky).
fn clip(from: (f64, f64), to: (f64, f64), far: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut begin, mut end) = (0.0_f64, 1.0_f64);
    for (towards, room) in [(-dx, from.0), (dx, far.0 - from.0), (-dy, from.1), (dy, far.1 - from.1)] {
        if towards == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if towards < 0.0 {
            begin = begin.max(room / towards);
        } else {
            end = end.min(room / towards);
        }
    }
    let at = |share: f64| (from.0 + share * dx, from.1 + share * dy);
    (begin <= end).then(|| (at(begin), at(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(places: &[Option<(f64, f64)>]) -> String {
        let mut canvas = Canvas::new(Rect::new(5, 5, 3, 1));
        canvas.curve(0, false, places.iter().copied());
        let mut row = [' '; 3];
        for ((x, _), ink) in canvas.inked() {
            row[usize::from(x - 5)] = ink.braille();
        }
        row.iter().collect()
    }

    #[test]
    fn a_diagonal_runs_from_corner_to_corner() {
        assert_eq!(drawn(&[Some((0.0, 0.0)), Some((1.0, 1.0))]), "⡠⠔⠊");
    }

    #[test]
    fn a_gap_is_a_gap_and_a_lone_point_a_dot() {
        let flat = [Some((0.0, 0.0)), Some((0.2, 0.0)), None, Some((1.0, 0.0))];
        assert_eq!(drawn(&flat), "⣀ ⢀");
    }

    #[test]
    fn what_lies_outside_is_cut_off_at_the_edge() {
        assert_eq!(drawn(&[Some((-1e6, 0.0)), Some((1e6, 0.0))]), "⣀⣀⣀");
        assert_eq!(drawn(&[Some((0.0, 5.0)), Some((1.0, 5.0))]), "   ");
        assert_eq!(drawn(&[Some((0.0, -9.0)), Some((0.0, 9.0))]), "⡇  ");
    }

    #[test]
    fn a_band_is_every_other_dot_between_its_ends() {
        let mut canvas = Canvas::new(Rect::new(0, 0, 2, 2));
        canvas.band(0, [Some((0.0, 0.0, 1.0)), Some((1.0, 0.5, 1.0)), None].into_iter());
        let drawn: Vec<char> = canvas.inked().map(|(_, ink)| ink.braille()).collect();
        assert_eq!(drawn, ['\u{2895}', '\u{2895}', '\u{2815}', '\u{2801}']);
        canvas.band(0, [Some((-9.0, -9.0, 9.0)), Some((9.0, -9.0, 9.0))].into_iter());
        assert!(canvas.inked().all(|(_, ink)| ink.braille() == '\u{2895}'), "it ends at the edges");
    }

    #[test]
    fn a_curve_wipes_out_the_raw_one_behind_it() {
        let mut canvas = Canvas::new(Rect::new(0, 0, 1, 1));
        canvas.curve(0, true, [Some((0.0, 1.0))].into_iter());
        canvas.curve(1, false, [Some((1.0, 0.0))].into_iter());
        let inked: Vec<_> = canvas.inked().collect();
        assert_eq!(inked, [((0, 0), Ink { dots: 0x80, line: 1, faint: false })]);
    }
}
