//! The built-in images: ten shapes, drawn from the seed alone, so that a first run needs no file.
//!
//! Where a shape is, how large, which way it leans and whether it is lighter or darker than its
//! surroundings are all drawn, so no single pixel says anything: a linear classifier must fail where
//! a convolution sees edges and corners at once.

mod figures;

use std::path::PathBuf;

use crate::data::error::DataError;
use crate::data::images::Images;
use crate::data::report::Report;
use crate::data::shapes::figures::FIGURES;
use crate::data::source::{Parts, Source};
use crate::data::split;
use crate::recipe::Recipe;
use crate::recipe::datasets::SHAPES;
use crate::rng::{Purpose, Stream};

/// Height and width.
const SIDE: usize = 32;
/// Images between two reports of progress.
const REPORT_EVERY: usize = 100;

pub(crate) struct Shapes;

impl Source for Shapes {
    fn load(&self, recipe: &Recipe, report: &mut Report) -> Result<Parts, DataError> {
        report.expect(SHAPES.train + SHAPES.test)?;
        let all = draw_all(recipe.seed, 0, SHAPES.train, report)?;
        let test = draw_all(recipe.seed, 1, SHAPES.test, report)?;
        let (train, validation) = split::divide(all, recipe, &SHAPES)?;
        let classes = self.classes(recipe)?;
        Ok(Parts { classes, train, validation, test, flips: false, dir: None, notes: Vec::new() })
    }

    fn classes(&self, _: &Recipe) -> Result<Vec<String>, DataError> {
        Ok(FIGURES.iter().map(|(name, _)| (*name).into()).collect())
    }

    fn dir(&self, _: &Recipe) -> Option<PathBuf> {
        None
    }
}

/// The first `n` images of a set (0: training, 1: test). Classes take turns.
fn draw_all(seed: u64, set: u64, n: usize, report: &mut Report) -> Result<Images, DataError> {
    let mut images = Images::with_room(SIDE, n, "free some memory")?;
    for i in 0..n {
        let class = i % FIGURES.len();
        let draws = Stream::new(seed, Purpose::Shapes, set, i as u32);
        images.push(&draw(class, draws), class as u32);
        if (i + 1) % REPORT_EVERY == 0 {
            report.add(REPORT_EVERY)?;
        }
    }
    Ok(images)
}

/// One image of `class`, `[3, 32, 32]`. Only sums, products, quotients and roots of f32, which are
/// the same on every machine.
fn draw(class: usize, mut draws: Stream) -> [u8; 3 * SIDE * SIDE] {
    let side = SIDE as f32;
    let radius = draws.between(8.0, 12.0);
    let centre = [(); 2].map(|()| draws.between(radius, side - radius));
    // Tangent of half the angle: sine and cosine without the platform's own; up to 15 degrees.
    let lean = draws.between(-0.13, 0.13);
    let turn = [(1.0 - lean * lean) / (1.0 + lean * lean), 2.0 * lean / (1.0 + lean * lean)];
    let light = [(); 3].map(|()| draws.between(140.0, 245.0));
    let dark = [(); 3].map(|()| draws.between(10.0, 115.0));
    let (figure, ground) = if draws.below(2) == 0 { (light, dark) } else { (dark, light) };
    // The ground grows lighter along a drawn direction.
    let slope = [(); 2].map(|()| draws.between(-1.0, 1.0));
    let inside = FIGURES[class].1;

    let mut pixels = [0; 3 * SIDE * SIDE];
    for y in 0..SIDE {
        for x in 0..SIDE {
            let at = [x as f32 + 0.5, y as f32 + 0.5];
            let (right, down) = (at[0] - centre[0], at[1] - centre[1]);
            let turned =
                [(turn[0] * right + turn[1] * down) / radius, (turn[0] * down - turn[1] * right) / radius];
            // The share of a pixel that an edge at this distance from its middle leaves covered.
            let cover = (0.5 - radius * inside(turned)).clamp(0.0, 1.0);
            let shade = slope[0] * (at[0] - side / 2.0) + slope[1] * (at[1] - side / 2.0);
            let mut noise = draws.bits();
            for c in 0..3 {
                let clean = ground[c] + shade + cover * (figure[c] - ground[c] - shade);
                let grain = (noise & 0xff) as f32 / 255.0 - 0.5;
                noise >>= 8;
                pixels[(c * SIDE + y) * SIDE + x] = (clean + 20.0 * grain + 0.5) as u8;
            }
        }
    }
    pixels
}

#[cfg(test)]
mod tests;
