//! From bytes to the numbers a network sees: resize, crop, flip, normalise. And the order of an epoch.

mod padded;
mod part;

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use crate::data::error::DataError;
use crate::data::images::{ChannelStats, Images};
use crate::data::prepare::padded::{Crop, PADDING};
use crate::data::resize::{Samples, resized};
use crate::data::size::{Area, Size};
use crate::recipe::{Augment, Pad, Recipe};
use crate::rng::{Purpose, Stream};

/// Images ready for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[n, 3, side, side]`, normalised.
    pub images: Vec<f32>,
    /// Class of each image.
    pub labels: Vec<u32>,
    /// Height and width in pixels.
    pub side: usize,
}

/// How a recipe prepares its images. A few kilobytes: cheap to clone.
#[derive(Clone, Debug)]
pub struct Prepare {
    /// What each byte becomes, per channel.
    table: [[f32; 256]; 3],
    /// Padding per channel: as a number, and as the nearest byte.
    outside: [(f32, u8); 3],
    augment: Augment,
    flips: bool,
    seed: u64,
    /// Height and width of what a network sees.
    side: usize,
    /// What the shorter side of an image becomes before its middle is shown.
    resized: usize,
    /// Smallest share of an image in a random part.
    crop_scale: f64,
}

/// What is shown of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// The middle, and of that a crop.
    Middle(Crop),
    /// A part in the size of the network, mirrored or not.
    Part(Area, bool),
}

impl Prepare {
    /// Prepares as `recipe` says, with the channel statistics of its training images; never mirrors unless `flips`.
    pub fn new(recipe: &Recipe, stats: ChannelStats, flips: bool) -> Self {
        let [mean, std] = recipe.normalization.by([stats.mean, stats.std]);
        let channels = [0, 1, 2];
        let table = channels.map(|c| std::array::from_fn(|byte| ((byte as f64 - mean[c]) / std[c]) as f32));
        let outside = channels.map(|c| match recipe.pad {
            Pad::Normalised => (0.0, mean[c].round() as u8),
            Pad::Black => (table[c][0], 0),
        });
        Self {
            table,
            outside,
            augment: recipe.augment,
            flips,
            seed: recipe.seed,
            side: recipe.input_size,
            resized: recipe.resized(),
            crop_scale: recipe.crop_scale,
        }
    }

    /// Height and width of what a network sees.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The training images at `indices` as they look in `epoch`, augmented as the recipe says. An
    /// image's draws depend on its index and the epoch, never on its neighbours in the batch.
    pub fn training(&self, images: &Images, indices: &[u32], epoch: u64) -> Result<Batch, DataError> {
        self.batch(images, indices.iter().map(|&i| (i as usize, self.draw(images, i, epoch))))
    }

    /// The images in `range` as an evaluation sees them, normalised.
    pub fn plain(&self, images: &Images, range: Range<usize>) -> Result<Batch, DataError> {
        self.batch(images, range.map(|i| (i, View::MIDDLE)))
    }

    /// What each byte of a colour becomes, then what a crop finds outside, `[3, 257]`.
    pub fn table(&self) -> Vec<f32> {
        let row = |(table, outside): (&[f32; 256], &(f32, u8))| {
            table.iter().copied().chain([outside.0]).collect::<Vec<f32>>()
        };
        self.table.iter().zip(&self.outside).flat_map(row).collect()
    }

    /// Whether training images are cropped at random from a margin, and whether half of them are mirrored then; `None`
    /// where more is done with `images` than that.
    pub fn padded_crops(&self, images: &Images) -> Option<(bool, bool)> {
        let as_they_are = images.is_empty() || images.side() == Some(self.side) && self.is_whole(images);
        let padded = match self.augment {
            Augment::Standard => true,
            Augment::None => false,
            Augment::Imagenet => return None,
        };
        as_they_are.then_some((padded, self.flips))
    }

    /// Whether the middle of these images, of the size of the network, is all of them.
    fn is_whole(&self, images: &Images) -> bool {
        images.is_fitted() || self.resized == self.side
    }

    /// What an evaluation sees of image `i`, as bytes for the eye.
    pub fn plain_pixels(&self, images: &Images, i: usize) -> Result<Vec<u8>, DataError> {
        self.cut(images, i, View::MIDDLE).map(Cow::into_owned)
    }

    /// What [`Self::training`] makes of image `index` in `epoch`, as bytes for the eye.
    pub fn augmented_pixels(&self, images: &Images, index: u32, epoch: u64) -> Result<Vec<u8>, DataError> {
        let view = self.draw(images, index, epoch);
        let (side, image) = (self.side, self.cut(images, index as usize, view)?);
        let mut pixels = Vec::with_capacity(image.len());
        for (c, plane) in image.chunks_exact(side * side).enumerate() {
            view.crop().cut(plane, side, self.outside[c].1, |byte| byte, &mut pixels);
        }
        Ok(pixels)
    }

    fn batch(
        &self,
        images: &Images,
        views: impl ExactSizeIterator<Item = (usize, View)>,
    ) -> Result<Batch, DataError> {
        let (side, image_size) = (self.side, 3 * self.side * self.side);
        let mut batch = Batch {
            images: vec![0.0; views.len() * image_size],
            labels: Vec::with_capacity(views.len()),
            side,
        };
        let views: Vec<(usize, View)> = views.collect();
        batch.labels.extend(views.iter().map(|&(i, _)| images.labels[i]));
        let prepare = |(to, &(i, view)): (&mut [f32], &(usize, View))| {
            let image = self.cut(images, i, view)?;
            let planes = image.chunks_exact(side * side).zip(to.chunks_exact_mut(side * side));
            for (c, (plane, to)) in planes.enumerate() {
                let table = &self.table[c];
                view.crop().cut_into(plane, side, self.outside[c].0, |byte| table[usize::from(byte)], to);
            }
            Ok(())
        };
        let each = batch.images.chunks_exact_mut(image_size.max(1));
        if images.in_memory().is_some() && self.padded_crops(images).is_some() {
            each.zip(&views).try_for_each(prepare)?;
        } else {
            // What is read or resized, or even decoded, is worth the threads.
            each.collect::<Vec<_>>().into_par_iter().zip(&views).try_for_each(prepare)?;
        }
        Ok(batch)
    }

    /// The bytes `[3, side, side]` of image `i` that `view` is about, before the crop of what is around them.
    fn cut<'a>(&self, images: &'a Images, i: usize, view: View) -> Result<Cow<'a, [u8]>, DataError> {
        let (size, square) = (images.size(i), Size::square(self.side));
        let image = images.image(i)?;
        let (area, to, part) = match view {
            View::Middle(_) if size == square && self.is_whole(images) => return Ok(image),
            View::Middle(_) => {
                let to = size.with_shorter(self.resized);
                (Area::all(size), to, Area::middle(to, square))
            }
            View::Part(area, _) => (area, square, Area::all(square)),
        };
        Ok(resized(Samples::planes(&image, size), area, to, part).into())
    }

    /// What training shows of image `index` in `epoch`: where it is cropped, then the coin of the flip.
    fn draw(&self, images: &Images, index: u32, epoch: u64) -> View {
        let mut draws = Stream::new(self.seed, Purpose::Augment, epoch, index);
        match self.augment {
            Augment::None => View::MIDDLE,
            Augment::Standard => {
                let mut offset = || draws.below(2 * PADDING as u32 + 1) as usize;
                let (top, left) = (offset(), offset());
                View::Middle(Crop { top, left, flip: draws.below(2) == 1 && self.flips })
            }
            Augment::Imagenet => {
                let area = part::draw(images.size(index as usize), self.crop_scale, &mut draws);
                View::Part(area, draws.below(2) == 1 && self.flips)
            }
        }
    }
}

impl View {
    /// What an evaluation sees.
    const MIDDLE: Self = Self::Middle(Crop::WHOLE);

    /// The crop of what was cut out.
    fn crop(self) -> Crop {
        match self {
            Self::Middle(crop) => crop,
            Self::Part(_, flip) => Crop { flip, ..Crop::WHOLE },
        }
    }
}

/// The order of `n` training images in `epoch`.
pub fn order(seed: u64, epoch: u64, n: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    Stream::new(seed, Purpose::Shuffle, epoch, 0).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests;
