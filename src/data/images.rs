//! Images as bytes, in memory or in a store that reads one at a time, and the statistics of their channels.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::digest::Digest;
use crate::data::error::{DataError, unusable};
use crate::data::size::Size;

/// A set of RGB images, and their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// Class of each image.
    pub labels: Vec<u32>,
    /// Height and width in pixels, where all images have the same.
    side: Option<usize>,
    /// Whether they are already what an evaluation sees of them.
    fitted: bool,
    pixels: Pixels,
}

/// Where the pixels of some images are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pixels {
    /// `[n, 3, side, side]`: red, green and blue planes, row by row. All have the same side.
    Memory(Vec<u8>),
    Stored(Stored),
}

impl Default for Pixels {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

/// Images in a store, by their numbers in it.
#[derive(Clone)]
struct Stored {
    store: Arc<dyn ImageStore>,
    indices: Vec<u32>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} images in {:?}", self.indices.len(), self.store)
    }
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.store, &other.store) && self.indices == other.indices
    }
}

impl Eq for Stored {}

/// Images outside of memory. They are read by several threads at once.
pub(crate) trait ImageStore: fmt::Debug + Send + Sync {
    /// The pixels `[3, height, width]` of image `index`; always the same ones, or an error.
    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError>;

    /// Its size, without reading it.
    fn size(&self, index: usize) -> Size;

    /// Whether all of them are in memory, though not in one piece.
    fn is_memory(&self) -> bool {
        false
    }

    /// Their digest, without reading them.
    fn digest(&self, index: usize) -> Digest;
}

impl Images {
    /// Images in memory: `pixels` `[n, 3, side, side]`, a label for each.
    pub fn new(side: usize, pixels: Vec<u8>, labels: Vec<u32>) -> Self {
        Self { side: Some(side), labels, fitted: false, pixels: Pixels::Memory(pixels) }
    }

    /// The same images, which are already what an evaluation sees of them.
    #[must_use]
    pub(crate) fn fitted(self) -> Self {
        Self { fitted: true, ..self }
    }

    /// Images `indices` of a store, with their labels; of height and width `side`, or each of its own size.
    pub(crate) fn stored(
        side: Option<usize>,
        store: Arc<dyn ImageStore>,
        indices: Vec<u32>,
        labels: Vec<u32>,
    ) -> Self {
        Self { side, labels, fitted: false, pixels: Pixels::Stored(Stored { store, indices }) }
    }

    /// No images, with capacity for `n`; an error with `advice` where there is not enough memory.
    pub(crate) fn with_room(side: usize, n: usize, advice: &str) -> Result<Self, DataError> {
        let (mut pixels, bytes) = (Vec::new(), n.saturating_mul(3 * side * side));
        match pixels.try_reserve_exact(bytes) {
            Ok(()) => Ok(Self::new(side, pixels, Vec::with_capacity(n))),
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

    /// Height and width, where all images have the same.
    pub fn side(&self) -> Option<usize> {
        self.side
    }

    /// Whether they are already what an evaluation sees of them.
    pub(crate) fn is_fitted(&self) -> bool {
        self.fitted
    }

    /// The size of image `i`.
    pub fn size(&self, i: usize) -> Size {
        match &self.pixels {
            Pixels::Memory(_) => Size::square(self.side.unwrap_or_default()),
            Pixels::Stored(stored) => stored.store.size(stored.indices[i] as usize),
        }
    }

    /// Bytes of one image, where all have the same.
    fn image_bytes(&self) -> usize {
        3 * self.side.map_or(0, |side| side * side)
    }

    /// Whether all pixels are in memory.
    pub fn is_in_memory(&self) -> bool {
        match &self.pixels {
            Pixels::Memory(_) => true,
            Pixels::Stored(stored) => stored.store.is_memory(),
        }
    }

    /// All pixels `[n, 3, side, side]`; `None` where they are not in memory in one piece.
    pub fn in_memory(&self) -> Option<&[u8]> {
        match &self.pixels {
            Pixels::Memory(pixels) => Some(pixels),
            Pixels::Stored(_) => None,
        }
    }

    /// The same images in memory; an error where they cannot be read or there is not enough.
    pub fn to_memory(&self) -> Result<Cow<'_, [u8]>, DataError> {
        if let Some(pixels) = self.in_memory() {
            return Ok(Cow::Borrowed(pixels));
        }
        let Some(side) = self.side else { return unusable("pictures of different sizes are no array.") };
        let mut all = Self::with_room(side, self.len(), "give a smaller `input_size` or a `train_limit`")?;
        for i in 0..self.len() {
            all.push(&self.image(i)?, self.labels[i]);
        }
        match all.pixels {
            Pixels::Memory(pixels) => Ok(Cow::Owned(pixels)),
            Pixels::Stored(_) => unreachable!("they were made in memory"),
        }
    }

    /// The same images, brought into memory where they can all be read.
    pub(crate) fn gathered(self) -> Self {
        match self.to_memory().map(Cow::into_owned) {
            Ok(pixels) => Self { pixels: Pixels::Memory(pixels), ..self },
            Err(_) => self,
        }
    }

    /// Image `i`, `[3, height, width]`; an error where it is in a store that cannot give it any more.
    pub fn image(&self, i: usize) -> Result<Cow<'_, [u8]>, DataError> {
        let bytes = self.image_bytes();
        match &self.pixels {
            Pixels::Memory(pixels) => Ok(Cow::Borrowed(&pixels[i * bytes..][..bytes])),
            Pixels::Stored(stored) => stored.store.read(stored.indices[i] as usize),
        }
    }

    /// The digest of image `i`.
    pub(crate) fn digest(&self, i: usize) -> Result<Digest, DataError> {
        match &self.pixels {
            Pixels::Memory(_) => Ok(Digest::of(self.size(i), &self.image(i)?)),
            Pixels::Stored(stored) => Ok(stored.store.digest(stored.indices[i] as usize)),
        }
    }

    /// These images and then `more`, which are of the same size.
    #[must_use]
    pub fn joined(mut self, more: Self) -> Self {
        if self.is_empty() || more.is_empty() {
            return if self.is_empty() { more } else { self };
        }
        match (&mut self.pixels, more.pixels) {
            (Pixels::Memory(pixels), Pixels::Memory(others)) => pixels.extend_from_slice(&others),
            (Pixels::Stored(one), Pixels::Stored(other)) if Arc::ptr_eq(&one.store, &other.store) => {
                one.indices.extend(other.indices);
            }
            _ => unreachable!("the parts of a data set lie in one place"),
        }
        self.labels.extend(more.labels);
        self
    }

    /// The same images, label `l` replaced by `labels[l]`.
    #[must_use]
    pub fn relabelled(mut self, labels: &[u32]) -> Self {
        self.labels.iter_mut().for_each(|label| *label = labels[*label as usize]);
        self
    }

    /// The images at `indices`, in that order.
    #[must_use]
    pub fn subset(&self, indices: &[usize]) -> Self {
        let bytes = self.image_bytes();
        let labels = indices.iter().map(|&i| self.labels[i]).collect();
        let pixels = match &self.pixels {
            Pixels::Memory(pixels) => {
                let image = |&i: &usize| pixels[i * bytes..][..bytes].iter().copied();
                Pixels::Memory(indices.iter().flat_map(image).collect())
            }
            Pixels::Stored(Stored { store, indices: all }) => {
                let indices = indices.iter().map(|&i| all[i]).collect();
                Pixels::Stored(Stored { store: Arc::clone(store), indices })
            }
        };
        Self { labels, side: self.side, fitted: self.fitted, pixels }
    }

    /// The images at `indices`, which ascend, in the memory of all.
    pub(crate) fn keep(mut self, indices: &[usize]) -> Self {
        let bytes = self.image_bytes();
        let Pixels::Memory(pixels) = &mut self.pixels else { return self.subset(indices) };
        for (to, &from) in indices.iter().enumerate() {
            pixels.copy_within(from * bytes..(from + 1) * bytes, to * bytes);
            self.labels[to] = self.labels[from];
        }
        pixels.truncate(indices.len() * bytes);
        pixels.shrink_to_fit();
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

    /// Adds one image of `[3, side, side]` bytes to those in memory.
    pub(crate) fn push(&mut self, image: &[u8], label: u32) {
        match &mut self.pixels {
            Pixels::Memory(pixels) => pixels.extend_from_slice(image),
            Pixels::Stored(_) => unreachable!("a store is complete before it is used"),
        }
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
        let plane = (images.image_bytes() / 3).max(1);
        let mut count = 0;
        let mut sums = [[0u64; 2]; 3];
        let mut add = |channel: usize, sum: u64, squares: u64| {
            sums[channel][0] += sum;
            sums[channel][1] += squares;
        };
        match &images.pixels {
            Pixels::Memory(pixels) => {
                count = images.len() * plane;
                for (i, plane) in pixels.chunks_exact(plane).enumerate() {
                    let sum = plane.iter().map(|&x| u64::from(x)).sum();
                    add(i % 3, sum, plane.iter().map(|&x| u64::from(x) * u64::from(x)).sum());
                }
            }
            Pixels::Stored(Stored { store, indices }) => {
                for &i in indices {
                    count += store.size(i as usize).pixels();
                    let sums = store.digest(i as usize).sums;
                    sums.into_iter()
                        .enumerate()
                        .for_each(|(channel, [sum, squares])| add(channel, sum, squares));
                }
            }
        }
        let (n, count) = (count as u64, count.max(1) as f64);
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
        let pixels = vec![
            0, 0, 0, 0, 10, 20, 30, 40, 7, 7, 7, 7, // first: black, a ramp, a constant
            255, 255, 255, 255, 50, 60, 70, 80, 7, 7, 7, 7,
        ];
        Images::new(2, pixels, vec![0, 1])
    }

    /// The same two behind a store.
    #[derive(Debug)]
    struct Two(Images);

    impl ImageStore for Two {
        fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
            self.0.image(index)
        }

        fn size(&self, index: usize) -> Size {
            self.0.size(index)
        }

        fn digest(&self, index: usize) -> Digest {
            self.0.digest(index).unwrap()
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
        assert_eq!(subset.image(2).unwrap(), images.image(1).unwrap());
        assert_eq!(subset.class_counts(3), [1, 2, 0]);
        assert_eq!(subset.clone().keep(&[1, 2]), images);
        assert_eq!(subset.keep(&[]).in_memory(), Some(&[][..]));
    }

    #[test]
    fn images_in_a_store_are_those_in_memory() {
        let images = two();
        let stored = Images::stored(Some(2), Arc::new(Two(images.clone())), vec![0, 1], vec![0, 1]);
        assert_eq!(ChannelStats::of(&stored), ChannelStats::of(&images));
        assert_eq!(stored.in_memory(), None);
        assert_eq!(stored.to_memory().unwrap(), images.in_memory().unwrap());
        assert_eq!(stored.clone().keep(&[1]).image(0).unwrap(), images.image(1).unwrap());
        assert_eq!(stored.subset(&[1, 0]).labels, [1, 0]);
    }

    #[test]
    fn images_that_no_memory_holds_are_refused_in_a_sentence() {
        let error = Images::with_room(1 << 20, 1 << 30, "free some").unwrap_err().to_string();
        assert!(error.starts_with("1073741824 images of 1048576x1048576 need"), "{error}");
        assert!(error.ends_with("more than there is; free some."), "{error}");
        assert_eq!(Images::with_room(32, 3, "").unwrap().len(), 0);
    }
}
