//! The memory that training takes on the CPU, by arithmetic, before anything is allocated.

use crate::recipe::arch::{Arch, Kind, Plan};

/// Bytes of a number.
const F32: u64 = 4;
/// Most images that share a vector: a batch takes the room of the next multiple.
const LANES: u64 = 16;
/// Most copies of a convolution's gradient that are summed apart.
const PARTIAL_SUMS: u64 = 32;
/// Copies of the parameters at the end of a step: weights, joined weights, gradient, new weights, and
/// the optimizer's state (at most two tensors), old and new.
const PARAMETER_COPIES: u64 = 8;

/// Bytes that the fast network takes for training on batches of `batch` images; images, program and
/// other threads not counted. `plan` is that of `arch`.
pub fn training_bytes(arch: &Arch, plan: &Plan, batch: usize) -> u64 {
    let images = (batch as u64).next_multiple_of(LANES);
    let mut numbers = 3 * pixels(arch.input_size) * images;
    let (mut inner, mut largest) = (0, 0);
    for (index, row) in plan.rows.iter().enumerate() {
        let [channels, side, _] = row.output;
        let maps = |channels: usize| channels as u64 * pixels(side) * images;
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
        largest = row.parameters.iter().map(|p| p.len() as u64).fold(largest, u64::max);
    }
    F32 * (numbers + inner + PARTIAL_SUMS * largest + PARAMETER_COPIES * plan.parameters())
}

fn pixels(side: usize) -> u64 {
    (side * side) as u64
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
}
