//! The passes of a network on the CPU, with kernels of its own.
//!
//! What a general framework spends on a dense block (copies for each concatenation, statistics measured
//! again by every reader, stored BN-ReLU outputs) is not done here:
//!
//! - the features of a block lie in one buffer; a layer writes its k channels behind the others (in a plain or
//!   residual network as many as it read, and the next layer reads those)
//! - a feature map's mean and variance are measured once, when it is written
//! - relu(a·x + b) is computed wherever it is read, forward and backward
//! - the backward pass reads each layer's input once; the two means of each batch normalisation are
//!   taken off a channel's gradient when its last reader has passed (`backward`)
//! - in a plain or residual network the only other reader is the shortcut, which hands on what is finished
//!   (`reader`): two layers' gradients are kept, and in evaluation two layers' features
//! - a transition averages before it multiplies (`transition`)
//!
//! Work is cut into tiles of image rows; partial sums belong to tiles and are joined in their order, so
//! the bits do not depend on the number of threads.

mod backward;
mod bordered;
mod dropout;
mod evaluate;
mod forward;
mod gradients;
mod head;
mod kernels;
mod lanes;
mod last_maps;
mod memory;
mod moved;
mod network;
mod norm;
mod outer;
mod plane;
mod reader;
mod running;
mod stem;
mod stem_backward;
mod stem_forward;
mod transition;

use crate::ops::cpu::lanes::isa::Isa;
use crate::ops::cpu::network::Network;
use crate::ops::passes::{NetworkConfig, Passes};

/// The passes of a network by the widest instructions of this machine, with memory of its own, which is taken at
/// the first batch and used again by all later ones.
pub(in crate::ops) fn network(config: &NetworkConfig) -> Box<dyn Passes> {
    Box::new(Network::new(config, Isa::available()[0]))
}

/// The same by each instruction set of this machine, with its name.
#[cfg(test)]
pub(crate) fn by_every_isa(config: &NetworkConfig) -> Vec<(&'static str, Box<dyn Passes>)> {
    let by = |isa: Isa| (isa.name(), Box::new(Network::new(config, isa)) as Box<dyn Passes>);
    Isa::available().into_iter().map(by).collect()
}

/// The name of the instruction set that networks are computed by on this machine.
pub fn instruction_set() -> &'static str {
    Isa::available()[0].name()
}
