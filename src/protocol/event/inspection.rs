//! A preview of the images before training, and an inspection of what a network does with them after.
//! Images travel with an answer and are left out where it becomes a line: they are in the data set.

use serde::{Deserialize, Serialize};

use crate::protocol::event::figures::{Figures, number};
use crate::protocol::options::Split;

/// Samples of a data set as the network sees them, and what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Class names.
    pub classes: Vec<String>,
    /// Training images of each class; their sum is the number of training images.
    pub class_counts: Vec<usize>,
    /// Images held out for validation.
    #[serde(default)]
    pub validation_images: usize,
    /// Test images.
    #[serde(default)]
    pub test_images: usize,
    /// Mean of each channel of the training images, from 0 to 255.
    pub mean: [f64; 3],
    /// Standard deviation of each channel, from 0 to 255.
    pub deviation: [f64; 3],
    /// Height and width of an image, in pixels.
    pub side: usize,
    /// What a person may want to know about the load, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Samples of the training images.
    pub samples: Vec<Sample>,
}

/// One training image, before and after augmentation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its class.
    pub label: usize,
    /// RGB planes `[3, side, side]`. Not in a line.
    #[serde(skip)]
    pub before: Vec<u8>,
    /// The same after augmentation in epoch 1. Not in a line.
    #[serde(skip)]
    pub after: Vec<u8>,
}

/// What a checkpoint's network does on a split, image by image, and what it has learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The images.
    pub split: Split,
    /// After which step of the run that made the weights.
    #[serde(default)]
    pub step: u64,
    /// Loss and accuracy over the images.
    pub figures: Figures,
    /// Class names.
    pub classes: Vec<String>,
    /// `confusion[label][prediction]`: images; their sum is the split's size.
    pub confusion: Vec<Vec<usize>>,
    /// Height and width of an image, in pixels.
    #[serde(default)]
    pub side: usize,
    /// The most confident mistakes, worst first; at most 100.
    pub mistakes: Vec<Mistake>,
    /// How much of each source every layer uses, a map for each dense block.
    #[serde(default)]
    pub reuse: Vec<Reuse>,
    /// Statistics of every row of the network's plan, in its order.
    #[serde(default)]
    pub scales: Vec<LayerStats>,
}

impl Inspection {
    /// Share of each class's images that was right, by label; `None` for a class without any.
    pub fn class_accuracy(&self) -> Vec<Option<f64>> {
        let accuracy = |(label, row): (usize, &Vec<usize>)| {
            let (right, images) = (*row.get(label)?, row.iter().sum::<usize>());
            (images > 0).then(|| right as f64 / images as f64)
        };
        self.confusion.iter().enumerate().map(accuracy).collect()
    }
}

/// An image the network got wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its index in the split.
    pub index: usize,
    /// What it is.
    pub label: usize,
    /// What the network says.
    pub prediction: usize,
    /// How sure the network is, from 0 to 1.
    #[serde(deserialize_with = "number")]
    pub probability: f64,
    /// The image: RGB planes `[3, side, side]`. Not in a line.
    #[serde(skip)]
    pub pixels: Vec<u8>,
}

/// The feature reuse within a dense block: figure 5 of the paper (Huang et al. 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reuse {
    /// The block, from 1.
    pub block: usize,
    /// `cells[target][source]`: mean |w| of the target's first convolution (or linear layer) over the
    /// input channels that come from the source. Targets: each dense layer, then the transition or, after
    /// the last block, the classifier. Sources: the block's input, then each dense layer. `None` where
    /// the target does not read the source.
    pub cells: Vec<Vec<Option<f64>>>,
}

/// Statistics of a row's outputs and gradients, on one batch drawn from the split without augmentation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerStats {
    /// Prefix of the row's tensors, as in the plan (stem and head are both `features`).
    pub name: String,
    /// Mean of what its last convolution, pooling or linear layer writes in evaluation.
    #[serde(deserialize_with = "number")]
    pub mean: f64,
    /// Root mean square of the same about that mean.
    #[serde(deserialize_with = "number")]
    pub deviation: f64,
    /// Share of the same that is exactly 0.
    pub zeros: f64,
    /// Share of its channels that are 0 on the whole batch.
    pub dead: f64,
    /// Root mean square of the loss's gradient over all of the row's parameters in training, without
    /// weight decay. `None` where the machine has no memory left for a training pass.
    pub gradient: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspection() -> Inspection {
        Inspection {
            split: Split::Test,
            step: 9,
            figures: Figures { loss: 1.0, accuracy: 0.5 },
            classes: vec!["a".into(), "b".into(), "c".into()],
            confusion: vec![vec![3, 1, 0], vec![0, 0, 0], vec![2, 0, 0]],
            side: 1,
            mistakes: vec![Mistake {
                index: 4,
                label: 2,
                prediction: 0,
                probability: 0.75,
                pixels: vec![1, 2, 3],
            }],
            reuse: vec![Reuse { block: 1, cells: vec![vec![Some(0.5), None], vec![Some(0.25), Some(1.0)]] }],
            scales: vec![LayerStats {
                name: "features".into(),
                mean: 0.0,
                deviation: 1.0,
                zeros: 0.0,
                dead: 0.0,
                gradient: None,
            }],
        }
    }

    #[test]
    fn the_accuracy_of_a_class_is_its_diagonal_over_its_row_and_absent_where_it_has_no_image() {
        assert_eq!(inspection().class_accuracy(), [Some(0.75), None, Some(0.0)]);
    }

    #[test]
    fn an_inspection_is_read_back_from_a_line_with_everything_but_its_images() {
        let mut read: Inspection =
            serde_json::from_str(&serde_json::to_string(&inspection()).unwrap()).unwrap();
        assert_eq!(std::mem::take(&mut read.mistakes[0].pixels), [0u8; 0]);
        read.mistakes[0].pixels = vec![1, 2, 3];
        assert_eq!(read, inspection());
    }
}
