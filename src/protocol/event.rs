//! The events of the engine: the lines of the journal and of `--json`.

pub(crate) mod cause;
pub(crate) mod figures;
mod gpu;
pub(crate) mod inspection;
pub(crate) mod measurements;
mod origin;
pub(crate) mod prediction;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::protocol::command::{Change, Split, StopReason};
use crate::protocol::event::figures::{number, numbers};
use crate::protocol::question::{Answer, NoAnswer};
use crate::recipe::Recipe;

pub use cause::Cause;
pub use figures::Figures;
pub use figures::balanced_accuracy;
pub use gpu::GpuFigures;
pub use inspection::{Inspection, LayerStats, Mistake, Preview, Reuse, Sample};
pub use measurements::{Bench, Comparison, GroupError, KernelFigures, Loading, Verification};
pub use origin::Origin;
pub use prediction::{Explanation, Predicted, Prediction, Predictions};

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Seconds since 1970, UTC.
    pub time: f64,
}

/// Something that happened. Epochs and steps count from 1; 0 is the state before the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run begins or goes on.
    Started(Box<Started>),
    /// What the engine is doing now.
    Phase {
        /// The activity.
        phase: Phase,
        /// How much of it is done, where that is known.
        done: u64,
        /// How much there is.
        total: u64,
    },
    /// Steps were done.
    Step {
        /// The epoch of the last of them.
        epoch: usize,
        /// The last of them, over the whole run.
        step: u64,
        /// How many the line covers.
        steps: u64,
        /// Mean loss over their images, in nats.
        #[serde(deserialize_with = "number")]
        loss: f64,
        /// Share of their images that were right.
        #[serde(deserialize_with = "number")]
        accuracy: f64,
        /// Of the last of them.
        learning_rate: f64,
        /// Over the time of these steps.
        images_per_second: f64,
        /// The GPU that computes, at most once a second; absent for a CPU and where the driver reports nothing.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        gpu: Option<GpuFigures>,
    },
    /// An epoch ended.
    Epoch {
        /// Which.
        epoch: usize,
        /// The step it ended with.
        step: u64,
        /// Over the epoch, as it was trained.
        train: Figures,
        /// After it; absent without a validation split.
        validation: Option<Figures>,
        /// Share of each class's validation images that was right, by label; NaN for a class without
        /// any. Empty without a validation split, and in journals from before it was told.
        #[serde(default, deserialize_with = "numbers")]
        class_accuracy: Vec<f64>,
        /// Time it took, pauses excluded.
        seconds: f64,
        /// Training images over training time.
        images_per_second: f64,
        /// Whether it is the best so far.
        best: bool,
    },
    /// A checkpoint is safely on disk.
    Saved {
        /// The file.
        path: PathBuf,
        /// After which step.
        step: u64,
    },
    /// Something went wrong that does not end the run.
    Warning {
        /// A sentence.
        message: String,
    },
    /// The run waits.
    Paused {
        /// After which step.
        step: u64,
    },
    /// The run goes on.
    Continued {
        /// After which step.
        step: u64,
    },
    /// A live value was changed.
    Changed {
        /// What and to what.
        change: Change,
        /// After which step.
        step: u64,
    },
    /// An evaluation of the run that was asked for.
    Evaluated {
        /// The images.
        split: Split,
        /// How many.
        images: usize,
        /// The result.
        figures: Figures,
        /// After which step of the run that made the weights.
        step: u64,
    },
    /// The answer to a question. It is no part of a run: neither in its journal nor among the lines of `--json`.
    #[serde(skip)]
    Answered {
        /// That of the question.
        id: u64,
        /// The answer, or why there is none.
        answer: Result<Box<Answer>, NoAnswer>,
    },
    /// What a network says of one of the pictures of a question, which is answered once all are told.
    #[serde(skip)]
    Predicted(Box<Predicted>),
    /// The answer to a question, in a journal from when those were written there.
    #[serde(
        skip_serializing,
        rename = "previewed",
        alias = "inspected",
        alias = "benched",
        alias = "verified"
    )]
    EarlierAnswer,
    /// A command could not be carried out; nothing else changed.
    Refused {
        /// A sentence.
        message: String,
    },
    /// The run failed.
    Failed {
        /// A sentence.
        message: String,
        /// What kind of failure.
        cause: Cause,
    },
    /// The run ended.
    Finished {
        /// How.
        outcome: Outcome,
        /// Why it stopped, where it did.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<StopReason>,
        /// The best epoch; absent before any.
        best: Option<Best>,
        /// The test split with the last weights; absent where it was not evaluated.
        test: Option<Figures>,
        /// Steps done in all.
        step: u64,
    },
}

/// The head of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// Its name.
    pub run: String,
    /// Its directory.
    pub run_dir: PathBuf,
    /// What it trains.
    pub recipe: Recipe,
    /// Parameters of the network.
    pub parameters: u64,
    /// The device that computes, and why that one.
    pub device: String,
    /// Threads that compute.
    pub threads: usize,
    /// Steps already done (not 0 where a run goes on).
    pub step: u64,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Steps after which the run is complete.
    pub total_steps: u64,
    /// Training images.
    pub train_images: usize,
    /// Validation images.
    pub validation_images: usize,
    /// Test images.
    pub test_images: usize,
    /// Class names. Empty in journals from before they were told.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub classes: Vec<String>,
    /// The checkpoint it goes on from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resumed_from: Option<PathBuf>,
    /// The run whose checkpoint it began with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<String>,
    /// The file that its first weights came from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weights: Option<Origin>,
}

#[cfg(test)]
impl Started {
    /// The head of a run of four epochs of ten steps, for tests.
    pub(crate) fn example() -> Self {
        let recipe = Recipe { batch_size: 10, epochs: 4, ..Recipe::defaults(crate::recipe::Data::Shapes) };
        Self {
            run: "a".into(),
            run_dir: "runs/a".into(),
            recipe,
            parameters: 1,
            device: "cpu".into(),
            threads: 1,
            step: 0,
            steps_per_epoch: 10,
            total_steps: 40,
            train_images: 100,
            validation_images: 20,
            test_images: 10,
            classes: Vec::new(),
            resumed_from: None,
            parent: None,
            weights: None,
        }
    }
}

/// What the engine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading images.
    Loading,
    /// Compiling a GPU's kernels, which are kept for the next start, and bringing the images there.
    Compiling,
    /// Training.
    Training,
    /// Running over the validation split.
    Validating,
    /// Running over the test split.
    Testing,
    /// Timing steps.
    Benching,
    /// Repeating golden steps.
    Verifying,
    /// Saying what pictures are.
    Predicting,
}

/// The best epoch of a run: highest validation accuracy, then lowest loss, then earliest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Which epoch.
    pub epoch: usize,
    /// After which step.
    pub step: u64,
    /// Validation loss (training loss without a validation split).
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Validation accuracy (training accuracy without a validation split).
    #[serde(deserialize_with = "number")]
    pub accuracy: f64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All its steps are done.
    Completed,
    /// It was asked to stop.
    Stopped,
    /// A loss, a gradient or a weight was not finite.
    Diverged,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_object_that_begins_with_its_name_and_a_number_not_finite_is_null() {
        let event = Event::Step {
            epoch: 1,
            step: 3,
            steps: 2,
            loss: f64::NAN,
            accuracy: 0.5,
            learning_rate: 0.1,
            images_per_second: 9.0,
            gpu: None,
        };
        let line = serde_json::to_string(&Stamped { event, time: 12.5 }).unwrap();
        assert_eq!(
            line,
            r#"{"event":"step","epoch":1,"step":3,"steps":2,"loss":null,"accuracy":0.5,"learning_rate":0.1,"images_per_second":9.0,"time":12.5}"#
        );
        let back: Stamped = serde_json::from_str(&line).unwrap();
        assert!(matches!(back.event, Event::Step { loss, .. } if loss.is_nan()));
    }

    #[test]
    fn a_step_has_the_figures_of_the_gpu_that_its_driver_told() {
        let line = r#"{"event":"step","epoch":1,"step":3,"steps":2,"loss":1.0,"accuracy":0.5,"learning_rate":0.1,"images_per_second":9.0,"gpu":{"utilisation":0.97,"memory_used":2254857830,"temperature":41},"time":12.5}"#;
        let stamped: Stamped = serde_json::from_str(line).unwrap();
        let Event::Step { gpu: Some(gpu), .. } = stamped.event else { panic!("{stamped:?}") };
        assert_eq!((gpu.utilisation, gpu.memory_used, gpu.power), (Some(0.97), Some(2_254_857_830), None));
        assert_eq!(serde_json::to_string(&stamped).unwrap(), line);
    }

    #[test]
    fn an_epoch_keeps_the_accuracy_of_every_class_and_one_from_before_it_was_told_still_reads() {
        let old = r#"{"event":"epoch","epoch":1,"step":3,"train":{"loss":1.0,"accuracy":0.5},"validation":null,"seconds":2.0,"images_per_second":9.0,"best":true,"time":12.5}"#;
        let read = |line: &str| match serde_json::from_str::<Stamped>(line).unwrap().event {
            Event::Epoch { class_accuracy, .. } => class_accuracy,
            other => panic!("{other:?}"),
        };
        assert_eq!(read(old), [] as [f64; 0]);
        let new = old.replace(r#""seconds""#, r#""class_accuracy":[0.25,null],"seconds""#);
        let classes = read(&new);
        assert!(classes[0] == 0.25 && classes[1].is_nan(), "{classes:?}");
        let stamped: Stamped = serde_json::from_str(&new).unwrap();
        assert_eq!(serde_json::to_string(&stamped).unwrap(), new);
    }

    /// What a journal of an earlier version has of answers to questions is read, as nothing of the run.
    #[test]
    fn answers_in_an_older_journal_still_read_and_are_written_no_more() {
        for line in [
            r#"{"event":"previewed","classes":["a"],"class_counts":[3],"mean":[0.0,0.0,0.0],"deviation":[1.0,1.0,1.0],"side":8,"samples":[{"label":0}],"time":12.5}"#,
            r#"{"event":"inspected","split":"test","figures":{"loss":null,"accuracy":0.5},"classes":["a"],"confusion":[[3]],"mistakes":[],"reuse":[{"block":1,"cells":[[0.5,null]]}],"time":12.5}"#,
            r#"{"event":"benched","evaluation":false,"batch":4,"steps":1,"gflops":1.0,"device":"cpu","time":12.5}"#,
            r#"{"event":"verified","groups":[],"worst":null,"passed":true,"time":12.5}"#,
        ] {
            let stamped: Stamped = serde_json::from_str(line).unwrap();
            assert_eq!(stamped, Stamped { event: Event::EarlierAnswer, time: 12.5 });
        }
        let line = r#"{"event":"evaluated","split":"test","images":2,"figures":{"loss":1.0,"accuracy":0.5},"step":9,"time":12.5}"#;
        let stamped: Stamped = serde_json::from_str(line).unwrap();
        assert!(matches!(stamped.event, Event::Evaluated { step: 9, .. }));
        assert_eq!(serde_json::to_string(&stamped).unwrap(), line);
        assert!(serde_json::from_str::<Stamped>(r#"{"event":"unheard of","time":12.5}"#).is_err());
        let answer = Err(NoAnswer { message: "no.".into(), cause: Cause::Input });
        let stamped = Stamped { event: Event::Answered { id: 1, answer }, time: 0.0 };
        assert!(serde_json::to_string(&stamped).is_err());
    }
}
