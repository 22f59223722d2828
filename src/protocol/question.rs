//! Questions to the engine and their answers, apart from any run. An answer carries the id of its question.

use std::path::PathBuf;

use crate::protocol::event::cause::Cause;
use crate::protocol::event::figures::Figures;
use crate::protocol::event::inspection::{Inspection, Preview};
use crate::protocol::event::measurements::{Bench, Loading, Verification};
use crate::protocol::event::prediction::{Explanation, Predictions};
use crate::protocol::options::{Options, Split};
use crate::recipe::{Data, Recipe};

/// What can be asked. The first five are answered between two steps of a run, too.
#[derive(Clone, Debug)]
pub enum Question {
    /// Samples, class balance and moments of a recipe's data.
    Preview {
        /// Whose data.
        recipe: Box<Recipe>,
        /// How many samples.
        count: usize,
    },
    /// A checkpoint's loss and accuracy.
    Evaluate(CheckpointQuery),
    /// What a checkpoint's network does on a split, image by image, and what it has learned.
    Inspect(CheckpointQuery),
    /// What pictures are. Each is told as [`Event::Predicted`](crate::protocol::Event::Predicted) before the answer.
    Predict(PredictQuery),
    /// What one picture is, and where a checkpoint's network sees that.
    Explain {
        /// The network, and the images that a number counts.
        query: CheckpointQuery,
        /// The picture.
        picture: Picture,
    },
    /// The rate of the engine's own step.
    Bench {
        /// The network and the batch size.
        recipe: Box<Recipe>,
        /// Timed steps.
        steps: usize,
        /// Time evaluation instead of training.
        evaluation: bool,
        /// Time candle's own layers after the fused version, on the same batch.
        compare: bool,
        /// Time each kernel of a GPU by itself too.
        kernels: bool,
        /// Where.
        options: Box<Options>,
    },
    /// The rate at which a recipe's images become batches.
    BenchLoading {
        /// Whose images.
        recipe: Box<Recipe>,
        /// Where.
        options: Box<Options>,
    },
    /// Whether the steps of a golden file come out the same.
    Verify {
        /// A file written by the PyTorch peer.
        path: PathBuf,
        /// Where.
        options: Box<Options>,
    },
}

/// A checkpoint and the images to try it on.
#[derive(Clone, Debug)]
pub struct CheckpointQuery {
    /// The checkpoint file, or a run (its best checkpoint).
    pub target: PathBuf,
    /// Data other than the checkpoint's own; with the splits that it has by default.
    pub data: Option<Data>,
    /// Where that data is.
    pub data_dir: Option<PathBuf>,
    /// Which images.
    pub split: Split,
    /// Where.
    pub options: Options,
}

/// Pictures, and a network that is asked what they are.
#[derive(Clone, Debug)]
pub struct PredictQuery {
    /// A run (its best checkpoint), a checkpoint or an exported file.
    pub target: PathBuf,
    /// Pictures, and directories with pictures.
    pub pictures: Vec<PathBuf>,
    /// Averages the logits over each picture and its mirror image.
    pub flip: bool,
    /// Where pictures with the activation map over them are written, if they are.
    pub map_dir: Option<PathBuf>,
    /// The class of those maps, by name or number; without it, the most probable one of each picture.
    pub class: Option<String>,
    /// Where.
    pub options: Options,
}

/// A picture to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// A file.
    File(PathBuf),
    /// An image of a split, by its number.
    Image(usize),
}

/// The answer to the question of the same name.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Samples and what the data is made of.
    Preview(Preview),
    /// Loss and accuracy.
    Evaluation {
        /// The images.
        split: Split,
        /// How many.
        images: usize,
        /// The result.
        figures: Figures,
        /// Accuracy within each class; NaN where there is no image.
        class_accuracy: Vec<f64>,
        /// After which step of the run that made the weights.
        step: u64,
    },
    /// What the network does.
    Inspection(Inspection),
    /// What came of the pictures.
    Predictions(Predictions),
    /// What a picture is and why.
    Explanation(Box<Explanation>),
    /// How fast it is.
    Bench(Bench),
    /// Of [`Question::BenchLoading`].
    Loading(Loading),
    /// How far it is from the golden file.
    Verification(Verification),
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// A sentence.
    pub message: String,
    /// What kind of failure.
    pub cause: Cause,
}
