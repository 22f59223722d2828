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
        let mut draws = self.draws(convolution);
        let mask: Vec<f32> = (0..xs.elem_count()).map(|_| draws.factor()).collect();
        xs * Tensor::from_vec(mask, xs.shape(), xs.device())?
    }

    /// The factors for what `convolution` wrote, element by element of `[n, c, h, w]`.
    pub fn draws(self, convolution: u32) -> Draws {
        Draws {
            stream: Stream::new(self.seed, Purpose::Dropout, self.step, convolution),
            rate: self.rate as f32,
            kept: 1.0 / (1.0 - self.rate as f32),
        }
    }
}

/// The factors of a mask, in order or from any element on.
#[derive(Clone, Debug)]
pub struct Draws {
    stream: Stream,
    rate: f32,
    kept: f32,
}

impl Draws {
    /// The next element's factor: 0, or one over the share that stays.
    pub fn factor(&mut self) -> f32 {
        if self.stream.uniform() < self.rate { 0.0 } else { self.kept }
    }

    /// Goes to `element`, from 0.
    pub fn seek(&mut self, element: u64) {
        self.stream.seek(element);
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
