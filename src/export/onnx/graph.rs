//! The graph of an ONNX file as it is built: nodes, initialisers, and the messages that they become.

use std::collections::BTreeMap;

use crate::store::checkpoint::Array;
use crate::wire::Message;

/// `TensorProto.FLOAT`.
const FLOAT: i64 = 1;

/// An attribute of a node.
pub(super) enum Attribute {
    Float(&'static str, f32),
    Int(&'static str, i64),
    Ints(&'static str, Vec<i64>),
}

impl Attribute {
    /// `AttributeProto`: name 1, f 2, i 3, ints 8, type 20.
    fn message(&self) -> Message {
        match self {
            Self::Float(name, value) => Message::new().string(1, name).float(2, *value).int(20, 1),
            Self::Int(name, value) => Message::new().string(1, name).int(3, *value).int(20, 2),
            Self::Ints(name, values) => {
                let named = Message::new().string(1, name);
                values.iter().fold(named, |message, value| message.int(8, *value)).int(20, 7)
            }
        }
    }
}

/// A dimension of an input or output.
pub(super) enum Dimension {
    /// Whatever a caller gives.
    Named(&'static str),
    Fixed(usize),
}

/// Nodes in the order of the forward pass, and the numbers that they read.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    initialisers: Vec<Message>,
    /// How many nodes there are of each operator.
    pub(super) operators: BTreeMap<&'static str, usize>,
}

impl Graph {
    /// Adds a tensor that nodes read under `name`.
    pub(super) fn initialiser(&mut self, name: &str, array: &Array) {
        let bytes: Vec<u8> = array.data.iter().flat_map(|number| number.to_le_bytes()).collect();
        // `TensorProto`: dims 1, data_type 2, name 8, raw_data 9.
        let dims = array.shape.iter().fold(Message::new(), |message, &side| message.int(1, side as i64));
        self.initialisers.push(dims.int(2, FLOAT).string(8, name).bytes(9, &bytes));
    }

    /// Adds a node that writes `output`, which is the node's name too; returns it.
    pub(super) fn node(
        &mut self,
        operator: &'static str,
        inputs: &[&str],
        output: &str,
        attributes: &[Attribute],
    ) -> String {
        *self.operators.entry(operator).or_default() += 1;
        // `NodeProto`: input 1, output 2, name 3, op_type 4, attribute 5.
        let node = inputs.iter().fold(Message::new(), |message, input| message.string(1, input));
        let node = node.string(2, output).string(3, output).string(4, operator);
        self.nodes.push(node.messages(5, attributes.iter().map(Attribute::message)));
        output.to_owned()
    }

    /// The `GraphProto`: node 1, name 2, initializer 5, input 11, output 12.
    pub(super) fn message(
        self,
        name: &str,
        input: (&str, &[Dimension]),
        output: (&str, &[Dimension]),
    ) -> Message {
        let graph = Message::new().messages(1, self.nodes).string(2, name).messages(5, self.initialisers);
        graph.message(11, &value(input)).message(12, &value(output))
    }
}

/// The `ValueInfoProto` of an input or output of floats.
fn value((name, shape): (&str, &[Dimension])) -> Message {
    let dimension = |dimension: &Dimension| match dimension {
        Dimension::Fixed(side) => Message::new().int(1, *side as i64),
        Dimension::Named(name) => Message::new().string(2, name),
    };
    let shape = Message::new().messages(1, shape.iter().map(dimension));
    let tensor = Message::new().int(1, FLOAT).message(2, &shape);
    Message::new().string(1, name).message(2, &Message::new().message(1, &tensor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_what_it_reads_and_writes_and_how() {
        let mut graph = Graph::default();
        let pads = Attribute::Ints("pads", vec![1, 1]);
        assert_eq!(graph.node("Conv", &["x", "w"], "y", &[pads]), "y");
        assert_eq!(graph.operators, BTreeMap::from([("Conv", 1)]));
        let node = b"\x0a\x01x\x0a\x01w\x12\x01y\x1a\x01y\x22\x04Conv\x2a\x0d\x0a\x04pads\x40\x01\x40\x01\xa0\x01\x07";
        assert_eq!(graph.nodes[0].clone().into_bytes(), node);
    }

    #[test]
    fn an_initialiser_is_its_shape_its_type_and_its_bytes() {
        let mut graph = Graph::default();
        graph.initialiser("w", &Array { shape: vec![2, 1], data: vec![1.0, -2.0] });
        let bytes = b"\x08\x02\x08\x01\x10\x01\x42\x01w\x4a\x08\0\0\x80\x3f\0\0\0\xc0";
        assert_eq!(graph.initialisers[0].clone().into_bytes(), bytes);
    }

    #[test]
    fn the_batch_of_an_input_has_a_name_in_place_of_a_size() {
        let bytes = value(("x", &[Dimension::Named("n"), Dimension::Fixed(3)])).into_bytes();
        assert_eq!(bytes, b"\x0a\x01x\x12\x0f\x0a\x0d\x08\x01\x12\x09\x0a\x03\x12\x01n\x0a\x02\x08\x03");
    }
}
