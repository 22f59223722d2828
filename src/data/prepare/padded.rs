//! The crop of `augment = "standard"`: of an image with a margin around it, mirrored or not.

/// Pixels added on each side before a crop.
pub(super) const PADDING: usize = 4;

/// Where a crop lies in the padded image, and whether it is mirrored then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crop {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) flip: bool,
}

impl Crop {
    /// The image itself.
    pub(super) const WHOLE: Self = Self { top: PADDING, left: PADDING, flip: false };

    /// Appends what the crop sees of a `side` x `side` plane to `out`.
    pub(super) fn cut<T: Copy>(
        self,
        plane: &[u8],
        side: usize,
        outside: T,
        value: impl Fn(u8) -> T,
        out: &mut Vec<T>,
    ) {
        let start = out.len();
        out.resize(start + side * side, outside);
        self.cut_into(plane, side, outside, value, &mut out[start..]);
    }

    /// Writes what the crop sees of a `side` x `side` plane to `out`.
    pub(super) fn cut_into<T: Copy>(
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
