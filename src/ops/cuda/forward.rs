//! The launches of a forward pass, by the statistics of the batch or by running ones.

use crate::arch::blocks::{Block, Conv, Layer, Norm, Pool};
use crate::ops::cuda::builder::{Args, Grid, ProgramBuilder};
use crate::ops::cuda::geometry::Rows;
use crate::ops::cuda::job::THIN_TILE;
use crate::ops::cuda::layout::{DOUBLE, Layout, Maps, Measured, StemMemory, WORD, stride};
use crate::ops::cuda::program::{Address, Arg, Work};
use crate::ops::cuda::tiling::ConvPlan;
use crate::ops::loss::Loss;

/// Bytes that the kernels' `Gathered` takes.
const GATHERED: usize = 3 * DOUBLE;
/// Threads of the kernels that go through channels.
const CHANNEL_THREADS: usize = 128;
/// Blocks of a row of the kernel `pack`.
const PACK_BLOCKS: usize = 16;

/// Maps with the normalisation they are read through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) maps: Maps,
    pub(super) norm: Norm,
    pub(super) measured: Measured,
}

/// Where a convolution writes: maps, from a channel on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) maps: Maps,
    pub(super) channel: usize,
    /// Where the statistics go; none where what is written is not what will be read.
    pub(super) measured: Option<Measured>,
}

impl Measured {
    /// Of the channels from `first` on.
    fn from(self, first: usize) -> Self {
        Self {
            mean: self.mean.plus(first * WORD),
            scale: self.scale.plus(first * WORD),
            statistics: self.statistics.map(|place| place.plus(first * 2 * DOUBLE)),
        }
    }
}

impl ProgramBuilder<'_> {
    /// Weights in the order of their products.
    pub(super) fn pack(&mut self) {
        let layout = self.layout;
        let rows = layout.convs.iter().flat_map(ConvPlan::lengths).count();
        let args = vec![
            ("parameters", layout.parameters.into()),
            ("packed", layout.packed.into()),
            ("table", layout.pack_table.into()),
        ];
        let numbers = layout.buffers.bytes(layout.parameters) + layout.buffers.bytes(layout.packed);
        let grid = Grid::new([PACK_BLOCKS, rows, 1], 256).with_work(Work::moving(numbers));
        self.main(("pack".into(), "Pack"), args, grid);
    }

    /// 1/√(variance + ε) of the running statistics.
    pub(super) fn running_scale(&mut self) {
        let layout = self.layout;
        let length = layout.buffers.bytes(layout.running) / WORD;
        let args = vec![
            ("running", layout.running.into()),
            ("scale", layout.running_scale.into()),
            ("length", length.into()),
            ("epsilon", self.epsilon()),
        ];
        let grid = Grid::new([length.div_ceil(256), 1, 1], 256);
        self.main(("running_scale".into(), "RunningScale"), args, grid);
    }

    /// The batch as a tensor `[n, 3, side, side]` into pixels.
    pub(super) fn take_in(&mut self) {
        let layout = self.layout;
        let area = layout.plan.net.input_size.pow(2);
        let pixels = self.batch * area;
        let args = vec![
            ("from", layout.given.into()),
            ("images", layout.images.into()),
            ("pixels", pixels.into()),
            ("area", area.into()),
        ];
        let grid = Grid::new([pixels.div_ceil(256), 1, 1], 256).with_work(Work::moving(7 * pixels * WORD));
        self.main(("take_in".into(), "TakeIn"), args, grid);
    }

    /// Images to averages and logits.
    pub(super) fn network(&mut self) {
        let layout = self.layout;
        let net = layout.plan.net.clone();
        let written = |index: usize, channel: usize| {
            let memory = &layout.blocks[index];
            let measured = Some(memory.measured.from(channel));
            Written { maps: memory.features, channel, measured }
        };
        match net.pool {
            Some(pool) => self.stem(net.stem, pool, written(0, 0)),
            None => self.grow(net.stem, None, written(0, 0)),
        }
        for (index, block) in net.blocks.iter().enumerate() {
            for (place, layer) in block.layers.iter().enumerate() {
                let (input, inner) = self.reads(index, layer, place);
                let to = written(index, layer.norm.channels);
                if let (Some((conv, _)), Some(inner)) = (layer.expand, inner) {
                    let measured = Some(inner.measured);
                    let written = Written { maps: inner.maps, channel: 0, measured };
                    self.pointwise(conv, input, written);
                    self.grow(layer.grow, Some(inner), to);
                } else {
                    self.grow(layer.grow, Some(input), to);
                }
            }
            let end = self.end(index, block);
            match block.transition {
                Some(conv) => self.transition(conv, end, index, written(index + 1, 0)),
                None => self.head(end, block),
            }
        }
    }

    /// What the convolutions of a dense layer read: the block's features, and what its bottleneck wrote.
    pub(super) fn reads(&self, index: usize, layer: &Layer, place: usize) -> (Read, Option<Read>) {
        let memory = &self.layout.blocks[index];
        let input = Read { maps: memory.features, norm: layer.norm, measured: memory.measured };
        let inner = layer.expand.map(|(_, norm)| match memory.inner.get(place) {
            Some(inner) => Read { maps: inner.maps, norm, measured: inner.measured },
            // An evaluation keeps one at a time, and measures nothing.
            None => Read { maps: self.layout.inner_gradients[0], norm, measured: memory.measured },
        });
        (input, inner)
    }

    /// What the pool of an ImageNet stem reads.
    pub(super) fn stem_reads(&self, pool: Pool) -> Read {
        let layout = self.layout;
        let Some(StemMemory { inner, .. }) = layout.stem else {
            // An evaluation measures nothing.
            let maps = Maps { buffer: layout.inner_gradients[0].buffer, stride: stride(pool.norm.channels) };
            return Read { maps, norm: pool.norm, measured: layout.blocks[0].measured };
        };
        Read { maps: inner.maps, norm: pool.norm, measured: inner.measured }
    }

    /// What the transition or the head reads.
    pub(super) fn end(&self, index: usize, block: &Block) -> Read {
        let memory = &self.layout.blocks[index];
        Read { maps: memory.features, norm: block.norm, measured: memory.measured }
    }

    pub(super) fn source(&self, read: Option<Read>) -> Args {
        let Some(Read { maps, norm, measured }) = read else {
            let nowhere = ["maps", "mean", "scale", "weight", "bias"].map(|name| (name, Arg::Nowhere));
            return nowhere.into_iter().chain([("stride", 0.into())]).collect();
        };
        let mut args = self.norm(norm, measured);
        args.extend([("maps", maps.buffer.into()), ("stride", maps.stride.into())]);
        args
    }

    /// The 7x7 convolution of the images, and the pool behind it.
    fn stem(&mut self, conv: Conv, pool: Pool, to: Written) {
        let (layout, batch) = (self.layout, self.batch);
        let (way, number) = (layout.conv(conv).forward, layout.plan.precision.bytes());
        let input_size = layout.plan.net.input_size;
        let read = self.stem_reads(pool);
        let Rows { mt, warps } = way.rows;
        let kernel =
            format!("stem_forward<{mt}, {warps}, {}, {input_size}, {}>", way.columns.width, self.training);
        let pixels = batch * pool.side * pool.side;
        let args = vec![
            ("images", layout.images.into()),
            ("packed", self.packed(way.at).into()),
            ("output", read.maps.buffer.into()),
            ("moments", layout.moments.into()),
            ("pixels", pixels.into()),
            ("output_stride", read.maps.stride.into()),
            ("outputs", conv.outputs.into()),
        ];
        let tiles = way.tiles(batch);
        let bytes = batch * input_size * input_size * 4 * WORD + pixels * conv.outputs * number;
        let grid = Grid::new([tiles * way.columns.tiles, 1, 1], way.rows.threads() as usize)
            .with_shared(way.shared)
            .with_work(Work::new(2 * pixels * conv.len(), bytes));
        self.main((kernel, "StemForward"), args, grid);
        self.join_moments(Some(read.measured), conv.outputs, tiles);

        let pooled = Layout::pixels(batch, &layout.plan.net.blocks[0]);
        let mut args = self.source(Some(read));
        args.extend([
            ("output", to.maps.buffer.into()),
            ("places", layout.stem.filter(|_| self.training).map_or(Arg::Nowhere, |stem| stem.places.into())),
            ("moments", layout.moments.into()),
            ("channels", conv.outputs.into()),
            ("pixels", pooled.into()),
            ("side", pool.side.into()),
            ("output_stride", to.maps.stride.into()),
        ]);
        let tiles = pooled.div_ceil(THIN_TILE);
        let work = Work::moving((pixels + pooled) * conv.outputs * number);
        let blocks = [tiles, conv.outputs.div_ceil(CHANNEL_THREADS), 1];
        let grid = Grid::new(blocks, CHANNEL_THREADS).with_work(work);
        self.main((format!("stem_pool<{}>", self.training), "StemPool"), args, grid);
        self.join_moments(to.measured, conv.outputs, tiles);
    }

    /// A 3x3 convolution of `read`, or of the images.
    fn grow(&mut self, conv: Conv, read: Option<Read>, to: Written) {
        let (layout, batch) = (self.layout, self.batch);
        let way = layout.conv(conv).forward;
        let (images, drops) = (read.is_none(), read.is_some() && self.drops(true));
        let kernel = format!("conv3_forward<{}, {images}, {drops}, {}>", way.template(), self.training);
        let mut args = self.source(read);
        args.extend(self.dropout(conv));
        args.extend([
            ("images", if images { layout.images.into() } else { Arg::Nowhere }),
            ("packed", self.packed(way.at).into()),
            ("output", to.maps.buffer.into()),
            ("moments", layout.moments.into()),
            ("channels", conv.inputs.into()),
            ("batch", batch.into()),
            ("output_stride", to.maps.stride.into()),
            ("channel", to.channel.into()),
            ("outputs", conv.outputs.into()),
        ]);
        let (tiles, threads) = (way.tiles(batch), way.rows.threads() as usize);
        let side = layout.conv(conv).side;
        let pixels = batch * side * side;
        let number = layout.plan.precision.bytes();
        let read = if images { 4 * WORD } else { conv.inputs * number };
        let work = Work::new(2 * pixels * conv.len(), pixels * (read + conv.outputs * number));
        let grid =
            Grid::new([tiles * way.columns.tiles, 1, 1], threads).with_shared(way.shared).with_work(work);
        self.main((kernel, "Conv3Forward"), args, grid);
        self.join_moments(to.measured, conv.outputs, tiles);
    }

    /// A 1x1 convolution.
    fn pointwise(&mut self, conv: Conv, read: Read, to: Written) {
        let (layout, batch) = (self.layout, self.batch);
        let ConvPlan { forward: way, side, pooled, .. } = *layout.conv(conv);
        let (drops, measure) = (self.drops(false), self.training && to.measured.is_some());
        let kernel = format!("pointwise_forward<{}, {pooled}, {drops}, {measure}>", way.template());
        let output_side = if pooled { side / 2 } else { side };
        let mut args = self.source(Some(read));
        args.extend(self.dropout(conv));
        args.extend([
            ("packed", self.packed(way.at).into()),
            ("output", to.maps.buffer.into()),
            ("moments", layout.moments.into()),
            ("channels", conv.inputs.into()),
            ("pixels", (batch * output_side * output_side).into()),
            ("side", side.into()),
            ("output_stride", to.maps.stride.into()),
            ("outputs", conv.outputs.into()),
        ]);
        let (tiles, threads) = (way.tiles(batch), way.rows.threads() as usize);
        let (pixels, number) = (batch * output_side * output_side, layout.plan.precision.bytes());
        let read = (batch * side * side * conv.inputs + pixels * conv.outputs) * number;
        let work = Work::new(2 * pixels * conv.len(), read);
        let grid =
            Grid::new([tiles * way.columns.tiles, 1, 1], threads).with_shared(way.shared).with_work(work);
        self.main((kernel, "PointwiseForward"), args, grid);
        self.join_moments(to.measured, conv.outputs, tiles);
    }

    /// The average comes before the product, both being linear, unless dropout stands between them.
    fn transition(&mut self, conv: Conv, read: Read, index: usize, to: Written) {
        let layout = self.layout;
        let Some(maps) = layout.blocks[index].unpooled else {
            return self.pointwise(conv, read, to);
        };
        self.pointwise(conv, read, Written { maps, channel: 0, measured: None });
        let side = layout.conv(conv).side;
        let pixels = self.batch * (side / 2) * (side / 2);
        let args = vec![
            ("maps", maps.buffer.into()),
            ("output", to.maps.buffer.into()),
            ("moments", layout.moments.into()),
            ("stride", maps.stride.into()),
            ("channels", conv.outputs.into()),
            ("pixels", pixels.into()),
            ("side", side.into()),
            ("output_stride", to.maps.stride.into()),
        ];
        let tiles = pixels.div_ceil(THIN_TILE);
        let work = Work::moving(5 * pixels * conv.outputs * layout.plan.precision.bytes());
        let blocks = [tiles, conv.outputs.div_ceil(CHANNEL_THREADS), 1];
        let grid = Grid::new(blocks, CHANNEL_THREADS).with_work(work);
        self.main(("pool".into(), "Pool"), args, grid);
        self.join_moments(to.measured, conv.outputs, tiles);
    }

    fn join_moments(&mut self, measured: Option<Measured>, channels: usize, tiles: usize) {
        let Some(measured) = measured.filter(|_| self.training) else { return };
        let args = vec![
            ("moments", self.layout.moments.into()),
            ("mean", measured.mean.into()),
            ("scale", measured.scale.into()),
            ("statistics", measured.statistics.into()),
            ("channels", channels.into()),
            ("tiles", tiles.into()),
            ("epsilon", self.epsilon()),
        ];
        let grid = Grid::new([channels, 1, 1], CHANNEL_THREADS)
            .with_shared(CHANNEL_THREADS * GATHERED)
            .with_work(Work::moving(3 * DOUBLE * channels * tiles));
        self.main(("join_moments".into(), "JoinMoments"), args, grid);
    }

    fn head(&mut self, read: Read, block: &Block) {
        let (layout, batch) = (self.layout, self.batch);
        let channels = block.channels;
        let mut args = self.source(Some(read));
        args.extend([
            ("averages", layout.averages.into()),
            ("channels", channels.into()),
            ("area", (block.side * block.side).into()),
        ]);
        let numbers = Layout::pixels(batch, block) * channels * layout.plan.precision.bytes();
        let grid = Grid::new([batch, channels.div_ceil(CHANNEL_THREADS), 1], CHANNEL_THREADS)
            .with_work(Work::moving(numbers));
        self.main(("average".into(), "Average"), args, grid);
        let (linear, classes) = (layout.plan.net.linear, layout.plan.net.classes);
        let args = vec![
            ("averages", layout.averages.into()),
            ("weight", self.parameter(linear).into()),
            ("bias", self.parameter(linear + classes * channels).into()),
            ("logits", layout.logits.into()),
            ("channels", channels.into()),
            ("classes", classes.into()),
        ];
        self.main(("classify".into(), "Classify"), args, Grid::new([batch, 1, 1], CHANNEL_THREADS));
    }

    /// The loss of each image, and where the network trains its gradient by the logits.
    pub(super) fn loss(&mut self, loss: &Loss) {
        let (layout, batch) = (self.layout, self.batch);
        let outcome = |number: usize| layout.outcome.at(number * layout.plan.batch * WORD);
        let args = vec![
            ("logits", layout.logits.into()),
            ("labels", layout.labels.into()),
            ("losses", outcome(0).into()),
            ("hits", outcome(1).into()),
            ("predictions", outcome(2).into()),
            ("gradient", if self.training { layout.logits_gradient.into() } else { Arg::Nowhere }),
            (
                "class_weights",
                if loss.class_weights.is_empty() { Arg::Nowhere } else { layout.class_weights.into() },
            ),
            ("batch", batch.into()),
            ("classes", layout.plan.net.classes.into()),
            ("smoothing", (loss.smoothing as f32).into()),
        ];
        self.main(("loss".into(), "Loss"), args, Grid::new([batch, 1, 1], 32));
    }

    /// A place among the packed weights.
    pub(super) fn packed(&self, at: usize) -> Address {
        self.layout.packed.at(at * self.layout.plan.precision.bytes())
    }
}

impl Layout {
    /// The table of the kernel `pack`.
    pub(super) fn pack_rows(&self) -> Vec<[i32; 8]> {
        self.convs.iter().flat_map(ConvPlan::table).collect()
    }
}
