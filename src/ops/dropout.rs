//! Dropout with masks that are a function of (seed, step, convolution): nothing is stored, a
//! resumed run draws the same ones.

use candle_core::{Result, Tensor};

use crate::rng::{Purpose, Stream};

/// The masks of one training step.
#[derive(Clone, Copy, Debug)]
pub struct Masks {
    /// Share of the values that become 0.
    pub rate: f64,
    /// The run's seed.
    pub seed: u64,
    /// The step, from 0.
    pub step: u64,
}

impl Masks {
    /// `xs` with a share of its values set to 0 and the others divided by the share that stays.
    /// `convolution` counts the convolutions of the network.
    pub fn apply(self, xs: &Tensor, convolution: u32) -> Result<Tensor> {
        let mut stream = Stream::new(self.seed, Purpose::Dropout, self.step, convolution);
        let (rate, kept) = (self.rate as f32, 1.0 / (1.0 - self.rate as f32));
        let mask: Vec<f32> =
            (0..xs.elem_count()).map(|_| if stream.uniform() < rate { 0.0 } else { kept }).collect();
        xs * Tensor::from_vec(mask, xs.shape(), xs.device())?
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn a_mask_drops_its_share_keeps_the_mean_and_differs_between_steps_and_convolutions() {
        let xs = Tensor::ones((4, 5, 20, 20), DType::F32, &Device::Cpu).unwrap();
        let masks = Masks { rate: 0.2, seed: 1, step: 3 };
        let values = |masks: Masks, convolution| {
            masks.apply(&xs, convolution).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let ys = values(masks, 7);
        let dropped = ys.iter().filter(|&&y| y == 0.0).count();
        assert!((1400..1800).contains(&dropped), "{dropped} of 8000 dropped");
        assert!(ys.iter().all(|&y| y == 0.0 || y == 1.25));
        assert_eq!(ys, values(masks, 7));
        assert_ne!(ys, values(masks, 8));
        assert_ne!(ys, values(Masks { step: 4, ..masks }, 7));
    }
}
