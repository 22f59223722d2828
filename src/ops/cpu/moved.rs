//! Maps copied from one cut of their images into another of the same grid: a block's end, where its parts are not
//! twice the next block's.

use rayon::prelude::*;

use crate::arch::layout::Plane;
use crate::ops::cpu::memory::Maps;
use crate::ops::cpu::network::Network;

/// For each pixel of a part along one axis and each lane, where in the other cut the same pixel of the image is,
/// if it is there: the pixel of the part, and the part.
fn places(
    (from, to): (usize, usize),
    (side, parts): (usize, usize),
    lanes: usize,
    part: impl Fn(usize) -> usize,
) -> Vec<Option<(usize, usize)>> {
    let place = |i: usize| {
        let at = part(i % lanes) + i / lanes;
        // An odd last pixel is not pooled: parts that are pooled need not have it.
        (at < side && at / from < parts).then(|| (at % from, at / from))
    };
    (0..to * lanes).map(place).collect()
}

/// Copies maps of `channels` from `from` to `to`; 0 where there is no pixel.
fn copy((from, source): (Plane, &[f32]), (to, target): (Plane, &mut [f32]), channels: usize, lanes: usize) {
    let (rows, columns) = to.grid();
    let ys = places((from.height, to.height), (to.side, rows), lanes, |lane| to.part(lane).row);
    let xs = places((from.width, to.width), (to.side, columns), lanes, |lane| to.part(lane).column);
    let row_len = channels * to.width * lanes;
    let rows = target[..to.len(channels)].par_chunks_exact_mut(row_len).enumerate();
    rows.for_each(|(index, row)| {
        let (group, y) = (index / to.height, index % to.height);
        for lane in 0..lanes {
            // Lanes of the image begin where its first part's is.
            let first = to.lanes_of(to.part(lane).image).0;
            let y = ys[y * lanes + lane];
            for x in 0..to.width {
                let place = y.zip(xs[x * lanes + lane]);
                let value = |channel: usize| {
                    place.map_or(0.0, |((y, down), (x, right))| {
                        let line = ((group * from.height + y) * channels + channel) * from.width + x;
                        source[line * lanes + first + down * columns + right]
                    })
                };
                for channel in 0..channels {
                    row[(channel * to.width + x) * lanes + lane] = value(channel);
                }
            }
        }
    });
}

impl Network {
    /// A block's features in the plane in which its end is pooled.
    pub(super) fn pooled_features(&mut self, index: usize) -> Maps {
        let (from, to) = (self.planes.blocks[index], self.planes.pooled[index]);
        if from == to {
            return self.features(index);
        }
        let channels = self.net.blocks[index].channels;
        let moved = &mut self.moved[0];
        moved.reserve(to.len(channels));
        let source = self.blocks[index].features.as_mut_slice();
        copy((from, source), (to, moved.as_mut_slice()), channels, self.isa.lanes());
        Maps::of(moved, channels, to)
    }

    /// Where the gradient of those features goes.
    pub(super) fn pooled_gradient(&mut self, index: usize) -> Maps {
        let (from, to) = (self.planes.blocks[index], self.planes.pooled[index]);
        if from == to {
            return self.gradient(index);
        }
        let channels = self.net.blocks[index].channels;
        self.moved[1].reserve(to.len(channels));
        Maps::of(&mut self.moved[1], channels, to)
    }

    /// Brings the gradient from there to the block's own plane.
    pub(super) fn bring_back_gradient(&mut self, index: usize) {
        let (to, from) = (self.planes.blocks[index], self.planes.pooled[index]);
        if from == to {
            return;
        }
        let channels = self.net.blocks[index].channels;
        let target = self.blocks[index].gradient.as_mut_slice();
        copy((from, self.moved[1].as_mut_slice()), (to, target), channels, self.isa.lanes());
    }
}
