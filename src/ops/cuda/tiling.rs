//! How each convolution is cut into blocks, and where its weights lie in the order of its products.

use crate::arch::blocks::Conv;
use crate::ops::cuda::geometry::{
    Columns, DEPTH, MOST_SHARED, Rows, Slices, Window, conv3_shared, conv3_weights_shared, pointwise_shared,
    pointwise_weights_shared,
};
use crate::ops::cuda::job::{Plan, THIN_TILE};

/// Rows of coefficients of a normalisation, of a finished gradient, of an inner gradient, as the kernels
/// have them.
const NORM: usize = 3;
const FINISHED: usize = 3;
const INNER: usize = 4;

/// Taps of the convolution of an ImageNet stem.
const STEM_TAPS: usize = 49;
/// Numbers that its product sums over: each tap has the three colours and a 0.
const STEM_DEPTH: usize = 4 * STEM_TAPS;

/// What weights are packed for, as the kernel `pack` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Forward,
    Backward,
    /// A product over all taps at once.
    Around,
}

/// One direction of a convolution: tiles of pixels by tiles of columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GemmTiling {
    pub(super) rows: Rows,
    pub(super) columns: Columns,
    /// Of a 3x3 convolution.
    pub(super) window: Option<Window>,
    /// Bytes of shared memory of a block.
    pub(super) shared: usize,
    /// Where its weights begin in the packed ones, in numbers.
    pub(super) at: usize,
    /// Numbers of packed weights.
    pub(super) length: usize,
    /// Height and width of the maps that the tiles cut.
    side: usize,
}

impl GemmTiling {
    /// Tiles of `batch` images.
    pub(super) fn tiles(&self, batch: usize) -> usize {
        match self.window {
            Some(window) => window.tiles(batch),
            None => (batch * self.side * self.side).div_ceil(self.rows.count()),
        }
    }

    /// The arguments of a template that say how it is cut.
    pub(super) fn template(&self) -> String {
        let Rows { mt, warps } = self.rows;
        let width = self.columns.width;
        match self.window {
            Some(window) => format!("{mt}, {warps}, {width}, {}", window.template()),
            None => format!("{mt}, {warps}, {width}"),
        }
    }
}

/// The gradient of a convolution's weights: tiles of inputs by tiles of outputs by slices of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WeightGrad {
    pub(super) rows: Rows,
    pub(super) inputs: usize,
    pub(super) columns: Columns,
    pub(super) window: Option<Window>,
    /// Of pixels, or of tiles of a 3x3 convolution.
    pub(super) slices: Slices,
    pub(super) shared: usize,
}

/// A convolution on the GPU.
#[derive(Clone, Debug)]
pub(super) struct ConvPlan {
    pub(super) conv: Conv,
    /// Height and width of the maps it reads; those that an ImageNet stem writes.
    pub(super) side: usize,
    /// Whether its input is averaged over 2x2 pixels.
    pub(super) pooled: bool,
    pub(super) forward: GemmTiling,
    /// None of the stem, and none in evaluation.
    pub(super) backward: Option<GemmTiling>,
    pub(super) outer: Option<WeightGrad>,
}

impl ConvPlan {
    /// The convolutions of a network in the order of their numbers.
    pub(super) fn all(plan: &Plan) -> Vec<Self> {
        let net = &plan.net;
        let mut tiling = Tiling { plan, at: 0, found: Vec::new() };
        match net.pool {
            Some(pool) => tiling.stem(net.stem, pool.side),
            None => tiling.conv3(net.stem, net.input_size),
        }
        for block in &net.blocks {
            for layer in &block.layers {
                if let Some((conv, _)) = layer.expand {
                    tiling.pointwise(conv, block.side, false);
                }
                tiling.conv3(layer.grow, block.side);
            }
            if let Some(conv) = block.transition {
                tiling.pointwise(conv, block.side, true);
            }
        }
        tiling.found
    }

    /// Numbers of packed weights of each direction.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        [Some(self.forward), self.backward].into_iter().flatten().map(|way| way.length)
    }

    /// Rows of the kernel `pack`'s table.
    pub(super) fn table(&self) -> impl Iterator<Item = [i32; 8]> {
        let Conv { offset, inputs, outputs, taps, .. } = self.conv;
        let row = move |way: GemmTiling, order: Order| {
            let Columns { width, tiles } = way.columns;
            [offset, outputs, inputs, taps, width, tiles, order as usize, way.at].map(|n| n as i32)
        };
        let order = if taps == STEM_TAPS { Order::Around } else { Order::Forward };
        let forward = std::iter::once(row(self.forward, order));
        forward.chain(self.backward.map(|way| row(way, Order::Backward)))
    }
}

/// Numbers of scratch that the largest convolution needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scratch {
    /// In f64.
    pub(super) moments: usize,
    pub(super) pending_means: usize,
    pub(super) partial: usize,
}

/// Cuts convolutions in their order.
pub(super) struct Tiling<'a> {
    plan: &'a Plan,
    /// ConvPlan numbers so far.
    at: usize,
    found: Vec<ConvPlan>,
}

fn deep(channels: usize) -> usize {
    channels.next_multiple_of(DEPTH)
}

impl Tiling<'_> {
    /// What training a network needs.
    pub(super) fn scratch(plan: &Plan) -> Scratch {
        let mut most = Scratch::default();
        let thin = |side: usize| (plan.batch * side * side).div_ceil(THIN_TILE);
        for ConvPlan { conv, side, forward, backward, outer, .. } in ConvPlan::all(plan) {
            // A transition's average may be measured by itself, and the pool of a stem is.
            let tiles = forward.tiles(plan.batch).max(thin(side.div_ceil(2)));
            most.moments = most.moments.max(3 * conv.outputs * tiles);
            if let Some(way) = backward {
                most.pending_means = most.pending_means.max(2 * conv.inputs * way.tiles(plan.batch));
            }
            if let Some(outer) = outer {
                most.partial = most.partial.max(outer.slices.count * conv.len());
            }
        }
        if let Some(pool) = plan.net.pool {
            most.pending_means = most.pending_means.max(2 * pool.norm.channels * thin(pool.side));
        }
        if let Some(block) = plan.net.blocks.last() {
            most.pending_means = most.pending_means.max(2 * block.channels * thin(block.side));
        }
        most
    }

    fn place(&mut self, mut way: GemmTiling, depth: usize, taps: usize) -> GemmTiling {
        way.at = self.at;
        way.length = way.columns.tiles * deep(depth) * taps * way.columns.width;
        self.at += way.length;
        way
    }

    fn pointwise(&mut self, conv: Conv, side: usize, transition: bool) {
        let Plan { precision, batch, purpose, .. } = *self.plan;
        let pooled = transition && !(purpose.trains() && self.plan.drops(false));
        let Conv { inputs, outputs, .. } = conv;
        let way = |side: usize, columns: usize, coefficients: &dyn Fn(usize) -> usize| {
            let rows = Rows::of(batch * side * side);
            let columns = Columns::of(columns, rows.mt);
            let shared = pointwise_shared(precision, rows, columns.width, coefficients(columns.width));
            GemmTiling { rows, columns, window: None, shared, at: 0, length: 0, side }
        };
        let forward = way(if pooled { side / 2 } else { side }, outputs, &|_| NORM * deep(inputs));
        let forward = self.place(forward, inputs, 1);
        // A transition's output is read through `Finished`, a bottleneck's through `Inner`.
        let coefficients = if transition { FINISHED } else { INNER } * deep(outputs);
        let backward = purpose.trains().then(|| {
            let backward = way(side, inputs, &|width| NORM * width + coefficients);
            self.place(backward, outputs, 1)
        });
        let outer = purpose.trains().then(|| {
            let rows = Rows::of_inputs(inputs);
            let columns = Columns::of(outputs, rows.mt);
            let tiles = inputs.div_ceil(rows.count());
            WeightGrad {
                rows,
                inputs: tiles,
                columns,
                window: None,
                slices: Slices::of_pixels(batch * side * side, tiles * columns.tiles),
                shared: pointwise_weights_shared(
                    precision,
                    rows,
                    columns.width,
                    NORM * rows.count() + coefficients,
                ),
            }
        });
        self.found.push(ConvPlan { conv, side, pooled, forward, backward, outer });
    }

    /// The 7x7 convolution of an ImageNet stem, which leaves maps of `side`.
    fn stem(&mut self, conv: Conv, side: usize) {
        let Plan { precision, batch, purpose, .. } = *self.plan;
        let pixels = batch * side * side;
        // Few rows beside wide columns: what is around a pixel is read for each tile of columns again.
        let smallest = Rows::of(pixels);
        let rows = smallest.and_smaller().find(|rows| rows.mt == 1).unwrap_or(smallest);
        let columns = Columns::of(conv.outputs, rows.mt);
        let shared = pointwise_shared(precision, rows, columns.width, 0);
        let way = GemmTiling { rows, columns, window: None, shared, at: 0, length: 0, side };
        let forward = self.place(way, STEM_DEPTH, 1);
        let outer = purpose.trains().then(|| {
            let rows = Rows::LARGEST;
            let columns = Columns::of(conv.outputs, rows.mt);
            let tiles = STEM_DEPTH.div_ceil(rows.count());
            let coefficients = INNER * deep(conv.outputs);
            WeightGrad {
                rows,
                inputs: tiles,
                columns,
                window: None,
                slices: Slices::of_pixels(pixels, tiles * columns.tiles),
                shared: pointwise_weights_shared(precision, rows, columns.width, coefficients),
            }
        });
        self.found.push(ConvPlan { conv, side, pooled: false, forward, backward: None, outer });
    }

    fn conv3(&mut self, conv: Conv, side: usize) {
        let Plan { purpose, .. } = *self.plan;
        let Conv { inputs, outputs, .. } = conv;
        let stem = conv.index == 1;
        let normalised = if stem { 0 } else { NORM * deep(inputs) };
        let forward = self.conv3_way(side, outputs, &|_| normalised);
        let forward = self.place(forward, inputs, 9);
        let backward = (purpose.trains() && !stem).then(|| {
            let way = self.conv3_way(side, inputs, &|width| NORM * width + FINISHED * deep(outputs));
            self.place(way, outputs, 9)
        });
        let outer = purpose.trains().then(|| self.conv3_outer(conv, side, stem));
        self.found.push(ConvPlan { conv, side, pooled: false, forward, backward, outer });
    }

    /// The largest tile that the shared memory holds.
    fn conv3_way(&self, side: usize, columns: usize, coefficients: &dyn Fn(usize) -> usize) -> GemmTiling {
        let Plan { precision, batch, .. } = *self.plan;
        let all = Rows::of(batch * side * side).and_smaller().flat_map(|rows| {
            let widest = Columns::of(columns, rows.mt);
            let narrower = [32, 16, 8].into_iter().filter(move |&width| width < widest.width);
            let narrower = narrower.map(move |width| Columns::in_tiles_of(columns, width));
            std::iter::once(widest).chain(narrower).map(move |columns| {
                let (window, width) = (Window::of(side, rows.count()), columns.width);
                let shared = conv3_shared(precision, rows.warps, width, window, coefficients(width));
                GemmTiling { rows, columns, window: Some(window), shared, at: 0, length: 0, side }
            })
        });
        first_that_fits(all, |way| way.shared)
    }

    fn conv3_outer(&self, conv: Conv, side: usize, stem: bool) -> WeightGrad {
        let Plan { precision, batch, .. } = *self.plan;
        let Conv { inputs, outputs, .. } = conv;
        let columns = Columns::narrow(outputs);
        let all = [128, 64, 32].into_iter().flat_map(|pixels| {
            (1..=inputs.div_ceil(16).min(3)).rev().map(move |mt| {
                let rows = Rows { mt, warps: 1 };
                let window = Window::of(side, pixels);
                let tiles = inputs.div_ceil(rows.count());
                let norm = if stem { 0 } else { NORM * rows.count() };
                WeightGrad {
                    rows,
                    inputs: tiles,
                    columns,
                    window: Some(window),
                    slices: Slices::of(window.tiles(batch), 1, tiles * columns.tiles),
                    shared: conv3_weights_shared(
                        precision,
                        mt,
                        columns.width,
                        window,
                        norm + FINISHED * deep(outputs),
                    ),
                }
            })
        });
        first_that_fits(all, |outer| outer.shared)
    }
}

/// Of choices in the order of preference the first that a block's shared memory holds, or the smallest.
fn first_that_fits<T: Copy>(all: impl Iterator<Item = T>, shared: impl Fn(&T) -> usize) -> T {
    let all: Vec<T> = all.collect();
    let fits = all.iter().find(|one| shared(one) <= MOST_SHARED);
    let Some(&found) = fits.or_else(|| all.iter().min_by_key(|one| shared(one))) else {
        unreachable!("there is a choice")
    };
    found
}
