//! What is kept of an image beside its pixels: a hash that tells it from every other, and the sums of its channels.

use sha2::{Digest as _, Sha256};

use crate::data::size::Size;

/// Bytes of a [`Digest`] in a file.
pub(crate) const BYTES: usize = 64;

/// A digest of the pixels `[3, height, width]` of one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    /// The first half of their SHA-256; that of an image that is no square begins with its size.
    pub(crate) hash: [u8; 16],
    /// Of each channel the sum of the pixels, and of their squares.
    pub(crate) sums: [[u64; 2]; 3],
}

impl Digest {
    pub(crate) fn of(size: Size, pixels: &[u8]) -> Self {
        let (mut digest, mut hasher) = (Self::default(), Sha256::new());
        if size.width != size.height {
            hasher.update((size.width as u32).to_le_bytes());
            hasher.update((size.height as u32).to_le_bytes());
        }
        hasher.update(pixels);
        digest.hash.copy_from_slice(&hasher.finalize()[..16]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_the_sums_of_each_channel_and_survives_a_file() {
        let of = |pixels: &[u8]| Digest::of(Size::square(2), pixels);
        let digest = of(&[1, 2, 3, 4, 0, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(digest.sums, [[10, 30], [0, 0], [1020, 260_100]]);
        assert_eq!(Digest::from_bytes(&digest.to_bytes()), digest);
        assert_ne!(digest.hash, of(&[1, 2, 4, 3, 0, 0, 0, 0, 255, 255, 255, 255]).hash);
    }

    #[test]
    fn the_same_bytes_in_rows_of_another_length_have_another_hash() {
        let sizes = [(2, 2), (4, 1), (1, 4)].map(|(width, height)| Size { width, height });
        let [square, wide, high] = sizes.map(|size| Digest::of(size, &[9; 12]));
        assert_eq!((square.sums, wide.sums), (wide.sums, high.sums));
        assert!(square.hash != wide.hash && wide.hash != high.hash && high.hash != square.hash);
    }
}
