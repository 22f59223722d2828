//! What a sweep compares its trials by.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::protocol::Figures;

/// What a trial is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Measure {
    /// The highest accuracy on the validation images after an epoch.
    #[default]
    ValidationAccuracy,
    /// The lowest loss on them.
    ValidationLoss,
    /// The highest accuracy over an epoch of training.
    TrainAccuracy,
    /// The lowest loss over an epoch of training.
    TrainLoss,
    /// Seconds of training to the end of the first epoch with this accuracy on the validation images.
    SecondsTo(f64),
}

/// What is known of one epoch of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochFigures {
    /// Over the epoch, as it was trained.
    pub train: Figures,
    /// After it; absent without validation images.
    pub validation: Option<Figures>,
    /// Seconds that it was trained.
    pub seconds: f64,
}

/// How good a run or a trial is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The measure; absent where an accuracy was not reached.
    pub value: Option<f64>,
    /// The highest accuracy on the validation images, by which those are compared that did not reach one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<f64>,
}

const WORDS: [(&str, Measure); 6] = [
    ("validation.accuracy", Measure::ValidationAccuracy),
    ("validation.loss", Measure::ValidationLoss),
    ("train.accuracy", Measure::TrainAccuracy),
    ("train.loss", Measure::TrainLoss),
    // Short for the images that are there to choose by.
    ("accuracy", Measure::ValidationAccuracy),
    ("loss", Measure::ValidationLoss),
];

/// What stands before the accuracy.
const SECONDS_TO: &str = "seconds to ";

impl FromStr for Measure {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        if let Some((_, measure)) = WORDS.iter().find(|(known, _)| *known == word) {
            return Ok(*measure);
        }
        let Some(accuracy) = word.strip_prefix(SECONDS_TO).map(str::trim) else {
            let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            return Err(format!("it must be one of {} or \"{SECONDS_TO}0.9\"", words.join(", ")));
        };
        let share = match accuracy.strip_suffix('%') {
            Some(percent) => percent.trim().parse().map(|percent: f64| percent / 100.0),
            None => accuracy.parse(),
        };
        match share {
            Ok(share) if share > 0.0 && share <= 1.0 => Ok(Self::SecondsTo(share)),
            _ => {
                Err(format!("`{accuracy}` is no accuracy, as in \"{SECONDS_TO}0.9\" or \"{SECONDS_TO}90 %\""))
            }
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecondsTo(accuracy) => write!(f, "{SECONDS_TO}{accuracy}"),
            _ => match WORDS.iter().find(|(_, measure)| measure == self) {
                Some((word, _)) => f.write_str(word),
                None => Ok(()),
            },
        }
    }
}

impl Measure {
    /// Whether it needs validation images.
    pub fn needs_validation(self) -> bool {
        matches!(self, Self::ValidationAccuracy | Self::ValidationLoss | Self::SecondsTo(_))
    }

    /// Whether it is a share of images.
    pub fn is_accuracy(self) -> bool {
        matches!(self, Self::ValidationAccuracy | Self::TrainAccuracy)
    }

    /// The score of a run after these epochs, in their order; `None` if it cannot be told.
    pub fn of(self, epochs: &[EpochFigures]) -> Option<Score> {
        let highest = |of: fn(&Figures) -> f64, pick: fn(&EpochFigures) -> Option<Figures>| {
            epochs.iter().filter_map(|epoch| pick(epoch).map(|figures| of(&figures))).reduce(f64::max)
        };
        let lowest = |pick: fn(&EpochFigures) -> Option<Figures>| {
            epochs.iter().filter_map(|epoch| pick(epoch).map(|figures| figures.loss)).reduce(f64::min)
        };
        let reached = highest(|figures| figures.accuracy, |epoch| epoch.validation);
        let value = match self {
            Self::ValidationAccuracy => Some(reached?),
            Self::ValidationLoss => Some(lowest(|epoch| epoch.validation)?),
            Self::TrainAccuracy => Some(highest(|figures| figures.accuracy, |epoch| Some(epoch.train))?),
            Self::TrainLoss => Some(lowest(|epoch| Some(epoch.train))?),
            Self::SecondsTo(accuracy) => {
                let mut seconds = 0.0;
                let there = epochs.iter().find_map(|epoch| {
                    seconds += epoch.seconds;
                    epoch.validation.filter(|figures| figures.accuracy >= accuracy).map(|_| seconds)
                });
                return Some(Score { value: there, reached: Some(reached?) });
            }
        };
        Some(Score { value, reached: None })
    }

    /// Which of two is better: `Less` if `a` is.
    pub fn compare(self, a: Score, b: Score) -> Ordering {
        let more = |a: Option<f64>, b: Option<f64>| b.partial_cmp(&a).unwrap_or(Ordering::Equal);
        match (self, a.value, b.value) {
            (Self::ValidationAccuracy | Self::TrainAccuracy, a, b) => more(a, b),
            (Self::SecondsTo(_), None, None) => more(a.reached, b.reached),
            (_, Some(a), Some(b)) => a.total_cmp(&b),
            // What did not get there is behind what did.
            (_, a, b) => a.is_none().cmp(&b.is_none()),
        }
    }

    /// The mean of the scores of several seeds; `None` of none.
    pub fn mean(scores: &[Score]) -> Option<Score> {
        let count = scores.len() as f64;
        let mean =
            |of: fn(&Score) -> Option<f64>| scores.iter().map(of).sum::<Option<f64>>().map(|sum| sum / count);
        (!scores.is_empty())
            .then(|| Score { value: mean(|score| score.value), reached: mean(|score| score.reached) })
    }
}

/// Mean and standard deviation (of a sample, with n - 1; 0 of one value) of some values; `None` of none.
pub fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    let count = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (squares / (count - 1.0).max(1.0)).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs() -> Vec<EpochFigures> {
        let epoch = |loss, accuracy| EpochFigures {
            train: Figures { loss: loss + 0.1, accuracy: accuracy - 0.1 },
            validation: Some(Figures { loss, accuracy }),
            seconds: 10.0,
        };
        vec![epoch(1.0, 0.5), epoch(0.6, 0.8), epoch(0.7, 0.7)]
    }

    #[test]
    fn a_run_is_as_good_as_its_best_epoch() {
        let of = |word: &str| word.parse::<Measure>().unwrap().of(&epochs()).unwrap().value;
        assert_eq!((of("validation.accuracy"), of("loss")), (Some(0.8), Some(0.6)));
        assert_eq!(of("train.loss"), Some(0.7));
        assert_eq!(
            (of("seconds to 0.5"), of("seconds to 75 %"), of("seconds to 0.9")),
            (Some(10.0), Some(20.0), None)
        );
        assert_eq!(Measure::ValidationLoss.of(&[]), None);
    }

    #[test]
    fn what_reached_an_accuracy_is_before_what_did_not_and_then_the_nearer_is() {
        let measure = Measure::SecondsTo(0.9);
        let score = |value, reached| Score { value, reached: Some(reached) };
        let mut scores =
            [score(None, 0.7), score(Some(30.0), 0.9), score(None, 0.8), score(Some(20.0), 0.91)];
        scores.sort_by(|a, b| measure.compare(*a, *b));
        assert_eq!(scores.map(|score| score.reached), [Some(0.91), Some(0.9), Some(0.8), Some(0.7)]);
        let best = |measure: Measure, a, b| {
            measure.compare(Score { value: Some(a), reached: None }, Score { value: Some(b), reached: None })
        };
        assert_eq!(best(Measure::ValidationAccuracy, 0.9, 0.8), Ordering::Less);
        assert_eq!(best(Measure::TrainLoss, 0.9, 0.8), Ordering::Greater);
    }

    #[test]
    fn a_measure_reads_as_it_is_written_and_another_word_is_refused() {
        for (word, measure) in WORDS.iter().take(4) {
            assert_eq!((word.parse(), measure.to_string().as_str()), (Ok(*measure), *word));
        }
        assert_eq!("seconds to 90%".parse::<Measure>().unwrap().to_string(), "seconds to 0.9");
        for wrong in ["speed", "seconds to 2", "seconds to x", "seconds"] {
            assert!(wrong.parse::<Measure>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        assert_eq!(mean_and_deviation(&[1.0, 3.0]), Some((2.0, 2.0_f64.sqrt())));
        assert_eq!((mean_and_deviation(&[4.0]), mean_and_deviation(&[])), (Some((4.0, 0.0)), None));
    }
}
