//! The arithmetic between tensors that candle lacks or does differently from PyTorch.
//!
//! Everything here is differentiable through candle's autograd. The small pieces run on any device and are the
//! slow, obvious version of the network's arithmetic; `op` is the whole network as one operation, which tests
//! compare with them. `unsafe` may live in this room and nowhere else.

pub mod backend;
pub mod batch_norm;
pub mod conv;
pub mod cpu;
#[cfg(any(feature = "cuda", feature = "host-kernels"))]
pub mod cuda;
pub mod dropout;
pub(crate) mod elements;
pub mod loss;
pub mod op;
pub mod out_of_memory;
pub mod passes;
pub mod peak;
pub mod pool;
pub mod threads;
pub mod trainer;

use candle_core::{DType, Result, Tensor};
use rayon::prelude::*;

/// max(x, 0) with the derivative 0 at 0, as PyTorch has it (candle's own has 1). NaN stays NaN.
pub fn relu(xs: &Tensor) -> Result<Tensor> {
    let mask = xs.gt(0f64)?.to_dtype(xs.dtype())?.detach();
    xs * mask
}

/// Whether every number in `xs` is finite.
pub fn is_finite(xs: &Tensor) -> Result<bool> {
    // 0·x is 0 for finite x and NaN otherwise, and a sum keeps a NaN.
    if let Some(finite) = elements::with(&[xs], |[xs]| {
        xs.par_chunks(elements::CHUNK).all(|xs| xs.iter().map(|x| 0.0 * x).sum::<f32>() == 0.0)
    }) {
        return Ok(finite);
    }
    let sum = (xs * 0f64)?.sum_all()?.to_dtype(DType::F32)?.to_scalar::<f32>()?;
    Ok(sum == 0.0)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn the_derivative_of_relu_at_zero_is_zero() {
        let xs = Var::new(&[-2f32, 0.0, 3.0], &Device::Cpu).unwrap();
        let ys = relu(&xs).unwrap();
        assert_eq!(ys.to_vec1::<f32>().unwrap(), [-0.0, 0.0, 3.0]);
        let grads = ys.sum_all().unwrap().backward().unwrap();
        assert_eq!(grads.get(&xs).unwrap().to_vec1::<f32>().unwrap(), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn one_number_that_is_not_finite_is_found_and_a_large_finite_sum_is_not_blamed() {
        let tensor = |xs: &[f32]| Tensor::new(xs, &Device::Cpu).unwrap();
        assert!(is_finite(&tensor(&[f32::MAX, f32::MAX, -1.0])).unwrap());
        assert!(!is_finite(&tensor(&[1.0, f32::NAN])).unwrap());
        assert!(!is_finite(&tensor(&[f32::NEG_INFINITY, 1.0])).unwrap());
    }
}
