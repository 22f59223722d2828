//! Maps copied from one cut of their images into another of the same grid: a block's end, where its parts are not
//! twice the next block's.

use rayon::prelude::*;

use crate::arch::blocks::Block;
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

/// Maps in a buffer: their plane, the first of them, and how many a row of the buffer has.
#[derive(Clone, Copy)]
struct Cut {
    plane: Plane,
    first: usize,
    all: usize,
}

/// Copies `channels` maps from `source` to `target`; 0 where there is no pixel.
fn copy((from, source): (Cut, &[f32]), (to, target): (Cut, &mut [f32]), channels: usize, lanes: usize) {
    let (own, other) = (to.plane, from.plane);
    let (rows, columns) = own.grid();
    let ys = places((other.height, own.height), (own.side, rows), lanes, |lane| own.part(lane).row);
    let xs = places((other.width, own.width), (own.side, columns), lanes, |lane| own.part(lane).column);
    let row_len = to.all * own.width * lanes;
    let rows = target[..own.len(to.all)].par_chunks_exact_mut(row_len).enumerate();
    rows.for_each(|(index, row)| {
        let row = &mut row[to.first * own.width * lanes..];
        let (group, y) = (index / own.height, index % own.height);
        for lane in 0..lanes {
            // Lanes of the image begin where its first part's is.
            let first = own.lanes_of(own.part(lane).image).0;
            let y = ys[y * lanes + lane];
            for x in 0..own.width {
                let place = y.zip(xs[x * lanes + lane]);
                let value = |channel: usize| {
                    place.map_or(0.0, |((y, down), (x, right))| {
                        let line = (group * other.height + y) * from.all + from.first + channel;
                        source[(line * other.width + x) * lanes + first + down * columns + right]
                    })
                };
                for channel in 0..channels {
                    row[(channel * own.width + x) * lanes + lane] = value(channel);
                }
            }
        }
    });
}

impl Network {
    /// The end of a block in the plane in which it is pooled.
    pub(super) fn pooled_features(&mut self, index: usize) -> Maps {
        let (plane, pooled) = (self.planes.blocks[index], self.planes.pooled[index]);
        if plane == pooled {
            return self.last_state(index);
        }
        let Block { channels, ref layers, .. } = self.net.blocks[index];
        let memory = &mut self.blocks[index];
        let from = Cut { plane, first: memory.states.begin(layers.len()), all: memory.states.channels };
        let to = Cut { plane: pooled, first: 0, all: channels };
        let moved = &mut self.moved[0];
        moved.reserve(pooled.len(channels));
        let source = memory.features.as_mut_slice();
        copy((from, source), (to, moved.as_mut_slice()), channels, self.isa.lanes());
        Maps::of(moved, channels, pooled)
    }

    /// Where the gradient of those features goes.
    pub(super) fn pooled_gradient(&mut self, index: usize) -> Maps {
        let (plane, pooled) = (self.planes.blocks[index], self.planes.pooled[index]);
        if plane == pooled {
            return self.last_gradient(index);
        }
        let channels = self.net.blocks[index].channels;
        self.moved[1].reserve(pooled.len(channels));
        Maps::of(&mut self.moved[1], channels, pooled)
    }

    /// Brings the gradient from there to the block's own plane.
    pub(super) fn bring_back_gradient(&mut self, index: usize) {
        let (plane, pooled) = (self.planes.blocks[index], self.planes.pooled[index]);
        if plane == pooled {
            return;
        }
        let block = &self.net.blocks[index];
        let (channels, states) = (block.channels, block.two_states());
        let from = Cut { plane: pooled, first: 0, all: channels };
        let to = Cut { plane, first: states.begin(block.layers.len()), all: states.channels };
        let target = self.blocks[index].gradient.as_mut_slice();
        copy((from, self.moved[1].as_mut_slice()), (to, target), channels, self.isa.lanes());
    }
}
