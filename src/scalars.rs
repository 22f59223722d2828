//! The figures in a run's events, under the names that they have outside of this program: the tags of TensorBoard, and
//! with `_` for `/` the columns of CSV.

use crate::protocol::Event;
use crate::protocol::event::balanced_accuracy;

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Loss over the images of some steps, in nats.
    TrainLoss,
    /// Share of them that was right.
    TrainAccuracy,
    /// Of the last of these steps.
    LearningRate,
    /// Over the time of these steps.
    ImagesPerSecond,
    /// Share of the last moments in which the GPU computed.
    GpuUtilisation,
    /// Bytes of its memory that were taken.
    GpuMemoryUsed,
    /// Bytes of memory that it has.
    GpuMemoryTotal,
    /// In degrees Celsius.
    GpuTemperature,
    /// In watts.
    GpuPower,
    /// Loss over the training images of an epoch, as it was trained.
    EpochTrainLoss,
    /// Share of them that was right.
    EpochTrainAccuracy,
    /// Seconds that the epoch took.
    EpochSeconds,
    /// Its training images over its training time.
    EpochImagesPerSecond,
    /// Loss over the validation images after an epoch.
    ValidationLoss,
    /// Share of them that was right.
    ValidationAccuracy,
    /// The mean of that share within each class.
    ValidationBalancedAccuracy,
    /// Loss of an evaluation that was asked for.
    EvaluatedLoss,
    /// Share of its images that was right.
    EvaluatedAccuracy,
    /// Loss over the test images, at the end.
    TestLoss,
    /// Share of them that was right.
    TestAccuracy,
}

impl Scalar {
    /// Every figure, in the order of the columns.
    pub const ALL: [Self; 20] = [
        Self::TrainLoss,
        Self::TrainAccuracy,
        Self::LearningRate,
        Self::ImagesPerSecond,
        Self::EpochTrainLoss,
        Self::EpochTrainAccuracy,
        Self::EpochSeconds,
        Self::EpochImagesPerSecond,
        Self::ValidationLoss,
        Self::ValidationAccuracy,
        Self::ValidationBalancedAccuracy,
        Self::EvaluatedLoss,
        Self::EvaluatedAccuracy,
        Self::TestLoss,
        Self::TestAccuracy,
        Self::GpuUtilisation,
        Self::GpuMemoryUsed,
        Self::GpuMemoryTotal,
        Self::GpuTemperature,
        Self::GpuPower,
    ];

    /// Its tag in TensorBoard.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::TrainLoss => "train/loss",
            Self::TrainAccuracy => "train/accuracy",
            Self::LearningRate => "learning_rate",
            Self::ImagesPerSecond => "images_per_second",
            Self::GpuUtilisation => "gpu/utilisation",
            Self::GpuMemoryUsed => "gpu/memory_used",
            Self::GpuMemoryTotal => "gpu/memory_total",
            Self::GpuTemperature => "gpu/temperature",
            Self::GpuPower => "gpu/power",
            Self::EpochTrainLoss => "epoch/train_loss",
            Self::EpochTrainAccuracy => "epoch/train_accuracy",
            Self::EpochSeconds => "epoch/seconds",
            Self::EpochImagesPerSecond => "epoch/images_per_second",
            Self::ValidationLoss => "validation/loss",
            Self::ValidationAccuracy => "validation/accuracy",
            Self::ValidationBalancedAccuracy => "validation/balanced_accuracy",
            Self::EvaluatedLoss => "evaluated/loss",
            Self::EvaluatedAccuracy => "evaluated/accuracy",
            Self::TestLoss => "test/loss",
            Self::TestAccuracy => "test/accuracy",
        }
    }
}

/// What an event says in figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The word of the event, as in the journal.
    pub event: &'static str,
    /// After which step.
    pub step: u64,
    /// In which epoch, where the event says so.
    pub epoch: Option<usize>,
    /// Its figures.
    pub values: Vec<(Scalar, f64)>,
}

impl Point {
    /// What `event` says; `None` where that is nothing in figures.
    pub fn of(event: &Event) -> Option<Self> {
        let (event, step, epoch, values) = match event {
            Event::Step { epoch, step, loss, accuracy, learning_rate, images_per_second, gpu, .. } => {
                let mut values = vec![
                    (Scalar::TrainLoss, *loss),
                    (Scalar::TrainAccuracy, *accuracy),
                    (Scalar::LearningRate, *learning_rate),
                    (Scalar::ImagesPerSecond, *images_per_second),
                ];
                if let Some(gpu) = gpu {
                    let known = [
                        (Scalar::GpuUtilisation, gpu.utilisation),
                        (Scalar::GpuMemoryUsed, gpu.memory_used.map(|bytes| bytes as f64)),
                        (Scalar::GpuMemoryTotal, gpu.memory_total.map(|bytes| bytes as f64)),
                        (Scalar::GpuTemperature, gpu.temperature.map(f64::from)),
                        (Scalar::GpuPower, gpu.power),
                    ];
                    values.extend(known.into_iter().filter_map(|(scalar, value)| Some((scalar, value?))));
                }
                ("step", *step, Some(*epoch), values)
            }
            Event::Epoch {
                epoch,
                step,
                train,
                validation,
                class_accuracy,
                seconds,
                images_per_second,
                ..
            } => {
                let mut values = vec![
                    (Scalar::EpochTrainLoss, train.loss),
                    (Scalar::EpochTrainAccuracy, train.accuracy),
                    (Scalar::EpochSeconds, *seconds),
                    (Scalar::EpochImagesPerSecond, *images_per_second),
                ];
                if let Some(figures) = validation {
                    values.push((Scalar::ValidationLoss, figures.loss));
                    values.push((Scalar::ValidationAccuracy, figures.accuracy));
                }
                if let Some(balanced) = balanced_accuracy(class_accuracy) {
                    values.push((Scalar::ValidationBalancedAccuracy, balanced));
                }
                ("epoch", *step, Some(*epoch), values)
            }
            Event::Evaluated { figures, step, .. } => {
                let values = vec![
                    (Scalar::EvaluatedLoss, figures.loss),
                    (Scalar::EvaluatedAccuracy, figures.accuracy),
                ];
                ("evaluated", *step, None, values)
            }
            Event::Finished { test: Some(figures), step, .. } => {
                let values = vec![(Scalar::TestLoss, figures.loss), (Scalar::TestAccuracy, figures.accuracy)];
                ("finished", *step, None, values)
            }
            _ => return None,
        };
        Some(Self { event, step, epoch, values })
    }

    /// One of its figures, if it has it.
    pub fn get(&self, wanted: Scalar) -> Option<f64> {
        self.values.iter().find(|(scalar, _)| *scalar == wanted).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::protocol::event::{Figures, GpuFigures};

    #[test]
    fn every_figure_has_a_tag_of_its_own_and_so_has_its_column() {
        let tags: BTreeSet<String> =
            Scalar::ALL.iter().map(|scalar| scalar.tag().replace('/', "_")).collect();
        assert_eq!(tags.len(), Scalar::ALL.len());
        assert!(Scalar::ALL.contains(&Scalar::GpuPower));
    }

    #[test]
    fn an_event_has_the_figures_that_it_tells_and_no_others() {
        let figures = Figures { loss: 1.5, accuracy: 0.5 };
        let epoch = |validation, class_accuracy| Event::Epoch {
            epoch: 2,
            step: 8,
            train: figures,
            validation,
            class_accuracy,
            seconds: 3.0,
            images_per_second: 9.0,
            best: false,
        };
        let with = Point::of(&epoch(Some(figures), vec![1.0, 0.5])).unwrap();
        assert_eq!((with.event, with.step, with.epoch), ("epoch", 8, Some(2)));
        assert_eq!(with.get(Scalar::ValidationBalancedAccuracy), Some(0.75));
        let without = Point::of(&epoch(None, Vec::new())).unwrap();
        assert_eq!(without.get(Scalar::ValidationLoss), None);
        assert_eq!(without.get(Scalar::EpochSeconds), Some(3.0));
        let gpu = GpuFigures { power: Some(70.0), ..GpuFigures::default() };
        let step = Event::Step {
            epoch: 1,
            step: 3,
            steps: 1,
            loss: 2.0,
            accuracy: 0.25,
            learning_rate: 0.1,
            images_per_second: 9.0,
            gpu: Some(gpu),
        };
        let step = Point::of(&step).unwrap();
        assert_eq!((step.get(Scalar::GpuPower), step.get(Scalar::GpuTemperature)), (Some(70.0), None));
        assert_eq!(Point::of(&Event::Paused { step: 3 }), None);
    }
}
