//! The curves of a run: the figures of its events over time, in bounded memory.

pub(crate) mod classes;
pub(crate) mod mean;

use serde::{Deserialize, Serialize};

use crate::protocol::{Change, Event, Stamped};
use crate::ui::curves::classes::ClassCurves;
use crate::ui::widgets::axis::Axis;
use crate::ui::widgets::axis::unit::Unit;
use crate::ui::widgets::series::Series;

/// The x axis of a chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum XAxis {
    #[default]
    Step,
    Epoch,
    /// Seconds of training, pauses excluded.
    Time,
}

impl XAxis {
    pub(crate) const fn next(self) -> Self {
        [Self::Epoch, Self::Time, Self::Step][self as usize]
    }

    /// The axis of a chart; `None` for bounds shows everything.
    pub(crate) fn axis(self, log: bool, bounds: Option<(f64, f64)>) -> Axis {
        let (label, unit) = match self {
            Self::Step => ("step", Unit::Step),
            Self::Epoch => ("epoch", Unit::Number),
            Self::Time => ("training time", Unit::Seconds),
        };
        Axis { label: label.into(), log, bounds, unit }
    }
}

/// Something that changed the run, marked in its charts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Annotation {
    pub(crate) step: f64,
    pub(crate) what: String,
}

/// Changes that are kept.
const ANNOTATIONS: usize = 200;

/// A run's curves, over steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curves {
    pub(crate) loss: Series,
    pub(crate) accuracy: Series,
    pub(crate) validation_loss: Series,
    pub(crate) validation_accuracy: Series,
    pub(crate) rate: Series,
    /// Images a second.
    pub(crate) speed: Series,
    /// Seconds of training so far.
    seconds: Series,
    pub(crate) annotations: Vec<Annotation>,
    /// Lines of the journal that could not be read.
    pub(crate) damaged: usize,
    /// The step of the best epoch.
    pub(crate) best: Option<f64>,
    /// Validation accuracy of each class.
    pub(crate) classes: ClassCurves,
    per_epoch: f64,
    trained: f64,
    images_per_step: f64,
}

impl Curves {
    pub(crate) fn apply(&mut self, stamped: &Stamped) {
        match &stamped.event {
            Event::Started(head) => {
                self.per_epoch = head.steps_per_epoch.max(1) as f64;
                self.images_per_step = head.recipe.batch_size as f64;
                if head.step > 0 {
                    self.annotate(head.step as f64, "resumed");
                }
            }
            Event::Step { step, steps, loss, accuracy, learning_rate, images_per_second, .. } => {
                let x = *step as f64;
                if *images_per_second > 0.0 {
                    self.trained += *steps as f64 * self.images_per_step / images_per_second;
                }
                self.loss.push(x, *loss);
                self.accuracy.push(x, *accuracy);
                self.rate.push(x, *learning_rate);
                self.speed.push(x, *images_per_second);
                self.seconds.push(x, self.trained);
            }
            Event::Epoch { epoch, step, validation: Some(figures), class_accuracy, best, .. } => {
                if *best {
                    self.best = Some(*step as f64);
                }
                if !class_accuracy.is_empty() {
                    self.classes.push(*epoch, class_accuracy);
                }
                self.validation_loss.push(*step as f64, figures.loss);
                self.validation_accuracy.push(*step as f64, figures.accuracy);
            }
            Event::Changed { change, step } => {
                let what = match change {
                    Change::Lr(rate) => format!("lr {rate}"),
                    Change::Epochs(epochs) => format!("{epochs} epochs"),
                    Change::Freeze(freeze) => format!("freeze {freeze}"),
                };
                self.annotate(*step as f64, &what);
            }
            _ => {}
        }
    }

    fn annotate(&mut self, step: f64, what: &str) {
        if self.annotations.len() == ANNOTATIONS {
            self.annotations.remove(0);
        }
        self.annotations.push(Annotation { step, what: what.to_owned() });
    }

    pub(crate) fn at(&self, step: f64, x: XAxis) -> f64 {
        self.over([(step, 0.0)], x)[0].0
    }

    /// Points of a series, in their order, on the axis `x`.
    pub(crate) fn over(&self, points: impl IntoIterator<Item = (f64, f64)>, x: XAxis) -> Vec<(f64, f64)> {
        // Both are in order, so one walk along the clock serves all points.
        let mut clock = self.seconds.points().peekable();
        let mut before = (0.0, 0.0);
        let mut seconds = |step: f64| {
            while let Some(point) = clock.next_if(|(at, _)| *at < step) {
                before = point;
            }
            between(before, clock.peek().copied(), step)
        };
        let points = points.into_iter();
        match x {
            XAxis::Step => points.collect(),
            XAxis::Epoch => points.map(|(step, y)| (step / self.per_epoch.max(1.0), y)).collect(),
            XAxis::Time => points.map(|(step, y)| (seconds(step), y)).collect(),
        }
    }
}

/// Seconds at `step`, which lies between two points of the clock.
fn between(before: (f64, f64), after: Option<(f64, f64)>, step: f64) -> f64 {
    match after {
        Some((x, seconds)) if x > before.0 => {
            before.1 + (step - before.0) / (x - before.0) * (seconds - before.1)
        }
        _ => before.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Figures;

    fn step(step: u64, loss: f64) -> Stamped {
        let event = Event::Step {
            epoch: 1,
            step,
            steps: 2,
            loss,
            accuracy: 0.5,
            learning_rate: 0.1,
            images_per_second: 100.0,
            gpu: None,
        };
        Stamped { event, time: step as f64 }
    }

    #[test]
    fn a_step_is_also_an_epoch_and_seconds_of_training() {
        let mut curves = Curves { per_epoch: 10.0, images_per_step: 50.0, ..Curves::default() };
        curves.apply(&step(2, 2.0));
        curves.apply(&step(4, 1.0));
        assert_eq!(curves.at(4.0, XAxis::Epoch), 0.4);
        assert_eq!(curves.at(4.0, XAxis::Time), 2.0);
        assert_eq!(curves.at(3.0, XAxis::Time), 1.5);
        let figures = Some(Figures { loss: 0.9, accuracy: 0.6 });
        let event = Event::Epoch {
            epoch: 1,
            step: 4,
            train: Figures { loss: 1.5, accuracy: 0.5 },
            validation: figures,
            class_accuracy: Vec::new(),
            seconds: 2.0,
            images_per_second: 100.0,
            best: true,
        };
        curves.apply(&Stamped { event, time: 5.0 });
        assert_eq!(curves.over(curves.validation_loss.points(), XAxis::Epoch), [(0.4, 0.9)]);
    }
}
