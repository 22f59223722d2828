//! Where the values of a key come from: a list, or a distribution to draw from.

use serde::Deserialize;
use toml::Value;

use crate::rng::{Purpose, Stream};

/// Significant digits of a number that was drawn: enough to tell two apart, and few to read.
const DIGITS: usize = 4;

/// A distribution, with the bounds of what it draws.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// One of these.
    Values(Vec<Value>),
    /// Evenly between two numbers.
    Uniform(f64, f64),
    /// Evenly between the logarithms of two numbers above 0.
    Log(f64, f64),
    /// One of the whole numbers from the first to the last.
    Whole(i64, i64),
}

/// A distribution as a file spells it: the short words, or those of W&B.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    values: Option<Vec<Value>>,
    uniform: Option<[f64; 2]>,
    log: Option<[f64; 2]>,
    int: Option<[i64; 2]>,
    min: Option<Value>,
    max: Option<Value>,
    distribution: Option<String>,
}

impl Written {
    /// What it means; the error is a clause.
    pub(super) fn read(self) -> Result<Distribution, String> {
        let Self { values, uniform, log, int, min, max, distribution } = self;
        let words = usize::from(values.is_some())
            + usize::from(uniform.is_some())
            + usize::from(log.is_some())
            + usize::from(int.is_some())
            + usize::from(min.is_some() || max.is_some());
        if words != 1 {
            return Err("give one of `values`, `uniform`, `log`, `int`, or `min` and `max`".into());
        }
        if let Some(word) = &distribution
            && min.is_none()
            && !(values.is_some() && word == "categorical")
        {
            return Err(format!("`distribution` = \"{word}\" goes with `min` and `max`"));
        }
        let found = if let Some(values) = values {
            Distribution::Values(values)
        } else if let Some([low, high]) = uniform {
            Distribution::Uniform(low, high)
        } else if let Some([low, high]) = log {
            Distribution::Log(low, high)
        } else if let Some([low, high]) = int {
            Distribution::Whole(low, high)
        } else {
            let (Some(min), Some(max)) = (min, max) else { return Err("give both `min` and `max`".into()) };
            bounded(&min, &max, distribution.as_deref())?
        };
        found.check().map(|()| found)
    }
}

/// The distribution between two values, in W&B's words.
fn bounded(min: &Value, max: &Value, word: Option<&str>) -> Result<Distribution, String> {
    let real = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
    let (Some(low), Some(high)) = (real(min), real(max)) else {
        return Err("`min` and `max` must be numbers".into());
    };
    let whole = min.as_integer().zip(max.as_integer());
    match (word, whole) {
        (None | Some("int_uniform"), Some((low, high))) => Ok(Distribution::Whole(low, high)),
        (None | Some("uniform"), _) => Ok(Distribution::Uniform(low, high)),
        (Some("log_uniform_values"), _) => Ok(Distribution::Log(low, high)),
        (Some("int_uniform"), None) => Err("`min` and `max` of int_uniform must be whole numbers".into()),
        (Some(word), _) => {
            Err(format!("`distribution` = \"{word}\" is none of uniform, log_uniform_values, int_uniform"))
        }
    }
}

impl Distribution {
    fn check(&self) -> Result<(), String> {
        let between = |low: f64, high: f64| {
            if low.is_finite() && high.is_finite() && low < high {
                return Ok(());
            }
            Err(format!("{low} to {high} is empty; the smaller number comes first"))
        };
        match *self {
            Self::Values(ref values) if values.is_empty() => Err("the list is empty".into()),
            Self::Log(low, _) if low <= 0.0 => {
                Err(format!("{low} has no logarithm; the bounds must be above 0"))
            }
            Self::Uniform(low, high) | Self::Log(low, high) => between(low, high),
            Self::Whole(low, high) if low > high => {
                Err(format!("{low} to {high} is empty; the smaller number comes first"))
            }
            Self::Whole(low, high) if high.abs_diff(low) >= u64::from(u32::MAX) => {
                Err(format!("{low} to {high} are too many whole numbers"))
            }
            Self::Values(_) | Self::Whole(..) => Ok(()),
        }
    }

    /// The value of trial `trial` for the key numbered `key` under the sweep's `seed`.
    pub fn draw(&self, seed: u64, trial: usize, key: usize) -> Value {
        let mut stream = Stream::new(seed, Purpose::Sweep, trial as u64, key as u32);
        let below = |stream: &mut Stream, count: u64| stream.below(u32::try_from(count).unwrap_or(u32::MAX));
        let share = |stream: &mut Stream| (f64::from(stream.bits()) + 0.5) / 4_294_967_296.0;
        match self {
            Self::Values(values) => values[below(&mut stream, values.len() as u64) as usize].clone(),
            Self::Whole(low, high) => {
                Value::Integer(low + i64::from(below(&mut stream, high.abs_diff(*low) + 1)))
            }
            Self::Uniform(low, high) => {
                Value::Float(rounded(low + (high - low) * share(&mut stream)).clamp(*low, *high))
            }
            Self::Log(low, high) => {
                let exponent = low.ln() + (high.ln() - low.ln()) * share(&mut stream);
                Value::Float(rounded(exponent.exp()).clamp(*low, *high))
            }
        }
    }

    /// Values that show whether a key can have them: all of a list, and the bounds of a range.
    pub fn probes(&self) -> Vec<Value> {
        match self {
            Self::Values(values) => values.clone(),
            Self::Uniform(low, high) | Self::Log(low, high) => vec![Value::Float(*low), Value::Float(*high)],
            Self::Whole(low, high) => vec![Value::Integer(*low), Value::Integer(*high)],
        }
    }
}

/// `x` with [`DIGITS`] significant digits. The decimal text is the same on every machine, and so is what it is read as.
fn rounded(x: f64) -> f64 {
    format!("{x:.*e}", DIGITS - 1).parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Distribution, String> {
        toml::from_str::<Written>(text).unwrap().read()
    }

    #[test]
    fn a_distribution_has_short_words_and_those_of_wandb() {
        assert_eq!(read("log = [0.01, 0.5]"), Ok(Distribution::Log(0.01, 0.5)));
        assert_eq!(
            read("min = 0.01\nmax = 0.5\ndistribution = \"log_uniform_values\""),
            Ok(Distribution::Log(0.01, 0.5))
        );
        assert_eq!(read("min = 4\nmax = 12"), Ok(Distribution::Whole(4, 12)));
        assert_eq!(read("min = 0.0\nmax = 1"), Ok(Distribution::Uniform(0.0, 1.0)));
        for (wrong, why) in [
            ("", "give one of"),
            ("log = [0.1, 0.2]\nuniform = [0.1, 0.2]", "give one of"),
            ("log = [0.0, 0.2]", "no logarithm"),
            ("uniform = [0.2, 0.1]", "is empty"),
            ("uniform = [0.1, inf]", "is empty"),
            ("int = [5, 4]", "is empty"),
            ("values = []", "the list is empty"),
            ("min = 1", "both"),
            ("min = 1\nmax = 2\ndistribution = \"beta\"", "none of"),
            ("log = [0.1, 0.2]\ndistribution = \"uniform\"", "goes with"),
        ] {
            let clause = read(wrong).unwrap_err();
            assert!(clause.contains(why), "{wrong}: {clause}");
        }
    }

    #[test]
    fn draws_are_a_function_of_seed_trial_and_key_within_the_bounds() {
        let log = Distribution::Log(0.01, 0.5);
        let draws: Vec<f64> = (0..1000).map(|trial| log.draw(7, trial, 0).as_float().unwrap()).collect();
        assert!(draws.iter().all(|x| (0.01..=0.5).contains(x)));
        // Half of them below the geometric mean.
        let below = draws.iter().filter(|x| **x < 0.0707).count();
        assert!((430..570).contains(&below), "{below}");
        assert_eq!(log.draw(7, 3, 0), log.draw(7, 3, 0));
        assert!(log.draw(7, 3, 0) != log.draw(8, 3, 0) && log.draw(7, 3, 0) != log.draw(7, 3, 1));
        let whole = Distribution::Whole(4, 6);
        let seen: std::collections::BTreeSet<i64> =
            (0..100).map(|trial| whole.draw(0, trial, 0).as_integer().unwrap()).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [4, 5, 6]);
    }

    #[test]
    fn a_number_that_was_drawn_has_four_digits() {
        assert_eq!((rounded(0.012_345_6), rounded(123_456.0)), (0.012_35, 123_500.0));
    }
}
