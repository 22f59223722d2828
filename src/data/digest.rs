//! What is kept of an image beside its pixels: a hash that tells it from every other, and the sums of its channels.

use std::fmt::Write;
use std::ops::Range;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::data::error::DataError;
use crate::data::images::Images;

/// Bytes of a [`Digest`] in a file.
pub(crate) const BYTES: usize = 64;

/// A digest of the pixels `[3, side, side]` of one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    /// The first half of their SHA-256.
    pub(crate) hash: [u8; 16],
    /// Of each channel the sum of the pixels, and of their squares.
    pub(crate) sums: [[u64; 2]; 3],
}

impl Digest {
    pub(crate) fn of(pixels: &[u8]) -> Self {
        let mut digest = Self::default();
        digest.hash.copy_from_slice(&Sha256::digest(pixels)[..16]);
        for ([sum, squares], plane) in
            digest.sums.iter_mut().zip(pixels.chunks_exact((pixels.len() / 3).max(1)))
        {
            *sum = plane.iter().map(|&x| u64::from(x)).sum();
            *squares = plane.iter().map(|&x| u64::from(x) * u64::from(x)).sum();
        }
        digest
    }

    pub(crate) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let (hash, sums) = bytes.split_at_mut(16);
        hash.copy_from_slice(&self.hash);
        for (to, number) in sums.chunks_exact_mut(8).zip(self.sums.as_flattened()) {
            to.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let mut digest = Self::default();
        let (hash, sums) = bytes.split_at(16);
        digest.hash.copy_from_slice(hash);
        for (number, from) in digest.sums.as_flattened_mut().iter_mut().zip(sums.as_chunks::<8>().0) {
            *number = u64::from_le_bytes(*from);
        }
        digest
    }
}

/// A check sum of the labels and pixels of some `images`, in order.
pub(crate) fn check_sum(images: &Images, range: Range<usize>) -> Result<String, DataError> {
    Ok(hex(&over(Sha256::new(), images, range)?.finalize()))
}

/// A fingerprint of `images` of these classes: their names, and each image's label and pixels, in order.
pub(crate) fn fingerprint(classes: &[String], images: &Images) -> Result<String, DataError> {
    let mut hasher = Sha256::new();
    for class in classes {
        hasher.update((class.len() as u64).to_le_bytes());
        hasher.update(class);
    }
    hasher.update((images.side as u64).to_le_bytes());
    Ok(hex(&over(hasher, images, 0..images.len())?.finalize()))
}

/// `hasher`, and then the label and the hash of each image.
fn over(mut hasher: Sha256, images: &Images, range: Range<usize>) -> Result<Sha256, DataError> {
    let hashes = range.clone().into_par_iter().map(|i| Ok(images.digest(i)?.hash));
    let hashes: Vec<[u8; 16]> = hashes.collect::<Result<_, DataError>>()?;
    for (label, hash) in images.labels[range].iter().zip(hashes) {
        hasher.update(label.to_le_bytes());
        hasher.update(hash);
    }
    Ok(hasher)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(labels: [u32; 2], pixels: [u8; 6]) -> Images {
        Images::new(1, pixels.into(), labels.into())
    }

    #[test]
    fn a_digest_has_the_sums_of_each_channel_and_survives_a_file() {
        let digest = Digest::of(&[1, 2, 3, 4, 0, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(digest.sums, [[10, 30], [0, 0], [1020, 260_100]]);
        assert_eq!(Digest::from_bytes(&digest.to_bytes()), digest);
        assert_ne!(digest.hash, Digest::of(&[1, 2, 4, 3, 0, 0, 0, 0, 255, 255, 255, 255]).hash);
    }

    #[test]
    fn a_fingerprint_changes_with_a_name_a_label_a_pixel_and_the_order() {
        let classes = |names: [&str; 2]| names.map(String::from);
        let of = |names, images: Images| fingerprint(&classes(names), &images).unwrap();
        let (names, labels, pixels) = (["cat", "dog"], [0, 1], [1, 2, 3, 4, 5, 6]);
        let first = of(names, images(labels, pixels));
        assert_eq!(first, of(names, images(labels, pixels)));
        assert_ne!(first, of(["cat", "fox"], images(labels, pixels)));
        assert_ne!(first, of(["ca", "tdog"], images(labels, pixels)));
        assert_ne!(first, of(names, images([0, 0], pixels)));
        assert_ne!(first, of(names, images(labels, [1, 2, 3, 4, 5, 7])));
        assert_ne!(first, of(names, images(labels, [4, 5, 6, 1, 2, 3])));
    }
}
