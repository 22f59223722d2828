//! What has come of a run at the end of a rung, from its files alone.

use crate::commands::sweep::children::End;
use crate::protocol::{Event, Figures};
use crate::store::State;
use crate::store::catalog;
use crate::store::journal::Replay;
use crate::store::run::{self, JOURNAL};
use crate::sweep::measure::EpochFigures;
use crate::sweep::{Job, Outcome, Place, Plan};

/// What becomes of a job whose run has ended.
pub(super) enum Next {
    /// It has a result.
    Result(Outcome),
    /// Its process was killed, or another has it: it is taken up again, from its last checkpoint.
    Again {
        /// The step of that checkpoint.
        step: u64,
        /// What to say where it comes no further.
        reason: String,
    },
}

/// The outcome of `job`, whose run ended with `end`.
pub(super) fn of(plan: &Plan, place: &Place, job: Job, end: End) -> Next {
    let run = place.run(&plan.run(job.trial, job.seed));
    let failed = |reason: String| Next::Result(Outcome::Failed { reason });
    let again = |step| match end {
        End::Exited => Next::Again { step, reason: last_words(plan, place, job) },
        End::Killed | End::Unknown => {
            Next::Again { step, reason: format!("its process was killed after step {step}.") }
        }
    };
    let Ok(summary) = catalog::read_summary(&run) else {
        // A process that an earlier one of the sweep started may have been faster.
        return match end {
            End::Exited if !run::held(&run) => failed(last_words(plan, place, job)),
            _ => again(0),
        };
    };
    let last = job.rung + 1 == plan.rungs.len();
    let there = summary.last.map_or(0, |last| last.epoch) >= plan.rungs[job.rung];
    match summary.state {
        _ if run::held(&run) => again(summary.step),
        State::Completed => score(plan, place, job, summary.test),
        State::Stopped if there && !last => score(plan, place, job, None),
        State::Diverged | State::Failed => {
            failed(summary.message.unwrap_or_else(|| format!("it {}.", summary.state.word())))
        }
        // Saved and ended by a person, who does not want it.
        State::Stopped => match end {
            End::Exited => failed(format!("it was stopped after step {}.", summary.step)),
            End::Killed | End::Unknown => again(summary.step),
        },
        State::Running => again(summary.step),
    }
}

fn score(plan: &Plan, place: &Place, job: Job, test: Option<Figures>) -> Next {
    let measure = plan.spec.search.measure;
    let found = epochs(plan, place, job);
    let outcome = match found.as_ref().map(|epochs| measure.of(epochs)) {
        Ok(Some(score)) => {
            let seconds = found.iter().flatten().map(|epoch| epoch.seconds).sum();
            Outcome::Scored { score, test, seconds }
        }
        Ok(None) => Outcome::Failed { reason: format!("it has no {measure}.") },
        Err(sentence) => Outcome::Failed { reason: sentence.clone() },
    };
    Next::Result(outcome)
}

/// The figures of the epochs up to the end of the rung.
fn epochs(plan: &Plan, place: &Place, job: Job) -> Result<Vec<EpochFigures>, String> {
    let journal = place.run(&plan.run(job.trial, job.seed)).join(JOURNAL);
    let mut epochs = Vec::new();
    for stamped in Replay::open(&journal).map_err(|error| error.to_string())? {
        let event = stamped.map_err(|error| error.to_string())?.event;
        if let Event::Epoch { epoch, train, validation, seconds, .. } = event
            && epoch <= plan.rungs[job.rung]
        {
            epochs.push(EpochFigures { train, validation, seconds });
        }
    }
    Ok(epochs)
}

/// The last that a run said before it ended without a summary.
fn last_words(plan: &Plan, place: &Place, job: Job) -> String {
    let log = place.log(&plan.run(job.trial, job.seed));
    let line = crate::remote::last_line(&log).unwrap_or_else(|| "it ended without a word.".into());
    line.trim_start_matches("error: ").to_owned()
}
