//! What a front end may ask of the engine.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::protocol::question::Question;
use crate::recipe::{Freeze, Recipe};

pub use crate::protocol::options::{Device, Options, SaveEvery, Split, StopAfter};

/// A request. Acted upon between two steps and nowhere else.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin a new run.
    Start(Box<Start>),
    /// Go on with a run on disk.
    Resume {
        /// The run's directory, or one of its checkpoint files.
        target: PathBuf,
        /// What may differ from the run's own recipe.
        overrides: Box<Overrides>,
        /// How to run it.
        options: Box<Options>,
    },
    /// Stop between two steps until [`Command::Continue`].
    Pause,
    /// Go on after a pause.
    Continue,
    /// Write a checkpoint now.
    Save,
    /// Evaluate the validation split now (it never chooses the best checkpoint).
    Evaluate,
    /// Change a value that may change while training.
    Change(Change),
    /// Finish the step, save and end the run.
    Stop(StopReason),
    /// Answer a question: [`Event::Answered`](crate::protocol::Event::Answered) with the same id.
    Ask {
        /// Chosen by whoever asks.
        id: u64,
        /// What is asked.
        question: Question,
    },
    /// Stop whatever runs and end the engine.
    Quit,
}

/// A new run.
#[derive(Clone, Debug)]
pub struct Start {
    /// What to train.
    pub recipe: Recipe,
    /// The run's name; absent: made from the time and the network.
    pub name: Option<String>,
    /// How to run it.
    pub options: Options,
}

/// What may differ when a run goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Where the data is now.
    pub data_dir: Option<PathBuf>,
    /// Epochs in all.
    pub epochs: Option<usize>,
    /// Steps in all.
    pub steps: Option<u64>,
    /// Learning rate, after a divergence.
    pub lr: Option<f64>,
}

/// A change of a live-safe value; it holds from the next step on and is remembered by the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The learning rate before the schedule.
    Lr(f64),
    /// Epochs in all.
    Epochs(usize),
    /// What is not trained, from now on.
    Freeze(Freeze),
}

/// Why a run is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// A person asked.
    Asked,
    /// The time of `--stop-after` has passed.
    TimeUp,
    /// The epochs of `--stop-after` are done.
    EpochsDone,
    /// A signal, by number.
    Signal(i32),
    /// Nobody listens any more.
    #[serde(rename = "unheard")]
    Disconnected,
}
