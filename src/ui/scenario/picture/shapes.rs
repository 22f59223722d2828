//! Signs that are drawn, not written: blocks, shades, Braille, lines of boxes, marks.

/// Width and height of a cell.
pub(super) const CELL: [f32; 2] = [9.0, 20.0];
/// Where lines of boxes cross; half a unit off the grid, so that a line of one unit is sharp.
const MIDDLE: [f32; 2] = [4.5, 9.5];

/// A sign, in a cell whose upper left corner is the origin.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Rectangles (left, top, right, bottom), covering this percentage.
    Areas(u8, Vec<[f32; 4]>),
    Dots(Vec<(f32, f32)>),
    /// A line through these points, then the rest of a path.
    Outline {
        filled: bool,
        points: Vec<(f32, f32)>,
        rest: String,
    },
}

/// How a sign is drawn; `None` for what is written.
pub(super) fn shape(symbol: &str) -> Option<Shape> {
    let mut letters = symbol.chars();
    let (Some(sign), None) = (letters.next(), letters.next()) else {
        return None;
    };
    let [width, height] = CELL;
    let whole = |areas: Vec<[f32; 4]>| Some(Shape::Areas(100, areas));
    let code = u32::from(sign);
    match sign {
        '▀' => whole(vec![[0.0, 0.0, width, height / 2.0]]),
        // Eighths from below, and from the left.
        '▁'..='█' => whole(vec![[0.0, height * (1.0 - (code - 0x2580) as f32 / 8.0), width, height]]),
        '▉'..='▏' => whole(vec![[0.0, 0.0, width * (0x2590 - code) as f32 / 8.0, height]]),
        '▐' => whole(vec![[width / 2.0, 0.0, width, height]]),
        '▔' => whole(vec![[0.0, 0.0, width, height / 8.0]]),
        '▕' => whole(vec![[width * 7.0 / 8.0, 0.0, width, height]]),
        '░' | '▒' | '▓' => {
            let cover = 25 * (code - 0x2590) as u8;
            Some(Shape::Areas(cover, vec![[0.0, 0.0, width, height]]))
        }
        '▖'..='▟' => whole(quadrants(code)),
        '\u{2800}'..='\u{28ff}' => Some(Shape::Dots(dots(code - 0x2800))),
        '┊' | '┆' | '╎' => whole(dashes(false)),
        '╌' | '┄' | '┈' => whole(dashes(true)),
        '╭' | '╮' | '╯' | '╰' => Some(arc(sign)),
        '●' => Some(circle(3.4, true)),
        '○' => Some(circle(3.0, false)),
        '★' => Some(star()),
        '‖' => whole(vec![[2.5, 4.0, 4.0, 15.0], [5.5, 4.0, 7.0, 15.0]]),
        _ => arms(sign).map(|arms| Shape::Areas(100, crossing(arms))),
    }
}

/// The quarters of a cell: upper left, upper right, lower left, lower right.
fn quadrants(code: u32) -> Vec<[f32; 4]> {
    let set = match code {
        0x2596 => 0b0010,
        0x2597 => 0b0001,
        0x2598 => 0b1000,
        0x2599 => 0b1011,
        0x259a => 0b1001,
        0x259b => 0b1110,
        0x259c => 0b1101,
        0x259d => 0b0100,
        0x259e => 0b0110,
        _ => 0b0111,
    };
    let [x, y] = [CELL[0] / 2.0, CELL[1] / 2.0];
    let quarters = [[0.0, 0.0, x, y], [x, 0.0, CELL[0], y], [0.0, y, x, CELL[1]], [x, y, CELL[0], CELL[1]]];
    let chosen = quarters.into_iter().enumerate().filter(|(index, _)| set & (0b1000 >> index) != 0);
    chosen.map(|(_, area)| area).collect()
}

/// Braille: bits 0 to 2 go down on the left, 3 to 5 on the right, 6 and 7 are below them.
fn dots(set: u32) -> Vec<(f32, f32)> {
    const PLACES: [(u8, u8); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    let place =
        |(x, y): (u8, u8)| (CELL[0] * (0.25 + 0.5 * f32::from(x)), CELL[1] * (0.125 + 0.25 * f32::from(y)));
    (0..8).filter(|bit| set & (1 << bit) != 0).map(|bit| place(PLACES[bit])).collect()
}

fn dashes(across: bool) -> Vec<[f32; 4]> {
    let [x, y] = MIDDLE;
    (0..4)
        .map(|dash| {
            let dash = dash as f32;
            if across {
                [2.25 * dash, y - 0.5, 2.25 * dash + 1.25, y + 0.5]
            } else {
                [x - 0.5, 5.0 * dash + 1.0, x + 0.5, 5.0 * dash + 4.0]
            }
        })
        .collect()
}

/// Thickness of the lines that go up, right, down and left from the middle of a sign.
fn arms(sign: char) -> Option<[u8; 4]> {
    Some(match sign {
        '─' => [0, 1, 0, 1],
        '│' => [1, 0, 1, 0],
        '┌' => [0, 1, 1, 0],
        '┐' => [0, 0, 1, 1],
        '└' => [1, 1, 0, 0],
        '┘' => [1, 0, 0, 1],
        '├' => [1, 1, 1, 0],
        '┤' => [1, 0, 1, 1],
        '┬' => [0, 1, 1, 1],
        '┴' => [1, 1, 0, 1],
        '┼' => [1, 1, 1, 1],
        '━' => [0, 2, 0, 2],
        '┃' => [2, 0, 2, 0],
        '┏' => [0, 2, 2, 0],
        '┓' => [0, 0, 2, 2],
        '┗' => [2, 2, 0, 0],
        '┛' => [2, 0, 0, 2],
        '╴' => [0, 0, 0, 1],
        '╵' => [1, 0, 0, 0],
        '╶' => [0, 1, 0, 0],
        '╷' => [0, 0, 1, 0],
        _ => return None,
    })
}

fn crossing([up, right, down, left]: [u8; 4]) -> Vec<[f32; 4]> {
    let [x, y] = MIDDLE;
    let half = |thickness: u8| f32::from(thickness) / 2.0;
    let across = half(left.max(right));
    let along = half(up.max(down));
    let mut areas = Vec::new();
    if left > 0 || right > 0 {
        let begin = if left > 0 { 0.0 } else { x - along };
        let end = if right > 0 { CELL[0] } else { x + along };
        areas.push([begin, y - across, end, y + across]);
    }
    if up > 0 || down > 0 {
        let begin = if up > 0 { 0.0 } else { y - across };
        let end = if down > 0 { CELL[1] } else { y + across };
        areas.push([x - along, begin, x + along, end]);
    }
    areas
}

fn arc(sign: char) -> Shape {
    let [x, y] = MIDDLE;
    let (right, down) = ("╭╰".contains(sign), "╭╮".contains(sign));
    let side = if right { CELL[0] } else { 0.0 };
    let end = if down { CELL[1] } else { 0.0 };
    let bend = if down { y + 4.5 } else { y - 4.5 };
    let (dx, dy) = (side - x, y - bend);
    Shape::Outline { filled: false, points: vec![(x, end), (x, bend)], rest: format!("q0 {dy} {dx} {dy}") }
}

fn circle(radius: f32, filled: bool) -> Shape {
    let around = format!("a{radius} {radius} 0 1 0 {0} 0a{radius} {radius} 0 1 0 -{0} 0z", 2.0 * radius);
    Shape::Outline { filled, points: vec![(MIDDLE[0] - radius, MIDDLE[1] + 0.5)], rest: around }
}

fn star() -> Shape {
    let points = (0..10).map(|point| {
        let radius = if point % 2 == 0 { 4.6 } else { 1.9 };
        let angle = std::f32::consts::PI * (point as f32 / 5.0 - 0.5);
        let round = |x: f32| (100.0 * x).round() / 100.0;
        (round(MIDDLE[0] + radius * angle.cos()), round(MIDDLE[1] + 0.7 + radius * angle.sin()))
    });
    Shape::Outline { filled: true, points: points.collect(), rest: "z".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of a cell that areas cover.
    fn cover(sign: &str) -> f32 {
        let Some(Shape::Areas(percent, areas)) = shape(sign) else { panic!("{sign} has no areas") };
        let sum: f32 = areas.iter().map(|[x0, y0, x1, y1]| (x1 - x0) * (y1 - y0)).sum();
        sum / (CELL[0] * CELL[1]) * f32::from(percent) / 100.0
    }

    #[test]
    fn a_block_covers_the_share_of_its_cell_that_its_name_says() {
        let shares = [
            ("█", 1.0),
            ("▀", 0.5),
            ("▄", 0.5),
            ("▌", 0.5),
            ("▐", 0.5),
            ("▁", 0.125),
            ("▇", 0.875),
            ("▏", 0.125),
            ("▉", 0.875),
            ("▟", 0.75),
            ("▚", 0.5),
            ("▖", 0.25),
            ("░", 0.25),
            ("▓", 0.75),
        ];
        for (sign, share) in shares {
            assert!((cover(sign) - share).abs() < 1e-6, "{sign}: {}", cover(sign));
        }
    }

    #[test]
    fn a_braille_sign_has_a_dot_for_each_of_its_bits_within_its_cell() {
        for code in 0x2800..0x2900_u32 {
            let sign = char::from_u32(code).unwrap().to_string();
            let Some(Shape::Dots(dots)) = shape(&sign) else { panic!("{sign}") };
            assert_eq!(dots.len() as u32, (code - 0x2800).count_ones());
            assert!(dots.iter().all(|(x, y)| (0.0..CELL[0]).contains(x) && (0.0..CELL[1]).contains(y)));
        }
    }

    #[test]
    fn lines_of_boxes_reach_the_edges_they_point_at() {
        let Some(Shape::Areas(100, areas)) = shape("├") else { panic!() };
        assert_eq!(areas, [[4.0, 9.0, 9.0, 10.0], [4.0, 0.0, 5.0, 20.0]]);
        assert!(shape("a").is_none() && shape("").is_none() && shape("→").is_none());
    }
}
