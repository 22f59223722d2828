//! Memory of the fused network: aligned buffers, feature maps in them, tiles of rows, scratch.
//!
//! Feature maps lie as `[group][row][channel][column]` of vectors; a vector holds the same pixel of
//! neighbouring images, or of the parts that they are cut into (`plane`). The maps that a layer reads,
//! neighbouring channels, is one contiguous piece of every row.

#![expect(unsafe_code, reason = "tiles of one buffer are written by several threads at once")]

use std::cell::RefCell;

#[cfg(target_os = "linux")]
use memmap2::Advice;
use memmap2::MmapMut;
use rayon::prelude::*;

use crate::arch::layout::Plane;
use crate::ops::cpu::kernels::MapView;
use crate::ops::cpu::lanes::isa::Isa;
use crate::ops::cpu::lanes::{Kernel, Lanes};
use crate::ops::{out_of_memory, threads};

/// Room for as many numbers as the widest vector has.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [f32; 16]);

impl Line {
    /// Its first numbers as a vector.
    pub(super) fn vector<L: Lanes>(&self) -> L::V {
        // SAFETY: a line is at least as long and as aligned as any vector.
        unsafe { *self.0.as_ptr().cast::<L::V>() }
    }
}

/// Numbers that begin on a page of the machine, zero at first. Large pages are asked for: a tile's rows
/// are spread over more small ones than the processor keeps addresses of.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    map: Option<MmapMut>,
    len: usize,
}

impl Buffer {
    pub(super) fn pointer(&mut self) -> *mut f32 {
        self.map.as_mut().map_or(std::ptr::dangling_mut::<Line>().cast(), |map| map.as_mut_ptr().cast())
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: the map holds `len` numbers of four bytes, at a multiple of the page size.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(), self.len) }
    }

    /// Makes room for `len` numbers. What it held is lost if it has to grow.
    pub(super) fn reserve(&mut self, len: usize) {
        if self.len >= len {
            return;
        }
        // The old room is given back before the new is taken.
        *self = Self::default();
        let Ok(map) = MmapMut::map_anon(len * size_of::<f32>()) else {
            // As when a vector cannot grow: the session has asked whether there is memory.
            out_of_memory::leave(len * size_of::<f32>())
        };
        #[cfg(target_os = "linux")]
        // Without large pages it is slower and no less right.
        let _ = map.advise(Advice::HugePage);
        *self = Self { map: Some(map), len };
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.len * size_of::<f32>()
    }
}

/// Feature maps in a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maps {
    at: *mut f32,
    /// Channels of a row.
    pub(super) channels: usize,
    /// The channel of a row that counts as the first.
    first: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Pixels around each map: 0, or what a convolution reads directly beyond it.
    border: usize,
}

// SAFETY: a `Maps` is an address; code that reads or writes through it promises (at each `unsafe` place)
// that no other thread writes the same vectors meanwhile. Phases write disjoint tiles.
unsafe impl Send for Maps {}
// SAFETY: as above.
unsafe impl Sync for Maps {}

impl Maps {
    pub(super) fn of(buffer: &mut Buffer, channels: usize, plane: Plane) -> Self {
        Self::bordered(buffer, channels, plane, 0)
    }

    /// Maps with `border` pixels around each.
    pub(super) fn bordered(buffer: &mut Buffer, channels: usize, plane: Plane, border: usize) -> Self {
        let Plane { height, width, .. } = plane;
        Self { at: buffer.pointer(), channels, first: 0, height, width, border }
    }

    /// The same maps from `channel` on.
    pub(super) fn from(self, channel: usize) -> Self {
        Self { first: self.first + channel, ..self }
    }

    /// Numbers that bordered maps take.
    pub(super) fn bordered_len(isa: Isa, channels: usize, plane: Plane, border: usize) -> usize {
        plane.groups() * isa.lanes() * channels * (plane.height + 2 * border) * (plane.width + 2 * border)
    }

    /// The vectors of `group` from `channel` and `row` on.
    pub(super) fn place<L: Lanes>(self, group: usize, channel: usize, row: usize) -> MapView<L::V> {
        let (height, width) = (self.height + 2 * self.border, self.width + 2 * self.border);
        let line = (group * height + row + self.border) * self.channels + self.first + channel;
        let offset = line * width + self.border;
        MapView {
            at: self.at.cast::<L::V>().wrapping_add(offset),
            channel: width,
            row: self.channels * width,
        }
    }

    /// The same from `margin` rows above and columns to the left: what a convolution with that padding starts
    /// from. Only maps with such a border have them.
    pub(super) fn place_around<L: Lanes>(
        self,
        group: usize,
        channel: usize,
        row: usize,
        margin: usize,
    ) -> MapView<L::V> {
        debug_assert!(margin <= self.border);
        let place = self.place::<L>(group, channel, row);
        MapView { at: place.at.wrapping_sub(margin * (place.row + 1)), ..place }
    }
}

/// The rows of all images of a batch in tiles, the unit of work and of sums: which tiles there are
/// depends on the network and the batch alone, not on the number of threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    pub(super) plane: Plane,
    /// Rows of a tile (of the last tile of a group: at most).
    pub(super) rows: usize,
}

/// Some rows of a group of images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) group: usize,
    pub(super) row: usize,
    pub(super) rows: usize,
    /// Images of the group that are there.
    pub(super) images: usize,
}

/// Most pieces of work that sums of gradients are kept for.
const TASKS: usize = 32;
/// Pieces of work that a phase of a small batch is to have: enough for several threads, and few enough to be
/// worth their while.
const PIECES: usize = 14;
/// Fewest input channels of a piece, and what their number is a multiple of: of every register tile.
const CHANNELS: usize = 24;

impl Tiles {
    /// Tiles of about `pixels` pixels (at least a row).
    pub(super) fn new(plane: Plane, pixels: usize) -> Self {
        Self { plane, rows: (pixels / plane.width).clamp(1, plane.height) }
    }

    /// The same, or smaller where a small batch would be too few pieces of work.
    pub(super) fn several(plane: Plane, pixels: usize) -> Self {
        let tiles = Self::new(plane, pixels);
        let most = (plane.groups() * plane.height).div_ceil(PIECES);
        if tiles.plane.groups() < 4 { Self { rows: tiles.rows.min(most), ..tiles } } else { tiles }
    }

    /// Parts of `channels` input channels that each task is cut into, so that there are several pieces.
    pub(super) fn parts(self, channels: usize) -> Parts {
        let wanted = PIECES.div_ceil(self.tasks()).min(channels / CHANNELS).max(1);
        let size = channels.div_ceil(wanted).next_multiple_of(CHANNELS / 2);
        Parts { channels, size, count: channels.div_ceil(size) }
    }

    fn per_group(self) -> usize {
        self.plane.height.div_ceil(self.rows)
    }

    pub(super) fn count(self) -> usize {
        self.plane.groups() * self.per_group()
    }

    pub(super) fn tile(self, index: usize) -> Tile {
        let (group, row) = (index / self.per_group(), index % self.per_group() * self.rows);
        let per_group = self.plane.per_group();
        Tile {
            group,
            row,
            rows: self.rows.min(self.plane.height - row),
            images: per_group.min(self.plane.images - group * per_group),
        }
    }

    /// Pieces of work with sums of their own.
    pub(super) fn tasks(self) -> usize {
        self.count().min(TASKS)
    }

    /// The tiles of a task, in the order of their sums.
    pub(super) fn of_task(self, task: usize) -> impl Iterator<Item = Tile> {
        let (count, tasks) = (self.count(), self.tasks());
        (task * count / tasks..(task + 1) * count / tasks).map(move |index| self.tile(index))
    }
}

/// Channels in parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    channels: usize,
    size: usize,
    count: usize,
}

impl Parts {
    /// Pieces of `tasks` tasks.
    pub(super) fn pieces(self, tasks: usize) -> usize {
        tasks * self.count
    }

    /// The task of a piece, and its first channel and their number.
    pub(super) fn piece(self, index: usize) -> (usize, (usize, usize)) {
        let first = index % self.count * self.size;
        (index / self.count, (first, self.size.min(self.channels - first)))
    }
}

/// Memory of a thread for the tile in hand; it grows to what the largest tile needs and stays.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    buffers: Vec<Buffer>,
    used: usize,
}

impl Scratch {
    /// What was given so far, to be kept by [`Self::rewind`].
    pub(super) fn mark(&self) -> usize {
        self.used
    }

    /// Takes back what was given since `mark`.
    pub(super) fn rewind(&mut self, mark: usize) {
        self.used = mark;
    }

    /// Room for `len` vectors, disjoint from what was given since the tile began.
    pub(super) fn vectors<L: Lanes>(&mut self, len: usize) -> *mut L::V {
        if self.used == self.buffers.len() {
            self.buffers.push(Buffer::default());
        }
        let buffer = &mut self.buffers[self.used];
        buffer.reserve(len * L::N);
        self.used += 1;
        buffer.pointer().cast()
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Work that falls into numbered pieces, none of which writes what another reads or writes.
pub(super) trait Phase: Sync {
    fn piece<L: Lanes>(&self, l: L, index: usize, scratch: &mut Scratch);
}

struct Piece<'a, P> {
    phase: &'a P,
    index: usize,
    scratch: &'a mut Scratch,
}

impl<P: Phase> Kernel for Piece<'_, P> {
    #[expect(clippy::inline_always, reason = "it must be compiled with the instructions it is dispatched to")]
    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        self.phase.piece(l, self.index, self.scratch);
    }
}

/// Does all pieces of a phase, on all threads, with denormals flushed to zero.
pub(super) fn run(isa: Isa, pieces: usize, phase: &impl Phase) {
    (0..pieces).into_par_iter().with_max_len(1).for_each(|index| {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.used = 0;
            threads::flush_denormals(|| isa.run(Piece { phase, index, scratch }));
        });
    });
}
