//! A network as arithmetic: every layer's shape, parameters, multiplications and activation bytes,
//! without a tensor. A test holds it to the real weights and feature maps (`model`).

use std::collections::BTreeMap;
use std::fmt;

use crate::arch::problem::Problem;
use crate::arch::words::{Connectivity, StemKind};

/// Most channels a feature map may have: far beyond any published network, and small enough for all sums.
const MAX_CHANNELS: usize = 65_536;
/// Most dense layers in a network.
const MAX_LAYERS: usize = 10_000;
/// Most pixels along a side of the input.
const MAX_INPUT: usize = 4096;

/// Most classes: a table of all pairs of them is still possible.
pub const MAX_CLASSES: usize = 65_536;

/// The running statistics of a batch normalisation, with their initial values.
pub const STATISTICS: [(&str, f32); 2] = [("running_mean", 0.0), ("running_var", 1.0)];

/// The shape of a `DenseNet` for RGB images.
#[derive(Clone, Debug, PartialEq)]
pub struct Arch {
    /// Dense layers in each dense block.
    pub layers: Vec<usize>,
    /// Feature maps that each dense layer adds (*k*).
    pub growth_rate: usize,
    /// What a layer reads of those before it.
    pub connectivity: Connectivity,
    /// Maps of each layer of the first block of a residual or plain network; every transition doubles them.
    pub width: usize,
    /// 1x1 convolution to 4k channels (in a residual or plain network, to as many as the layer has) in front of each 3x3.
    pub bottleneck: bool,
    /// Share of channels that a transition keeps (*θ*).
    pub compression: f64,
    /// Channels of the first convolution.
    pub stem: usize,
    /// Shape of the first convolution.
    pub stem_kind: StemKind,
    /// Classes: rows of the final linear layer.
    pub classes: usize,
    /// Height and width of the images.
    pub input_size: usize,
}

/// What a row of the plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first convolution, with what belongs to it.
    Stem,
    /// A dense layer of a block (both from 1).
    DenseLayer {
        /// The block.
        block: usize,
        /// The layer in it.
        layer: usize,
    },
    /// The transition after a block (from 1).
    Transition {
        /// The block.
        block: usize,
    },
    /// Final BN-ReLU and global average.
    Head,
    /// The linear layer.
    Classifier,
}

impl Kind {
    /// The kind of the row number `index` of a plan whose tensors begin with `prefix`.
    pub fn of(index: usize, prefix: &str) -> Self {
        let numbers = prefix.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
        match numbers.collect::<Vec<usize>>()[..] {
            [block, layer] => Self::DenseLayer { block, layer },
            [block] => Self::Transition { block },
            _ if prefix == "classifier" => Self::Classifier,
            _ if index == 0 => Self::Stem,
            _ => Self::Head,
        }
    }
}

impl fmt::Display for Kind {
    /// Its name for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stem => f.write_str("stem"),
            Self::DenseLayer { block, layer } => write!(f, "block {block} layer {layer}"),
            Self::Transition { block } => write!(f, "transition {block}"),
            Self::Head => f.write_str("average"),
            Self::Classifier => f.write_str("classifier"),
        }
    }
}

/// What a parameter tensor is, which decides how it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Convolution weight `[c_out, c_in, k, k]`.
    Convolution,
    /// BN scale γ.
    NormWeight,
    /// BN shift β.
    NormBias,
    /// Linear weight `[classes, c]`.
    LinearWeight,
    /// Linear bias.
    LinearBias,
}

/// A parameter tensor: torchvision's name, its shape, its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// `features.denseblock1.denselayer1.norm1.weight` and so on.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its role.
    pub role: Role,
}

impl Parameter {
    /// Numbers in the tensor.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds no number (never, in a plan).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One row of the network: what a tree of it shows on a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Prefix of the row's tensors, as in `features.denseblock1.denselayer1`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Channels it reads.
    pub c_in: usize,
    /// Channels, height and width of what it hands on (a dense layer: of the block so far).
    pub output: [usize; 3],
    /// Multiply-accumulates for an image, forward.
    pub macs: u64,
    /// Bytes of f32 that its convolutions, poolings and linear layer write for an image.
    pub activation_bytes: u64,
    /// Its parameters, in the order of the forward pass.
    pub parameters: Vec<Parameter>,
    /// Its batch normalisations: name prefix and channels.
    pub norms: Vec<(String, usize)>,
}

impl Row {
    /// Numbers in the row's parameters.
    pub fn parameter_count(&self) -> u64 {
        self.parameters.iter().map(|p| p.len() as u64).sum()
    }
}

/// A whole network, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The rows in the order of the forward pass.
    pub rows: Vec<Row>,
    /// Height and width of the smallest feature map.
    pub smallest_map: usize,
}

impl Plan {
    /// Parameters of the network (running statistics are not parameters).
    pub fn parameters(&self) -> u64 {
        self.rows.iter().map(Row::parameter_count).sum()
    }

    /// Classes: numbers that the last row hands on.
    pub fn classes(&self) -> usize {
        self.rows.last().map_or(0, |row| row.output[0])
    }

    /// The rows of its transitions, in order.
    pub fn transitions(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| matches!(row.kind, Kind::Transition { .. }))
    }

    /// The names and shapes of all tensors: parameters and running statistics.
    pub fn tensors(&self) -> BTreeMap<String, Vec<usize>> {
        let parameters = self.rows.iter().flat_map(|row| &row.parameters);
        let statistics = self.rows.iter().flat_map(|row| &row.norms).flat_map(|(norm, channels)| {
            STATISTICS.map(|(name, _)| (format!("{norm}.{name}"), vec![*channels]))
        });
        parameters.map(|of| (of.name.clone(), of.shape.clone())).chain(statistics).collect()
    }

    /// Refuses `found`, names and shapes, where they are not this network's; the error is a clause about the first
    /// that is not.
    pub fn check_tensors<'a>(
        &self,
        found: impl Iterator<Item = (&'a str, &'a [usize])>,
    ) -> Result<(), String> {
        let found: BTreeMap<&str, &[usize]> = found.collect();
        let own = self.tensors();
        for (name, shape) in &own {
            match found.get(name.as_str()) {
                None => return Err(format!("the tensor `{name}` is missing")),
                Some(other) if *other != shape.as_slice() => {
                    return Err(format!(
                        "the tensor `{name}` has the shape {other:?}, this network needs {shape:?}"
                    ));
                }
                Some(_) => {}
            }
        }
        match found.keys().find(|name| !own.contains_key(**name)) {
            Some(name) => Err(format!("the tensor `{name}` is not one of this network")),
            None => Ok(()),
        }
    }

    /// Multiply-accumulates of a forward pass for an image.
    pub fn macs(&self) -> u64 {
        self.rows.iter().map(|row| row.macs).sum()
    }

    /// Bytes of f32 that the network's layers write for an image.
    pub fn activation_bytes(&self) -> u64 {
        self.rows.iter().map(|row| row.activation_bytes).sum()
    }
}

/// Collects a row's tensors and work while its layers are walked.
struct Draft {
    row: Row,
    side: usize,
}

impl Draft {
    fn new(name: String, kind: Kind, c_in: usize, side: usize) -> Self {
        let row = Row {
            name,
            kind,
            c_in,
            output: [c_in, side, side],
            macs: 0,
            activation_bytes: 0,
            parameters: Vec::new(),
            norms: Vec::new(),
        };
        Self { row, side }
    }

    fn parameter(&mut self, tensor: &str, shape: Vec<usize>, role: Role) {
        self.row.parameters.push(Parameter { name: format!("{}.{tensor}", self.row.name), shape, role });
    }

    /// A batch normalisation called `layer` over `c` channels.
    fn norm(&mut self, layer: &str, c: usize) {
        self.parameter(&format!("{layer}.weight"), vec![c], Role::NormWeight);
        self.parameter(&format!("{layer}.bias"), vec![c], Role::NormBias);
        self.row.norms.push((format!("{}.{layer}", self.row.name), c));
    }

    /// A convolution with kernel `k` that leaves maps of `self.side`.
    fn conv(&mut self, layer: &str, c_in: usize, c_out: usize, k: usize) {
        self.parameter(&format!("{layer}.weight"), vec![c_out, c_in, k, k], Role::Convolution);
        self.row.macs += (c_in * c_out * k * k) as u64 * (self.side * self.side) as u64;
        self.writes(c_out);
    }

    /// Something that writes `c` maps of `self.side`.
    fn writes(&mut self, c: usize) {
        self.row.activation_bytes += 4 * (c * self.side * self.side) as u64;
    }

    fn hands_on(mut self, c: usize) -> Row {
        self.row.output = [c, self.side, self.side];
        self.row
    }
}

impl Arch {
    /// The network row by row, or what about it cannot be.
    pub fn plan(&self) -> Result<Plan, Problem> {
        self.check()?;
        let mut rows = vec![self.stem_row()];
        let dense = self.connectivity == Connectivity::Dense;
        let [mut c, mut side, _] = rows[0].output;
        for (index, &layers) in self.layers.iter().enumerate() {
            let block = index + 1;
            let (maps, inner) = self.maps_of_layer(c);
            for layer in 1..=layers {
                let name = format!("features.denseblock{block}.denselayer{layer}");
                let mut draft = Draft::new(name, Kind::DenseLayer { block, layer }, c, side);
                draft.norm("norm1", c);
                if self.bottleneck {
                    draft.conv("conv1", c, inner, 1);
                    draft.norm("norm2", inner);
                    draft.conv("conv2", inner, maps, 3);
                } else {
                    draft.conv("conv1", c, maps, 3);
                }
                c = if dense { c + maps } else { maps };
                rows.push(draft.hands_on(c));
            }
            if c > MAX_CHANNELS {
                return Err(Problem::new(
                    if dense { "growth_rate" } else { "width" },
                    format!("block {block} would have {c} channels; at most {MAX_CHANNELS} are possible."),
                ));
            }
            if block < self.layers.len() {
                let kept = (c as f64 * self.compression).floor() as usize;
                let c_out = if dense { kept } else { 2 * c };
                if c_out == 0 {
                    return Err(Problem::new(
                        "compression",
                        format!(
                            "{} of the {c} channels after block {block} leaves none; at least {:.4} is needed.",
                            self.compression,
                            1.0 / c as f64
                        ),
                    ));
                }
                let mut draft =
                    Draft::new(format!("features.transition{block}"), Kind::Transition { block }, c, side);
                draft.norm("norm", c);
                draft.conv("conv", c, c_out, 1);
                draft.side = side / 2;
                draft.writes(c_out);
                (c, side) = (c_out, side / 2);
                rows.push(draft.hands_on(c));
            }
        }
        let smallest_map = side;
        let mut head = Draft::new("features".into(), Kind::Head, c, side);
        head.norm("norm5", c);
        head.side = 1;
        head.writes(c);
        rows.push(head.hands_on(c));
        rows.push(self.classifier_row(c));
        Ok(Plan { rows, smallest_map })
    }

    /// Maps that a layer of a block makes which begins with `first` of them, and maps of its 1x1 convolution.
    pub(crate) fn maps_of_layer(&self, first: usize) -> (usize, usize) {
        match self.connectivity {
            Connectivity::Dense => (self.growth_rate, 4 * self.growth_rate),
            Connectivity::Residual | Connectivity::Plain => (first, first),
        }
    }

    /// The largest width with which this network has no more parameters than the dense one of the same layers, growth
    /// rate and compression; at least 1. The dense network must be one.
    pub fn equal_width(&self) -> Result<usize, Problem> {
        let dense = Self { connectivity: Connectivity::Dense, ..self.clone() };
        let budget = dense.plan()?.parameters();
        let parameters = |width: usize| Some(self.of_width(width).plan().ok()?.parameters());
        let fits = |width: usize| parameters(width).is_some_and(|parameters| parameters <= budget);
        let (mut low, mut high) = (1, MAX_CHANNELS);
        while low + 1 < high {
            let middle = low.midpoint(high);
            if fits(middle) { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// The same network with layers of `width` maps, and a first convolution of as many.
    #[must_use]
    pub fn of_width(&self, width: usize) -> Self {
        Self { width, stem: width, ..self.clone() }
    }

    fn stem_row(&self) -> Row {
        let mut draft = Draft::new("features".into(), Kind::Stem, 3, self.input_size);
        match self.stem_kind {
            StemKind::Cifar => draft.conv("conv0", 3, self.stem, 3),
            StemKind::Imagenet => {
                draft.side = self.input_size.div_ceil(2);
                draft.conv("conv0", 3, self.stem, 7);
                draft.norm("norm0", self.stem);
                draft.side = draft.side.div_ceil(2);
                draft.writes(self.stem);
            }
        }
        draft.hands_on(self.stem)
    }

    fn classifier_row(&self, c: usize) -> Row {
        let mut draft = Draft::new("classifier".into(), Kind::Classifier, c, 1);
        draft.parameter("weight", vec![self.classes, c], Role::LinearWeight);
        draft.parameter("bias", vec![self.classes], Role::LinearBias);
        draft.row.macs = (self.classes * c) as u64;
        draft.writes(self.classes);
        draft.hands_on(self.classes)
    }

    fn check(&self) -> Result<(), Problem> {
        let fail = |field, sentence: String| Err(Problem::new(field, sentence));
        if self.layers.is_empty() || self.layers.contains(&0) {
            return fail("layers", "each dense block needs at least one layer, as in 6,6,6.".into());
        }
        if self.layers.iter().try_fold(0usize, |sum, &n| sum.checked_add(n)).is_none_or(|n| n > MAX_LAYERS) {
            return fail("layers", format!("more than {MAX_LAYERS} dense layers in all."));
        }
        if !(1..=4096).contains(&self.growth_rate) {
            return fail("growth_rate", format!("{}; it must be from 1 to 4096.", self.growth_rate));
        }
        if !(self.compression > 0.0 && self.compression <= 1.0) {
            return fail("compression", format!("{}; it must be above 0 and at most 1.", self.compression));
        }
        if self.connectivity != Connectivity::Dense && self.width != self.stem {
            return fail(
                "stem",
                format!(
                    "{} channels; a {} network has as many as its layers, {}: leave it auto.",
                    self.stem, self.connectivity, self.width
                ),
            );
        }
        if !(1..=MAX_CHANNELS).contains(&self.stem) {
            return fail(
                "stem",
                format!("{} channels; it must be from 1 to {MAX_CHANNELS}, or auto.", self.stem),
            );
        }
        if !(1..=MAX_INPUT).contains(&self.input_size) {
            return fail(
                "input_size",
                format!("{} pixels; it must be from 1 to {MAX_INPUT}.", self.input_size),
            );
        }
        if !(1..=MAX_CLASSES).contains(&self.classes) {
            return fail("data", format!("{} classes; there must be from 1 to {MAX_CLASSES}.", self.classes));
        }
        let halvings = self.layers.len() - 1;
        let first = match self.stem_kind {
            StemKind::Cifar => self.input_size,
            StemKind::Imagenet => self.input_size.div_ceil(2).div_ceil(2),
        };
        if halvings >= usize::BITS as usize || first >> halvings == 0 {
            return fail(
                "layers",
                format!(
                    "{} blocks halve a {first}x{first} feature map to nothing; use fewer blocks or a larger input_size.",
                    self.layers.len()
                ),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bc(layers: [usize; 3], classes: usize) -> Arch {
        Arch {
            layers: layers.into(),
            growth_rate: 12,
            connectivity: Connectivity::Dense,
            width: 0,
            bottleneck: true,
            compression: 0.5,
            stem: 24,
            stem_kind: StemKind::Cifar,
            classes,
            input_size: 32,
        }
    }

    #[test]
    fn bc_100_12_has_the_papers_parameters_and_multiplications() {
        let plan = bc([16, 16, 16], 10).plan().unwrap();
        assert_eq!(plan.parameters(), 769_162);
        assert_eq!((plan.macs() as f64 / 1e4).round() / 100.0, 287.93);
        assert_eq!(bc([16, 16, 16], 100).plan().unwrap().parameters(), 800_032);
    }

    /// torchvision prints 7,978,856 parameters and 2.834 GMAC for densenet121.
    #[test]
    fn the_imagenet_stem_makes_torchvisions_densenet121() {
        let arch = Arch {
            layers: vec![6, 12, 24, 16],
            growth_rate: 32,
            stem: 64,
            stem_kind: StemKind::Imagenet,
            classes: 1000,
            input_size: 224,
            ..bc([1, 1, 1], 10)
        };
        let plan = arch.plan().unwrap();
        assert_eq!(plan.parameters(), 7_978_856);
        assert_eq!((plan.macs() as f64 / 1e6).round() / 1e3, 2.834);
        assert_eq!(plan.smallest_map, 7);
    }

    /// Sides of the maps of torchvision's densenet121: its convolution, its pooling and its four blocks.
    #[test]
    fn maps_of_any_size_are_rounded_as_torchvision_does() {
        let sides = |input_size: usize| {
            let arch =
                Arch { layers: vec![1; 4], stem_kind: StemKind::Imagenet, input_size, ..bc([1, 1, 1], 10) };
            let plan = arch.plan()?;
            let convolution = plan.rows[0].macs / (3 * 24 * 49);
            let blocks = plan.rows.iter().filter(|row| matches!(row.kind, Kind::DenseLayer { .. }));
            let blocks: Vec<usize> = blocks.map(|row| row.output[1]).collect();
            assert_eq!(plan.smallest_map, blocks[3]);
            Ok::<_, Problem>((convolution.isqrt(), blocks))
        };
        for (input_size, convolution, blocks) in [
            (29, 15, [8, 4, 2, 1]),
            (32, 16, [8, 4, 2, 1]),
            (33, 17, [9, 4, 2, 1]),
            (57, 29, [15, 7, 3, 1]),
            (64, 32, [16, 8, 4, 2]),
            (97, 49, [25, 12, 6, 3]),
            (224, 112, [56, 28, 14, 7]),
            (225, 113, [57, 28, 14, 7]),
        ] {
            assert_eq!(sides(input_size).unwrap(), (convolution, blocks.to_vec()), "{input_size} pixels");
        }
        assert_eq!(
            sides(28).unwrap_err().sentence,
            "4 blocks halve a 7x7 feature map to nothing; use fewer blocks or a larger input_size."
        );
    }

    #[test]
    fn a_row_knows_its_shape_work_and_memory() {
        let plan = bc([2, 1, 1], 10).plan().unwrap();
        let layer = &plan.rows[2];
        assert_eq!(layer.name, "features.denseblock1.denselayer2");
        assert_eq!((layer.c_in, layer.output), (36, [48, 32, 32]));
        assert_eq!(layer.parameter_count(), 2 * 36 + 36 * 48 + 2 * 48 + 48 * 12 * 9);
        assert_eq!(layer.macs, (36 * 48 + 48 * 12 * 9) * 1024);
        assert_eq!(layer.activation_bytes, (48 + 12) * 1024 * 4);
        let transition = &plan.rows[3];
        assert_eq!((transition.output, transition.activation_bytes), ([24, 16, 16], 24 * (1024 + 256) * 4));
        assert_eq!(plan.smallest_map, 8);
    }

    /// By hand: a stem of 3·w·9, in block b layers of w·2^(b-1) maps with a normalisation, transitions that double.
    #[test]
    fn plain_and_residual_networks_have_the_width_that_the_dense_ones_parameters_allow() {
        for (bottleneck, dense) in [(false, 40), (true, 100)] {
            let layers = if bottleneck { [16; 3] } else { [12; 3] };
            let of = Arch { bottleneck, stem: if bottleneck { 24 } else { 16 }, ..bc(layers, 10) };
            let budget = of.plan().unwrap().parameters();
            for connectivity in [Connectivity::Residual, Connectivity::Plain] {
                let arch = Arch { connectivity, ..of.clone() };
                let width = arch.equal_width().unwrap();
                let parameters = |width: usize| arch.of_width(width).plan().unwrap().parameters();
                assert!(parameters(width) <= budget && parameters(width + 1) > budget, "{dense}: {width}");
                let layer = |c: usize| if bottleneck { 4 * c + 10 * c * c } else { 2 * c + 9 * c * c };
                let blocks: usize = (0..3).map(|b| layers[b] * layer(width << b)).sum();
                let transitions: usize = (0..2).map(|b| 2 * (width << b) + 2 * (width << b).pow(2)).sum();
                let head = 8 * width + 10 * (4 * width + 1);
                assert_eq!(parameters(width) as usize, 27 * width + blocks + transitions + head);
            }
        }
        let own = Arch { connectivity: Connectivity::Plain, width: 8, stem: 9, ..bc([1; 3], 10) };
        assert_eq!(own.plan().unwrap_err().field, "stem");
    }

    #[test]
    fn a_row_is_known_by_its_place_and_the_prefix_of_its_tensors() {
        let plan = bc([2, 1, 12], 10).plan().unwrap();
        for (index, row) in plan.rows.iter().enumerate() {
            assert_eq!(Kind::of(index, &row.name), row.kind, "{}", row.name);
        }
        let names: Vec<String> = [0, 2, 3, 18, 19].map(|index| plan.rows[index].kind.to_string()).into();
        assert_eq!(names, ["stem", "block 1 layer 2", "transition 1", "average", "classifier"]);
    }

    #[test]
    fn a_network_that_cannot_be_is_answered_with_the_field() {
        let spoil = |change: fn(&mut Arch)| {
            let mut arch = bc([1, 1, 1], 10);
            change(&mut arch);
            arch.plan().unwrap_err()
        };
        assert_eq!(spoil(|a| a.layers = vec![1, 0]).field, "layers");
        assert_eq!(
            spoil(|a| a.layers = vec![1; 7]).sentence,
            "7 blocks halve a 32x32 feature map to nothing; use fewer blocks or a larger input_size."
        );
        assert_eq!(spoil(|a| a.layers = vec![usize::MAX, 2]).field, "layers");
        assert_eq!(spoil(|a| a.growth_rate = 0).field, "growth_rate");
        assert_eq!(
            spoil(|a| a.compression = 0.01).sentence,
            "0.01 of the 36 channels after block 1 leaves none; at least 0.0278 is needed."
        );
        assert_eq!(spoil(|a| a.stem = 0).field, "stem");
        assert_eq!(spoil(|a| a.growth_rate = 4096 * 2).field, "growth_rate");
    }
}
