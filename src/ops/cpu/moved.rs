//! Maps copied from one cut of their images into another of the same grid.

use rayon::prelude::*;

use crate::arch::layout::Plane;

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
pub(super) fn copy(
    (from, source): (Plane, &[f32]),
    (to, target): (Plane, &mut [f32]),
    channels: usize,
    lanes: usize,
) {
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
