//! Batch normalisation as PyTorch computes it (Ioffe and Szegedy 2015), without side effects:
//! the new running statistics are returned, so that a step can be thrown away.

use candle_core::{Result, Tensor};

/// The constants of a batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNormConfig {
    /// Added to the variance (ε).
    pub epsilon: f64,
    /// Share of the batch in the new running statistics.
    pub momentum: f64,
    /// Whether the running variance is divided by M - 1 (the normalisation always divides by M).
    pub unbiased: bool,
}

impl Default for BatchNormConfig {
    fn default() -> Self {
        Self { epsilon: 1e-5, momentum: 0.1, unbiased: true }
    }
}

/// One normalisation's tensors, each `[c]`.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    /// Scale γ.
    pub weight: &'a Tensor,
    /// Shift β.
    pub bias: &'a Tensor,
    /// Running mean.
    pub mean: &'a Tensor,
    /// Running variance.
    pub variance: &'a Tensor,
}

/// Normalises `xs` `[n, c, h, w]` by its own mean and variance. Returns the result and the new
/// running mean and variance `[c]`. With n·h·w = 1 there is no variance: callers refuse that before.
pub fn train(xs: &Tensor, norm: Norm, batch_norm: BatchNormConfig) -> Result<(Tensor, Tensor, Tensor)> {
    let (n, c, h, w) = xs.dims4()?;
    let count = (n * h * w) as f64;
    let flat = xs.reshape((n, c, h * w))?;
    // Summed along the contiguous maps first: several times faster than over (0, 2, 3) at once.
    let mean_of = |xs: &Tensor| -> Result<Tensor> { xs.sum_keepdim(2)?.sum_keepdim(0)? / count };
    let mean = mean_of(&flat)?;
    let centred = flat.broadcast_sub(&mean)?;
    let variance = mean_of(&centred.sqr()?)?;
    let scale = (norm.weight.reshape((1, c, 1))? / (&variance + batch_norm.epsilon)?.sqrt()?)?;
    let ys = centred.broadcast_mul(&scale)?.broadcast_add(&norm.bias.reshape((1, c, 1))?)?;

    let correction = if batch_norm.unbiased { count / (count - 1.0) } else { 1.0 };
    let blend = |old: &Tensor, new: Tensor| -> Result<Tensor> {
        (old.detach() * (1.0 - batch_norm.momentum))? + (new.flatten_all()?.detach() * batch_norm.momentum)?
    };
    let running_mean = blend(norm.mean, mean)?;
    let running_variance = blend(norm.variance, (variance * correction)?)?;
    Ok((ys.reshape((n, c, h, w))?, running_mean, running_variance))
}

/// Normalises `xs` `[n, c, h, w]` by the running statistics.
pub fn evaluate(xs: &Tensor, norm: Norm, batch_norm: BatchNormConfig) -> Result<Tensor> {
    let c = xs.dim(1)?;
    let column = |xs: &Tensor| xs.reshape((1, c, 1, 1));
    let scale = (norm.weight / (norm.variance + batch_norm.epsilon)?.sqrt()?)?;
    xs.broadcast_sub(&column(norm.mean)?)?.broadcast_mul(&column(&scale)?)?.broadcast_add(&column(norm.bias)?)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    /// torch 2.x: `bn = nn.BatchNorm2d(2); bn.weight.data = tensor([2., .5]); bn.bias.data = tensor([1., -1.])`
    /// on the values below; the mean of channel 0 is 100, its deviation about 1.
    #[test]
    fn a_channel_far_from_zero_keeps_its_variance() {
        let dev = &Device::Cpu;
        let xs: Vec<f32> = vec![99.0, 101.0, 100.0, 102.0, 0.0, 1.0, 2.0, 3.0];
        let xs = Tensor::from_vec(xs, (1, 2, 2, 2), dev).unwrap();
        let t = |xs: [f32; 2]| Tensor::new(&xs, dev).unwrap();
        let (weight, bias, mean, variance) = (t([2.0, 0.5]), t([1.0, -1.0]), t([0.0, 0.0]), t([1.0, 1.0]));
        let norm = Norm { weight: &weight, bias: &bias, mean: &mean, variance: &variance };
        let (ys, mean, variance) = train(&xs, norm, BatchNormConfig::default()).unwrap();
        let close = |got: &Tensor, expected: &[f32]| {
            let got = got.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(
                got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5),
                "{got:?} is not {expected:?}"
            );
        };
        // x̂ = (-1.5, 0.5, -0.5, 1.5)/√(1.25 + 1e-5) for channel 0.
        close(
            &ys,
            &[-1.683_271, 1.894_424, 0.105_576, 3.683_271, -1.670_818, -1.223_606, -0.776_394, -0.329_182],
        );
        close(&mean, &[10.05, 0.15]);
        close(&variance, &[1.066_667, 1.066_667]);
    }
}
