//! From bytes to the numbers a network sees: crop, flip, normalise. And the order of an epoch.

use std::ops::Range;

use rayon::prelude::*;

use crate::data::error::DataError;
use crate::data::images::{ChannelStats, Images};
use crate::recipe::{Augment, Normalization, Pad, Recipe};
use crate::rng::{Purpose, Stream};

/// Pixels added on each side before a crop.
const PADDING: usize = 4;

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
    augment: bool,
    flips: bool,
    seed: u64,
}

/// Where a crop lies in the padded image, and whether it is mirrored then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Crop {
    top: usize,
    left: usize,
    flip: bool,
}

impl Prepare {
    /// Prepares as `recipe` says, with the channel statistics of its training images; never mirrors unless `flips`.
    pub fn new(recipe: &Recipe, stats: ChannelStats, flips: bool) -> Self {
        let (mean, std) = match recipe.normalization {
            Normalization::Unit => ([0.0; 3], [255.0; 3]),
            // A constant channel carries nothing: it becomes 0, not a division by 0.
            Normalization::Dataset => (stats.mean, stats.std.map(|d| if d > 0.0 { d } else { 1.0 })),
        };
        let channels = [0, 1, 2];
        let table = channels.map(|c| std::array::from_fn(|byte| ((byte as f64 - mean[c]) / std[c]) as f32));
        let outside = channels.map(|c| match recipe.pad {
            Pad::Normalised => (0.0, mean[c].round() as u8),
            Pad::Black => (table[c][0], 0),
        });
        Self { table, outside, augment: recipe.augment == Augment::Standard, flips, seed: recipe.seed }
    }

    /// The training images at `indices` as they look in `epoch`, augmented as the recipe says. An
    /// image's draws depend on its index and the epoch, never on its neighbours in the batch.
    pub fn training(&self, images: &Images, indices: &[u32], epoch: u64) -> Result<Batch, DataError> {
        self.batch(images, indices.iter().map(|&i| (i as usize, self.draw(i, epoch))))
    }

    /// The images in `range` as they are, normalised.
    pub fn plain(&self, images: &Images, range: Range<usize>) -> Result<Batch, DataError> {
        self.batch(images, range.map(|i| (i, Crop::WHOLE)))
    }

    /// What each byte of a colour becomes, then what a crop finds outside, `[3, 257]`.
    pub fn table(&self) -> Vec<f32> {
        let row = |(table, outside): (&[f32; 256], &(f32, u8))| {
            table.iter().copied().chain([outside.0]).collect::<Vec<f32>>()
        };
        self.table.iter().zip(&self.outside).flat_map(row).collect()
    }

    /// Whether training images are cropped at random, and whether half of them are mirrored then.
    pub fn augments(&self) -> (bool, bool) {
        (self.augment, self.flips)
    }

    /// What [`Self::training`] makes of image `index` in `epoch`, as bytes for the eye.
    pub fn augmented_pixels(&self, images: &Images, index: u32, epoch: u64) -> Result<Vec<u8>, DataError> {
        let crop = self.draw(index, epoch);
        let mut pixels = Vec::with_capacity(images.image_bytes());
        let image = images.image(index as usize)?;
        for (c, plane) in image.chunks_exact(images.side * images.side).enumerate() {
            crop.cut(plane, images.side, self.outside[c].1, |byte| byte, &mut pixels);
        }
        Ok(pixels)
    }

    fn batch(
        &self,
        images: &Images,
        crops: impl ExactSizeIterator<Item = (usize, Crop)>,
    ) -> Result<Batch, DataError> {
        let side = images.side;
        let mut batch = Batch {
            images: vec![0.0; crops.len() * images.image_bytes()],
            labels: Vec::with_capacity(crops.len()),
            side,
        };
        let crops: Vec<(usize, Crop)> = crops.collect();
        batch.labels.extend(crops.iter().map(|&(i, _)| images.labels[i]));
        let prepare = |(to, &(i, crop)): (&mut [f32], &(usize, Crop))| {
            let image = images.image(i)?;
            let planes = image.chunks_exact(side * side).zip(to.chunks_exact_mut(side * side));
            for (c, (plane, to)) in planes.enumerate() {
                let table = &self.table[c];
                crop.cut_into(plane, side, self.outside[c].0, |byte| table[usize::from(byte)], to);
            }
            Ok(())
        };
        let each = batch.images.chunks_exact_mut(images.image_bytes().max(1));
        if images.in_memory().is_some() {
            each.zip(&crops).try_for_each(prepare)?;
        } else {
            // What is read, or even decoded, is worth the threads.
            each.collect::<Vec<_>>().into_par_iter().zip(&crops).try_for_each(prepare)?;
        }
        Ok(batch)
    }

    /// The crop of image `index` in `epoch`: rows down, columns right, then the coin of the flip.
    fn draw(&self, index: u32, epoch: u64) -> Crop {
        if !self.augment {
            return Crop::WHOLE;
        }
        let mut draws = Stream::new(self.seed, Purpose::Augment, epoch, index);
        let mut offset = || draws.below(2 * PADDING as u32 + 1) as usize;
        let (top, left) = (offset(), offset());
        Crop { top, left, flip: draws.below(2) == 1 && self.flips }
    }
}

impl Crop {
    /// The image itself.
    const WHOLE: Self = Self { top: PADDING, left: PADDING, flip: false };

    /// Appends what the crop sees of a `side` x `side` plane to `out`.
    fn cut<T: Copy>(self, plane: &[u8], side: usize, outside: T, value: impl Fn(u8) -> T, out: &mut Vec<T>) {
        let start = out.len();
        out.resize(start + side * side, outside);
        self.cut_into(plane, side, outside, value, &mut out[start..]);
    }

    /// Writes what the crop sees of a `side` x `side` plane to `out`.
    fn cut_into<T: Copy>(
        self,
        plane: &[u8],
        side: usize,
        outside: T,
        value: impl Fn(u8) -> T,
        out: &mut [T],
    ) {
        // The columns of the plane that the crop covers, and how many it sees before them.
        let from = self.left.saturating_sub(PADDING).min(side);
        let to = (self.left + side).saturating_sub(PADDING).min(side);
        let before = PADDING.saturating_sub(self.left).min(side);
        for (y, row) in (self.top..self.top + side).zip(out.chunks_exact_mut(side)) {
            row.fill(outside);
            if (PADDING..PADDING + side).contains(&y) {
                let pixels = &plane[(y - PADDING) * side..][from..to.max(from)];
                for (cell, &byte) in row[before..].iter_mut().zip(pixels) {
                    *cell = value(byte);
                }
                if self.flip {
                    row.reverse();
                }
            }
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
