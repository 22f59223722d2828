//! The memory that a network takes on the CPU, by arithmetic, before anything is allocated.

use crate::arch::plan::{Arch, Kind, Plan};

/// Bytes of a number.
const F32: u128 = 4;
/// Most images that share a vector: a batch takes the room of the next multiple.
const LANES: u128 = 16;
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
    let images = (batch as u128).next_multiple_of(LANES);
    let mut numbers = 3 * pixels(arch.input_size) * images;
    let (mut inner, mut largest) = (0, 0);
    for (index, row) in plan.rows.iter().enumerate() {
        let [channels, side, _] = row.output;
        let maps = |channels: usize| channels as u128 * pixels(side) * images;
        if let Kind::DenseLayer { .. } = row.kind {
            if arch.bottleneck {
                // The output of the 1x1 convolution is kept; its gradient has one buffer for all layers.
                numbers += maps(4 * arch.growth_rate);
                inner = inner.max(maps(4 * arch.growth_rate));
            }
            let next = plan.rows.get(index + 1).map(|row| row.kind);
            if !matches!(next, Some(Kind::DenseLayer { .. })) {
                // The end of a block: its features and their gradient.
                numbers += 2 * maps(channels);
            }
        }
        largest = row.parameters.iter().map(|p| p.len() as u128).fold(largest, u128::max);
    }
    saturated(F32 * (numbers + inner + PARTIAL_SUMS * largest + PARAMETER_COPIES * parameters(plan)))
}

/// Bytes that the fused network takes for evaluation on batches of `batch` images, counted as by
/// [`training_bytes`].
pub fn evaluation_bytes(arch: &Arch, plan: &Plan, batch: usize) -> u64 {
    let images = (batch as u128).next_multiple_of(LANES);
    let (mut numbers, mut inner) = (3 * pixels(arch.input_size), 0);
    for (index, row) in plan.rows.iter().enumerate() {
        let [channels, side, _] = row.output;
        if let Kind::DenseLayer { .. } = row.kind {
            if arch.bottleneck {
                // What the 3x3 convolution reads has a border.
                inner = inner.max(4 * arch.growth_rate as u128 * pixels(side + 2));
            }
            if !matches!(plan.rows.get(index + 1).map(|row| row.kind), Some(Kind::DenseLayer { .. })) {
                numbers += channels as u128 * pixels(side);
            }
        }
    }
    saturated(F32 * ((numbers + inner) * images + PARAMETER_COPIES / 2 * parameters(plan)))
}

/// Bytes that candle's own layers take at least for training (or evaluation) on batches of `batch` images.
pub fn reference_bytes(arch: &Arch, plan: &Plan, batch: usize, training: bool) -> u64 {
    let inner = if arch.bottleneck { 4 * arch.growth_rate as u128 } else { 0 };
    let rows = plan.rows.iter().filter(|row| matches!(row.kind, Kind::DenseLayer { .. }));
    let rows = rows.map(|row| (row.c_in as u128, pixels(row.output[1])));
    let numbers = if training {
        let kept: u128 = rows.map(|(c, pixels)| (c + inner + arch.growth_rate as u128) * pixels).sum();
        KEPT_BY_AUTOGRAD * kept
    } else {
        rows.map(|(c, pixels)| (3 * c + 4 * inner) * pixels).max().unwrap_or(0)
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
    use crate::recipe::presets::PRESETS;
    use crate::recipe::{Data, Recipe};

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
        assert_eq!(mib(100, 1), mib(100, 16));
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
