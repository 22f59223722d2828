//! The memory that a network takes on the CPU, by arithmetic, before anything is allocated.

use crate::arch::blocks::Net;
use crate::arch::layout::{Plane, Planes};
use crate::arch::plan::{Arch, Kind, Plan};

/// Bytes of a number.
const F32: u128 = 4;
/// Lanes of the widest vector: most images that share one.
const LANES: usize = 16;
/// Images from which on a batch lies as any larger one does.
const MANY: usize = 1 << 16;
/// Most copies of a convolution's gradient that are summed apart.
const PARTIAL_SUMS: u128 = 32;
/// Copies of the parameters at the end of a step: weights, joined weights, gradient, new weights, and
/// the optimizer's state (at most two tensors), old and new.
const PARAMETER_COPIES: u128 = 8;

/// Tensors as large as a dense layer's input, inner and own maps together that candle's autograd keeps of each
/// layer until the backward pass, gradients included. Measured on BC-22-12, BC-40-12, networks without
/// bottleneck and DenseNet-121: 12.9 to 14.3 (`bench --reference`, its peak less that of the program).
const KEPT_BY_AUTOGRAD: u128 = 12;

/// Bytes that the fused network takes for training on batches of `batch` images; images, program and
/// other threads not counted. `plan` is that of `arch`.
pub fn training_bytes(arch: &Arch, plan: &Plan, batch: usize) -> u64 {
    let net = Net::new(arch, plan);
    let room = Room::of(&net, batch);
    let mut numbers = room.maps(room.planes.images, 3, net.border());
    let (mut inner, mut largest) = (0, net.stem.len());
    if net.pool.is_some() {
        // The convolution's output and its gradient, and which pixel each maximum is.
        let outputs = net.stem.outputs;
        numbers += room.maps(room.planes.stem, outputs, 0) + room.maps(room.planes.blocks[0], outputs, 0);
        inner = room.maps(room.planes.stem, outputs, 0);
    }
    for (block, &plane) in net.blocks.iter().zip(&room.planes.blocks) {
        // The features of a block, and their gradient: in residual and plain networks that of two layers.
        let channels = block.states().channels + block.two_states().channels;
        numbers += room.maps(plane, channels, 0);
        for layer in &block.layers {
            if let Some((conv, _)) = layer.expand {
                // The output of the 1x1 convolution is kept; its gradient has one buffer for all layers.
                numbers += room.maps(plane, conv.outputs, 0);
                inner = inner.max(room.maps(plane, conv.outputs, 0));
                largest = largest.max(conv.len());
            }
            largest = largest.max(layer.grow.len());
        }
        largest = largest.max(block.transition.map_or(0, |conv| conv.len()));
    }
    numbers += 2 * room.moved(&net);
    let sums = PARTIAL_SUMS * largest as u128;
    saturated(F32 * (numbers + inner + sums + PARAMETER_COPIES * parameters(plan)))
}

/// Bytes that the fused network takes for evaluation on batches of `batch` images, counted as by
/// [`training_bytes`].
pub fn evaluation_bytes(arch: &Arch, plan: &Plan, batch: usize) -> u64 {
    let net = Net::new(arch, plan);
    let room = Room::of(&net, batch);
    let (mut numbers, mut inner) = (room.maps(room.planes.images, 3, net.border()), 0);
    for (block, &plane) in net.blocks.iter().zip(&room.planes.blocks) {
        numbers += room.maps(plane, block.two_states().channels, 0);
        if let Some((conv, _)) = block.layers[0].expand {
            // What the 3x3 convolution reads has a border.
            inner = inner.max(room.maps(plane, conv.outputs, 1));
        }
    }
    numbers += inner + room.moved(&net);
    saturated(F32 * (numbers + PARAMETER_COPIES / 2 * parameters(plan)))
}

/// How a batch lies in the widest vectors.
struct Room {
    planes: Planes,
    /// Of images that share a vector.
    groups: u128,
}

impl Room {
    fn of(net: &Net, batch: usize) -> Self {
        // A large batch is not cut, whatever its size.
        let planes = Planes::new(net, LANES, batch.min(MANY));
        let per_group = planes.images.per_group();
        Self { groups: (batch as u128).div_ceil(per_group as u128), planes }
    }

    /// Numbers of maps of `channels` with a border.
    fn maps(&self, plane: Plane, channels: usize, border: usize) -> u128 {
        let pixels = (plane.height + 2 * border) * (plane.width + 2 * border);
        self.groups * (LANES * channels * pixels) as u128
    }

    /// Numbers of the largest end of a block that is pooled in another plane than its own.
    fn moved(&self, net: &Net) -> u128 {
        let planes = self.planes.blocks.iter().zip(&self.planes.pooled);
        let moved = net.blocks.iter().zip(planes).filter(|(_, (own, pooled))| own != pooled);
        moved.map(|(block, (_, &pooled))| self.maps(pooled, block.channels, 0)).max().unwrap_or(0)
    }
}

/// Bytes that candle's own layers take at least for training (or evaluation) on batches of `batch` images.
pub fn reference_bytes(arch: &Arch, plan: &Plan, batch: usize, training: bool) -> u64 {
    let rows = plan.rows.iter().filter(|row| matches!(row.kind, Kind::DenseLayer { .. }));
    // Maps that a layer reads, that its 1x1 convolution makes, and its own.
    let rows = rows.map(|row| {
        let (own, inner) = arch.maps_of_layer(row.c_in);
        let inner = if arch.bottleneck { inner } else { 0 };
        (row.c_in as u128, inner as u128, own as u128, pixels(row.output[1]))
    });
    let numbers = if training {
        let kept: u128 = rows.map(|(c, inner, own, pixels)| (c + inner + own) * pixels).sum();
        KEPT_BY_AUTOGRAD * kept
    } else {
        rows.map(|(c, inner, _, pixels)| (3 * c + 4 * inner) * pixels).max().unwrap_or(0)
    };
    let copies = if training { PARAMETER_COPIES } else { 1 };
    saturated(F32 * (numbers * batch as u128 + copies * parameters(plan)))
}

fn pixels(side: usize) -> u128 {
    (side * side) as u128
}

fn parameters(plan: &Plan) -> u128 {
    plan.parameters().into()
}

/// A batch size that is being typed can be any number.
fn saturated(bytes: u128) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::words::Connectivity;
    use crate::recipe::presets::PRESETS;
    use crate::recipe::{Data, Recipe, Width};

    fn mib(depth: usize, batch: usize) -> f64 {
        let layers = (depth - 4) / 6;
        let arch = Recipe { layers: vec![layers; 3], ..Recipe::defaults(Data::Cifar10) }.arch(10);
        training_bytes(&arch, &arch.plan().unwrap(), batch) as f64 / 1024.0 / 1024.0
    }

    /// Block buffers and their gradients 78 + 78 MiB, bottleneck outputs 252, one gradient of them 12,
    /// by hand for 16 layers a block at k = 12 and 64 images.
    #[test]
    fn bc_100_12_takes_its_buffers_and_little_more() {
        assert!(PRESETS.iter().any(|preset| preset.name == "bc-100-12"));
        let total = mib(100, 64);
        assert!((415.0..455.0).contains(&total), "{total} MiB");
    }

    #[test]
    fn memory_grows_with_depth_and_batch_and_no_faster() {
        let (shallow, middle, deep) = (mib(40, 64), mib(100, 64), mib(160, 64));
        assert!((deep - middle) / (middle - shallow) < 1.1, "{shallow} {middle} {deep}");
        assert!(mib(100, 128) < 2.0 * mib(100, 64));
        assert!(mib(100, 1) < mib(100, 2) && mib(100, 8) < mib(100, 16));
    }

    /// By hand for 16 layers a block of 18, 36 and 72 maps, 64 images: 17 states and two gradients of them are
    /// 81 + 40 + 20 MiB and 9 + 5 + 2, in evaluation two states 9 + 5 + 2.
    #[test]
    fn a_residual_network_keeps_what_its_layers_read_and_the_gradients_of_two() {
        let recipe = Recipe {
            connectivity: Connectivity::Residual,
            width: Width::Maps(18),
            layers: vec![16; 3],
            bottleneck: false,
            ..Recipe::defaults(Data::Cifar10)
        };
        let arch = recipe.arch(10);
        let plan = arch.plan().unwrap();
        let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
        let (training, evaluation) = (training_bytes(&arch, &plan, 64), evaluation_bytes(&arch, &plan, 64));
        assert!((157.0..200.0).contains(&mib(training)), "{} MiB", mib(training));
        assert!((16.0..40.0).contains(&mib(evaluation)), "{} MiB", mib(evaluation));
    }

    #[test]
    fn a_batch_size_beyond_all_memory_takes_more_than_there_is_and_not_less() {
        let arch = Recipe::defaults(Data::Cifar10).arch(10);
        let plan = arch.plan().unwrap();
        for batch in [1 << 50, usize::MAX] {
            assert_eq!(training_bytes(&arch, &plan, batch), u64::MAX);
            assert_eq!(evaluation_bytes(&arch, &plan, batch), u64::MAX);
            assert_eq!(reference_bytes(&arch, &plan, batch, true), u64::MAX);
        }
    }
}
