//! A network as machines need it: the sizes of its blocks, and where their parameters lie in the packed tensor.

use crate::arch::plan::{Arch, Plan};
use crate::arch::words::{Connectivity, StemKind};

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

/// A layer of a block: BN-ReLU-3x3, or with a 1x1 convolution and another BN-ReLU before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) norm: Norm,
    pub(crate) expand: Option<(Conv, Norm)>,
    pub(crate) grow: Conv,
}

/// A block and what follows it.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) side: usize,
    /// Channels at its end.
    pub(crate) channels: usize,
    /// Channels at its beginning.
    pub(crate) first: usize,
    pub(crate) connectivity: Connectivity,
    pub(crate) layers: Vec<Layer>,
    /// Normalisation of the transition, or of the head.
    pub(crate) norm: Norm,
    /// Convolution of the transition; none at the end.
    pub(crate) transition: Option<Conv>,
}

impl Block {
    /// Where its states lie if all are kept.
    pub(crate) fn states(&self) -> States {
        self.last_states(self.layers.len() + 1)
    }

    /// Where they lie if only what a layer reads and what it writes are kept.
    pub(crate) fn two_states(&self) -> States {
        self.last_states(2)
    }

    fn last_states(&self, kept: usize) -> States {
        match self.connectivity {
            Connectivity::Dense => States { channels: self.channels, width: 0, kept: 1 },
            Connectivity::Residual | Connectivity::Plain => {
                States { channels: kept * self.channels, width: self.channels, kept }
            }
        }
    }
}

/// Where the states of a block lie among the channels of its maps: state l is what layer l reads (from 0), the last
/// one the block's end. Those of a dense block are prefixes of one another; others follow each other, the
/// first again in the place of the one that is not kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct States {
    /// Channels of the maps.
    pub(crate) channels: usize,
    /// Of a state that is no prefix; 0 otherwise.
    width: usize,
    kept: usize,
}

impl States {
    /// The first channel of a state.
    pub(crate) fn begin(self, state: usize) -> usize {
        state % self.kept * self.width
    }

    /// The first channel that the layer after state `place` writes.
    pub(crate) fn written(self, place: usize, layer: &Layer) -> usize {
        if self.width == 0 { layer.norm.channels } else { self.begin(place + 1) }
    }
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
            let (first, connectivity) = (channels, arch.connectivity);
            let (maps, inner) = arch.maps_of_layer(first);
            let layers = (0..count)
                .map(|_| {
                    let norm = cursor.norm(channels);
                    let expand =
                        arch.bottleneck.then(|| (cursor.conv(channels, inner, 1), cursor.norm(inner)));
                    let grow = cursor.conv(expand.map_or(channels, |_| inner), maps, 9);
                    channels = if connectivity == Connectivity::Dense { channels + maps } else { maps };
                    Layer { norm, expand, grow }
                })
                .collect();
            let norm = cursor.norm(channels);
            let transition = transitions.next().map(|row| cursor.conv(channels, row.output[0], 1));
            blocks.push(Block { side, channels, first, connectivity, layers, norm, transition });
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
