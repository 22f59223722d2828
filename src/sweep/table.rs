//! The trials of a sweep as a table: a row each, the best first.

use serde::Serialize;
use toml::{Table, Value};

use crate::format::csv;
use crate::recipe::keys::text_of;
use crate::sweep::measure::{Measure, mean_and_deviation};
use crate::sweep::plan::Plan;
use crate::sweep::standing::{Outcome, Standing};

/// Mean and standard deviation over the seeds of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of a sample; 0 of one value.
    pub deviation: f64,
}

/// What has become of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was trained to its end.
    Completed,
    /// It is in the present rung, or waits for it.
    Open,
    /// Others were better.
    Dropped,
    /// One of its runs diverged or failed.
    Failed,
}

impl State {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Open => "open",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

/// A trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub trial: String,
    /// Its number, from 0.
    #[serde(skip)]
    pub index: usize,
    /// What tells it from others.
    pub values: Table,
    /// Parameters of its network.
    pub parameters: Option<u64>,
    /// What has become of it.
    pub state: State,
    /// Epochs of the last rung for which it has a result.
    pub epochs: usize,
    /// Seeds with a score there.
    pub seeds: usize,
    /// The measure there; absent where an accuracy was not reached.
    pub measure: Option<Spread>,
    /// Accuracy on the test images, of those seeds that were trained to the end.
    pub test: Option<Spread>,
    /// Why it failed.
    pub reason: Option<String>,
    /// Seconds of training, of all its seeds.
    pub seconds: f64,
}

/// The rows of a sweep.
pub fn rows(plan: &Plan, standing: &Standing) -> Vec<Row> {
    standing.ranking().into_iter().map(|trial| row(plan, standing, trial)).collect()
}

/// The row of a trial.
pub fn row(plan: &Plan, standing: &Standing, index: usize) -> Row {
    let trial = &plan.trials[index];
    let reached = standing.reached(index);
    let outcomes = reached.map(|rung| standing.outcomes(index, rung)).unwrap_or_default();
    let (mut values, mut tests, mut seconds) = (Vec::new(), Vec::new(), 0.0);
    for outcome in &outcomes {
        if let Outcome::Scored { score, test, seconds: trained } = outcome {
            values.extend(score.value);
            tests.extend(test.map(|figures| figures.accuracy));
            seconds += trained;
        }
    }
    let scored = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Scored { .. })).count();
    let spread =
        |values: &[f64]| mean_and_deviation(values).map(|(mean, deviation)| Spread { mean, deviation });
    let reason = reached.and_then(|rung| standing.failure(index, rung)).map(str::to_owned);
    Row {
        trial: plan.name(index),
        index,
        values: trial.values.iter().cloned().collect(),
        parameters: trial
            .recipe
            .arch(trial.recipe.data.classes().unwrap_or(10))
            .plan()
            .ok()
            .map(|plan| plan.parameters()),
        state: state(plan, standing, index, reason.is_some()),
        epochs: reached.map_or(0, |rung| plan.rungs[rung]),
        seeds: scored,
        // A mean of some seeds would be that of the faster ones.
        measure: spread(&values).filter(|_| values.len() == scored),
        test: spread(&tests),
        reason,
        seconds,
    }
}

fn state(plan: &Plan, standing: &Standing, trial: usize, failed: bool) -> State {
    if failed {
        return State::Failed;
    }
    let decisions = standing.decisions();
    if decisions.iter().any(|decision| decision.dropped.contains(&trial)) {
        return State::Dropped;
    }
    let last = decisions.last().filter(|last| last.rung + 1 == plan.rungs.len());
    if last.is_some_and(|last| last.promoted.contains(&trial)) { State::Completed } else { State::Open }
}

/// A value of the measure as people read it.
pub fn shown(measure: Measure, value: f64) -> String {
    match measure {
        _ if measure.is_accuracy() => format!("{:.2} %", 100.0 * value),
        Measure::SecondsTo(_) => format!("{value:.1} s"),
        _ => format!("{value:.4}"),
    }
}

/// A mean as people read it, with its deviation where there are several seeds.
pub fn spread(spread: Option<Spread>, seeds: usize, shown: impl Fn(f64) -> String) -> String {
    match spread {
        None => "-".into(),
        Some(Spread { mean, .. }) if seeds == 1 => shown(mean),
        Some(Spread { mean, deviation }) => {
            format!("{} ± {}", shown(mean).trim_end_matches([' ', '%', 's']), shown(deviation))
        }
    }
}

/// The table for people, one line each, without times: the same results make the same lines.
pub fn lines(plan: &Plan, standing: &Standing) -> Vec<String> {
    let (seeds, measure) = (plan.spec.search.seeds, plan.spec.search.measure);
    let keys = keys(plan);
    let mut cells: Vec<Vec<String>> = vec![
        ["trial".to_owned()]
            .into_iter()
            .chain(keys.iter().cloned())
            .chain(["epochs".into(), measure.to_string(), "test".into(), "state".into()])
            .collect(),
    ];
    for row in rows(plan, standing) {
        let values = keys.iter().map(|key| row.values.get(key).map_or("-".into(), text_of));
        let state = match &row.reason {
            Some(reason) => format!("failed: {reason}"),
            None => row.state.word().into(),
        };
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let figures = [
            row.epochs.to_string(),
            spread(row.measure, seeds, |value| shown(measure, value)),
            spread(row.test, seeds, percent),
            state,
        ];
        cells.push([row.trial.clone()].into_iter().chain(values).chain(figures).collect());
    }
    aligned(&cells)
}

/// Cells in columns: the last to the left, the others as wide as their widest.
fn aligned(cells: &[Vec<String>]) -> Vec<String> {
    let count = cells.first().map_or(0, Vec::len);
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

/// The table as CSV, with a line of names; numbers in full, accuracies as shares, times last.
pub fn csv(plan: &Plan, standing: &Standing) -> Vec<String> {
    let keys = keys(plan);
    let named = [
        "state",
        "epochs",
        "seeds",
        "mean",
        "deviation",
        "test_mean",
        "test_deviation",
        "parameters",
        "reason",
        "seconds",
    ];
    let head = ["trial"].into_iter().chain(keys.iter().map(String::as_str)).chain(named);
    let mut lines = vec![joined(head.map(str::to_owned))];
    for row in rows(plan, standing) {
        let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
        let values = keys.iter().map(|key| row.values.get(key).map_or_else(String::new, text_of));
        let figures = [
            row.state.word().to_owned(),
            row.epochs.to_string(),
            row.seeds.to_string(),
            number(row.measure.map(|spread| spread.mean)),
            number(row.measure.map(|spread| spread.deviation)),
            number(row.test.map(|spread| spread.mean)),
            number(row.test.map(|spread| spread.deviation)),
            row.parameters.map_or_else(String::new, |count| count.to_string()),
            row.reason.clone().unwrap_or_default(),
            format!("{:.3}", row.seconds),
        ];
        lines.push(joined([row.trial.clone()].into_iter().chain(values).chain(figures)));
    }
    lines
}

fn joined(fields: impl Iterator<Item = String>) -> String {
    fields.map(|field| csv::field(&field).into_owned()).collect::<Vec<_>>().join(",")
}

/// The keys that tell trials apart, in the order of the file.
pub fn keys(plan: &Plan) -> Vec<String> {
    plan.trials.first().map_or_else(Vec::new, |trial| {
        trial.values.iter().map(|(key, _): &(String, Value)| key.clone()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Figures;
    use crate::sweep::measure::Score;
    use crate::sweep::plan::tests::plan;
    use crate::sweep::standing::Job;

    /// Three growth rates with two seeds each, of which the last fails.
    fn standing() -> (Plan, Standing) {
        let plan = plan("name = \"a\"\n[grid]\ngrowth_rate = [4, 8, 12]\n[search]\nseeds = 2").unwrap();
        let mut standing = Standing::new(&plan);
        for job in standing.open() {
            let value = 0.5 + job.trial as f64 / 10.0 + job.seed as f64 / 50.0;
            let figures = Figures { loss: 1.0, accuracy: value - 0.1 };
            let outcome = match job {
                Job { trial: 2, seed: 1, .. } => {
                    Outcome::Failed { reason: "out of memory, \"all\" of it.".into() }
                }
                _ => Outcome::Scored {
                    score: Score { value: Some(value), reached: None },
                    test: Some(figures),
                    seconds: 2.0,
                },
            };
            standing.take(job, outcome);
        }
        (plan, standing)
    }

    #[test]
    fn people_read_means_with_their_deviations_and_reasons() {
        let (plan, standing) = standing();
        let lines = lines(&plan, &standing);
        assert_eq!(
            lines[0].split_whitespace().collect::<Vec<_>>(),
            ["trial", "growth_rate", "epochs", "validation.accuracy", "test", "state"]
        );
        assert_eq!(lines[1], "t2     8            36      61.00 ± 1.41 %       51.00 ± 1.41 %  completed");
        assert!(
            lines[3].starts_with("t3     12") && lines[3].ends_with("failed: out of memory, \"all\" of it."),
            "{lines:?}"
        );
    }

    #[test]
    fn programs_read_numbers_in_full() {
        let (plan, standing) = standing();
        let lines = csv(&plan, &standing);
        assert_eq!(
            lines[0],
            "trial,growth_rate,state,epochs,seeds,mean,deviation,test_mean,test_deviation,parameters,reason,seconds"
        );
        assert!(lines[1].starts_with("t2,8,completed,36,2,0.61,0.01414"), "{}", lines[1]);
        assert!(
            lines[3].contains(",failed,36,1,0.7,0,")
                && lines[3].ends_with(",\"out of memory, \"\"all\"\" of it.\",2.000"),
            "{}",
            lines[3]
        );
        let first = serde_json::to_value(&rows(&plan, &standing)[0]).unwrap();
        assert_eq!(
            (&first["trial"], &first["values"]["growth_rate"], &first["state"]),
            (&"t2".into(), &8.into(), &"completed".into())
        );
    }
}
