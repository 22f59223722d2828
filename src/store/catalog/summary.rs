//! What `summary.json` says of a run.

use serde::{Deserialize, Serialize};

use crate::arch::words::Connectivity;
use crate::protocol::event::Best;
use crate::protocol::{Figures, Outcome};
use crate::recipe::Recipe;

/// A run at a glance. The engine replaces it at every start, epoch, save and end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its name.
    pub run: String,
    /// What it is doing, or how it ended.
    pub state: State,
    /// Why it ended so, where there is something to say.
    pub message: Option<String>,
    /// The network in a few characters: see [`network`].
    pub network: String,
    /// Parameter count.
    pub parameters: u64,
    /// Steps done.
    pub step: u64,
    /// Steps after which it is complete.
    pub total_steps: u64,
    /// The epoch of the last step, from 1; 0 before the first.
    pub epoch: usize,
    /// When it was started, in seconds since 1970, UTC.
    pub created: f64,
    /// When this was written, in seconds since 1970, UTC.
    pub updated: f64,
    /// Training time, pauses excluded.
    pub seconds: f64,
    /// The best epoch.
    pub best: Option<Best>,
    /// The last epoch that ended.
    pub last: Option<Last>,
    /// The test split with the last weights.
    pub test: Option<Figures>,
    /// The run whose checkpoint it began with.
    pub parent: Option<String>,
    /// What it trains, with its live changes.
    pub recipe: Recipe,
}

impl Summary {
    /// Accuracy of the last epoch: validation, or training where there is none.
    pub fn last_accuracy(&self) -> Option<f64> {
        self.last.map(|last| last.validation.unwrap_or(last.train).accuracy)
    }
}

/// Figures of the last epoch that ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Last {
    /// Which.
    pub epoch: usize,
    /// Over the epoch, as it was trained.
    pub train: Figures,
    /// After it; absent without a validation split.
    pub validation: Option<Figures>,
}

/// What a run is doing, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is being trained, or its process died without a word: see [`Entry::interrupted`](crate::store::catalog::Entry::interrupted).
    Running,
    /// All its steps are done.
    Completed,
    /// It was asked to stop.
    Stopped,
    /// Something was not finite.
    Diverged,
    /// It failed.
    Failed,
}

impl State {
    /// The word for it, as in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
        }
    }
}

impl From<Outcome> for State {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Completed => Self::Completed,
            Outcome::Stopped => Self::Stopped,
            Outcome::Diverged => Self::Diverged,
        }
    }
}

/// The network of `recipe` in a few characters, as in `16,16,16 k=12 BC` or `12,12,12 k=12`; θ is named
/// where it is not the paper's.
pub fn network(recipe: &Recipe) -> String {
    let layers: Vec<String> = recipe.layers.iter().map(ToString::to_string).collect();
    if recipe.connectivity != Connectivity::Dense {
        let one = if recipe.bottleneck { " B" } else { "" };
        return format!("{} {} w={}{one}", layers.join(","), recipe.connectivity, recipe.width);
    }
    let mut text = format!("{} k={} {}", layers.join(","), recipe.growth_rate, recipe.variant());
    text.truncate(text.trim_end().len());
    if recipe.compression < 1.0 && (recipe.compression - 0.5).abs() > f64::EPSILON {
        text.push_str(" θ=");
        text.push_str(&recipe.compression.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;

    #[test]
    fn a_network_is_a_few_characters() {
        let mut recipe = Recipe::defaults(Data::Cifar10);
        assert_eq!(network(&recipe), "16,16,16 k=12 BC");
        recipe.compression = 0.7;
        assert_eq!(network(&recipe), "16,16,16 k=12 BC θ=0.7");
        recipe.compression = 1.0;
        recipe.bottleneck = false;
        assert_eq!(network(&recipe), "16,16,16 k=12");
    }
}
