//! What tells the images of one split from others: their labels and pixels, in order.

use std::fmt::Write;
use std::ops::Range;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::data::error::DataError;
use crate::data::images::Images;

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
    hasher.update((images.side().unwrap_or_default() as u64).to_le_bytes());
    Ok(hex(&over(hasher, images, 0..images.len())?.finalize()))
}

/// `whole`, and then the label and the hash of each image.
fn over(mut whole: Sha256, images: &Images, range: Range<usize>) -> Result<Sha256, DataError> {
    let hashes = range.clone().into_par_iter().map(|i| Ok(images.digest(i)?.hash));
    let hashes: Vec<[u8; 16]> = hashes.collect::<Result<_, DataError>>()?;
    for (label, hash) in images.labels[range].iter().zip(hashes) {
        whole.update(label.to_le_bytes());
        whole.update(hash);
    }
    Ok(whole)
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
