//! The launches of a backward pass. Gradients of weights are in the side lane, the chain from layer to layer in the main one.

use crate::arch::blocks::{Block, Conv, Layer, Norm, Pool};
use crate::ops::cuda::builder::{Args, Grid, ProgramBuilder};
use crate::ops::cuda::forward::Read;
use crate::ops::cuda::geometry::Rows;
use crate::ops::cuda::job::THIN_TILE;
use crate::ops::cuda::layout::{DOUBLE, InnerMemory, Layout, Maps, StemMemory, WORD};
use crate::ops::cuda::program::{Address, Arg, Work};
use crate::ops::cuda::tiling::{ConvPlan, GemmTiling, WeightGrad};

/// Threads of the kernels that go through channels.
const CHANNEL_THREADS: usize = 128;

/// What the sums of a normalisation's gradients are for.
#[derive(Clone, Copy, Debug)]
enum Means {
    /// Its only reader takes them off.
    Taken(InnerMemory),
    /// They are left for the block's channels.
    Left(Address),
    /// The same for a block that nothing has been left for.
    LeftFirst(Address),
}

impl ProgramBuilder<'_> {
    /// From the gradient of the logits to that of every parameter.
    pub(super) fn network_backward(&mut self) {
        let net = self.layout.plan.net.clone();
        let last = net.blocks.len() - 1;
        self.head_backward(last, &net.blocks[last]);
        // The last use of each of the two buffers for gradients of bottlenecks.
        let mut used = [None; 2];
        let mut turn = 0;
        for (index, block) in net.blocks.iter().enumerate().rev() {
            for (place, layer) in block.layers.iter().enumerate().rev() {
                if layer.expand.is_some() {
                    self.wait_for(used[turn]);
                    used[turn] = self.bottleneck_backward(index, block, layer, place, turn);
                    turn = 1 - turn;
                } else {
                    let (input, _) = self.reads(index, layer, place);
                    self.grow_backward(index, layer.grow, layer.norm, input, None);
                    self.grow_weights(index, block, layer.grow, layer.norm.channels, Some(input));
                }
            }
            match index.checked_sub(1) {
                Some(before) => self.transition_backward(before, &net.blocks[before]),
                None => match net.pool {
                    Some(pool) => {
                        self.wait_for(used[0]);
                        self.stem_backward(net.stem, pool);
                    }
                    None => self.grow_weights(0, block, net.stem, 0, None),
                },
            }
        }
    }

    fn head_backward(&mut self, index: usize, block: &Block) {
        let (layout, batch) = (self.layout, self.batch);
        let (classes, linear, channels) = (layout.plan.net.classes, layout.plan.net.linear, block.channels);
        let bias = linear + classes * channels;
        let args: Args = vec![
            ("gradient", layout.logits_gradient.into()),
            ("averages", layout.averages.into()),
            ("weight", self.parameter(linear).into()),
            ("weight_gradient", self.parameter_gradient(linear).into()),
            ("bias_gradient", self.parameter_gradient(bias).into()),
            ("averages_gradient", layout.averages_gradient.into()),
            ("batch", batch.into()),
            ("channels", channels.into()),
            ("classes", classes.into()),
        ];
        let across = channels.div_ceil(CHANNEL_THREADS);
        let grid = |blocks| Grid::new([blocks, across, 1], CHANNEL_THREADS);
        self.main(("classify_input".into(), "ClassifyBackward"), args.clone(), grid(batch));
        self.side(("classify_weights".into(), "ClassifyBackward"), args, grid(classes));
        let memory = &layout.blocks[index];
        let pixels = Layout::pixels(batch, block);
        let mut args = self.norm(block.norm, memory.measured);
        args.extend([
            ("maps", memory.features.buffer.into()),
            ("averages_gradient", layout.averages_gradient.into()),
            ("gradient", gradient(layout, index)),
            ("left", layout.pending_means.into()),
            ("stride", memory.features.stride.into()),
            ("channels", channels.into()),
            ("pixels", pixels.into()),
            ("area", (block.side * block.side).into()),
        ]);
        let tiles = pixels.div_ceil(THIN_TILE);
        let work = Work::moving(pixels * channels * (layout.plan.precision.bytes() + WORD));
        self.main(("average_backward".into(), "AverageBackward"), args, grid(tiles).with_work(work));
        self.join_sums(block.norm, index, self.left_first(index), tiles, pixels);
    }

    fn left_first(&self, index: usize) -> Means {
        Means::LeftFirst(left(self.layout, index))
    }

    /// Both convolutions of a dense layer; the number of the last launch that reads `d` of `turn`.
    fn bottleneck_backward(
        &mut self,
        index: usize,
        block: &Block,
        layer: &Layer,
        place: usize,
        turn: usize,
    ) -> Option<usize> {
        let layout = self.layout;
        let (input, inner) = self.reads(index, layer, place);
        let ((conv, norm), inner) = (layer.expand?, inner?);
        let memory = layout.blocks[index].inner[place];
        let d = layout.inner_gradients[turn];
        self.grow_backward(index, layer.grow, norm, inner, Some((memory, d)));
        self.grow_weights(index, block, layer.grow, layer.norm.channels, Some(inner));

        let ConvPlan { backward, outer, side, .. } = layout.conv(conv);
        let (way, outer) = ((*backward)?, (*outer)?);
        let drops = self.drops(false);
        let pixels = Layout::pixels(self.batch, block);
        let mut common = self.norm(input.norm, input.measured);
        common.extend(self.dropout(conv));
        common.extend([
            ("maps", input.maps.buffer.into()),
            ("d", d.buffer.into()),
            ("output", inner.maps.buffer.into()),
            ("output_gradient", Arg::Nowhere),
            ("output_mean", inner.measured.mean.into()),
            ("output_scale", inner.measured.scale.into()),
            ("output_weight", self.parameter(norm.offset).into()),
            ("shift", memory.shift.into()),
            ("slope", memory.slope.into()),
            ("output_left", Arg::Nowhere),
            ("stride", input.maps.stride.into()),
            ("channels", conv.inputs.into()),
            ("pixels", pixels.into()),
            ("side", (*side).into()),
            ("output_stride", inner.maps.stride.into()),
            ("outputs", conv.outputs.into()),
        ]);
        let read = self.pointwise_weights(conv, outer, common.clone(), pixels, (false, drops));
        self.pointwise_backward(index, (conv, way), common, (false, drops));
        self.join_sums(layer.norm, index, Means::Left(left(layout, index)), way.tiles(self.batch), pixels);
        Some(read)
    }

    /// The transition behind block `index`.
    fn transition_backward(&mut self, index: usize, block: &Block) {
        let layout = self.layout;
        let Some(conv) = block.transition else { return };
        let ConvPlan { backward, outer, side, .. } = layout.conv(conv);
        let (Some(way), Some(outer)) = (*backward, *outer) else { return };
        let input = self.end(index, block);
        let next = &layout.blocks[index + 1];
        let drops = self.drops(false);
        let pixels = Layout::pixels(self.batch, block);
        let mut common = self.norm(input.norm, input.measured);
        common.extend(self.dropout(conv));
        common.extend([
            ("maps", input.maps.buffer.into()),
            ("d", Arg::Nowhere),
            ("output", next.features.buffer.into()),
            ("output_gradient", gradient(layout, index + 1)),
            ("output_mean", next.measured.mean.into()),
            ("output_scale", next.measured.scale.into()),
            ("output_weight", Arg::Nowhere),
            ("shift", Arg::Nowhere),
            ("slope", Arg::Nowhere),
            ("output_left", left(layout, index + 1).into()),
            ("stride", input.maps.stride.into()),
            ("channels", conv.inputs.into()),
            ("pixels", pixels.into()),
            ("side", (*side).into()),
            ("output_stride", next.features.stride.into()),
            ("outputs", conv.outputs.into()),
        ]);
        self.pointwise_weights(conv, outer, common.clone(), pixels, (true, drops));
        self.pointwise_backward(index, (conv, way), common, (true, drops));
        self.join_sums(block.norm, index, self.left_first(index), way.tiles(self.batch), pixels);
    }

    /// The gradient of what a 1x1 convolution read, into that of block `index`.
    fn pointwise_backward(
        &mut self,
        index: usize,
        (conv, way): (Conv, GemmTiling),
        common: Args,
        (spread, drops): (bool, bool),
    ) {
        let layout = self.layout;
        let kernel = format!("pointwise_backward<{}, {spread}, {drops}>", way.template());
        let mut args = common;
        args.extend([
            ("packed", self.packed(way.at).into()),
            ("gradient", gradient(layout, index)),
            ("left", layout.pending_means.into()),
        ]);
        let grid = Grid::new([way.tiles(self.batch) * way.columns.tiles, 1, 1], way.rows.threads() as usize);
        let work = self.pointwise_work(conv, spread, if spread { WORD } else { 2 * WORD });
        self.main((kernel, "PointwiseBackward"), args, grid.with_shared(way.shared).with_work(work));
    }

    /// What a 1x1 convolution's backward product must do: its input, its output with its gradient, and
    /// `gradient` bytes for each number of its input.
    fn pointwise_work(&self, conv: Conv, spread: bool, gradient: usize) -> Work {
        let (side, number) = (self.layout.conv(conv).side, self.layout.plan.precision.bytes());
        let pixels = self.batch * side * side;
        // A transition's output has a quarter of the pixels, and its gradient is f32.
        let output = if spread { (WORD + number) * conv.outputs / 4 } else { 2 * number * conv.outputs };
        Work::new(2 * pixels * conv.len(), pixels * (conv.inputs * (number + gradient) + output))
    }

    /// The gradient of a 1x1 convolution's weights; the number of the launch that reads its inputs.
    fn pointwise_weights(
        &mut self,
        conv: Conv,
        outer: WeightGrad,
        common: Args,
        pixels: usize,
        (spread, drops): (bool, bool),
    ) -> usize {
        let rows = outer.rows;
        let kernel = format!(
            "pointwise_weights<{}, {}, {}, {spread}, {drops}>",
            rows.mt, rows.warps, outer.columns.width
        );
        let slices = pixels.div_ceil(outer.slices.slice);
        let mut args = common;
        args.extend([("partial", self.layout.partial.into()), ("slice", outer.slices.slice.into())]);
        let blocks = [outer.inputs, outer.columns.tiles, slices];
        let work = self.pointwise_work(conv, spread, 0);
        let grid = Grid::new(blocks, rows.threads() as usize).with_shared(outer.shared).with_work(work);
        let read = self.side((kernel, "PointwiseWeights"), args, grid);
        self.join_weights(conv, slices);
        read
    }

    /// The pool of an ImageNet stem and the gradient of its convolution's weights; images have none.
    fn stem_backward(&mut self, conv: Conv, pool: Pool) {
        let (layout, batch) = (self.layout, self.batch);
        let (Some(StemMemory { inner, places }), Some(outer)) = (layout.stem, layout.conv(conv).outer) else {
            return;
        };
        let (d, block) = (layout.inner_gradients[0], &layout.blocks[0]);
        let pixels = batch * pool.side * pool.side;
        let number = layout.plan.precision.bytes();
        let pooled = Layout::pixels(batch, &layout.plan.net.blocks[0]);
        let args = vec![
            ("maps", inner.maps.buffer.into()),
            ("mean", inner.measured.mean.into()),
            ("places", places.into()),
            ("d", d.buffer.into()),
            ("left", layout.pending_means.into()),
            ("output_gradient", gradient(layout, 0)),
            ("block", block.features.buffer.into()),
            ("output_mean", block.measured.mean.into()),
            ("output_scale", block.measured.scale.into()),
            ("output_left", left(layout, 0).into()),
            ("stride", inner.maps.stride.into()),
            ("channels", conv.outputs.into()),
            ("pixels", pixels.into()),
            ("side", pool.side.into()),
            ("output_stride", block.features.stride.into()),
        ];
        let tiles = pixels.div_ceil(THIN_TILE);
        let bytes = 2 * pixels * number + pooled * (1 + number + WORD);
        let grid = Grid::new([tiles, conv.outputs.div_ceil(CHANNEL_THREADS), 1], CHANNEL_THREADS)
            .with_work(Work::moving(bytes * conv.outputs));
        self.main(("stem_pool_backward".into(), "StemPoolBackward"), args, grid);
        self.join_sums(pool.norm, 0, Means::Taken(inner), tiles, pixels);

        let Rows { mt, warps } = outer.rows;
        let input_size = layout.plan.net.input_size;
        let kernel = format!("stem_weights<{mt}, {warps}, {}, {input_size}>", outer.columns.width);
        let slices = pixels.div_ceil(outer.slices.slice);
        let args = vec![
            ("images", layout.images.into()),
            ("partial", layout.partial.into()),
            ("d", d.buffer.into()),
            ("output", inner.maps.buffer.into()),
            ("output_mean", inner.measured.mean.into()),
            ("output_scale", inner.measured.scale.into()),
            ("output_weight", self.parameter(pool.norm.offset).into()),
            ("shift", inner.shift.into()),
            ("slope", inner.slope.into()),
            ("pixels", pixels.into()),
            ("slice", outer.slices.slice.into()),
            ("output_stride", inner.maps.stride.into()),
            ("outputs", conv.outputs.into()),
        ];
        let bytes = batch * input_size * input_size * 4 * WORD + 2 * pixels * conv.outputs * number;
        let grid = Grid::new([outer.inputs, outer.columns.tiles, slices], outer.rows.threads() as usize)
            .with_shared(outer.shared)
            .with_work(Work::new(2 * pixels * conv.len(), bytes));
        self.side((kernel, "StemWeights"), args, grid);
        self.join_weights(conv, slices);
    }

    /// The gradient of what a 3x3 convolution of block `index` read: of what a bottleneck wrote, into `d`,
    /// or of the block.
    fn grow_backward(
        &mut self,
        index: usize,
        conv: Conv,
        norm: Norm,
        read: Read,
        inner: Option<(InnerMemory, Maps)>,
    ) {
        let (layout, batch) = (self.layout, self.batch);
        let Some(way) = layout.conv(conv).backward else { return };
        let place = if inner.is_some() { "STORE" } else { "ADD" };
        let kernel = format!("conv3_backward<{}, {place}, {}>", way.template(), self.drops(true));
        let mut args = self.norm(norm, read.measured);
        args.extend(self.grown(index, conv));
        args.extend([
            ("maps", read.maps.buffer.into()),
            ("packed", self.packed(way.at).into()),
            ("d", inner.map_or(Arg::Nowhere, |(_, d)| d.buffer.into())),
            ("gradient", if inner.is_some() { Arg::Nowhere } else { gradient(layout, index) }),
            ("left", layout.pending_means.into()),
            ("stride", read.maps.stride.into()),
        ]);
        let tiles = way.tiles(batch);
        let grid = Grid::new([tiles * way.columns.tiles, 1, 1], way.rows.threads() as usize);
        let number = layout.plan.precision.bytes();
        let work = self.grow_work(index, conv, if inner.is_some() { number } else { 2 * WORD });
        self.main((kernel, "Conv3Backward"), args, grid.with_shared(way.shared).with_work(work));
        let means = match inner {
            Some((memory, _)) => Means::Taken(memory),
            None => Means::Left(left(layout, index)),
        };
        let pixels = Layout::pixels(batch, &layout.plan.net.blocks[index]);
        self.join_sums(norm, index, means, tiles, pixels);
    }

    /// What a 3x3 convolution's backward product must do: its input, its output with its gradient, and
    /// `gradient` bytes for each number of its input.
    fn grow_work(&self, index: usize, conv: Conv, gradient: usize) -> Work {
        let number = self.layout.plan.precision.bytes();
        let pixels = Layout::pixels(self.batch, &self.layout.plan.net.blocks[index]);
        let bytes = conv.inputs * (number + gradient) + conv.outputs * (number + WORD);
        Work::new(2 * pixels * conv.len(), pixels * bytes)
    }

    /// What is read of the channels that a 3x3 convolution wrote into block `index`.
    fn grown(&self, index: usize, conv: Conv) -> Args {
        let (layout, memory) = (self.layout, &self.layout.blocks[index]);
        let block = &layout.plan.net.blocks[index];
        let channel = if conv.index == layout.plan.net.stem.index {
            0
        } else {
            block
                .layers
                .iter()
                .find(|layer| layer.grow.index == conv.index)
                .map_or(0, |layer| layer.norm.channels)
        };
        let mut args = self.dropout(conv);
        args.extend([
            ("block", memory.features.buffer.into()),
            ("output_gradient", gradient(layout, index)),
            ("output_mean", memory.measured.mean.into()),
            ("output_scale", memory.measured.scale.into()),
            ("output_left", left(layout, index).into()),
            ("channels", conv.inputs.into()),
            ("batch", self.batch.into()),
            ("output_stride", memory.features.stride.into()),
            ("channel", channel.into()),
            ("outputs", conv.outputs.into()),
        ]);
        args
    }

    /// The gradient of a 3x3 convolution's weights, of the stem's where nothing is normalised.
    fn grow_weights(&mut self, index: usize, block: &Block, conv: Conv, channel: usize, read: Option<Read>) {
        let (layout, batch) = (self.layout, self.batch);
        debug_assert!(channel + conv.outputs <= block.channels);
        let Some(outer) = layout.conv(conv).outer else { return };
        let Some(window) = outer.window else { return };
        let (images, drops) = (read.is_none(), read.is_some() && self.drops(true));
        let kernel = format!(
            "conv3_weights<{}, {}, {}, {images}, {drops}>",
            outer.rows.mt,
            outer.columns.width,
            window.template()
        );
        let tiles = window.tiles(batch);
        let slices = tiles.div_ceil(outer.slices.slice);
        let mut args = self.source(read);
        args.extend(self.grown(index, conv));
        args.extend([
            ("images", if images { layout.images.into() } else { Arg::Nowhere }),
            ("partial", layout.partial.into()),
            ("tiles", tiles.into()),
            ("slice", outer.slices.slice.into()),
        ]);
        let grid = Grid::new([outer.inputs, outer.columns.tiles, slices], 96)
            .with_shared(outer.shared)
            .with_work(self.grow_work(index, conv, 0));
        self.side((kernel, "Conv3Weights"), args, grid);
        self.join_weights(conv, slices);
    }

    fn join_weights(&mut self, conv: Conv, slices: usize) {
        let args = vec![
            ("partial", self.layout.partial.into()),
            ("gradient", self.parameter_gradient(conv.offset).into()),
            ("length", conv.len().into()),
            ("slices", slices.into()),
        ];
        let grid = Grid::new([conv.len().div_ceil(32), 1, 1], 256)
            .with_shared(256 * WORD)
            .with_work(Work::moving((slices + 1) * conv.len() * WORD));
        self.side(("join_weights".into(), "JoinWeights"), args, grid);
    }

    /// Gradients of γ and β of a normalisation of block `index` (of its bottleneck, where the means are
    /// taken), and the two means.
    fn join_sums(&mut self, norm: Norm, index: usize, means: Means, tiles: usize, count: usize) {
        let layout = self.layout;
        let block = layout.blocks[index].measured.scale;
        let (kernel, scale, left, shift, slope) = match means {
            Means::Taken(inner) => {
                ("TAKEN", inner.measured.scale, Arg::Nowhere, inner.shift.into(), inner.slope.into())
            }
            Means::Left(left) => ("LEFT", block, left.into(), Arg::Nowhere, Arg::Nowhere),
            Means::LeftFirst(left) => ("LEFT_FIRST", block, left.into(), Arg::Nowhere, Arg::Nowhere),
        };
        let args = vec![
            ("sums", layout.pending_means.into()),
            ("scale", scale.into()),
            ("weight", self.parameter(norm.offset).into()),
            ("weight_gradient", self.parameter_gradient(norm.offset).into()),
            ("bias_gradient", self.parameter_gradient(norm.offset + norm.channels).into()),
            ("left", left),
            ("shift", shift),
            ("slope", slope),
            ("channels", norm.channels.into()),
            ("tiles", tiles.into()),
            ("count", (count as f32).into()),
        ];
        let shared = CHANNEL_THREADS * 2 * DOUBLE;
        let grid = Grid::new([norm.channels, 1, 1], CHANNEL_THREADS)
            .with_shared(shared)
            .with_work(Work::moving(2 * WORD * norm.channels * tiles));
        self.main((format!("join_sums<{kernel}>"), "JoinSums"), args, grid);
    }
}

/// The gradient of block `index`.
fn gradient(layout: &Layout, index: usize) -> Arg {
    layout.blocks[index].gradient.map_or(Arg::Nowhere, Into::into)
}

/// The means left for the channels of block `index`.
fn left(layout: &Layout, index: usize) -> Address {
    let Some(place) = layout.blocks[index].pending_means else {
        unreachable!("a network that trains has them")
    };
    place
}
