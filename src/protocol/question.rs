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
    /// A model as files for other programs. Answered between two steps of a run, too.
    Export(Box<ExportQuery>),
}

/// A model and the files that it is to become.
#[derive(Clone, Debug)]
pub struct ExportQuery {
    /// A run (its best checkpoint), a checkpoint or an exported file.
    pub target: PathBuf,
    /// The form of the file.
    pub form: Form,
    /// The file, or the directory to put it into; absent: the current one.
    pub output: Option<PathBuf>,
    /// Why the test images are left alone, in a sentence; absent: they are evaluated for the card.
    pub untested: Option<String>,
    /// Where the data is, if not where the run had it.
    pub data_dir: Option<PathBuf>,
    /// Where.
    pub options: Options,
}

/// The form of an exported model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Weights and running statistics under PyTorch's names.
    Safetensors,
    /// A graph of operators.
    Onnx(Around),
}

impl Form {
    /// Its word, which is the ending of its files too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Onnx(_) => "onnx",
        }
    }
}

/// What is put around a network in an ONNX file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// The input is pixels from 0 to 255, normalised by a `Sub` and a `Div` in front.
    pub raw: bool,
    /// The output is probabilities, by a `Softmax` behind.
    pub softmax: bool,
}

impl Around {
    /// The name of the output.
    pub fn output(self) -> &'static str {
        if self.softmax { "probabilities" } else { "logits" }
    }
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
    /// What was written.
    Export(Exported),
}

/// What an export has written.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The run of the weights.
    pub run: String,
    /// After which step of it.
    pub step: u64,
    /// Whether that is the end of its best epoch.
    pub best: bool,
    /// The form.
    pub form: Form,
    /// The files with their sizes, the model first.
    pub files: Vec<(PathBuf, u64)>,
    /// What is in the model's file, row by row.
    pub contents: Vec<(&'static str, String)>,
    /// The weights on the test images, or the sentence that says why that is not known.
    pub test: Result<Figures, String>,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// A sentence.
    pub message: String,
    /// What kind of failure.
    pub cause: Cause,
}
