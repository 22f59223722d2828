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
    /// Of these, before the blocks': those of an ImageNet stem.
    stem: usize,
}

impl Sides {
    fn of(net: &Net) -> Self {
        let before = net.pool.map(|pool| [net.input_size, pool.side]);
        let mut all: Vec<usize> = before.into_iter().flatten().collect();
        let stem = all.len();
        all.extend(net.blocks.iter().map(|block| block.side));
        Self { all, stem }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::words::StemKind;
    use crate::recipe::{Data, Recipe};

    /// A network of that stem and side with as many blocks.
    fn net(stem_kind: StemKind, input_size: usize, blocks: usize) -> Net {
        let recipe =
            Recipe { layers: vec![1; blocks], stem_kind, input_size, ..Recipe::defaults(Data::Shapes) };
        let arch = recipe.arch(10);
        Net::new(&arch, &arch.plan().unwrap())
    }

    #[test]
    fn every_pixel_of_every_image_is_in_one_place() {
        let stems = [
            (StemKind::Cifar, 13),
            (StemKind::Cifar, 32),
            (StemKind::Imagenet, 97),
            (StemKind::Imagenet, 224),
        ];
        for ((stem, side), lanes, images) in stems.into_iter().flat_map(|stem| {
            [4, 8, 16]
                .into_iter()
                .flat_map(move |lanes| [1, 2, 3, 5, 8, 20].map(|images| (stem, lanes, images)))
        }) {
            let planes = Planes::new(&net(stem, side, 3), lanes, images);
            for plane in planes.blocks.iter().chain([&planes.images, &planes.stem]) {
                let mut found = vec![0; images * plane.side * plane.side];
                for (group, lane) in
                    (0..plane.groups()).flat_map(|group| (0..lanes).map(move |lane| (group, lane)))
                {
                    let part = plane.part(lane);
                    let image = group * plane.per_group() + part.image;
                    let rows = part.row..plane.side.min(part.row + plane.height);
                    for (y, x) in rows.flat_map(|y| {
                        (part.column..plane.side.min(part.column + plane.width)).map(move |x| (y, x))
                    }) {
                        if image < images {
                            found[(image * plane.side + y) * plane.side + x] += 1;
                        }
                    }
                }
                assert!(found.iter().all(|times| *times == 1), "{plane:?}");
                let rows: usize = (0..plane.height).map(|row| plane.pixels_of_rows(row, 1)).sum();
                assert_eq!(rows, plane.side * plane.side, "{plane:?}");
            }
        }
    }

    #[test]
    fn what_is_pooled_lies_in_one_part() {
        for images in [1, 2, 3, 8] {
            let planes = Planes::new(&net(StemKind::Imagenet, 225, 4), 16, images);
            for (pooled, next) in
                planes.pooled.iter().zip(&planes.blocks[1..]).filter(|(pooled, _)| pooled.is_cut())
            {
                let (rows, columns) = pooled.grid();
                assert!(rows == 1 || pooled.height == 2 * next.height, "{pooled:?}");
                assert!(columns == 1 || pooled.width == 2 * next.width, "{pooled:?}");
            }
        }
    }

    /// Vectors for each pixel of an image in DenseNet-121's blocks, beside those of full batches.
    #[test]
    fn a_batch_that_is_no_multiple_of_the_lanes_does_not_cost_what_the_next_multiple_costs() {
        let net = net(StemKind::Imagenet, 224, 4);
        for (images, most) in
            [(1, 1.31), (2, 1.31), (4, 1.31), (8, 1.15), (12, 1.31), (16, 1.0), (20, 1.31), (64, 1.0)]
        {
            for plane in Planes::new(&net, 16, images).blocks {
                let vectors = (plane.groups() * plane.pixels()) as f64;
                let needed = (images * plane.side * plane.side) as f64 / 16.0;
                assert!(vectors <= most * needed, "{images} images: {plane:?}");
            }
        }
    }
}
