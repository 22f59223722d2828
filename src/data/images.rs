//! Images as bytes, and the mean and standard deviation of their channels.

use serde::{Deserialize, Serialize};

use crate::data::error::{DataError, unusable};

/// A set of RGB images of one size, and their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// Height and width in pixels.
    pub side: usize,
    /// `[n, 3, side, side]`: red, green and blue planes, row by row.
    pub pixels: Vec<u8>,
    /// Class of each image.
    pub labels: Vec<u32>,
}

impl Images {
    /// No images, with capacity for `n`; an error with `advice` where there is not enough memory.
    pub(crate) fn with_room(side: usize, n: usize, advice: &str) -> Result<Self, DataError> {
        let mut images = Self { side, ..Self::default() };
        let bytes = n.saturating_mul(images.image_bytes());
        match images.pixels.try_reserve_exact(bytes) {
            Ok(()) => Ok(images),
            Err(_) => unusable(format!(
                "{n} images of {side}x{side} need {} MiB of memory, more than there is; {advice}.",
                bytes >> 20
            )),
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes of one image.
    pub fn image_bytes(&self) -> usize {
        3 * self.side * self.side
    }

    /// Image `i`, `[3, side, side]`.
    pub fn image(&self, i: usize) -> &[u8] {
        let bytes = self.image_bytes();
        &self.pixels[i * bytes..][..bytes]
    }

    /// The images at `indices`, in that order.
    #[must_use]
    pub fn subset(&self, indices: &[usize]) -> Self {
        let mut subset = Self {
            side: self.side,
            pixels: Vec::with_capacity(indices.len() * self.image_bytes()),
            labels: Vec::with_capacity(indices.len()),
        };
        for &i in indices {
            subset.push(self.image(i), self.labels[i]);
        }
        subset
    }

    /// The images at `indices`, which ascend, in the memory of all.
    pub(crate) fn keep(mut self, indices: &[usize]) -> Self {
        let bytes = self.image_bytes();
        for (to, &from) in indices.iter().enumerate() {
            self.pixels.copy_within(from * bytes..(from + 1) * bytes, to * bytes);
            self.labels[to] = self.labels[from];
        }
        self.pixels.truncate(indices.len() * bytes);
        self.pixels.shrink_to_fit();
        self.labels.truncate(indices.len());
        self
    }

    /// Images of each of `classes` classes.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// Adds one image of `[3, side, side]` bytes.
    pub(crate) fn push(&mut self, pixels: &[u8], label: u32) {
        self.pixels.extend_from_slice(pixels);
        self.labels.push(label);
    }
}

/// Mean and (population) standard deviation of each channel's pixels, from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelStats {
    /// Mean of red, green and blue.
    pub mean: [f64; 3],
    /// Square root of the mean squared distance from the mean; 0 where a channel is constant.
    pub std: [f64; 3],
}

impl ChannelStats {
    /// Of `images`; zeros where there is none.
    pub fn of(images: &Images) -> Self {
        let plane = (images.side * images.side).max(1);
        let mut sums = [[0u64; 2]; 3];
        for (i, pixels) in images.pixels.chunks_exact(plane).enumerate() {
            let [sum, squares] = &mut sums[i % 3];
            *sum += pixels.iter().map(|&x| u64::from(x)).sum::<u64>();
            *squares += pixels.iter().map(|&x| u64::from(x) * u64::from(x)).sum::<u64>();
        }
        let n = (images.len() * plane) as u64;
        let count = n.max(1) as f64;
        // Whole numbers up to the last line: no order of summation can change the result.
        let spread = sums
            .map(|[sum, squares]| u128::from(n) * u128::from(squares) - u128::from(sum) * u128::from(sum));
        Self {
            mean: sums.map(|[sum, _]| sum as f64 / count),
            std: spread.map(|spread| (spread as f64).sqrt() / count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two images of 2x2 whose planes are easily told apart.
    fn two() -> Images {
        Images {
            side: 2,
            pixels: vec![
                0, 0, 0, 0, 10, 20, 30, 40, 7, 7, 7, 7, // first: black, a ramp, a constant
                255, 255, 255, 255, 50, 60, 70, 80, 7, 7, 7, 7,
            ],
            labels: vec![0, 1],
        }
    }

    #[test]
    fn moments_are_those_of_the_population_per_channel() {
        let expected = ChannelStats { mean: [127.5, 45.0, 7.0], std: [127.5, 525f64.sqrt(), 0.0] };
        assert_eq!(ChannelStats::of(&two()), expected);
        let nothing = ChannelStats { mean: [0.0; 3], std: [0.0; 3] };
        assert_eq!(ChannelStats::of(&Images::default()), nothing);
    }

    #[test]
    fn a_subset_keeps_the_order_it_is_asked_for() {
        let images = two();
        let subset = images.subset(&[1, 0, 1]);
        assert_eq!(subset.labels, [1, 0, 1]);
        assert_eq!(subset.image(2), images.image(1));
        assert_eq!(subset.class_counts(3), [1, 2, 0]);
        assert_eq!(subset.clone().keep(&[1, 2]), images);
        assert!(subset.keep(&[]).pixels.is_empty());
    }

    #[test]
    fn images_that_no_memory_holds_are_refused_in_a_sentence() {
        let error = Images::with_room(1 << 20, 1 << 30, "free some").unwrap_err().to_string();
        assert!(error.starts_with("1073741824 images of 1048576x1048576 need"), "{error}");
        assert!(error.ends_with("more than there is; free some."), "{error}");
        assert_eq!(Images::with_room(32, 3, "").unwrap().len(), 0);
    }
}
