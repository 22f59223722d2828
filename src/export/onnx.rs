//! ONNX: the network as a graph of operators that any runtime has.
//!
//! Opset 17 in IR 8, which every runtime of the last years reads. The batch is whatever a caller gives. A batch
//! normalisation that follows a convolution is folded into it; one that follows a concatenation stays what it is, for its
//! ReLU keeps it from the convolution behind it.

mod fold;
mod graph;

use std::collections::BTreeMap;

use crate::arch::plan::{Arch, Kind, Row};
use crate::arch::words::{Connectivity, StemKind};
use crate::export::facts;
use crate::export::onnx::fold::fold;
use crate::export::onnx::graph::{Attribute, Dimension, Graph};
use crate::protocol::question::Around;
use crate::store::checkpoint::{Array, Meta};
use crate::wire::Message;

/// The version of the operators.
pub const OPSET: i64 = 17;
/// The version of the file format.
pub const IR: i64 = 8;
/// The name of the input.
pub const INPUT: &str = "input";
/// The name of what the network itself answers.
const LOGITS: &str = "logits";
/// Most bytes of a message that a reader of Protocol Buffers takes.
const MOST_BYTES: u64 = i32::MAX as u64;

/// An ONNX file and what is in it.
#[derive(Debug)]
pub struct Encoded {
    /// The file.
    pub bytes: Vec<u8>,
    /// How many nodes there are of each operator.
    pub operators: BTreeMap<&'static str, usize>,
    /// Batch normalisations that are part of the convolution before them.
    pub folded: usize,
    /// Those that are not.
    pub kept: usize,
    /// The keys of its metadata.
    pub keys: Vec<&'static str>,
}

/// The file of the network of `meta` with `tensors`; the error is a clause that says why there is none.
pub fn encode(meta: &Meta, tensors: &BTreeMap<String, Array>, around: Around) -> Result<Encoded, String> {
    let arch = meta.recipe.arch(meta.classes.len());
    let plan = arch.plan().map_err(|problem| problem.to_string())?;
    // Names and nodes take a small part of what numbers take.
    if 4 * plan.parameters() > MOST_BYTES / 100 * 99 {
        return Err("an ONNX file has room for 2 GiB, and this network needs more".into());
    }
    let shapes = tensors.iter().map(|(name, array)| (name.as_str(), array.shape.as_slice()));
    plan.check_tensors(shapes)?;
    let mut walk = Walk { arch: &arch, tensors, graph: Graph::default(), folded: 0 };
    let mut xs = INPUT.to_owned();
    if around.raw {
        xs = walk.normalised(meta.recipe.normalization.by(meta.moments));
    }
    for row in &plan.rows {
        xs = walk.row(row, &xs)?;
    }
    if around.softmax {
        walk.graph.node("Softmax", &[&xs], around.output(), &[Attribute::Int("axis", 1)]);
    }
    let Walk { graph, folded, .. } = walk;
    let operators = graph.operators.clone();
    let side = Dimension::Fixed(arch.input_size);
    let input = [Dimension::Named("batch"), Dimension::Fixed(3), side, Dimension::Fixed(arch.input_size)];
    let answer = [Dimension::Named("batch"), Dimension::Fixed(arch.classes)];
    let graph = graph.message("DenseNet", (INPUT, &input), (around.output(), &answer));
    let metadata: Vec<_> = facts::facts(meta).into_iter().chain(facts::of_onnx(meta, around)).collect();
    let entry = |(key, value): &(&str, String)| Message::new().string(1, key).string(2, value);
    // `ModelProto`: ir_version 1, producer_name 2, producer_version 3, graph 7, opset_import 8, metadata_props 14.
    let model = Message::new()
        .int(1, IR)
        .string(2, "densenet-tui")
        .string(3, env!("CARGO_PKG_VERSION"))
        .message(7, &graph)
        .message(8, &Message::new().string(1, "").int(2, OPSET))
        .messages(14, metadata.iter().map(entry));
    let kept = operators.get("BatchNormalization").copied().unwrap_or_default();
    let keys = metadata.into_iter().map(|(key, _)| key).collect();
    Ok(Encoded { bytes: model.into_bytes(), operators, folded, kept, keys })
}

/// One walk through the network, in the order of the forward pass.
struct Walk<'a> {
    arch: &'a Arch,
    tensors: &'a BTreeMap<String, Array>,
    graph: Graph,
    folded: usize,
}

impl Walk<'_> {
    /// Pixels from 0 to 255 as the network wants them. Not in the first convolution: it pads with zeros, which are the
    /// mean colour only behind this.
    fn normalised(&mut self, [mean, deviation]: [[f64; 3]; 2]) -> String {
        let [mean, deviation] = [("mean", mean), ("std", deviation)].map(|(name, numbers)| {
            let name = format!("normalization.{name}");
            let data = numbers.map(|number| number as f32).into();
            self.graph.initialiser(&name, &Array { shape: vec![1, 3, 1, 1], data });
            name
        });
        let centred = self.graph.node("Sub", &[INPUT, &mean], "normalization.sub", &[]);
        self.graph.node("Div", &[&centred, &deviation], "normalization.div", &[])
    }

    fn row(&mut self, row: &Row, xs: &str) -> Result<String, String> {
        let of = |layer: &str| format!("{}.{layer}", row.name);
        Ok(match row.kind {
            Kind::Stem => match self.arch.stem_kind {
                StemKind::Cifar => self.conv(&of("conv0"), xs, 1, 1),
                StemKind::Imagenet => {
                    let ys = self.conv_norm(&of("conv0"), &of("norm0"), xs, 3, 2)?;
                    let ys = self.relu(&of("relu0"), &ys);
                    self.graph.node("MaxPool", &[&ys], &of("pool0"), &window(3, 1, 2))
                }
            },
            Kind::DenseLayer { .. } => {
                let ys = self.norm_relu(&of("norm1"), &of("relu1"), xs);
                let ys = if self.arch.bottleneck {
                    let ys = self.conv_norm(&of("conv1"), &of("norm2"), &ys, 0, 1)?;
                    let ys = self.relu(&of("relu2"), &ys);
                    self.conv(&of("conv2"), &ys, 1, 1)
                } else {
                    self.conv(&of("conv1"), &ys, 1, 1)
                };
                match self.arch.connectivity {
                    Connectivity::Dense => {
                        self.graph.node("Concat", &[xs, &ys], &of("concat"), &[Attribute::Int("axis", 1)])
                    }
                    Connectivity::Residual => self.graph.node("Add", &[xs, &ys], &of("add"), &[]),
                    Connectivity::Plain => ys,
                }
            }
            Kind::Transition { .. } => {
                let ys = self.norm_relu(&of("norm"), &of("relu"), xs);
                let ys = self.conv(&of("conv"), &ys, 0, 1);
                self.graph.node("AveragePool", &[&ys], &of("pool"), &window(2, 0, 2))
            }
            Kind::Head => {
                let ys = self.norm_relu(&of("norm5"), &of("relu5"), xs);
                let ys = self.graph.node("GlobalAveragePool", &[&ys], &of("pool5"), &[]);
                self.graph.node("Flatten", &[&ys], &of("flatten"), &[Attribute::Int("axis", 1)])
            }
            Kind::Classifier => {
                let [weight, bias] = ["weight", "bias"].map(|name| self.tensor(&of(name)));
                let inputs = [xs, &weight, &bias];
                self.graph.node("Gemm", &inputs, LOGITS, &[Attribute::Int("transB", 1)])
            }
        })
    }

    /// A tensor of the network as an initialiser, under its own name.
    fn tensor(&mut self, name: &str) -> String {
        self.graph.initialiser(name, &self.tensors[name]);
        name.to_owned()
    }

    fn conv(&mut self, conv: &str, xs: &str, padding: i64, stride: i64) -> String {
        let weight = self.tensor(&format!("{conv}.weight"));
        let kernel = self.tensors[&weight].shape[2] as i64;
        self.graph.node("Conv", &[xs, &weight], conv, &window(kernel, padding, stride))
    }

    /// A convolution with the normalisation behind it in its weight and bias.
    fn conv_norm(
        &mut self,
        conv: &str,
        norm: &str,
        xs: &str,
        padding: i64,
        stride: i64,
    ) -> Result<String, String> {
        let (folded, added) = fold(self.tensors, conv, norm)?;
        let [weight, bias] = ["weight", "bias"].map(|name| format!("{conv}.{name}"));
        self.graph.initialiser(&weight, &folded);
        self.graph.initialiser(&bias, &added);
        self.folded += 1;
        let window = window(folded.shape[2] as i64, padding, stride);
        Ok(self.graph.node("Conv", &[xs, &weight, &bias], conv, &window))
    }

    fn norm_relu(&mut self, norm: &str, relu: &str, xs: &str) -> String {
        let names = ["weight", "bias", "running_mean", "running_var"];
        let [weight, bias, mean, variance] = names.map(|name| self.tensor(&format!("{norm}.{name}")));
        let inputs = [xs, &weight, &bias, &mean, &variance];
        let epsilon = Attribute::Float("epsilon", fold::EPSILON as f32);
        let ys = self.graph.node("BatchNormalization", &inputs, norm, &[epsilon]);
        self.relu(relu, &ys)
    }

    fn relu(&mut self, relu: &str, xs: &str) -> String {
        self.graph.node("Relu", &[xs], relu, &[])
    }
}

/// The square window of a convolution or pooling.
fn window(side: i64, padding: i64, stride: i64) -> [Attribute; 3] {
    [
        Attribute::Ints("kernel_shape", vec![side; 2]),
        Attribute::Ints("pads", vec![padding; 4]),
        Attribute::Ints("strides", vec![stride; 2]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;
    use crate::store::checkpoint::example;

    #[test]
    fn what_no_reader_would_take_is_not_written() {
        let mut meta = example(7).meta;
        meta.recipe = Recipe { layers: vec![40; 4], growth_rate: 300, bottleneck: true, ..meta.recipe };
        let clause = encode(&meta, &BTreeMap::new(), Around::default()).unwrap_err();
        assert_eq!(clause, "an ONNX file has room for 2 GiB, and this network needs more");
    }

    #[test]
    fn a_network_without_one_of_its_tensors_is_not_written() {
        let mut checkpoint = example(7);
        checkpoint.tensors.retain(|name, _| !name.starts_with("optimizer."));
        let encoded = |tensors| encode(&checkpoint.meta, tensors, Around::default());
        assert!(encoded(&checkpoint.tensors).is_ok());
        let mut fewer = checkpoint.tensors.clone();
        fewer.remove("features.norm5.bias");
        assert_eq!(encoded(&fewer).unwrap_err(), "the tensor `features.norm5.bias` is missing");
    }

    #[test]
    fn pixels_are_normalised_by_nodes_in_front_and_answers_are_probabilities_by_one_behind() {
        let mut checkpoint = example(7);
        checkpoint.tensors.retain(|name, _| !name.starts_with("optimizer."));
        let of = |raw, softmax| {
            let around = Around { raw, softmax };
            let found = encode(&checkpoint.meta, &checkpoint.tensors, around).unwrap();
            ["Sub", "Div", "Softmax"].map(|operator| found.operators.get(operator).copied().unwrap_or(0))
        };
        assert_eq!((of(false, false), of(true, false), of(false, true)), ([0, 0, 0], [1, 1, 0], [0, 0, 1]));
    }
}
