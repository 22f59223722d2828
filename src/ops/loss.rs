//! Cross-entropy, with label smoothing and class weights.

use candle_core::{D, DType, Result, Tensor};
use candle_nn::ops::log_softmax;

/// The loss that a network learns by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loss {
    /// Share ε of the target that is spread over all classes: 1 - ε on the label plus ε/classes on every class
    /// (Szegedy et al. 2016, as PyTorch has it).
    pub smoothing: f64,
    /// The weight of each class; empty where all weigh the same.
    pub class_weights: Vec<f32>,
}

impl Loss {
    /// The mean cross-entropy in nats of `logits` `[n, classes]` for `labels` `[n]` (u32), divided by the weights of
    /// the labels where there are weights: PyTorch's `CrossEntropyLoss(weight=…, label_smoothing=…)`.
    pub fn of(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let (log_p, smoothing) = (log_softmax(logits, D::Minus1)?, self.smoothing);
        let hit = log_p.gather(&labels.unsqueeze(1)?, 1)?;
        if self.class_weights.is_empty() {
            let hit = hit.mean_all()?;
            let all = if smoothing > 0.0 { Some(log_p.mean_all()?) } else { None };
            return match all {
                Some(all) => ((hit * (1.0 - smoothing))? + (all * smoothing)?)?.neg(),
                None => hit.neg(),
            };
        }
        let weights = Tensor::new(self.class_weights.as_slice(), logits.device())?;
        let of_labels = weights.index_select(labels, 0)?;
        let hit = ((hit.squeeze(1)? * &of_labels)?.sum_all()? * (1.0 - smoothing))?;
        let all = log_p.broadcast_mul(&weights)?.sum_all()?;
        let spread = (all * (smoothing / self.class_weights.len() as f64))?;
        ((hit + spread)? / of_labels.sum_all()?)?.neg()
    }
}

/// The cross-entropy of each image `[n]`, without smoothing.
pub fn per_image(logits: &Tensor, labels: &Tensor) -> Result<Vec<f32>> {
    log_softmax(logits, D::Minus1)?.gather(&labels.unsqueeze(1)?, 1)?.squeeze(1)?.neg()?.to_vec1()
}

/// How many of `logits` `[n, classes]` are largest at their label.
pub fn correct(logits: &Tensor, labels: &Tensor) -> Result<u64> {
    let hits = logits.detach().argmax(D::Minus1)?.eq(labels)?.to_dtype(DType::U32)?.sum_all()?;
    Ok(u64::from(hits.to_scalar::<u32>()?))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// torch: `F.cross_entropy(tensor([[1., 2., 0.], [.5, -1., 3.]]), tensor([1, 0]), weight=w, label_smoothing=s)`
    #[test]
    fn cross_entropy_is_pytorchs_with_smoothing_and_with_weights() {
        let logits = Tensor::new(&[[1f32, 2.0, 0.0], [0.5, -1.0, 3.0]], &Device::Cpu).unwrap();
        let labels = Tensor::new(&[1u32, 0], &Device::Cpu).unwrap();
        let loss = |smoothing, class_weights: &[f32]| {
            let loss = Loss { smoothing, class_weights: class_weights.to_vec() };
            loss.of(&logits, &labels).unwrap().to_scalar::<f32>().unwrap()
        };
        for (smoothing, weights, expected) in [
            (0.0, &[][..], 1.501_64),
            (0.1, &[], 1.534_973),
            (0.0, &[0.5, 2.0, 1.0], 0.845_220),
            (0.1, &[0.5, 2.0, 1.0], 0.940_851),
            (0.1, &[3.0; 3], 1.534_973),
        ] {
            let got = loss(smoothing, weights);
            assert!((got - expected).abs() < 1e-5, "{smoothing} {weights:?}: {got}");
        }
        assert_eq!(correct(&logits, &labels).unwrap(), 1);
        let each = per_image(&logits, &labels).unwrap();
        assert!((each[0] - 0.407_606).abs() < 1e-5 && (each[1] - 2.595_674).abs() < 1e-4, "{each:?}");
    }
}
