//! How a tensor starts: a function of (seed, tensor), so that it needs no device and no order.

use crate::arch::plan::{Parameter, Role};
use crate::arch::words::Init;
use crate::rng::{Purpose, Stream};

/// The initial numbers of parameter number `index`: convolutions N(0, √(2/fan)) (He et al. 2015), the
/// linear weight U(±1/√in), BN 1 and 0, the linear bias 0.
pub(super) fn values(parameter: &Parameter, init: Init, seed: u64, index: u32) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Init, 0, index);
    let n = parameter.len();
    match parameter.role {
        Role::Convolution => {
            let (c_out, c_in) = (parameter.shape[0], parameter.shape[1]);
            let taps = parameter.shape[2] * parameter.shape[3];
            let fan = taps * if init == Init::FanOut { c_out } else { c_in };
            let deviation = (2.0 / fan as f64).sqrt() as f32;
            (0..n).map(|_| deviation * stream.normal()).collect()
        }
        Role::LinearWeight => {
            let bound = (1.0 / parameter.shape[1] as f64).sqrt() as f32;
            (0..n).map(|_| stream.between(-bound, bound)).collect()
        }
        Role::NormWeight => vec![1.0; n],
        Role::NormBias | Role::LinearBias => vec![0.0; n],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviation(xs: &[f32]) -> f64 {
        let mean = xs.iter().map(|&x| f64::from(x)).sum::<f64>() / xs.len() as f64;
        (xs.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / xs.len() as f64).sqrt()
    }

    #[test]
    fn convolutions_start_with_the_deviation_of_their_fan_and_the_linear_weight_within_its_bound() {
        let conv = Parameter { name: "c".into(), shape: vec![48, 96, 3, 3], role: Role::Convolution };
        let out = deviation(&values(&conv, Init::FanOut, 0, 0));
        let within = deviation(&values(&conv, Init::FanIn, 0, 0));
        assert!((out / (2.0f64 / (9.0 * 48.0)).sqrt() - 1.0).abs() < 0.02, "{out}");
        assert!((within / (2.0f64 / (9.0 * 96.0)).sqrt() - 1.0).abs() < 0.02, "{within}");
        let linear = Parameter { name: "l".into(), shape: vec![10, 400], role: Role::LinearWeight };
        let xs = values(&linear, Init::FanOut, 0, 1);
        assert!(xs.iter().all(|x| x.abs() <= 0.05) && xs.iter().any(|x| x.abs() > 0.049));
        assert_ne!(values(&linear, Init::FanOut, 0, 1), values(&linear, Init::FanOut, 1, 1));
    }
}
