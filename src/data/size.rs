//! Widths and heights, and those that follow from them as torchvision rounds.

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// A part of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) size: Size,
}

impl Size {
    pub(crate) const fn square(side: usize) -> Self {
        Self { width: side, height: side }
    }

    pub(crate) const fn pixels(self) -> usize {
        self.width * self.height
    }

    pub(crate) fn shorter(self) -> usize {
        self.width.min(self.height)
    }

    /// This size after the shorter side has become `side` long; the longer one is rounded down.
    pub(crate) fn with_shorter(self, side: usize) -> Self {
        let short = self.shorter().max(1);
        let scaled = |length: usize| if length == short { side } else { side * length / short };
        Self { width: scaled(self.width), height: scaled(self.height) }
    }
}

impl Area {
    /// All of a picture.
    pub(crate) const fn all(size: Size) -> Self {
        Self { left: 0, top: 0, size }
    }

    /// The middle of a picture of at least that `size`; halves of a pixel are rounded to the even one.
    pub(crate) const fn middle(of: Size, size: Size) -> Self {
        const fn begin(length: usize, part: usize) -> usize {
            let spare = length - part;
            spare / 2 + spare % 2 * (spare / 2 % 2)
        }
        Self { left: begin(of.width, size.width), top: begin(of.height, size.height), size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_middles_are_rounded_as_torchvision_does() {
        let size = |width, height| Size { width, height };
        assert_eq!(size(500, 375).with_shorter(256), size(341, 256));
        assert_eq!(size(375, 500).with_shorter(256), size(256, 341));
        assert_eq!(size(1, 60_000).with_shorter(32), size(32, 1_920_000));
        assert_eq!(size(32, 32).with_shorter(37), size(37, 37));
        // 58.5 becomes 58, 59.5 becomes 60.
        let lefts =
            [341, 343, 224, 225, 227].map(|width| Area::middle(size(width, 224), Size::square(224)).left);
        assert_eq!(lefts, [58, 60, 0, 0, 2]);
    }
}
