//! How a run or a question is carried out.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a run is carried out. None of it changes the weights, but `device` and `reference` their rounding.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The directory that holds all runs.
    pub runs_dir: PathBuf,
    /// Where it is computed.
    pub device: Device,
    /// Threads that compute.
    pub threads: usize,
    /// How often to save, beside every epoch's end.
    pub save_every: SaveEvery,
    /// Save and end after so long, or so many epochs.
    pub stop_after: Option<StopAfter>,
    /// Leave the test split alone.
    pub no_test: bool,
    /// Leave pictures out that cannot be decoded.
    pub skip_broken: bool,
    /// Use candle's own layers, where there is a faster version too.
    pub reference: bool,
}

/// Which images of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// What is trained on.
    Train,
    /// What chooses the best checkpoint.
    Validation,
    /// What is looked at once.
    Test,
    /// All of them.
    All,
}

impl Split {
    /// Every split, with its word.
    pub const WORDS: [(&'static str, Self); 4] =
        [("train", Self::Train), ("validation", Self::Validation), ("test", Self::Test), ("all", Self::All)];

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// The device that computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// The first CUDA device where there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// This CUDA device.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => word
                .strip_prefix("cuda:")
                .and_then(|n| n.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("`{word}` is not one of auto, cpu, cuda, cuda:N")),
        }
    }
}

/// How often a run saves, beside the end of every epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveEvery {
    /// After so long.
    Time(Duration),
    /// After so many steps.
    Steps(u64),
}

impl Default for SaveEvery {
    fn default() -> Self {
        Self::Time(Duration::from_mins(5))
    }
}

impl FromStr for SaveEvery {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        if let Some(steps) = word.strip_suffix("steps") {
            return match steps.trim().parse() {
                Ok(n) if n > 0 => Ok(Self::Steps(n)),
                _ => Err(format!("`{word}` is not a number of steps, as in 200steps")),
            };
        }
        parse_duration(word).map(Self::Time)
    }
}

impl fmt::Display for SaveEvery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "{}s", time.as_secs_f64()),
            Self::Steps(steps) => write!(f, "{steps}steps"),
        }
    }
}

/// When a run saves and ends before it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopAfter {
    /// After so long, from when this process took it up.
    Time(Duration),
    /// At the end of this epoch of the run, once it is validated. Nothing that depends on the run's length changes.
    Epochs(usize),
}

impl FromStr for StopAfter {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word.strip_suffix("epochs").or_else(|| word.strip_suffix("epoch")) {
            Some(number) => match number.trim().parse() {
                Ok(n) if n > 0 => Ok(Self::Epochs(n)),
                _ => Err(format!("`{word}` is not a number of epochs, as in 4epochs")),
            },
            None => parse_duration(word).map(Self::Time),
        }
    }
}

/// A length of time as people type it: `90s`, `5m`, `2h`, `1d`.
fn parse_duration(word: &str) -> Result<Duration, String> {
    let wrong = || format!("`{word}` is not a length of time, as in 30s, 25m or 2h");
    let unit = word.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        'd' => 86_400.0,
        _ => return Err(wrong()),
    };
    let number: f64 = word[..word.len() - 1].parse().map_err(|_| wrong())?;
    if number > 0.0 && number * seconds < 1e9 {
        Ok(Duration::from_secs_f64(number * seconds))
    } else {
        Err(format!("`{word}` must be above 0 and below 30 years"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_steps_and_devices_read_as_people_type_them() {
        assert_eq!("5m".parse(), Ok(SaveEvery::default()));
        assert_eq!("200steps".parse(), Ok(SaveEvery::Steps(200)));
        assert_eq!(parse_duration("1.5h"), Ok(Duration::from_mins(90)));
        assert_eq!("25m".parse(), Ok(StopAfter::Time(Duration::from_mins(25))));
        assert_eq!("4epochs".parse(), Ok(StopAfter::Epochs(4)));
        for wrong in ["0epochs", "epochs", "1.5epochs", "-1epochs", "4"] {
            assert!(wrong.parse::<StopAfter>().is_err(), "{wrong}");
        }
        for wrong in ["", "m", "5", "0s", "-1m", "5x", "infs", "0steps", "é"] {
            assert!(wrong.parse::<SaveEvery>().is_err(), "{wrong}");
        }
        assert_eq!("cuda:3".parse(), Ok(Device::Cuda(3)));
        assert!("cuda:x".parse::<Device>().is_err());
    }
}
