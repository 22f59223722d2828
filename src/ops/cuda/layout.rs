//! Where everything of a network lies on the GPU: buffers, known before any is taken.

use crate::arch::blocks::{Block, Conv, Net};
use crate::ops::cuda::job::{Plan, Use};
use crate::ops::cuda::program::{Address, BufferId, Buffers};
use crate::ops::cuda::tiling::{ConvPlan, Tiling};

/// Bytes of an f32 or an i32.
pub(super) const WORD: usize = 4;
/// Bytes of an f64.
pub(super) const DOUBLE: usize = 8;
/// Bytes of the kernels' `Clock`.
pub(super) const CLOCK: usize = 32;
/// Bytes of the kernels' `Result`.
pub(super) const RESULT: usize = 16;
/// Blocks that look at the update.
pub(super) const CHECKERS: usize = 512;
/// Maps `[pixels, stride]` in a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maps {
    pub(super) buffer: BufferId,
    /// Numbers from a pixel to the next.
    pub(super) stride: usize,
}

/// Mean and 1/√(variance + ε) of some channels in f32, and mean and variance in f64 pairs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) mean: Address,
    pub(super) scale: Address,
    /// Null in evaluation.
    pub(super) statistics: Option<Address>,
}

impl Measured {
    /// Of `channels` channels whose pairs are at `statistics`.
    fn declare(buffers: &mut Buffers, channels: usize, statistics: Address) -> Self {
        let both = buffers.declare("mean and scale", 2 * channels * WORD);
        Self { mean: both.at(0), scale: both.at(channels * WORD), statistics: Some(statistics) }
    }
}

/// A dense layer's own: what its bottleneck wrote and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct InnerMemory {
    pub(super) maps: Maps,
    pub(super) measured: Measured,
    /// γ·s·mean(d) and γ·s²·mean(d·x̂) by channel.
    pub(super) shift: Address,
    pub(super) slope: Address,
}

impl InnerMemory {
    /// Maps of so many pixels and channels in numbers of `number` bytes, called `name`.
    fn declare(
        buffers: &mut Buffers,
        name: &'static str,
        (pixels, channels): (usize, usize),
        number: usize,
        statistics: Address,
    ) -> Self {
        let both = buffers.declare("shift and slope", 2 * channels * WORD);
        let stride = stride(channels);
        Self {
            maps: Maps { buffer: buffers.declare(name, pixels * stride * number), stride },
            measured: Measured::declare(buffers, channels, statistics),
            shift: both.at(0),
            slope: both.at(channels * WORD),
        }
    }
}

/// What the convolution of an ImageNet stem wrote, and what is known of it and of the pool behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct StemMemory {
    pub(super) inner: InnerMemory,
    /// Which of the nine pixels of a window was the largest, u8 `[pixels of the pool, channels]`.
    pub(super) places: BufferId,
}

/// A block's features and what its backward pass needs.
#[derive(Clone, Debug)]
pub(super) struct BlockMemory {
    pub(super) features: Maps,
    /// The same shape in f32; only where the network trains.
    pub(super) gradient: Option<BufferId>,
    pub(super) measured: Measured,
    /// Means left by the readers, pairs by channel.
    pub(super) pending_means: Option<Address>,
    /// By layer; empty in evaluation and without bottleneck.
    pub(super) inner: Vec<InnerMemory>,
    /// What a transition wrote before it was averaged, where dropout comes between.
    pub(super) unpooled: Option<Maps>,
}

/// A split's images on the GPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitMemory {
    /// u8 `[count, 3, side, side]`.
    pub(super) pixels: BufferId,
    pub(super) labels: BufferId,
    pub(super) count: usize,
}

/// All buffers of a network by what they are for.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) plan: Plan,
    pub(super) buffers: Buffers,
    pub(super) parameters: BufferId,
    pub(super) gradient: BufferId,
    pub(super) slots: [BufferId; 2],
    /// Of each normalisation its means, then its variances.
    pub(super) running: BufferId,
    /// 1/√(variance + ε) in the places of the variances.
    pub(super) running_scale: BufferId,
    /// Pairs of mean and variance in f64: of what an ImageNet stem's convolution wrote, of each block's channels, then of
    /// what its bottlenecks wrote.
    pub(super) statistics: BufferId,
    /// For each running number: its place in `statistics`, and pixels of a map where it is a variance
    /// that is to be divided by M - 1.
    pub(super) sources: BufferId,
    pub(super) packed: BufferId,
    pub(super) pack_table: BufferId,
    pub(super) convs: Vec<ConvPlan>,
    /// None in evaluation, and of a stem without a pool.
    pub(super) stem: Option<StemMemory>,
    pub(super) blocks: Vec<BlockMemory>,
    /// Gradients behind the ReLU of a bottleneck, of every other layer in turn; the first one is also
    /// where an evaluation keeps what a bottleneck wrote, and that of an ImageNet stem's convolution.
    pub(super) inner_gradients: [Maps; 2],
    pub(super) moments: BufferId,
    pub(super) pending_means: BufferId,
    pub(super) partial: BufferId,
    pub(super) images: BufferId,
    /// The batch as it comes from a tensor, `[n, 3, side, side]` f32.
    pub(super) given: BufferId,
    pub(super) labels: BufferId,
    pub(super) averages: BufferId,
    pub(super) averages_gradient: BufferId,
    pub(super) logits: BufferId,
    pub(super) logits_gradient: BufferId,
    /// By class.
    pub(super) class_weights: BufferId,
    /// Losses f32, hits i32 and predictions i32 of the batch's images.
    pub(super) outcome: BufferId,
    pub(super) clock: BufferId,
    pub(super) evaluation_clock: BufferId,
    pub(super) flags: BufferId,
    pub(super) verdict: BufferId,
    pub(super) rates: BufferId,
    pub(super) result: BufferId,
    pub(super) order: BufferId,
    /// What each byte of a colour becomes, `[3, 257]`.
    pub(super) table: BufferId,
    pub(super) splits: Vec<SplitMemory>,
}

/// Channels of maps rounded up to what a load takes.
pub(super) fn stride(channels: usize) -> usize {
    channels.next_multiple_of(8)
}

impl Layout {
    /// `splits` are numbers of images.
    pub(super) fn new(plan: Plan, splits: &[usize]) -> Self {
        let net = plan.net.clone();
        let mut buffers = Buffers::default();
        let trains = plan.purpose.trains();
        let number = plan.precision.bytes();
        let only = |wanted: bool, bytes: usize| if wanted { bytes } else { 0 };
        let (steps, per_epoch) = match plan.purpose {
            Use::Steps { slots, per_epoch } => (slots, per_epoch),
            _ => (0, 0),
        };
        let parameters = net.parameters * WORD;
        let running: usize = net.norms.iter().map(|channels| 2 * channels).sum();

        let convs = ConvPlan::all(&plan);
        let packed_length: usize = convs.iter().flat_map(ConvPlan::lengths).sum();
        let rows = convs.iter().flat_map(ConvPlan::lengths).count();

        let statistics_length = Statistics::of(&net).length;
        let statistics = buffers.declare("statistics", only(trains, statistics_length * 2 * DOUBLE));
        let stem = Self::stem(&plan, &mut buffers, statistics, number);
        let blocks = Self::blocks(&plan, &mut buffers, statistics, number);
        let inner_gradients = ["d", "d of every other layer"].map(|name| {
            let widest = net.blocks.iter().flat_map(|block| {
                block.layers.iter().filter_map(move |layer| Some((block.side, layer.expand?.0.outputs)))
            });
            let stem = net.pool.map(|pool| (pool.side, net.stem.outputs)).filter(|_| name == "d");
            let all = widest.clone().chain(stem);
            let numbers = all.map(|(side, channels)| plan.pixels(side) * stride(channels)).max();
            let wanted = trains || name == "d";
            Maps {
                buffer: buffers.declare(name, only(wanted, numbers.unwrap_or(0) * number)),
                stride: widest.map(|(_, channels)| stride(channels)).max().unwrap_or(0),
            }
        });
        let scratch = Tiling::scratch(&plan);
        let (classes, last) = (net.classes, &net.blocks[net.blocks.len() - 1]);
        let side = net.input_size;
        Self {
            parameters: buffers.declare("parameters", parameters),
            gradient: buffers.declare("their gradient", only(trains, parameters)),
            slots: [
                buffers.declare("the optimizer's first slot", only(steps > 0, parameters)),
                buffers.declare("the optimizer's second slot", only(steps > 1, parameters)),
            ],
            running: buffers.declare("running statistics", running * WORD),
            running_scale: buffers.declare("their scales", running * WORD),
            statistics,
            sources: buffers
                .declare("sources of running statistics", only(per_epoch > 0, running * 2 * WORD)),
            packed: buffers.declare("packed weights", packed_length * number),
            pack_table: buffers.declare("where weights are packed", rows * 8 * WORD),
            convs,
            stem,
            blocks,
            inner_gradients,
            moments: buffers.declare("moments of tiles", only(trains, scratch.moments * DOUBLE)),
            pending_means: buffers.declare("sums of tiles", only(trains, scratch.pending_means * WORD)),
            partial: buffers.declare("gradients of slices", only(trains, scratch.partial * WORD)),
            images: buffers.declare("images of the batch", plan.pixels(side) * 4 * WORD),
            given: buffers
                .declare("the batch as it came", only(splits.is_empty(), plan.pixels(side) * 3 * WORD)),
            labels: buffers.declare("labels of the batch", plan.batch * WORD),
            averages: buffers.declare("averages", plan.batch * last.channels * WORD),
            averages_gradient: buffers
                .declare("gradient of the averages", only(trains, plan.batch * last.channels * WORD)),
            logits: buffers.declare("logits", plan.batch * classes * WORD),
            logits_gradient: buffers
                .declare("gradient of the logits", only(trains, plan.batch * classes * WORD)),
            class_weights: buffers.declare("weights of the classes", only(trains, classes * WORD)),
            outcome: buffers.declare("losses, hits and predictions", plan.batch * 3 * WORD),
            clock: buffers.declare("clock", CLOCK),
            evaluation_clock: buffers.declare("clock of evaluations", CLOCK),
            flags: buffers.declare("flags", CHECKERS * WORD),
            verdict: buffers.declare("verdict", WORD),
            rates: buffers.declare("learning rates", per_epoch * 3 * WORD),
            result: buffers.declare("result of a step", RESULT),
            order: buffers.declare(
                "order of the images",
                splits.first().map_or(0, |&count| only(per_epoch > 0, count * WORD)),
            ),
            table: buffers.declare("colours", only(!splits.is_empty(), 3 * 257 * WORD)),
            splits: splits
                .iter()
                .map(|&count| SplitMemory {
                    pixels: buffers.declare("pixels of a split", count * 3 * side * side),
                    labels: buffers.declare("labels of a split", count * WORD),
                    count,
                })
                .collect(),
            buffers,
            plan,
        }
    }

    /// What training keeps of an ImageNet stem.
    fn stem(plan: &Plan, buffers: &mut Buffers, statistics: BufferId, number: usize) -> Option<StemMemory> {
        let net = &plan.net;
        let pool = net.pool.filter(|_| plan.purpose.trains())?;
        let sizes = (plan.pixels(pool.side), net.stem.outputs);
        Some(StemMemory {
            inner: InnerMemory::declare(buffers, "what the stem wrote", sizes, number, statistics.at(0)),
            places: buffers.declare(
                "where the stem's pool found it",
                plan.pixels(net.blocks[0].side) * net.stem.outputs,
            ),
        })
    }

    fn blocks(plan: &Plan, buffers: &mut Buffers, statistics: BufferId, number: usize) -> Vec<BlockMemory> {
        let places = Statistics::of(&plan.net);
        let trains = plan.purpose.trains();
        let place = |at: usize| statistics.at(at * 2 * DOUBLE);
        let mut found = Vec::new();
        for (index, block) in plan.net.blocks.iter().enumerate() {
            let pixels = plan.pixels(block.side);
            let maps = |buffers: &mut Buffers, name, channels: usize| Maps {
                buffer: buffers.declare(name, pixels * stride(channels) * number),
                stride: stride(channels),
            };
            let inner = |(number_of, channels): (usize, usize), buffers: &mut Buffers| {
                let at = place(places.inner[index][number_of]);
                let sizes = (pixels, channels);
                InnerMemory::declare(buffers, "what a bottleneck wrote", sizes, number, at)
            };
            let mut inners = Vec::new();
            if trains {
                let wide = block.layers.iter().map(|layer| layer.expand.map(|(conv, _)| conv.outputs));
                let wide: Vec<(usize, usize)> = wide.flatten().enumerate().collect();
                inners.extend(wide.into_iter().map(|one| inner(one, buffers)));
            }
            let unpooled = block.transition.filter(|_| trains && plan.drops(false));
            let features = maps(buffers, "features of a block", block.channels);
            found.push(BlockMemory {
                features,
                gradient: trains
                    .then(|| buffers.declare("gradient of a block", pixels * features.stride * WORD)),
                measured: Measured::declare(buffers, block.channels, place(places.blocks[index])),
                pending_means: trains
                    .then(|| buffers.declare("means left by readers", block.channels * 2 * DOUBLE).at(0)),
                inner: inners,
                unpooled: unpooled
                    .map(|conv| maps(buffers, "what a transition wrote before its average", conv.outputs)),
            });
        }
        found
    }

    /// How `conv` is computed.
    pub(super) fn conv(&self, conv: Conv) -> &ConvPlan {
        &self.convs[conv.index as usize - 1]
    }

    /// Offset of a normalisation's running means, in numbers; its variances follow them.
    pub(super) fn running_offset(&self, index: usize) -> usize {
        self.plan.net.norms[..index].iter().map(|channels| 2 * channels).sum()
    }

    /// Pixels of `batch` maps of a block.
    pub(super) fn pixels(batch: usize, block: &Block) -> usize {
        batch * block.side * block.side
    }
}

/// Where statistics lie, in pairs.
#[derive(Debug)]
pub(super) struct Statistics {
    /// Of each block's channels.
    pub(super) blocks: Vec<usize>,
    /// Of each block's bottlenecks.
    pub(super) inner: Vec<Vec<usize>>,
    pub(super) length: usize,
}

impl Statistics {
    pub(super) fn of(net: &Net) -> Self {
        // The stem's come first.
        let length = net.pool.map_or(0, |pool| pool.norm.channels);
        let mut places = Self { blocks: Vec::new(), inner: Vec::new(), length };
        for block in &net.blocks {
            places.blocks.push(places.length);
            places.length += block.channels;
            let mut inner = Vec::new();
            for layer in &block.layers {
                if let Some((conv, _)) = layer.expand {
                    inner.push(places.length);
                    places.length += conv.outputs;
                }
            }
            places.inner.push(inner);
        }
        places
    }

    /// Of each normalisation, in order: where its channels begin, and pixels of a map.
    pub(super) fn norms(&self, net: &Net) -> Vec<(usize, usize)> {
        let mut found = Vec::with_capacity(net.norms.len());
        found.extend(net.pool.map(|pool| (0, pool.side * pool.side)));
        for (index, block) in net.blocks.iter().enumerate() {
            let area = block.side * block.side;
            for place in 0..block.layers.len() {
                found.push((self.blocks[index], area));
                found.extend(self.inner[index].get(place).map(|&at| (at, area)));
            }
            found.push((self.blocks[index], area));
        }
        found
    }
}
