//! What a network says of one picture, and where it sees it.

use std::path::PathBuf;
use std::sync::Arc;

/// A picture that a network was asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// Its file.
    pub path: PathBuf,
    /// What it is, or why it cannot be read: a clause about "it".
    pub outcome: Result<Prediction, String>,
}

/// What a network says of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Class names, in the order of the network's outputs.
    pub classes: Arc<[String]>,
    /// One for each class.
    pub logits: Vec<f32>,
    /// The picture with the activation map over it, where that was written.
    pub map: Option<PathBuf>,
}

impl Prediction {
    /// The probability of each class: the softmax of the logits.
    pub fn probabilities(&self) -> Vec<f64> {
        let most = self.logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f64> = self.logits.iter().map(|logit| f64::from(logit - most).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.into_iter().map(|power| power / sum).collect()
    }

    /// The classes by falling logit; of equal ones, the first comes first.
    pub fn ranked(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.logits.len()).collect();
        order.sort_by(|&a, &b| self.logits[b].total_cmp(&self.logits[a]).then(a.cmp(&b)));
        order
    }
}

/// A picture as a network sees it, and where it sees each class.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What it says.
    pub prediction: Prediction,
    /// What the picture is, where that is known.
    pub label: Option<usize>,
    /// Height and width of the picture, in pixels.
    pub side: usize,
    /// RGB planes `[3, side, side]`.
    pub pixels: Vec<u8>,
    /// Rows and columns of a map.
    pub cells: usize,
    /// The class activation maps `[classes, cells, cells]`: the mean of one and the class's bias are its logit.
    pub maps: Vec<f32>,
    /// After which step of the run that made the weights.
    pub step: u64,
}

impl Explanation {
    /// The map of a class, row by row.
    pub fn map(&self, class: usize) -> &[f32] {
        let cells = self.cells * self.cells;
        self.maps.get(class * cells..(class + 1) * cells).unwrap_or_default()
    }
}

/// What came of all pictures that were asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predictions {
    /// How many there were.
    pub pictures: usize,
    /// Those that could not be read.
    pub broken: usize,
    /// After which step of the run that made the weights.
    pub step: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_the_softmax_however_large_the_logits_and_ties_keep_their_order() {
        let of = |logits: &[f32]| Prediction { classes: Arc::new([]), logits: logits.to_vec(), map: None };
        let probabilities = of(&[1000.0, 1000.0 + 3f32.ln(), -1000.0]).probabilities();
        assert!((probabilities[0] - 0.25).abs() < 1e-4 && (probabilities[1] - 0.75).abs() < 1e-4);
        assert_eq!(probabilities[2], 0.0);
        assert_eq!(of(&[1.0, 2.0, 2.0, 0.0]).ranked(), [1, 2, 0, 3]);
    }
}
