//! A tile's rows with what a 3x3 convolution reads around them.

#![expect(unsafe_code, reason = "tiles are read and written through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::arch::layout::Plane;
use crate::ops::cpu::kernels::MapView;
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Scratch, Tile, Tiles};
use crate::ops::cpu::plane::{Live, Seams};

/// Scratch for the rows of a tile with a border of one pixel: zeros where the image ends, the neighbour's
/// pixels where a part of it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bordered<V> {
    /// From the row above the tile and the column to its left on.
    pub(super) place: MapView<V>,
    plane: Plane,
    tile: Tile,
    /// Where images are cut.
    seams: Option<Seams<V>>,
    /// Where parts have pixels that are none.
    dead: Option<Live<V>>,
}

/// Rows of the maps: from which, how many, and where they go.
type Rows<V> = (usize, usize, MapView<V>);

impl<V: Copy> Bordered<V> {
    /// Room for `channels` maps.
    #[inline(always)]
    pub(super) fn new<L: Lanes<V = V>>(
        l: L,
        (tiles, tile): (Tiles, &Tile),
        channels: usize,
        scratch: &mut Scratch,
    ) -> Self {
        let area = tiles.plane;
        // The same room for each tile of a task.
        let at = scratch.vectors::<L>(channels * (tiles.rows + 2) * (area.width + 2));
        let (height, width) = (tile.rows + 2, area.width + 2);
        let place: MapView<V> = MapView { at, channel: height * width, row: width };
        let seams = area.seams::<L>();
        let dead = area.dead::<L>(scratch);
        if seams.is_none() {
            let zero = l.splat(0.0);
            let last = tile.row + tile.rows == area.height;
            for channel in 0..channels {
                for row in 0..height {
                    let outside = row == 0 && tile.row == 0 || row == height - 1 && last;
                    let columns = if outside { 0..width } else { 0..0 };
                    for x in columns.chain([0, width - 1]) {
                        // SAFETY: the scratch has room for `height` rows of `width` in each channel.
                        unsafe { *place.vector(channel, row, x) = zero };
                    }
                }
            }
        }
        Self { place, plane: area, tile: *tile, seams, dead }
    }

    /// The rows of the maps to be written: those of the tile and its neighbours, and, where images are cut, for the
    /// lanes below and above a seam the last and the first row. Some are none.
    #[inline(always)]
    pub(super) fn pieces(&self) -> [Rows<V>; 3] {
        let Tile { row, rows, .. } = self.tile;
        let to = |line: usize| {
            let at = self.place.at.wrapping_add(line * self.place.row + 1);
            MapView { at, ..self.place }
        };
        let height = self.plane.height;
        let (first, last) = (row.saturating_sub(1), (row + rows + 1).min(height));
        let seam = |is: bool| usize::from(is && self.seams.is_some());
        [
            (first, last - first, to(usize::from(row == 0))),
            (height - 1, seam(row == 0), to(0)),
            (0, seam(row + rows == height), to(rows + 1)),
        ]
    }

    /// Once `channels` maps were written: clears what is no pixel, and brings over the seams what is
    /// beyond them.
    ///
    /// # Safety
    /// The pieces must have been written, and the scratch of the tile still be used.
    #[inline(always)]
    pub(super) unsafe fn close<L: Lanes<V = V>>(&self, l: L, channels: usize) {
        let width = self.plane.width;
        if let Some(live) = self.dead {
            for (row, rows, to) in self.pieces() {
                // SAFETY: as promised by the caller.
                unsafe { live.clear(l, to, channels, (row, rows), width) };
            }
        }
        let Some(seams) = self.seams else { return };
        let Tile { row, rows, .. } = self.tile;
        for channel in 0..channels {
            // SAFETY: the border is in the scratch.
            unsafe {
                let at = |y: usize, x: usize| self.place.vector(channel, y, x);
                for x in 1..=width {
                    if row == 0 {
                        *at(0, x) = seams.above.from(l, *at(0, x));
                    }
                    if row + rows == self.plane.height {
                        *at(rows + 1, x) = seams.below.from(l, *at(rows + 1, x));
                    }
                }
                for y in 0..rows + 2 {
                    *at(y, 0) = seams.left.from(l, *at(y, width));
                    *at(y, width + 1) = seams.right.from(l, *at(y, 1));
                }
            }
        }
    }
}
