//! Cross-entropy, with optional label smoothing.

use candle_core::{D, DType, Result, Tensor};
use candle_nn::ops::log_softmax;

/// Mean cross-entropy in nats of `logits` `[n, classes]` for `labels` `[n]` (u32). With smoothing ε the
/// target is 1 - ε on the label plus ε/classes on every class (Szegedy et al. 2016, as PyTorch has it).
pub fn cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Result<Tensor> {
    let log_p = log_softmax(logits, D::Minus1)?;
    let hit = log_p.gather(&labels.unsqueeze(1)?, 1)?.mean_all()?;
    let loss =
        if smoothing > 0.0 { ((hit * (1.0 - smoothing))? + (log_p.mean_all()? * smoothing)?)? } else { hit };
    loss.neg()
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

    /// torch: `F.cross_entropy(tensor([[1., 2., 0.], [.5, -1., 3.]]), tensor([1, 0]), label_smoothing=s)`
    #[test]
    fn cross_entropy_is_pytorchs_with_and_without_smoothing() {
        let logits = Tensor::new(&[[1f32, 2.0, 0.0], [0.5, -1.0, 3.0]], &Device::Cpu).unwrap();
        let labels = Tensor::new(&[1u32, 0], &Device::Cpu).unwrap();
        let loss =
            |smoothing| cross_entropy(&logits, &labels, smoothing).unwrap().to_scalar::<f32>().unwrap();
        assert!((loss(0.0) - 1.501_64).abs() < 1e-5, "{}", loss(0.0));
        assert!((loss(0.1) - 1.534_973).abs() < 1e-5, "{}", loss(0.1));
        assert_eq!(correct(&logits, &labels).unwrap(), 1);
        let each = per_image(&logits, &labels).unwrap();
        assert!((each[0] - 0.407_606).abs() < 1e-5 && (each[1] - 2.595_674).abs() < 1e-4, "{each:?}");
    }
}
