//! The learning rate as a function of the step, so that a form can draw it before a run exists.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::arch::problem::Problem;
use crate::recipe::choices::DropCounting;

/// How the learning rate changes over the epochs of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// Divided by 10 at each of these points.
    Step(Vec<Drop>),
    /// Half a cosine from the full rate, where the warm-up ends, down to 0 at the end of the run.
    Cosine,
    /// Never changed.
    Constant,
}

/// When a step schedule drops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drop {
    /// At a share of the run's epochs, in percent.
    Percent(f64),
    /// At an epoch.
    Epoch(usize),
}

impl Default for Schedule {
    /// The paper's: at 50 % and 75 %.
    fn default() -> Self {
        Self::Step(vec![Drop::Percent(50.0), Drop::Percent(75.0)])
    }
}

impl Drop {
    /// The epoch it is at, of `epochs` in all. A share that falls inside an epoch waits for its end.
    pub(crate) fn epoch(self, epochs: usize) -> usize {
        match self {
            Self::Percent(percent) => (percent / 100.0 * epochs as f64).ceil() as usize,
            Self::Epoch(epoch) => epoch,
        }
    }

    /// Full epochs before the drop, of `epochs` in all.
    pub(crate) fn after(self, epochs: usize, counting: DropCounting) -> usize {
        match counting {
            DropCounting::From0 => self.epoch(epochs),
            DropCounting::From1 => self.epoch(epochs).saturating_sub(1),
        }
    }
}

impl Schedule {
    /// The paper's for ImageNet: after 30 and 60 of 90 epochs.
    pub(crate) fn thirds() -> Self {
        Self::Step(vec![Drop::Percent(33.3), Drop::Percent(66.6)])
    }

    /// The factor of the learning rate at `step` (from 0) in `epoch` (from 0), where the
    /// warm-up takes `warmup` steps and the run `total` steps.
    pub(crate) fn factor(
        &self,
        step: f64,
        warmup: f64,
        total: f64,
        epoch: usize,
        epochs: usize,
        counting: DropCounting,
    ) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Step(drops) => {
                let passed = drops.iter().filter(|drop| epoch >= drop.after(epochs, counting)).count();
                10f64.powi(-(passed as i32))
            }
            Self::Cosine => {
                let done = ((step - warmup) / (total - warmup).max(1.0)).clamp(0.0, 1.0);
                0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }

    /// Whether every drop falls inside a run of `epochs` epochs.
    pub(crate) fn validate(&self, epochs: usize) -> Result<(), Problem> {
        let Self::Step(drops) = self else { return Ok(()) };
        for drop in drops {
            let fine = match *drop {
                Drop::Percent(percent) => percent > 0.0 && percent < 100.0,
                Drop::Epoch(epoch) => epoch > 0 && epoch < epochs,
            };
            if !fine {
                return Err(Problem::new(
                    "schedule",
                    format!("a drop at {drop} is not inside the run's {epochs} epochs."),
                ));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Drop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Epoch(epoch) => write!(f, "{epoch}"),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cosine => f.write_str("cosine"),
            Self::Constant => f.write_str("constant"),
            Self::Step(drops) => {
                let drops: Vec<String> = drops.iter().map(ToString::to_string).collect();
                write!(f, "step:{}", drops.join(","))
            }
        }
    }
}

impl FromStr for Schedule {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{word}` is not one of step, step:LIST (epochs or percents, as in step:15,22 or step:50%,75%), cosine, constant."
            )
        };
        match word {
            "step" => Ok(Self::default()),
            "cosine" => Ok(Self::Cosine),
            "constant" => Ok(Self::Constant),
            _ => {
                let list = word.strip_prefix("step:").ok_or_else(wrong)?;
                let drops = list.split(',').map(|item| match item.trim().strip_suffix('%') {
                    Some(percent) => percent.parse().map(Drop::Percent).map_err(|_| wrong()),
                    None => item.trim().parse().map(Drop::Epoch).map_err(|_| wrong()),
                });
                drops.collect::<Result<_, _>>().map(Self::Step)
            }
        }
    }
}

impl TryFrom<String> for Schedule {
    type Error = String;
    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use crate::recipe::{Data, DropCounting, Recipe, Schedule};

    /// The learning rates of the first step of each epoch, rounded to six digits.
    fn by_epoch(recipe: &Recipe) -> Vec<f64> {
        (0..recipe.epochs as u64).map(|e| (recipe.learning_rate(e * 10, 10) * 1e6).round() / 1e6).collect()
    }

    fn recipe(schedule: &str, epochs: usize) -> Recipe {
        Recipe { schedule: schedule.parse().unwrap(), epochs, ..Recipe::defaults(Data::Cifar10) }
    }

    #[test]
    fn the_paper_divides_by_ten_at_half_and_at_three_quarters() {
        assert_eq!(by_epoch(&recipe("step", 8)), [0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001]);
    }

    #[test]
    fn counting_from_1_drops_one_epoch_earlier() {
        let from1 = Recipe { drop_counting: DropCounting::From1, ..recipe("step:2", 4) };
        assert_eq!(by_epoch(&from1), [0.1, 0.01, 0.01, 0.01]);
        assert_eq!(by_epoch(&recipe("step:2", 4)), [0.1, 0.1, 0.01, 0.01]);
    }

    #[test]
    fn a_cosine_starts_full_passes_half_and_nears_zero() {
        let rates = by_epoch(&recipe("cosine", 4));
        assert_eq!(rates, [0.1, 0.085_355, 0.05, 0.014_645]);
    }

    #[test]
    fn a_warm_up_rises_step_by_step_to_the_full_rate() {
        let recipe = Recipe { warmup: 0.5, ..recipe("constant", 2) };
        let rates: Vec<f64> = (0..6).map(|step| recipe.learning_rate(step, 10)).collect();
        assert_eq!(rates, [0.1 * 0.2, 0.1 * 0.4, 0.1 * 0.6, 0.1 * 0.8, 0.1, 0.1]);
    }

    #[test]
    fn a_schedule_reads_what_it_writes_and_refuses_the_rest_in_a_sentence() {
        for word in ["step:50%,75%", "step:15,22", "cosine", "constant"] {
            assert_eq!(word.parse::<Schedule>().unwrap().to_string(), word);
        }
        for word in ["", "step:", "step:a", "linear"] {
            assert!(word.parse::<Schedule>().unwrap_err().contains("is not one of"));
        }
        assert_eq!(recipe("step:9", 8).validate().unwrap_err()[0].field, "schedule");
    }
}
