//! Pictures of every kind against what PIL makes of them; `tests/peer/pictures.py` writes both.

use std::fs;
use std::path::PathBuf;

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures")
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// Name, width, height and bytes in RGB of each picture.
fn expected() -> Vec<(String, u32, u32, Vec<u8>)> {
    let text = fs::read_to_string(folder().join("expected.txt")).unwrap();
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let hex = |at: usize| u8::from_str_radix(&words[3][at..at + 2], 16).unwrap();
        let rgb = (0..words[3].len()).step_by(2).map(hex).collect();
        (words[0].to_owned(), words[1].parse().unwrap(), words[2].parse().unwrap(), rgb)
    };
    let pictures: Vec<_> = text.lines().map(line).collect();
    assert!(pictures.len() > 80);
    pictures
}

/// The picture of `bytes` as it is to be seen.
fn seen(bytes: &[u8]) -> Result<image::RgbImage, String> {
    let Picture { rgb, orientation } = decode(bytes)?;
    let mut image = DynamicImage::ImageRgb8(rgb);
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

#[test]
fn every_picture_is_what_pil_makes_of_it() {
    let mut wrong = Vec::new();
    for (name, width, height, rgb) in expected() {
        let of_jpeg = bytes(&name).starts_with(b"\xff\xd8") || name == "jpeg.tif";
        let tolerance = if of_jpeg { 3 } else { 1 };
        match seen(&bytes(&name)) {
            Err(clause) => wrong.push(format!("{name}: {clause}")),
            Ok(image) if image.dimensions() != (width, height) => {
                wrong.push(format!("{name}: {:?}, not {width} x {height}", image.dimensions()));
            }
            Ok(image) => {
                let apart: Vec<u8> = image.as_raw().iter().zip(&rgb).map(|(a, b)| a.abs_diff(*b)).collect();
                let worst = apart.iter().max().unwrap();
                // Of a JPEG, colours of a lower resolution are rounded twice on the way to the pixels.
                let far = apart.iter().filter(|&&apart| apart > 2).count();
                if *worst > tolerance || far * 100 > apart.len() {
                    wrong.push(format!("{name}: up to {worst} apart, {far} of {} beyond 2", apart.len()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_picture_that_is_cut_off_is_never_filled_in() {
    let mut wrong = Vec::new();
    // The last number of a picture in digits can lose one.
    for (name, ..) in expected().into_iter().filter(|(name, ..)| !name.starts_with("text")) {
        let whole = bytes(&name);
        let picture = seen(&whole).unwrap();
        for length in 0..whole.len() {
            // A cut that loses no pixel may go unnoticed.
            if seen(&whole[..length]).is_ok_and(|cut| cut != picture) {
                wrong.push(format!("{name} is read after {length} of {} bytes", whole.len()));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_cut_is_called_one_and_rubbish_behind_the_end_is_none() {
    for name in [
        "420.jpg",
        "progressive.jpg",
        "thumbnail.jpg",
        "rgb.png",
        "plain.gif",
        "lossy.webp",
        "lossless.webp",
        "raw.tif",
        "lzw.tif",
        "rgb.bmp",
        "rgb.ppm",
    ] {
        let whole = bytes(name);
        for length in [whole.len() * 3 / 4, whole.len() - 4] {
            assert_eq!(seen(&whole[..length]), Err("it is cut off".into()), "{name} after {length}");
        }
        let longer = [&whole[..], &[0; 700], b"\xff\xd8\xff"].concat();
        assert_eq!(seen(&longer), seen(&whole), "{name}");
    }
    // The end of the thumbnail is not that of the picture.
    let whole = bytes("thumbnail.jpg");
    let inner = whole.windows(2).position(|pair| pair == b"\xff\xd9").unwrap() + 2;
    assert!(inner < whole.len() - 100);
    assert_eq!(seen(&whole[..inner]), Err("it is cut off".into()));
}

#[test]
fn a_header_that_claims_more_pixels_than_are_read_is_refused_by_itself() {
    for ending in ["bmp", "gif", "jpg", "png", "ppm", "tif"] {
        let clause = "it has 60000 x 60000 pixels, more than are read of one image";
        assert_eq!(seen(&bytes(&format!("huge.{ending}"))), Err(clause.into()), "{ending}");
    }
    let clause = "it has 16383 x 16383 pixels, more than are read of one image";
    assert_eq!(seen(&bytes("huge.webp")), Err(clause.into()));
}

#[test]
fn damage_ends_in_a_clause_and_never_in_a_panic() {
    let mut state = 1_u32;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for (name, ..) in expected() {
        let whole = bytes(&name);
        for _ in 0..60 {
            let mut damaged = whole.clone();
            for _ in 0..=draw(3) {
                let at = draw(damaged.len());
                damaged[at] = draw(256) as u8;
            }
            if let Err(clause) = seen(&damaged) {
                assert!(clause.starts_with("it ") && !clause.ends_with('.'), "{name}: {clause}");
            }
        }
    }
}

#[test]
fn samples_of_three_bits_are_refused() {
    let mut odd = bytes("palette-4.tif");
    // The entry of the bits of a sample: tag, kind, count, value.
    let at = odd.windows(9).position(|entry| entry == [2, 1, 3, 0, 1, 0, 0, 0, 4]).unwrap();
    odd[at + 8] = 3;
    let clause = seen(&odd).unwrap_err();
    assert!(clause.starts_with("it cannot be decoded ("), "{clause}");
}

#[test]
fn a_file_that_is_no_picture_is_said_to_be_none() {
    assert_eq!(seen(b""), Err("it is empty".into()));
    let none = "it is no picture in BMP, GIF, JPEG, PNG, PNM, TIFF or WebP";
    assert_eq!(seen(b"<html>not found</html>"), Err(none.into()));
    let missing = read(Path::new("no/such.png"), Keep::Square { side: 4 }).unwrap_err();
    assert_eq!(missing, "it does not exist");
    let directory = read(Path::new("/"), Keep::Square { side: 4 }).unwrap_err();
    assert_eq!(directory, "it is a directory, not a file");
}

#[test]
fn every_ending_belongs_to_a_format_that_is_read() {
    assert!(EXTENSIONS.is_sorted());
    for (name, ..) in expected() {
        let ending = Path::new(&name).extension().unwrap().to_str().unwrap();
        assert!(EXTENSIONS.contains(&ending), "{name}");
    }
}

#[test]
fn a_file_is_resized_and_cut_as_torchvision_does_it() {
    // `tests/peer/resizing.py` writes them.
    let text = include_str!("../../../../tests/golden/fitted.txt");
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (name, hex) = (words[0], words[3]);
        let (resized, side) = (words[1].parse().unwrap(), words[2].parse().unwrap());
        let kept = read(&folder().join(name), Keep::Middle { resized, side }).unwrap();
        let expected = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
        assert_eq!((kept.size, kept.planes.len()), (Size::square(side), expected.len()), "{name}");
        let worst =
            kept.planes.iter().zip(expected).map(|(ours, theirs)| ours.abs_diff(theirs)).max().unwrap();
        // Of a JPEG the pixels before it differ.
        let jpeg = Path::new(name).extension().is_some_and(|ending| ending == "jpg");
        assert!(worst <= if jpeg { 2 } else { 0 }, "{name}: {worst}");
    }
    assert_eq!(text.lines().count(), 6);
}
