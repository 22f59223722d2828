//! Resized pictures against torchvision's; `tests/peer/resizing.py` writes them.

use super::*;

const EXPECTED: &str = include_str!("../../../tests/golden/resized.txt");

/// The picture that the script draws, its pixels of three bytes each.
fn pixels(size: Size) -> Vec<u8> {
    let mut bytes = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            let sum = x * x * 37 + y * y * 11 + x * y * 53 + x * 5 + y * 171;
            bytes.extend([0, 91, 182].map(|colour| ((sum + colour) % 256) as u8));
        }
    }
    bytes
}

fn planes(bytes: &[u8]) -> Vec<u8> {
    (0..3).flat_map(|colour| bytes.iter().copied().skip(colour).step_by(3)).collect()
}

#[test]
fn every_pixel_is_torchvisions_whether_a_picture_shrinks_or_grows() {
    let mut lines = 0;
    for line in EXPECTED.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let hex = words[words.len() - 1];
        let expected: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let number = |at: usize| words[at].parse::<usize>().unwrap();
        let size = Size { width: number(0), height: number(1) };
        let (area, to, part) = if words[2] == "middle" {
            let (to, middle) = (size.with_shorter(number(3)), Size::square(number(4)));
            (Area::all(size), to, Area::middle(to, middle))
        } else {
            let part = Size { width: number(5), height: number(6) };
            let to = Size::square(number(7));
            (Area { left: number(3), top: number(4), size: part }, to, Area::all(to))
        };
        let bytes = pixels(size);
        let name = words[..words.len() - 1].join(" ");
        assert_eq!(resized(Samples::interleaved(&bytes, size), area, to, part), expected, "{name}");
        assert_eq!(resized(Samples::planes(&planes(&bytes), size), area, to, part), expected, "{name}");
        lines += 1;
    }
    assert_eq!(lines, 18);
}

#[test]
fn a_picture_of_the_size_that_is_wanted_is_left_alone_and_one_colour_stays_so() {
    let size = Size { width: 17, height: 11 };
    let bytes = planes(&pixels(size));
    let all = Area::all(size);
    assert_eq!(resized(Samples::planes(&bytes, size), all, size, all), bytes);
    for (side, colour) in [(3, 255), (40, 255), (40, 0), (9, 1)] {
        let to = Area::all(Size::square(side));
        let flat = vec![colour; bytes.len()];
        let resized = resized(Samples::planes(&flat, size), all, to.size, to);
        assert!(resized.iter().all(|&byte| byte == colour), "{colour} in {side}x{side}");
    }
}
