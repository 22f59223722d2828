//! Dropout in tiles, with the masks of `ops::dropout`: element e of `[n, c, h, w]` is draw number e.

#![expect(unsafe_code, reason = "feature maps are written through pointers")]

use crate::arch::layout::Plane;
use crate::ops::cpu::kernels::MapView;
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::Tile;
use crate::ops::dropout::Masks;

/// The mask after one convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dropout {
    pub(super) masks: Masks,
    /// Number of the convolution.
    pub(super) convolution: u32,
    /// Channels of what it wrote, and how that lies.
    pub(super) channels: usize,
    pub(super) plane: Plane,
}

impl Dropout {
    /// Multiplies `rows` rows from `row` on of all channels by the mask; `place` holds `columns` columns of them.
    ///
    /// # Safety
    /// The vectors must be live and nothing else may touch them meanwhile.
    pub(super) unsafe fn apply<L: Lanes>(
        &self,
        tile: &Tile,
        (row, rows): (usize, usize),
        place: MapView<L::V>,
        columns: usize,
    ) {
        let side = self.plane.side;
        let mut draws = self.masks.draws(self.convolution);
        for lane in 0..L::N {
            let part = self.plane.part(lane);
            if part.image >= tile.images {
                break;
            }
            let image = tile.group * self.plane.per_group() + part.image;
            let rows = rows.min(side.saturating_sub(part.row + row));
            let columns = columns.min(side.saturating_sub(part.column));
            for channel in 0..self.channels {
                for y in 0..rows {
                    let line = (image * self.channels + channel) * side + part.row + row + y;
                    draws.seek((line * side + part.column) as u64);
                    for x in 0..columns {
                        // SAFETY: as promised by the caller; a vector is L::N numbers.
                        unsafe { *place.vector(channel, y, x).cast::<f32>().add(lane) *= draws.factor() };
                    }
                }
            }
        }
    }
}
