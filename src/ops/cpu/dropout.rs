//! Dropout in tiles, with the masks of `ops::dropout`: element e of `[n, c, h, w]` is draw number e.

#![expect(unsafe_code, reason = "feature maps are written through pointers")]

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
    /// Channels and side of what it wrote.
    pub(super) channels: usize,
    pub(super) side: usize,
}

impl Dropout {
    /// Multiplies `rows` rows from `row` on of all channels by the mask; `place` holds `width` columns
    /// of them.
    ///
    /// # Safety
    /// The vectors must be live and nothing else may touch them meanwhile.
    pub(super) unsafe fn apply<L: Lanes>(
        &self,
        tile: &Tile,
        (row, rows): (usize, usize),
        place: MapView<L::V>,
        width: usize,
    ) {
        let mut draws = self.masks.draws(self.convolution);
        for lane in 0..tile.images {
            let image = tile.group * L::N + lane;
            for channel in 0..self.channels {
                for y in 0..rows {
                    let first = ((image * self.channels + channel) * self.side + row + y) * self.side;
                    draws.seek(first as u64);
                    for x in 0..width {
                        // SAFETY: as promised by the caller; a vector is L::N numbers.
                        unsafe { *place.vector(channel, y, x).cast::<f32>().add(lane) *= draws.factor() };
                    }
                }
            }
        }
    }
}
