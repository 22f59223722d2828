//! PNG from SVG, at twice its size, with the letters of a font that is kept beside the scenarios.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Filter, Transformations};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

/// Pixels of the image for one of the drawing.
const SCALE: f32 = 2.0;
/// How far a channel of a pixel may be off before it counts as another.
const NEAR: u8 = 12;

const FONTS: [&[u8]; 2] = [
    include_bytes!("../../../../tests/scenarios/font/JetBrainsMono-Regular-subset.ttf"),
    include_bytes!("../../../../tests/scenarios/font/JetBrainsMono-Bold-subset.ttf"),
];

static DATABASE: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    for font in FONTS {
        fonts.load_font_data(font.to_vec());
    }
    assert_eq!(fonts.len(), FONTS.len());
    Arc::new(fonts)
});

/// An image: width, height, and red, green, blue and opacity of each pixel.
pub(super) struct Image {
    width: u32,
    height: u32,
    pixels: Vec<[u8; 4]>,
}

pub(super) fn render(svg: &str) -> Result<Image, String> {
    let options = Options { fontdb: Arc::clone(&DATABASE), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size();
    let (width, height) = ((size.width() * SCALE).ceil() as u32, (size.height() * SCALE).ceil() as u32);
    let mut pixmap = Pixmap::new(width, height).ok_or("the picture has no size")?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
    let plain = |pixel: &resvg::tiny_skia::PremultipliedColorU8| {
        let pixel = pixel.demultiply();
        [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
    };
    Ok(Image { width, height, pixels: pixmap.pixels().iter().map(plain).collect() })
}

/// As a file: with a palette where a picture has few colours but for the edges of its letters, or all of
/// them.
pub(super) fn encode(image: &Image) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, image.width, image.height);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    let data = if let Some((palette, indices)) = palette(image) {
        encoder.set_color(ColorType::Indexed);
        encoder.set_filter(Filter::NoFilter);
        encoder.set_palette(palette.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect::<Vec<u8>>());
        encoder.set_trns(palette.iter().map(|[.., a]| *a).collect::<Vec<u8>>());
        indices
    } else {
        encoder.set_color(ColorType::Rgba);
        encoder.set_filter(Filter::Adaptive);
        image.pixels.as_flattened().to_vec()
    };
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&data).unwrap();
    writer.finish().unwrap();
    file
}

/// The 256 most frequent colours, and for each pixel the nearest of them; `None` where that is not near.
fn palette(image: &Image) -> Option<(Vec<[u8; 4]>, Vec<u8>)> {
    let mut counts: HashMap<[u8; 4], usize> = HashMap::new();
    for pixel in &image.pixels {
        *counts.entry(*pixel).or_default() += 1;
    }
    let mut colours: Vec<([u8; 4], usize)> = counts.into_iter().collect();
    colours.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let palette: Vec<[u8; 4]> = colours.iter().take(256).map(|(colour, _)| *colour).collect();
    let mut places = HashMap::new();
    for (colour, _) in &colours {
        let nearest = palette.iter().enumerate().min_by_key(|(_, other)| distance(*colour, **other))?;
        if distance(*colour, *nearest.1) > NEAR {
            return None;
        }
        places.insert(*colour, nearest.0 as u8);
    }
    let indices = image.pixels.iter().map(|pixel| places[pixel]).collect();
    Some((palette, indices))
}

/// The largest difference of a channel.
fn distance(one: [u8; 4], other: [u8; 4]) -> u8 {
    one.into_iter().zip(other).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0)
}

pub(super) fn decode(file: &[u8]) -> Option<Image> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_transformations(Transformations::EXPAND | Transformations::ALPHA);
    let mut reader = decoder.read_info().ok()?;
    let mut data = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut data).ok()?;
    if frame.color_type != ColorType::Rgba {
        return None;
    }
    let pixels = data.as_chunks::<4>().0.to_vec();
    Some(Image { width: frame.width, height: frame.height, pixels })
}

/// The share of pixels that differ by more than processors round differently.
pub(super) fn share_of_others(old: &Image, new: &Image) -> f64 {
    if (old.width, old.height) != (new.width, new.height) {
        return 1.0;
    }
    let others = old.pixels.iter().zip(&new.pixels).filter(|(a, b)| distance(**a, **b) > 2 * NEAR).count();
    others as f64 / old.pixels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"20\">\
        <rect width=\"9\" height=\"10\" fill=\"#102030\"/>\
        <text x=\"0\" y=\"15\" font-family=\"JetBrains Mono\" font-size=\"15\" fill=\"#fff\">W</text></svg>";

    #[test]
    fn a_picture_comes_back_from_its_file_as_it_was_drawn() {
        let image = render(SVG).unwrap();
        assert_eq!((image.width, image.height), (18, 40));
        assert_eq!(image.pixels[0], [0x10, 0x20, 0x30, 0xff]);
        assert_eq!(share_of_others(&decode(&encode(&image)).unwrap(), &image), 0.0);
    }

    #[test]
    fn letters_are_drawn_and_a_picture_without_them_is_another() {
        let (with, without) = (render(SVG).unwrap(), render(&SVG.replace('W', "")).unwrap());
        assert!(share_of_others(&with, &without) > 0.05);
    }
}
