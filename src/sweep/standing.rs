//! What has come of the trials so far, what is decided from it, and what is to be run next.
//!
//! Halving is synchronous: a rung is decided once all of its runs have ended, by their scores alone. So the decisions
//! depend neither on how many runs there are at a time nor on which of them ends first.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::protocol::Figures;
use crate::sweep::measure::{Measure, Score};
use crate::sweep::plan::Plan;

/// A run of a trial up to the end of a rung; all counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Job {
    /// How far.
    pub rung: usize,
    /// Which trial.
    pub trial: usize,
    /// Which of its seeds.
    pub seed: usize,
}

/// How a run ended at a rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It has trained its epochs.
    Scored {
        /// How good it is.
        #[serde(flatten)]
        score: Score,
        /// The test images with its last weights, at the end of the last rung.
        test: Option<Figures>,
        /// Seconds of training, from its beginning.
        seconds: f64,
    },
    /// It diverged or failed.
    Failed {
        /// Why, in a sentence.
        reason: String,
    },
}

/// What is decided at the end of a rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The rung.
    pub rung: usize,
    /// Trials that go on to the next, or have come to the end: the best first.
    pub promoted: Vec<usize>,
    /// Trials that do not, the best first; those that failed come last.
    pub dropped: Vec<usize>,
}

/// Results, and what follows from them.
#[derive(Clone, Debug)]
pub struct Standing {
    trials: usize,
    seeds: usize,
    rungs: usize,
    factor: usize,
    measure: Measure,
    results: BTreeMap<Job, Outcome>,
    decisions: Vec<Decision>,
}

impl Standing {
    /// Before the first run.
    pub fn new(plan: &Plan) -> Self {
        let search = &plan.spec.search;
        Self {
            trials: plan.trials.len(),
            seeds: search.seeds,
            rungs: plan.rungs.len(),
            factor: search.halving.map_or(1, |halving| halving.factor),
            measure: search.measure,
            results: BTreeMap::new(),
            decisions: Vec::new(),
        }
    }

    /// Takes the result of a run, and returns what is decided by it, if it was the last of its rung.
    pub fn take(&mut self, job: Job, outcome: Outcome) -> Option<&Decision> {
        self.results.insert(job, outcome);
        if self.is_over() || !self.open().is_empty() {
            return None;
        }
        let decision = self.decide();
        self.decisions.push(decision);
        self.decisions.last()
    }

    /// The result of a run, once there is one.
    pub fn result(&self, job: Job) -> Option<&Outcome> {
        self.results.get(&job)
    }

    /// What was decided so far, rung by rung.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The rung that is being trained, from 0; the last one once all is over.
    pub fn rung(&self) -> usize {
        self.decisions.len().min(self.rungs - 1)
    }

    /// Whether nothing is left to run.
    pub fn is_over(&self) -> bool {
        // Without a trial that could go on there is no next rung.
        self.decisions.len() == self.rungs
            || self.decisions.last().is_some_and(|last| last.promoted.is_empty())
    }

    /// The trials of a rung, in the order of their numbers; none before it is known which they are.
    pub fn contenders(&self, rung: usize) -> BTreeSet<usize> {
        match rung.checked_sub(1) {
            None => (0..self.trials).collect(),
            Some(before) => self
                .decisions
                .get(before)
                .map(|decision| decision.promoted.iter().copied().collect())
                .unwrap_or_default(),
        }
    }

    /// Runs of the present rung without a result, in order.
    pub fn open(&self) -> Vec<Job> {
        if self.is_over() {
            return Vec::new();
        }
        let rung = self.decisions.len();
        let jobs = self
            .contenders(rung)
            .into_iter()
            .flat_map(|trial| (0..self.seeds).map(move |seed| (trial, seed)));
        let jobs = jobs.map(|(trial, seed)| Job { rung, trial, seed });
        jobs.filter(|job| !self.results.contains_key(job)).collect()
    }

    /// The results of a trial's seeds at a rung, as far as there are some.
    pub fn outcomes(&self, trial: usize, rung: usize) -> Vec<&Outcome> {
        (0..self.seeds).filter_map(|seed| self.results.get(&Job { rung, trial, seed })).collect()
    }

    /// The mean score of a trial at a rung: of those seeds that have one.
    pub fn score(&self, trial: usize, rung: usize) -> Option<Score> {
        let scores = self.outcomes(trial, rung).into_iter().filter_map(|outcome| match outcome {
            Outcome::Scored { score, .. } => Some(*score),
            Outcome::Failed { .. } => None,
        });
        Measure::mean(&scores.collect::<Vec<_>>())
    }

    /// Why a trial failed at a rung, if one of its seeds did.
    pub fn failure(&self, trial: usize, rung: usize) -> Option<&str> {
        self.outcomes(trial, rung).into_iter().find_map(|outcome| match outcome {
            Outcome::Failed { reason } => Some(reason.as_str()),
            Outcome::Scored { .. } => None,
        })
    }

    /// The last rung at which a trial has a result.
    pub fn reached(&self, trial: usize) -> Option<usize> {
        (0..self.rungs).rev().find(|rung| !self.outcomes(trial, *rung).is_empty())
    }

    /// All trials, the best first: by how far they came, then by their score there. Those that failed come last, and of
    /// equals the first.
    pub fn ranking(&self) -> Vec<usize> {
        let place = |trial: usize| {
            let rung = self.reached(trial);
            let failed = rung.is_some_and(|rung| self.failure(trial, rung).is_some());
            (trial, failed, rung, rung.and_then(|rung| self.score(trial, rung)))
        };
        let mut places: Vec<_> = (0..self.trials).map(place).collect();
        places.sort_by(|(_, a_failed, a_rung, a), (_, b_failed, b_rung, b)| {
            a_failed.cmp(b_failed).then(b_rung.cmp(a_rung)).then_with(|| self.compare(*a, *b))
        });
        places.into_iter().map(|(trial, ..)| trial).collect()
    }

    fn compare(&self, a: Option<Score>, b: Option<Score>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) => self.measure.compare(a, b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    }

    fn decide(&self) -> Decision {
        let rung = self.decisions.len();
        let contenders = self.contenders(rung);
        let (mut good, failed): (Vec<usize>, Vec<usize>) =
            contenders.iter().partition(|trial| self.failure(**trial, rung).is_none());
        good.sort_by(|a, b| self.compare(self.score(*a, rung), self.score(*b, rung)));
        let last = rung + 1 == self.rungs;
        let kept = if last { good.len() } else { (contenders.len() / self.factor).max(1).min(good.len()) };
        let dropped = good.split_off(kept).into_iter().chain(failed).collect();
        Decision { rung, promoted: good, dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::plan::tests::plan;

    fn scored(value: f64) -> Outcome {
        Outcome::Scored { score: Score { value: Some(value), reached: None }, test: None, seconds: 1.0 }
    }

    fn failed() -> Outcome {
        Outcome::Failed { reason: "the loss was not finite.".into() }
    }

    fn halved(seeds: usize) -> Standing {
        let text = format!(
            "name = \"a\"\n[grid]\ngrowth_rate = [1, 2, 3, 4, 5, 6, 7]\n[search]\nseeds = {seeds}\nhalving = {{ from = 4, factor = 3 }}"
        );
        Standing::new(&plan(&text).unwrap())
    }

    /// Carries the standing to its end; `order` picks the next job of those that are open.
    fn carry_out(mut standing: Standing, order: fn(usize) -> usize, score: fn(Job) -> Outcome) -> Standing {
        loop {
            let open = standing.open();
            let Some(job) = open.get(order(open.len()).min(open.len().saturating_sub(1))) else {
                return standing;
            };
            standing.take(*job, score(*job));
        }
    }

    #[test]
    fn each_rung_keeps_its_share_and_the_last_is_not_cut() {
        let good = |job: Job| scored(job.trial as f64 / 10.0 + job.rung as f64 / 100.0);
        let standing = carry_out(halved(1), |_| 0, good);
        let promoted: Vec<_> =
            standing.decisions().iter().map(|decision| decision.promoted.clone()).collect();
        assert_eq!(promoted, [vec![6, 5], vec![6], vec![6]]);
        assert_eq!(standing.decisions()[0].dropped, [4, 3, 2, 1, 0]);
        assert_eq!(standing.ranking(), [6, 5, 4, 3, 2, 1, 0]);
        assert!(standing.is_over() && standing.open().is_empty());
    }

    #[test]
    fn decisions_do_not_depend_on_the_order_in_which_runs_end() {
        let score = |job: Job| scored(f64::from((job.trial * 7 + job.seed * 3 + job.rung) as u32 % 5));
        let first = carry_out(halved(3), |_| 0, score);
        let last = carry_out(halved(3), |count| count.saturating_sub(1), score);
        assert_eq!(first.decisions(), last.decisions());
        assert_eq!(first.ranking(), last.ranking());
    }

    #[test]
    fn a_trial_that_failed_is_a_row_with_its_reason_and_no_end() {
        let score = |job: Job| if job.trial == 6 { failed() } else { scored(job.trial as f64) };
        let standing = carry_out(halved(1), |_| 0, score);
        assert_eq!(standing.decisions()[0].promoted, [5, 4]);
        assert_eq!(standing.ranking(), [5, 4, 3, 2, 1, 0, 6]);
        assert_eq!(standing.failure(6, 0), Some("the loss was not finite."));
        let none = carry_out(halved(1), |_| 0, |_| failed());
        assert!(none.is_over() && none.decisions().len() == 1);
    }

    #[test]
    fn seeds_count_by_their_mean_and_of_equals_the_first_is_kept() {
        let score = |job: Job| scored(if job.trial == 3 { [0.0, 1.0, 0.8][job.seed] } else { 0.5 });
        let standing = carry_out(halved(3), |_| 0, score);
        assert_eq!(standing.decisions()[0].promoted, [3, 0]);
        assert!((standing.score(3, 0).unwrap().value.unwrap() - 0.6).abs() < 1e-12);
    }
}
