//! How much of a sweep is done, and how long the rest will take.
//!
//! The cost of a run is its multiply-adds times its epochs. Which trials go on is not known before a rung is decided,
//! so those of later rungs count with the mean of all.

use crate::sweep::plan::Plan;
use crate::sweep::record::{Line, Record};
use crate::sweep::standing::{Job, Standing};

/// What was done since the sweep was taken up, and what has been done before.
#[derive(Clone, Debug)]
pub struct Clock {
    before: f64,
    done: f64,
}

impl Clock {
    /// At the moment at which a sweep is taken up.
    pub fn new(plan: &Plan, standing: &Standing) -> Self {
        let jobs = (0..plan.rungs.len()).flat_map(|rung| {
            let seeds = plan.spec.search.seeds;
            (0..plan.trials.len())
                .flat_map(move |trial| (0..seeds).map(move |seed| Job { rung, trial, seed }))
        });
        let before = jobs.filter(|job| standing.result(*job).is_some()).map(|job| cost(plan, job)).sum();
        Self { before, done: 0.0 }
    }

    /// A run has come to the end of its rung.
    pub fn done(&mut self, plan: &Plan, job: Job) {
        self.done += cost(plan, job);
    }

    /// The share of the sweep that is done, and seconds that the rest will take, once that can be told.
    pub fn estimate(&self, plan: &Plan, standing: &Standing, elapsed: f64) -> (f64, Option<f64>) {
        let left = left(plan, standing);
        let share = (self.before + self.done) / (self.before + self.done + left).max(f64::MIN_POSITIVE);
        let seconds = (self.done > 0.0).then(|| elapsed * left / self.done);
        (share, seconds)
    }
}

/// [`Clock::estimate`] of a sweep under way, from its record alone, at `now` (in seconds since 1970).
pub fn of_record(record: &Record, now: f64) -> (f64, Option<f64>) {
    let plan = &record.plan;
    let mut clock = Clock { before: 0.0, done: 0.0 };
    let mut since = now;
    for line in &record.lines {
        match line {
            Line::Begun { time, .. } | Line::Continued { time } => {
                clock = Clock { before: clock.before + clock.done, done: 0.0 };
                since = *time;
            }
            Line::Result { job, .. } => clock.done(plan, *job),
            _ => {}
        }
    }
    clock.estimate(plan, &record.standing, (now - since).max(0.0))
}

fn cost(plan: &Plan, job: Job) -> f64 {
    let before = job.rung.checked_sub(1).map_or(0, |rung| plan.rungs[rung]);
    weight(plan, job.trial) * (plan.rungs[job.rung] - before) as f64
}

/// Multiply-adds of an image.
fn weight(plan: &Plan, trial: usize) -> f64 {
    let recipe = &plan.trials[trial].recipe;
    recipe.arch(recipe.data.classes().unwrap_or(10)).plan().map_or(1.0, |plan| plan.macs() as f64)
}

/// The cost of what is left.
fn left(plan: &Plan, standing: &Standing) -> f64 {
    if standing.is_over() {
        return 0.0;
    }
    let search = &plan.spec.search;
    let now: f64 = standing.open().into_iter().map(|job| cost(plan, job)).sum();
    let mut trials = standing.contenders(standing.rung()).len();
    let factor = search.halving.map_or(1, |halving| halving.factor);
    let mut later = 0.0;
    let mean: f64 =
        (0..plan.trials.len()).map(|trial| weight(plan, trial)).sum::<f64>() / plan.trials.len() as f64;
    for rung in standing.rung() + 1..plan.rungs.len() {
        trials = (trials / factor).max(1);
        later += mean * (trials * search.seeds) as f64 * (plan.rungs[rung] - plan.rungs[rung - 1]) as f64;
    }
    now + later
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::measure::Score;
    use crate::sweep::plan::tests::plan;
    use crate::sweep::standing::Outcome;

    #[test]
    fn the_rest_takes_as_long_for_each_multiply_add_and_epoch_as_what_is_done() {
        let plan =
            plan("name = \"a\"\n[grid]\nlr = [0.1, 0.2, 0.3]\n[search]\nhalving = { from = 12, factor = 3 }")
                .unwrap();
        let mut standing = Standing::new(&plan);
        let mut clock = Clock::new(&plan, &standing);
        assert_eq!(clock.estimate(&plan, &standing, 10.0), (0.0, None));
        let take = |standing: &mut Standing, clock: &mut Clock, job: Job| {
            let score = Score { value: Some(0.5), reached: None };
            standing.take(job, Outcome::Scored { score, test: None, seconds: 1.0 });
            clock.done(&plan, job);
        };
        // 12 of 36 epochs by three trials, then 24 more by the best of them: a fifth is done.
        let job = standing.open()[0];
        take(&mut standing, &mut clock, job);
        let (share, left) = clock.estimate(&plan, &standing, 10.0);
        assert!((share - 0.2).abs() < 1e-9 && (left.unwrap() - 40.0).abs() < 1e-9, "{share} {left:?}");
        for job in standing.open() {
            take(&mut standing, &mut clock, job);
        }
        assert!((clock.estimate(&plan, &standing, 30.0).0 - 0.6).abs() < 1e-9);
        let job = standing.open()[0];
        take(&mut standing, &mut clock, job);
        assert_eq!(clock.estimate(&plan, &standing, 50.0), (1.0, Some(0.0)));
    }
}
