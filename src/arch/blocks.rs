//! A network as machines need it: the sizes of its blocks, and where their parameters lie in the packed tensor.

use crate::arch::plan::{Arch, Plan};
use crate::arch::words::StemKind;

/// A batch normalisation's scale and shift in the packed parameters, and its statistics among all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Norm {
    /// Number of the normalisation, in the order of the forward pass.
    pub(crate) index: usize,
    pub(crate) channels: usize,
    /// Offset of γ; β follows it.
    pub(crate) offset: usize,
}

impl Norm {
    pub(crate) fn weight<'a>(&self, parameters: &'a [f32]) -> &'a [f32] {
        &parameters[self.offset..][..self.channels]
    }

    pub(crate) fn bias<'a>(&self, parameters: &'a [f32]) -> &'a [f32] {
        &parameters[self.offset + self.channels..][..self.channels]
    }
}

/// A convolution's weights `[outputs, inputs, taps]` in the packed parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conv {
    pub(crate) offset: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// 1, 9 or (the ImageNet stem's) 49.
    pub(crate) taps: usize,
    /// Number of the convolution, in the order of the forward pass (of its dropout mask).
    pub(crate) index: u32,
}

impl Conv {
    pub(crate) fn len(&self) -> usize {
        self.inputs * self.outputs * self.taps
    }

    pub(crate) fn of<'a>(&self, parameters: &'a [f32]) -> &'a [f32] {
        &parameters[self.offset..][..self.len()]
    }
}

/// A dense layer: BN-ReLU-3x3, or with a 1x1 convolution and another BN-ReLU before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) norm: Norm,
    pub(crate) expand: Option<(Conv, Norm)>,
    pub(crate) grow: Conv,
}

/// A dense block and what follows it.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) side: usize,
    /// Channels at its end.
    pub(crate) channels: usize,
    /// Channels at its beginning.
    pub(crate) first: usize,
    pub(crate) layers: Vec<Layer>,
    /// Normalisation of the transition, or of the head.
    pub(crate) norm: Norm,
    /// Convolution of the transition; none at the end.
    pub(crate) transition: Option<Conv>,
}

/// What follows the convolution of an ImageNet stem: BN-ReLU and a 3x3 maximum of stride 2 and padding 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    pub(crate) norm: Norm,
    /// Height and width of the convolution's output.
    pub(crate) side: usize,
}

/// A whole network, with offsets.
#[derive(Clone, Debug)]
pub struct Net {
    /// Height and width of the images.
    pub(crate) input_size: usize,
    /// 3x3 of stride 1, or with a pool behind it 7x7 of stride 2.
    pub(crate) stem: Conv,
    pub(crate) pool: Option<Pool>,
    pub(crate) blocks: Vec<Block>,
    /// Offset of the linear weight `[classes, channels]`; the bias follows it.
    pub(crate) linear: usize,
    pub(crate) classes: usize,
    /// Length of the packed parameters.
    pub(crate) parameters: usize,
    /// Channels of each normalisation.
    pub(crate) norms: Vec<usize>,
}

/// Hands out offsets in torchvision's order.
#[derive(Default)]
struct Cursor {
    parameters: usize,
    norms: Vec<usize>,
    convolutions: u32,
}

impl Cursor {
    fn norm(&mut self, channels: usize) -> Norm {
        let norm = Norm { index: self.norms.len(), channels, offset: self.parameters };
        self.norms.push(channels);
        self.parameters += 2 * channels;
        norm
    }

    fn conv(&mut self, inputs: usize, outputs: usize, taps: usize) -> Conv {
        self.convolutions += 1;
        let conv = Conv { offset: self.parameters, inputs, outputs, taps, index: self.convolutions };
        self.parameters += conv.len();
        conv
    }
}

impl Net {
    /// The network of `arch`, whose plan is `plan`.
    pub fn new(arch: &Arch, plan: &Plan) -> Self {
        let k = arch.growth_rate;
        let mut cursor = Cursor::default();
        let (mut channels, mut side) = (arch.stem, arch.input_size);
        let (stem, pool) = match arch.stem_kind {
            StemKind::Cifar => (cursor.conv(3, channels, 9), None),
            StemKind::Imagenet => {
                let stem = cursor.conv(3, channels, 49);
                let pool = Pool { norm: cursor.norm(channels), side: side.div_ceil(2) };
                side = pool.side.div_ceil(2);
                (stem, Some(pool))
            }
        };
        let mut transitions = plan.transitions();
        let mut blocks = Vec::new();
        for &count in &arch.layers {
            let first = channels;
            let layers = (0..count)
                .map(|_| {
                    let norm = cursor.norm(channels);
                    let expand =
                        arch.bottleneck.then(|| (cursor.conv(channels, 4 * k, 1), cursor.norm(4 * k)));
                    let grow = cursor.conv(expand.map_or(channels, |_| 4 * k), k, 9);
                    channels += k;
                    Layer { norm, expand, grow }
                })
                .collect();
            let norm = cursor.norm(channels);
            let transition = transitions.next().map(|row| cursor.conv(channels, row.output[0], 1));
            blocks.push(Block { side, channels, first, layers, norm, transition });
            if let Some(conv) = transition {
                (channels, side) = (conv.outputs, side / 2);
            }
        }
        let linear = cursor.parameters;
        let (input_size, classes) = (arch.input_size, arch.classes);
        let parameters = linear + classes * (channels + 1);
        Self { input_size, stem, pool, blocks, linear, classes, parameters, norms: cursor.norms }
    }

    /// Pixels around the images that the stem may read: one for a 3x3 convolution; three for a 7x7, and two more for
    /// the output pixel beyond the edge that the maximum reads.
    pub(crate) fn border(&self) -> usize {
        if self.pool.is_some() { 5 } else { 1 }
    }

    /// Where what is trained begins, if the stem and `blocks` blocks with what follows them are not: in the
    /// packed parameters, and among the normalisations.
    pub(crate) fn trained_from(&self, blocks: usize) -> (usize, usize) {
        match self.blocks.get(blocks) {
            _ if blocks == 0 => (0, 0),
            Some(block) => (block.layers[0].norm.offset, block.layers[0].norm.index),
            None => (self.linear, self.norms.len()),
        }
    }
}
