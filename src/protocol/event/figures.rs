//! Loss and accuracy, and how numbers that may not be finite are read.

use serde::{Deserialize, Serialize};

/// Loss and accuracy over some images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Mean cross-entropy, in nats.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Share that was right.
    #[serde(deserialize_with = "number")]
    pub accuracy: f64,
}

/// A null in JSON is a number that was not finite.
pub(super) fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// The same of several.
pub(super) fn numbers<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let numbers = Vec::<Option<f64>>::deserialize(deserializer)?;
    Ok(numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect())
}

/// The mean of the accuracies within the classes, over those that have one; `None` where none has.
pub fn balanced_accuracy(class_accuracy: &[f64]) -> Option<f64> {
    let known: Vec<f64> = class_accuracy.iter().copied().filter(|accuracy| accuracy.is_finite()).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}
