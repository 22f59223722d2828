//! Screenshots: the frame buffer as SVG, and PNG from that. Letters are text; blocks, Braille and lines are
//! shapes in the grid of cells, so that no font can put them out of it.

mod png;
mod shapes;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::frames::{COMMAND, writing};
use crate::ui::dump::{Sign, signs};
use crate::ui::style::colours::{blend, rgb};
use crate::ui::style::theme::Theme;
use shapes::{CELL, Shape, shape};

/// The pictures that README shows.
pub(super) const SHOWN: &[&str] = &["recipe", "train", "runs", "inspect", "reuse", "mistakes", "data"];

/// Letters in the size in which one is as wide as a cell.
const LETTERS: &str =
    "font-family=\"'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"15\"";
/// From the upper edge of a cell to the feet of its letters.
const BASELINE: f32 = 15.0;
/// Around the screen.
const MARGIN: f32 = 14.0;
/// Above it, for the title of the window.
const BAR: f32 = 36.0;
/// Letters and background where a theme leaves the colour to the terminal.
const OWN: [[u8; 3]; 2] = [[0xd4, 0xd8, 0xe0], [0x14, 0x17, 0x1c]];

type Rgb = [u8; 3];

/// Where the pictures are.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots")
}

/// Compares both files of a picture with what is on the screen, or writes them.
pub(super) fn check(name: &str, buffer: &Buffer, theme: &Theme) -> Result<(), String> {
    let (svg_path, png_path) = (folder().join(format!("{name}.svg")), folder().join(format!("{name}.png")));
    let svg = svg(buffer, theme);
    let image = png::render(&svg)?;
    if writing() {
        let written = fs::write(&svg_path, &svg).and_then(|()| fs::write(&png_path, png::encode(&image)));
        return written.map_err(|error| format!("screenshots/{name}: {error}"));
    }
    if fs::read_to_string(&svg_path).is_ok_and(|old| old == svg) {
        let old = fs::read(&png_path).ok().and_then(|bytes| png::decode(&bytes));
        match old.map(|old| png::share_of_others(&old, &image)) {
            Some(share) if share < 0.001 => return Ok(()),
            Some(share) => {
                return Err(format!(
                    "screenshots/{name}.png: {:.2} % of its pixels are others; {COMMAND}",
                    100.0 * share
                ));
            }
            None => {}
        }
    }
    Err(format!("screenshots/{name} is out of date; {COMMAND}"))
}

/// The shapes of one colour and one kind.
#[derive(Debug, Default)]
struct Layers {
    /// Rectangles, by opacity in percent and colour: left, top, right, bottom.
    areas: BTreeMap<(u8, Rgb), Vec<[f32; 4]>>,
    /// Braille dots.
    dots: BTreeMap<Rgb, Vec<(f32, f32)>>,
    /// Closed outlines, and lines.
    outlines: BTreeMap<(bool, Rgb), String>,
    /// Words, by weight and colour.
    words: BTreeMap<(bool, Rgb), String>,
}

/// The buffer as a picture.
pub(super) fn svg(buffer: &Buffer, theme: &Theme) -> String {
    let own = |colour: Option<Color>, other: Rgb| colour.and_then(rgb).unwrap_or(other);
    let own = [own(theme.text.fg, OWN[0]), own(theme.text.bg, OWN[1])];
    let rows = signs(buffer);
    let mut under = BTreeMap::new();
    let mut layers = Layers::default();
    for (y, row) in rows.iter().enumerate() {
        for (x, sign) in row.iter().enumerate() {
            let (_, bg) = colours(sign, own);
            if bg != own[1] {
                let [left, top] = corner(x, y);
                under.entry((100, bg)).or_insert_with(Vec::new).push([
                    left,
                    top,
                    left + CELL[0],
                    top + CELL[1],
                ]);
            }
            if let Some(shape) = shape(&sign.symbol) {
                layers.draw(&shape, corner(x, y), colours(sign, own).0);
            }
            if sign.modifier.contains(Modifier::UNDERLINED) {
                let [left, top] = corner(x, y);
                layers.area(100, colours(sign, own).0, [left, top + 17.0, left + CELL[0], top + 18.0]);
            }
        }
        words(&mut layers, row, y, own);
    }
    let [width, height] = [f32::from(buffer.area.width) * CELL[0], f32::from(buffer.area.height) * CELL[1]];
    let (all_width, all_height) = (width + 2.0 * MARGIN, height + BAR + MARGIN);
    let [ink, paper] = own;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all_width}\" height=\"{all_height}\" \
         viewBox=\"0 0 {all_width} {all_height}\">\n\
         <rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"9\" fill=\"{}\" stroke=\"{}\"/>\n\
         <g {LETTERS}>\n\
         <text x=\"{}\" y=\"23\" font-size=\"13\" text-anchor=\"middle\" fill=\"{}\">densenet-tui</text>\n\
         <g transform=\"translate({MARGIN},{BAR})\">\n",
        all_width - 1.0,
        all_height - 1.0,
        hex(paper),
        hex(blend(paper, ink, 0.25)),
        all_width / 2.0,
        hex(blend(paper, ink, 0.55)),
    );
    areas(&mut out, under);
    layers.write(&mut out);
    out.push_str("</g>\n</g>\n</svg>\n");
    out
}

/// The upper left corner of a cell.
fn corner(x: usize, y: usize) -> [f32; 2] {
    [x as f32 * CELL[0], y as f32 * CELL[1]]
}

/// The foreground and the background of a sign.
fn colours(sign: &Sign, [ink, paper]: [Rgb; 2]) -> (Rgb, Rgb) {
    let (mut fg, mut bg) = (rgb(sign.fg).unwrap_or(ink), rgb(sign.bg).unwrap_or(paper));
    if sign.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    if sign.modifier.contains(Modifier::DIM) {
        fg = blend(bg, fg, 0.6);
    }
    (fg, bg)
}

/// The words of a row: neighbouring letters of one look, without blanks.
fn words(layers: &mut Layers, row: &[Sign], y: usize, own: [Rgb; 2]) {
    let look = |sign: &Sign| (sign.modifier.contains(Modifier::BOLD), colours(sign, own).0);
    let is_letter = |sign: &Sign| !sign.symbol.trim().is_empty() && shape(&sign.symbol).is_none();
    let mut x = 0;
    while x < row.len() {
        let begin = x;
        x += 1;
        if !is_letter(&row[begin]) {
            continue;
        }
        while row.get(x).is_some_and(|sign| is_letter(sign) && look(sign) == look(&row[begin])) {
            x += 1;
        }
        let text: String = row[begin..x].iter().map(|sign| sign.symbol.as_str()).collect();
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let [left, top] = corner(begin, y);
        let words = layers.words.entry(look(&row[begin])).or_default();
        let count = x - begin;
        // In another font the letters still keep to their cells.
        let fit = if count > 1 {
            format!(" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", count as f32 * CELL[0])
        } else {
            String::new()
        };
        let _ = write!(words, "<text x=\"{left}\" y=\"{}\"{fit}>{text}</text>", top + BASELINE);
    }
}

impl Layers {
    fn area(&mut self, opacity: u8, colour: Rgb, area: [f32; 4]) {
        self.areas.entry((opacity, colour)).or_default().push(area);
    }

    fn draw(&mut self, shape: &Shape, [left, top]: [f32; 2], colour: Rgb) {
        match shape {
            Shape::Areas(opacity, areas) => {
                for [x0, y0, x1, y1] in areas {
                    self.area(*opacity, colour, [left + x0, top + y0, left + x1, top + y1]);
                }
            }
            Shape::Dots(dots) => {
                let dots = dots.iter().map(|(x, y)| (left + x, top + y));
                self.dots.entry(colour).or_default().extend(dots);
            }
            Shape::Outline { filled, points, rest } => {
                let path = self.outlines.entry((*filled, colour)).or_default();
                for (index, (x, y)) in points.iter().enumerate() {
                    let _ = write!(path, "{}{} {}", if index == 0 { "M" } else { "L" }, left + x, top + y);
                }
                path.push_str(rest);
            }
        }
    }

    fn write(self, out: &mut String) {
        areas(out, self.areas);
        for (colour, dots) in self.dots {
            let _ = write!(
                out,
                "<path stroke=\"{}\" stroke-width=\"3\" stroke-linecap=\"round\" d=\"",
                hex(colour)
            );
            for (x, y) in dots {
                let _ = write!(out, "M{x} {y}h.01");
            }
            out.push_str("\"/>\n");
        }
        for ((filled, colour), path) in self.outlines {
            let paint = if filled { "fill" } else { "fill=\"none\" stroke" };
            let _ = writeln!(out, "<path {paint}=\"{}\" d=\"{path}\"/>", hex(colour));
        }
        for ((bold, colour), words) in self.words {
            let weight = if bold { " font-weight=\"bold\"" } else { "" };
            let _ = writeln!(out, "<g fill=\"{}\"{weight}>{words}</g>", hex(colour));
        }
    }
}

/// Rectangles, those that touch joined to larger ones.
fn areas(out: &mut String, layers: BTreeMap<(u8, Rgb), Vec<[f32; 4]>>) {
    out.push_str("<g shape-rendering=\"crispEdges\">\n");
    for ((opacity, colour), areas) in layers {
        let opacity = if opacity < 100 { format!(" fill-opacity=\".{opacity}\"") } else { String::new() };
        let _ = write!(out, "<path fill=\"{}\"{opacity} d=\"", hex(colour));
        for [left, top, right, bottom] in joined(areas) {
            let _ = write!(out, "M{left} {top}H{right}V{bottom}H{left}z");
        }
        out.push_str("\"/>\n");
    }
    out.push_str("</g>\n");
}

/// Joins what touches with the same height, then what touches with the same width.
fn joined(mut areas: Vec<[f32; 4]>) -> Vec<[f32; 4]> {
    for (near, side) in [(0, 1), (1, 0)] {
        let far = near + 2;
        areas.sort_by(|a, b| {
            (a[side].total_cmp(&b[side]))
                .then(a[side + 2].total_cmp(&b[side + 2]))
                .then(a[near].total_cmp(&b[near]))
        });
        let mut kept: Vec<[f32; 4]> = Vec::with_capacity(areas.len());
        for area in areas {
            match kept.last_mut() {
                Some(last)
                    if last[side] == area[side]
                        && last[side + 2] == area[side + 2]
                        && last[far] == area[near] =>
                {
                    last[far] = area[far];
                }
                _ => kept.push(area),
            }
        }
        areas = kept;
    }
    areas
}

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn cells_of_one_colour_become_one_rectangle() {
        let cells = vec![[0.0, 0.0, 9.0, 20.0], [9.0, 0.0, 18.0, 20.0], [0.0, 20.0, 18.0, 40.0]];
        assert_eq!(joined(cells), [[0.0, 0.0, 18.0, 40.0]]);
        let apart = vec![[0.0, 0.0, 9.0, 20.0], [18.0, 0.0, 27.0, 20.0]];
        assert_eq!(joined(apart.clone()), apart);
    }

    #[test]
    fn words_are_text_at_their_cells_and_blocks_are_not() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.set_string(0, 0, "a<b █ c", Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Rgb(4, 5, 6)));
        let svg = svg(&buffer, &Theme::builtin("dark").unwrap());
        let word = "<text x=\"0\" y=\"15\" textLength=\"27\" lengthAdjust=\"spacingAndGlyphs\">a&lt;b</text>";
        assert!(
            svg.contains(&format!("<g fill=\"#010203\">{word}<text x=\"54\" y=\"15\">c</text></g>")),
            "{svg}"
        );
        assert!(svg.contains("<path fill=\"#040506\" d=\"M0 0H63V20H0z\"/>"), "{svg}");
        assert!(svg.contains("<path fill=\"#010203\" d=\"M36 0H45V20H36z\"/>"), "{svg}");
    }

    #[test]
    fn reversed_and_dim_are_drawn_as_a_terminal_does() {
        let mut sign = Sign {
            symbol: "a".into(),
            fg: Color::Rgb(100, 100, 100),
            bg: Color::Reset,
            modifier: Modifier::REVERSED,
        };
        assert_eq!(colours(&sign, OWN), (OWN[1], [100; 3]));
        sign.modifier = Modifier::DIM;
        assert_eq!(colours(&sign, [[9; 3], [0; 3]]), ([60; 3], [0; 3]));
    }
}
