//! How the images of a batch lie in vectors, by arithmetic.
//!
//! A vector holds the same pixel of as many images as it has lanes. Where a batch has too few images for
//! that, each is cut into a grid of parts, and a part takes a lane: the pixel (y, x) of a vector is then
//! (y, x) of every part. All parts are of one size, so that the last rows and columns of the last ones may
//! be no pixels of the image.

use crate::arch::blocks::Net;

/// Parts that an image is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    rows: usize,
    columns: usize,
}

impl Grid {
    fn parts(self) -> usize {
        self.rows * self.columns
    }
}

/// The maps of one side of a network, as a batch lies in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) images: usize,
    lanes: usize,
    grid: Grid,
    /// Height and width of an image's map.
    pub(crate) side: usize,
    /// Those of a part.
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// The planes of a network for one batch.
#[derive(Clone, Debug)]
pub(crate) struct Planes {
    pub(crate) images: Plane,
    /// The stem convolution's output.
    pub(crate) stem: Plane,
    pub(crate) blocks: Vec<Plane>,
    /// Of each block but the last, the plane in which its end is pooled: its own, or one whose parts are
    /// twice the next block's.
    pub(crate) pooled: Vec<Plane>,
    /// The averages: maps of side 1, a share for each part.
    pub(crate) averages: Plane,
}

/// By how much a finer grid must be better: its seams cost something too.
const WORTH: f64 = 0.97;

impl Planes {
    /// For `images` images in vectors of `lanes`, cut as it is least work.
    pub(crate) fn new(net: &Net, lanes: usize, images: usize) -> Self {
        let sides = Sides::of(net);
        let powers = |most: usize| (0..).map(|i| 1usize << i).take_while(move |&power| power <= most);
        let grids = powers(lanes)
            .flat_map(|parts| powers(parts).map(move |rows| Grid { rows, columns: parts / rows }));
        let mut best = (Grid { rows: 1, columns: 1 }, f64::INFINITY);
        for grid in grids {
            let work = sides.work(net, grid, images.div_ceil(lanes / grid.parts()));
            let finer = if grid.parts() > best.0.parts() { WORTH } else { 1.0 };
            if work < finer * best.1 {
                best = (grid, work);
            }
        }
        sides.planes(best.0, lanes, images)
    }
}

/// The sides of a network's maps, from the images to the last block. Each is twice the next, or a pixel
/// more or less.
struct Sides {
    all: Vec<usize>,
    /// Of these, before the blocks'.
    stem: usize,
}

impl Sides {
    fn of(net: &Net) -> Self {
        let mut all = vec![net.input_size];
        all.extend(net.pool.map(|pool| pool.side));
        let stem = all.len();
        if net.pool.is_none() {
            // The stem's output is the first block's beginning, of the images' side.
            all.clear();
        }
        all.extend(net.blocks.iter().map(|block| block.side));
        Self { stem: if net.pool.is_some() { stem } else { 0 }, all }
    }

    /// Of each side, the pixels of a part along it. The stem's are twice the next, so that what is pooled there
    /// lies in one part.
    fn extents(&self, parts: usize) -> Vec<usize> {
        let mut extents: Vec<usize> = self.all.iter().map(|side| side.div_ceil(parts)).collect();
        if parts > 1 {
            for i in (0..self.stem).rev() {
                extents[i] = 2 * extents[i + 1];
            }
        }
        extents
    }

    /// Multiplications of a forward pass, about.
    fn work(&self, net: &Net, grid: Grid, groups: usize) -> f64 {
        let (heights, widths) = (self.extents(grid.rows), self.extents(grid.columns));
        // A register tile has two pixels of a row.
        let pixels = |i: usize| (heights[i] * widths[i]) as f64 + 0.3 * (heights[i] * (widths[i] % 2)) as f64;
        let stem = net.stem.len() as f64 * pixels(self.stem.saturating_sub(1));
        let blocks = net.blocks.iter().enumerate().map(|(index, block)| {
            let layers = block.layers.iter();
            let weights: usize =
                layers.map(|layer| layer.grow.len() + layer.expand.map_or(0, |(conv, _)| conv.len())).sum();
            weights as f64 * pixels(self.stem + index)
        });
        groups as f64 * (stem + blocks.sum::<f64>())
    }

    fn planes(&self, grid: Grid, lanes: usize, images: usize) -> Planes {
        let (heights, widths) = (self.extents(grid.rows), self.extents(grid.columns));
        let plane =
            |i: usize| Plane { images, lanes, grid, side: self.all[i], height: heights[i], width: widths[i] };
        let blocks: Vec<Plane> = (self.stem..self.all.len()).map(plane).collect();
        let pooled = blocks.windows(2).map(|pair| {
            let twice = |parts: usize, own: usize, next: usize| if parts > 1 { 2 * next } else { own };
            Plane {
                height: twice(grid.rows, pair[0].height, pair[1].height),
                width: twice(grid.columns, pair[0].width, pair[1].width),
                ..pair[0]
            }
        });
        Planes {
            images: plane(0),
            stem: plane(self.stem.saturating_sub(1)),
            pooled: pooled.collect(),
            blocks,
            averages: Plane { images, lanes, grid, side: 1, height: 1, width: 1 },
        }
    }
}

/// The part of an image that a lane holds: the image's number in its group, and its first pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) image: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl Plane {
    /// Images of a vector.
    pub(crate) fn per_group(self) -> usize {
        self.lanes / self.grid.parts()
    }

    /// Vectors that hold the same pixel of all images.
    pub(crate) fn groups(self) -> usize {
        self.images.div_ceil(self.per_group())
    }

    pub(crate) fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Numbers that maps of `channels` take.
    pub(crate) fn len(self, channels: usize) -> usize {
        self.groups() * self.lanes * channels * self.pixels()
    }

    /// The lane of an image's first part, and how many follow it.
    pub(crate) fn lanes_of(self, image: usize) -> (usize, usize) {
        (image % self.per_group() * self.grid.parts(), self.grid.parts())
    }

    /// What a lane holds.
    pub(crate) fn part(self, lane: usize) -> Part {
        let (image, part) = (lane / self.grid.parts(), lane % self.grid.parts());
        let (row, column) = (part / self.grid.columns, part % self.grid.columns);
        Part { image, row: row * self.height, column: column * self.width }
    }

    /// Whether images are cut into parts.
    pub(crate) fn is_cut(self) -> bool {
        self.grid.parts() > 1
    }

    /// Whether parts have pixels that are none of the image.
    pub(crate) fn has_dead(self) -> bool {
        self.height * self.grid.rows > self.side || self.width * self.grid.columns > self.side
    }

    /// Pixels of an image in `rows` rows from `row` on of its parts.
    pub(crate) fn pixels_of_rows(self, row: usize, rows: usize) -> usize {
        let rows = (0..self.grid.rows).map(|part| {
            let first = part * self.height + row;
            self.side.min(first + rows).saturating_sub(first)
        });
        self.side * rows.sum::<usize>()
    }

    /// The rows and columns of parts that an image is cut into.
    pub(crate) fn grid(self) -> (usize, usize) {
        (self.grid.rows, self.grid.columns)
    }
}
