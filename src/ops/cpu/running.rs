//! Running statistics, as the normalisations of an evaluation read them.

use crate::arch::blocks::{Net, Norm};
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::cpu::norm::Affine;

/// Running statistics of a network.
pub(super) struct Running<'a> {
    /// Of each normalisation its means, then its variances.
    numbers: &'a [f32],
    /// Where each begins.
    offsets: Vec<usize>,
}

impl<'a> Running<'a> {
    pub(super) fn new(net: &Net, numbers: &'a [f32]) -> Self {
        let begins = net.norms.iter().scan(0, |next, channels| {
            let begin = *next;
            *next += 2 * channels;
            Some(begin)
        });
        Self { numbers, offsets: begins.collect() }
    }

    /// Makes `affine` what `norm` does by them.
    pub(super) fn set(
        &self,
        affine: &mut Affine,
        batch_norm: BatchNormConfig,
        norm: Norm,
        parameters: &[f32],
    ) {
        let numbers = &self.numbers[self.offsets[norm.index]..][..2 * norm.channels];
        let (mean, variance) = numbers.split_at(norm.channels);
        let wide = |numbers: &'a [f32]| numbers.iter().map(|&x| f64::from(x));
        let (weight, bias) = (norm.weight(parameters), norm.bias(parameters));
        affine.set(batch_norm, weight, bias, wide(mean), wide(variance));
    }
}
