//! Convolution by candle's own forward kernel, with gradients that use it too.
//!
//! candle differentiates a convolution by `conv_transpose2d`, a direct loop (its issue 3905 says the
//! same of CUDA). The gradient of the input is the convolution of the output's gradient with the
//! turned kernel, so the tiled forward kernel serves for it as well; that of a 1x1 kernel is a matrix
//! product.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

/// Convolves `xs` `[n, c_in, h, w]` with `weight` `[c_out, c_in, k, k]`.
pub fn conv2d(xs: &Tensor, weight: &Tensor, padding: usize, stride: usize) -> Result<Tensor> {
    let ys = xs.detach().conv2d(&weight.detach(), padding, stride, 1, 1)?;
    if stride != 1 || 2 * padding + 1 != weight.dim(2)? {
        // Only the ImageNet stem: candle's own gradient.
        return xs.conv2d(weight, padding, stride, 1, 1);
    }
    xs.apply_op3(weight, &ys, WithGradient)
}

/// Hands on its third argument, the convolution of the first two, and knows its gradient: stride 1,
/// padding k/2.
struct WithGradient;

impl CustomOp3 for WithGradient {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        ys: &CpuStorage,
        layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((ys.clone(), layout.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        ys: &CudaStorage,
        layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        use candle_core::backend::BackendStorage;
        Ok((ys.try_clone(layout)?, layout.shape().clone()))
    }

    fn bwd(
        &self,
        xs: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let (k, padding) = (weight.dim(2)?, weight.dim(2)? / 2);
        let for_input = if xs.track_op() {
            let turned = weight.detach().transpose(0, 1)?.contiguous()?;
            let turned = if k == 1 { turned } else { turned.flip(&[2, 3])?.contiguous()? };
            Some(gradient.conv2d(&turned, padding, 1, 1, 1)?)
        } else {
            None
        };
        let for_weight = if k == 1 {
            let (gs, xs) = (gradient.flatten_from(2)?, xs.detach().contiguous()?.flatten_from(2)?);
            gs.matmul(&xs.t()?)?.sum(0)?.reshape(weight.shape())?
        } else {
            let (xs, gs) = (xs.detach().transpose(0, 1)?, gradient.transpose(0, 1)?);
            xs.conv2d(&gs, padding, 1, 1, 1)?.transpose(0, 1)?.contiguous()?
        };
        Ok((for_input, Some(for_weight), None))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
        let scale = b.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
        let difference = (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        difference.to_scalar::<f32>().unwrap() / scale
    }

    /// candle's autograd through `conv2d` is the slow, obvious version.
    #[test]
    fn value_and_gradients_are_those_of_candles_own_convolution() {
        for (n, c_in, c_out, side, k) in
            [(2, 5, 3, 7, 3), (1, 4, 4, 4, 3), (3, 6, 5, 1, 3), (2, 5, 12, 6, 1), (1, 3, 3, 3, 1)]
        {
            let xs = Var::randn(0f32, 1.0, (n, c_in, side, side), &Device::Cpu).unwrap();
            let weight = Var::randn(0f32, 1.0, (c_out, c_in, k, k), &Device::Cpu).unwrap();
            let ours = conv2d(&xs, &weight, k / 2, 1).unwrap();
            let theirs = xs.conv2d(&weight, k / 2, 1, 1, 1).unwrap();
            assert!(largest_difference(&ours, &theirs) == 0.0);
            let probe = Tensor::randn(0f32, 1.0, ours.shape(), &Device::Cpu).unwrap();
            let gradients = |ys: &Tensor| (ys * &probe).unwrap().sum_all().unwrap().backward().unwrap();
            let (a, b) = (gradients(&ours), gradients(&theirs));
            for var in [&xs, &weight] {
                let difference = largest_difference(a.get(var).unwrap(), b.get(var).unwrap());
                assert!(difference < 2e-6, "{n} {c_in} {c_out} {side} {k}: {difference}");
            }
        }
    }
}
