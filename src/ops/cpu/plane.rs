//! Which pixels of vectors are there, and how they come to the parts of an image beside theirs
//! (`arch::layout` tells how images are cut).

#![expect(unsafe_code, reason = "masks are read through pointers")]
#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use crate::arch::layout::{Part, Plane};
use crate::ops::cpu::kernels::MapView;
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::memory::{Line, Scratch};

/// Lanes of the widest vector.
const MOST_LANES: usize = 16;

impl Plane {
    /// Which pixels are there, in a group with `images` images; none if all are.
    #[inline(always)]
    pub(super) fn live<L: Lanes>(self, images: usize, scratch: &mut Scratch) -> Option<Live<L::V>> {
        (images < self.per_group() || self.has_dead()).then(|| self.live_around::<L>(images, 0, scratch))
    }

    /// The same where parts have pixels that are none of their image; lanes without an image do not count.
    #[inline(always)]
    pub(super) fn dead<L: Lanes>(self, scratch: &mut Scratch) -> Option<Live<L::V>> {
        self.has_dead().then(|| self.live_around::<L>(self.per_group(), 0, scratch))
    }

    /// The same with `margin` pixels around the parts, whether all are there or not.
    #[inline(always)]
    pub(super) fn live_around<L: Lanes>(
        self,
        images: usize,
        margin: usize,
        scratch: &mut Scratch,
    ) -> Live<L::V> {
        let (rows, columns) = (self.height + 2 * margin, self.width + 2 * margin);
        let at = scratch.vectors::<L>(rows + columns);
        let parts: [Part; MOST_LANES] = std::array::from_fn(|lane| self.part(lane % L::N));
        let inside = margin..self.side + margin;
        // SAFETY: the scratch has room for a vector of every row and column.
        unsafe {
            for y in 0..rows {
                let line = at.add(y).cast::<f32>();
                for (lane, part) in parts.iter().enumerate().take(L::N) {
                    let there = part.image < images && inside.contains(&(part.row + y));
                    *line.add(lane) = f32::from(u8::from(there));
                }
            }
            for x in 0..columns {
                let line = at.add(rows + x).cast::<f32>();
                for (lane, part) in parts.iter().enumerate().take(L::N) {
                    *line.add(lane) = f32::from(u8::from(inside.contains(&(part.column + x))));
                }
            }
            Live { rows: at.add(margin), columns: at.add(rows + margin) }
        }
    }

    /// How pixels come over the seams between parts; none if images are whole.
    #[inline(always)]
    pub(super) fn seams<L: Lanes>(self) -> Option<Seams<L::V>> {
        if !self.is_cut() {
            return None;
        }
        let (rows, columns) = self.grid();
        let seam = |there: [bool; MOST_LANES], distance: isize| {
            let from = |lane: usize| if there[lane] { (lane as isize + distance) as u32 } else { 0 };
            Seam {
                lanes: Line(std::array::from_fn(|lane| f32::from_bits(from(lane)))).vector::<L>(),
                there: Line(there.map(|there| f32::from(u8::from(there)))).vector::<L>(),
            }
        };
        let at = |lane: usize| (lane % (rows * columns) / columns, lane % columns);
        let lanes = |has: fn((usize, usize), (usize, usize)) -> bool| {
            std::array::from_fn(|lane| lane < L::N && has(at(lane), (rows, columns)))
        };
        Some(Seams {
            above: seam(lanes(|(row, _), _| row > 0), -(columns as isize)),
            below: seam(lanes(|(row, _), (rows, _)| row + 1 < rows), columns as isize),
            left: seam(lanes(|(_, column), _| column > 0), -1),
            right: seam(lanes(|(_, column), (_, columns)| column + 1 < columns), 1),
        })
    }
}

/// Masks of the pixels that are there: 1 in their lanes, 0 in the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live<V> {
    rows: *const V,
    columns: *const V,
}

impl<V: Copy> Live<V> {
    /// `value` where its pixel is there, else 0.
    ///
    /// # Safety
    /// The pixel must be in the part or its margin, and the scratch of the tile that made this still be used.
    #[inline(always)]
    pub(super) unsafe fn keep<L: Lanes<V = V>>(self, l: L, (row, x): (isize, isize), value: V) -> V {
        // SAFETY: as promised by the caller.
        unsafe { l.where_positive(*self.rows.offset(row), l.where_positive(*self.columns.offset(x), value)) }
    }

    /// Clears the pixels of `rows` rows from `row` on that are not there.
    ///
    /// # Safety
    /// As [`Self::keep`], and `place` must hold the rows.
    #[inline(always)]
    pub(super) unsafe fn clear<L: Lanes<V = V>>(
        self,
        l: L,
        place: MapView<V>,
        channels: usize,
        (row, rows): (usize, usize),
        width: usize,
    ) {
        for channel in 0..channels {
            for y in 0..rows {
                for x in 0..width {
                    // SAFETY: as promised by the caller.
                    unsafe {
                        let at = place.vector(channel, y, x);
                        *at = self.keep(l, ((row + y) as isize, x as isize), *at);
                    }
                }
            }
        }
    }
}

/// `value` where its pixel is there, else 0; all pixels are there without `live`.
///
/// # Safety
/// As [`Live::keep`].
#[inline(always)]
pub(super) unsafe fn keep<L: Lanes>(
    l: L,
    live: Option<Live<L::V>>,
    (row, x): (usize, usize),
    value: L::V,
) -> L::V {
    match live {
        // SAFETY: as promised by the caller.
        Some(live) => unsafe { live.keep(l, (row as isize, x as isize), value) },
        None => value,
    }
}

/// For each lane the one that holds the neighbouring part, and 1 where there is such a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seam<V> {
    lanes: V,
    there: V,
}

impl<V: Copy> Seam<V> {
    /// The neighbours' `value`; 0 where there is none.
    #[inline(always)]
    pub(super) fn from<L: Lanes<V = V>>(self, l: L, value: V) -> V {
        l.where_positive(self.there, l.pick(value, self.lanes))
    }
}

/// The seams on the sides of a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seams<V> {
    pub(super) above: Seam<V>,
    pub(super) below: Seam<V>,
    pub(super) left: Seam<V>,
    pub(super) right: Seam<V>,
}
