//! What is kept of an image beside its pixels: a hash that tells it from every other, and the sums of its channels.

use sha2::{Digest as _, Sha256};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_the_sums_of_each_channel_and_survives_a_file() {
        let digest = Digest::of(&[1, 2, 3, 4, 0, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(digest.sums, [[10, 30], [0, 0], [1020, 260_100]]);
        assert_eq!(Digest::from_bytes(&digest.to_bytes()), digest);
        assert_ne!(digest.hash, Digest::of(&[1, 2, 4, 3, 0, 0, 0, 0, 255, 255, 255, 255]).hash);
    }
}
