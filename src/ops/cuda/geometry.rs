//! How the work of a kernel is cut into blocks: tiles of pixels, columns of channels, slices of pixels.
//! The shapes of tiles depend on the largest batch alone, so that every batch is served by the same kernels.

use crate::arch::words::Precision;

/// Channels (or pixels) that a product takes at once, as the kernels have it.
pub(super) const DEPTH: usize = 16;
/// Numbers between rows of shared memory where a product sums over the rows.
const GAP: usize = 8;
/// Pixels that a gradient of 1x1 weights takes at once.
const WEIGHT_PIXELS: usize = 32;
/// Blocks that keep a large GPU busy: two for each of its 132 multiprocessors.
const BUSY: usize = 264;
/// Shared memory a block may have on every GPU that is supported (compute 7.5 has the least).
pub(super) const MOST_SHARED: usize = 64 << 10;

/// A tile of 16·`mt`·`warps` rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) mt: usize,
    pub(super) warps: usize,
}

impl Rows {
    pub(super) const LARGEST: Self = Self { mt: 2, warps: 4 };
    const CHOICES: [Self; 3] = [Self::LARGEST, Self { mt: 1, warps: 4 }, Self { mt: 1, warps: 2 }];

    /// The largest of 128, 64 and 32 rows that leaves enough blocks for `pixels`.
    pub(super) fn of(pixels: usize) -> Self {
        let enough = |rows: &Self| pixels / rows.count() >= BUSY * 31 / 32;
        Self::CHOICES.into_iter().find(enough).unwrap_or(Self::CHOICES[2])
    }

    /// For a gradient of 1x1 weights with `inputs` inputs: the least padding, then the largest.
    pub(super) fn of_inputs(inputs: usize) -> Self {
        let padded = |rows: &Self| inputs.next_multiple_of(rows.count());
        Self::CHOICES.into_iter().min_by_key(padded).unwrap_or(Self::CHOICES[0])
    }

    /// This one and the smaller ones.
    pub(super) fn and_smaller(self) -> impl Iterator<Item = Self> {
        Self::CHOICES.into_iter().filter(move |rows| rows.count() <= self.count())
    }

    pub(super) fn count(self) -> usize {
        16 * self.mt * self.warps
    }

    pub(super) fn threads(self) -> u32 {
        32 * self.warps as u32
    }
}

/// Columns of a product in tiles of `width`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) width: usize,
    pub(super) tiles: usize,
}

impl Columns {
    /// Tiles for `count` columns beside `mt` rows of sixteen: the least padding, then the widest.
    pub(super) fn of(count: usize, mt: usize) -> Self {
        let most = if mt > 1 { 48 } else { 64 };
        if count <= most {
            return Self { width: count.next_multiple_of(8), tiles: 1 };
        }
        let tiles = |width: usize| Self { width, tiles: count.div_ceil(width) };
        let choices = [64, 48, 32].into_iter().filter(|&width| width <= most).map(tiles);
        choices.min_by_key(|columns| columns.width * columns.tiles).unwrap_or_else(|| tiles(32))
    }

    /// Tiles of `width`.
    pub(super) fn in_tiles_of(count: usize, width: usize) -> Self {
        Self { width, tiles: count.div_ceil(width) }
    }

    /// Narrow tiles, for gradients of 3x3 weights.
    pub(super) fn narrow(count: usize) -> Self {
        let width = if count <= 8 { 8 } else { 16 };
        Self { width, tiles: count.div_ceil(width) }
    }
}

/// A tile of maps for 3x3 convolutions: images, rows, columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) images: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) side: usize,
}

impl Window {
    /// At most `pixels` pixels of maps of `side`.
    pub(super) fn of(side: usize, pixels: usize) -> Self {
        if side * side <= pixels {
            return Self { images: pixels / (side * side), rows: side, columns: side, side };
        }
        let columns = side.min(32).min(pixels);
        Self { images: 1, rows: (pixels / columns).min(side), columns, side }
    }

    /// Tiles of `batch` images.
    pub(super) fn tiles(self, batch: usize) -> usize {
        batch.div_ceil(self.images) * self.side.div_ceil(self.rows) * self.side.div_ceil(self.columns)
    }

    fn pixels(self) -> usize {
        self.images * self.rows * self.columns
    }

    fn bordered(self) -> usize {
        self.images * (self.rows + 2) * (self.columns + 2)
    }

    /// As arguments of a template.
    pub(super) fn template(self) -> String {
        format!("{}, {}, {}, {}", self.images, self.rows, self.columns, self.side)
    }
}

/// `count` things in slices of `slice`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slices {
    pub(super) count: usize,
    pub(super) slice: usize,
}

impl Slices {
    /// Slices of `total` things, each a multiple of `unit`, for `blocks` blocks each.
    pub(super) fn of(total: usize, unit: usize, blocks: usize) -> Self {
        let wanted = BUSY.div_ceil(blocks).clamp(1, total.div_ceil(unit));
        let slice = total.div_ceil(wanted).next_multiple_of(unit);
        Self { count: total.div_ceil(slice), slice }
    }

    /// Of a gradient of 1x1 weights: at least two loads of pixels in a slice.
    pub(super) fn of_pixels(pixels: usize, blocks: usize) -> Self {
        Self::of(pixels, 2 * WEIGHT_PIXELS, blocks)
    }
}

/// Numbers from a row of shared memory to the next.
fn stride(precision: Precision) -> usize {
    if precision == Precision::Bf16 { 16 } else { 24 }
}

/// Bytes of f32 for sums of `warps` and coefficients.
fn floats(warps: usize, width: usize, coefficients: usize) -> usize {
    4 * (3 * warps * width + coefficients)
}

/// Shared memory of a 1x1 convolution with `coefficients` coefficients.
pub(super) fn pointwise_shared(precision: Precision, rows: Rows, width: usize, coefficients: usize) -> usize {
    (rows.count() + width) * stride(precision) * precision.bytes() + floats(rows.warps, width, coefficients)
}

/// The same of a 3x3 convolution.
pub(super) fn conv3_shared(
    precision: Precision,
    warps: usize,
    width: usize,
    window: Window,
    coefficients: usize,
) -> usize {
    (window.bordered() + 9 * width) * stride(precision) * precision.bytes()
        + floats(warps, width, coefficients)
}

/// The same of a gradient of 1x1 weights.
pub(super) fn pointwise_weights_shared(
    precision: Precision,
    rows: Rows,
    width: usize,
    coefficients: usize,
) -> usize {
    WEIGHT_PIXELS * (rows.count() + width + 2 * GAP) * precision.bytes() + 4 * coefficients
}

/// The same of a gradient of 3x3 weights, with `mt` times 16 inputs.
pub(super) fn conv3_weights_shared(
    precision: Precision,
    mt: usize,
    width: usize,
    window: Window,
    coefficients: usize,
) -> usize {
    let deep = window.pixels().next_multiple_of(DEPTH);
    (window.bordered() * (16 * mt + GAP) + deep * (width + GAP)) * precision.bytes()
        + 4 * (deep + coefficients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_blocks_of_bc_100_12_have_enough_tiles_for_a_large_gpu() {
        let tiles = |side: usize| {
            let pixels = 64 * side * side;
            let rows = Rows::of(pixels);
            (rows.count(), pixels / rows.count())
        };
        assert_eq!([tiles(32), tiles(16), tiles(8)], [(128, 512), (64, 256), (32, 128)]);
    }

    #[test]
    fn columns_are_covered_with_the_least_padding() {
        let of = |count, mt| {
            let Columns { width, tiles } = Columns::of(count, mt);
            assert!(width % 8 == 0 && width * tiles >= count && width * (tiles - 1) < count);
            (width, tiles)
        };
        assert_eq!(of(12, 2), (16, 1));
        assert_eq!(of(48, 2), (48, 1));
        assert_eq!(of(60, 2), (32, 2));
        assert_eq!(of(108, 1), (64, 2));
        assert_eq!(of(1, 1), (8, 1));
        for count in 1..500 {
            of(count, 1);
            of(count, 2);
        }
    }

    #[test]
    fn a_window_covers_maps_of_any_side_and_whole_images_where_they_are_small() {
        assert_eq!(Window::of(32, 128), Window { images: 1, rows: 4, columns: 32, side: 32 });
        assert_eq!(Window::of(4, 64), Window { images: 4, rows: 4, columns: 4, side: 4 });
        assert_eq!(Window::of(1, 32).images, 32);
        for side in 1..70 {
            for pixels in [32, 64, 128] {
                let window = Window::of(side, pixels);
                assert!(window.pixels() <= pixels && window.rows * window.columns > 0, "{window:?}");
                assert!(window.images == 1 || window.rows == side && window.columns == side);
                assert!(window.tiles(5) * window.pixels() >= 5 * side * side);
            }
        }
    }

    #[test]
    fn slices_cover_everything_once_and_leave_none_empty() {
        for total in [1, 31, 64, 65, 4096, 65_536] {
            for blocks in [1, 4, 400] {
                let Slices { count, slice } = Slices::of_pixels(total, blocks);
                assert!(slice % 64 == 0 && count * slice >= total && (count - 1) * slice < total);
            }
        }
    }
}
