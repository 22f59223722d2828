//! The training loop, for every device: read from top to bottom, once.
//!
//! Steps are submitted ahead of those that are done, as many as the trainer takes. The loop settles (waits for all of
//! them, and has the weights on the host) before anything that needs them: a save, a change, a question, an epoch's end.

use std::time::Duration;

use crate::data::prepare::order;
use crate::engine::build::{requested, warn_no_fused_version};
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::in_flight::InFlight;
use crate::engine::report::{Report, StepReport};
use crate::engine::session::{Ending, Session};
use crate::engine::validate::{close_epoch, evaluate_now, evaluation, validate};
use crate::engine::worker::PULSE;
use crate::engine::{device, questions};
use crate::ops::trainer::{Epoch, StepResult};
use crate::protocol::command::{Split, StopAfter};
use crate::protocol::{Change, Event, Outcome, StopReason};
use crate::recipe::jump::Jump;
use crate::store::catalog::State;

/// Trains the session's run to its end, whatever that is, and reports it.
pub(super) fn fit(session: &mut Session, control: &mut Control, report: &mut Report) -> Result<(), Failure> {
    control.deadline = match session.options.stop_after {
        Some(StopAfter::Time(time)) => Some(session.begun + time),
        Some(StopAfter::Epochs(_)) | None => None,
    };
    session.open_journal(report)?;
    report.emit(session.started());
    warn_no_fused_version(&session.net, requested(&session.options), report);
    device::warn_precision_ignored(&session.net, &session.recipe, report);
    if let Some(message) = session.jump.take() {
        report.emit(Event::Warning { message });
    }
    session.summarise(State::Running, None, report);
    match train(session, control, report).and_then(|ending| conclude(session, ending, report)) {
        Ok(()) => Ok(()),
        Err(failure) => {
            let message = match &failure {
                Failure::Input(message) | Failure::Failed(message) => message.clone(),
                Failure::Interrupted(_) => "interrupted".into(),
            };
            session.summarise(State::Failed, Some(message), report);
            Err(failure)
        }
    }
}

fn train(session: &mut Session, control: &mut Control, report: &mut Report) -> Result<Ending, Failure> {
    if session.unsaved {
        session.save(report)?;
    }
    loop {
        if session.epoch() > session.progress.closed_epochs
            && session.progress.step.is_multiple_of(session.steps_per_epoch())
        {
            if let Some(ending) = close_epoch(session, control, report)? {
                return Ok(ending);
            }
        } else if session.progress.step >= session.total_steps() {
            break;
        } else if session.is_done_for_now() {
            return Ok(Ending::Stopped(StopReason::EpochsDone));
        } else if let Some(ending) = epoch(session, control, report)? {
            return Ok(ending);
        }
    }
    if session.progress.validated_at != Some(session.progress.step)
        && let Some(ending) = validate(session, control, report)?
    {
        return Ok(ending);
    }
    if !session.options.no_test && !session.test.is_empty() && session.progress.test.is_none() {
        let Some(test) = evaluation(session, Split::Test, control, report)? else {
            return Ok(Ending::Stopped(control.reason()));
        };
        if !test.figures.loss.is_finite() {
            return Ok(session.overflowed("test"));
        }
        session.progress.test = Some(test.figures);
    }
    Ok(Ending::Completed)
}

/// Trains up to the end of the epoch, or of the run. `None`: continue.
fn epoch(
    session: &mut Session,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<Ending>, Failure> {
    let per_epoch = session.steps_per_epoch();
    let index = session.progress.step / per_epoch;
    let order = order(session.recipe.seed, index + 1, session.train.len());
    begin(session, index, order)?;
    report.emit(session.training());
    let mut steps = InFlight::none();
    loop {
        control.poll_commands(report);
        if !control.is_idle() {
            if let Some(ending) = settle(session, &mut steps, control, report)? {
                return Ok(Some(ending));
            }
            if let Some(reason) = between_steps(session, control, report)? {
                return Ok(Some(Ending::Stopped(reason)));
            }
            // The learning rates may have changed. The order of the images has not.
            begin(session, index, Vec::new())?;
        }
        let submitted = session.progress.step + steps.count() as u64;
        if submitted >= session.total_steps().min((index + 1) * per_epoch) {
            return settle(session, &mut steps, control, report);
        }
        let images = session.images_of(submitted);
        steps.submit(&mut *session.trainer, images)?;
        let next = submitted + 1;
        let ending = if !next.is_multiple_of(per_epoch) && session.save_is_due_at(next) {
            let ending = settle(session, &mut steps, control, report)?;
            if ending.is_none() {
                session.save_if_possible(report);
            }
            ending
        } else {
            let full = steps.is_full(&*session.trainer);
            collect(session, &mut steps, full, control, report)?
        };
        if ending.is_some() {
            return Ok(ending);
        }
    }
}

/// Prepares the trainer for the steps of epoch `index` (from 0) that are still to be done; without `order`, on the
/// images in the order that it knows.
fn begin(session: &mut Session, index: u64, order: Vec<u32>) -> Result<(), Failure> {
    session.net.freeze(session.recipe.frozen_blocks(index + 1));
    let (per_epoch, step) = (session.steps_per_epoch(), session.progress.step);
    let first = index * per_epoch;
    let rates = (first..first + per_epoch).map(|step| session.recipe.learning_rate(step, per_epoch));
    let epoch = Epoch {
        number: index + 1,
        order,
        learning_rates: rates.collect(),
        first: (step - first) as usize,
        step,
        updates: session.progress.optimizer_steps,
    };
    Ok(session.trainer.begin(&epoch)?)
}

/// Counts the steps that are done; with `wait`, at least one. Returns how the run is to end, if it is.
fn collect(
    session: &mut Session,
    steps: &mut InFlight,
    mut wait: bool,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<Ending>, Failure> {
    while steps.count() > 0 {
        let trainer = &mut *session.trainer;
        let collected = if std::mem::take(&mut wait) {
            let collected = control.wait_for(report, |_, _| steps.collect(trainer, PULSE))?;
            // A step that is abandoned leaves the state of the step before.
            let Some(collected) = collected else { return Ok(Some(Ending::Stopped(control.reason()))) };
            collected
        } else if let Some(collected) = steps.collect(trainer, Duration::ZERO)? {
            collected
        } else {
            break;
        };
        let (StepResult { loss, correct, failed }, seconds) = collected;
        if let Some(what) = failed {
            // The steps behind it have changed nothing.
            while steps.count() > 0 && steps.collect(trainer, PULSE)?.is_some() {}
            session.fetch()?;
            return Ok(Some(session.diverged(what)));
        }
        let (step, per_epoch) = (session.progress.step, session.steps_per_epoch());
        let done = StepReport {
            epoch: (step / per_epoch) as usize + 1,
            step: step + 1,
            images: session.images_of(step),
            loss: f64::from(loss),
            correct: u64::from(correct),
            learning_rate: session.recipe.learning_rate(step, per_epoch),
            seconds,
        };
        session.account(done, report);
    }
    Ok(None)
}

/// Waits for every step submitted; the host has the weights then. Returns how the run is to end, if it is.
fn settle(
    session: &mut Session,
    steps: &mut InFlight,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<Ending>, Failure> {
    while steps.count() > 0 {
        let ending = collect(session, steps, true, control, report)?;
        if ending.is_some() {
            return Ok(ending);
        }
    }
    session.fetch()?;
    Ok(None)
}

/// Does what was asked since the last step. Returns why the run is to stop, if it is.
fn between_steps(
    session: &mut Session,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<StopReason>, Failure> {
    let mut waiting = false;
    loop {
        if std::mem::take(&mut control.save) {
            session.save_if_possible(report);
        }
        while let Some(change) = control.changes.pop_front() {
            apply(session, change, report);
        }
        let aside = control.evaluate || !control.questions.is_empty();
        if std::mem::take(&mut control.evaluate) {
            evaluate_now(session, control, report)?;
        }
        while let Some((id, question)) = control.questions.pop_front() {
            questions::answer(id, question, control, report);
        }
        if control.stop.is_some() {
            return Ok(control.stop);
        }
        if aside {
            report.emit(session.training());
        }
        if !control.paused {
            break;
        }
        if !waiting {
            waiting = true;
            report.emit(Event::Paused { step: session.progress.step });
        }
        control.wait(report);
    }
    if waiting {
        report.emit(Event::Continued { step: session.progress.step });
    }
    Ok(None)
}

/// Takes over a live value and saves at once, so that a resume knows it too.
fn apply(session: &mut Session, change: Change, report: &mut Report) {
    let mut recipe = session.recipe.clone();
    match change {
        Change::Lr(lr) => recipe.lr = lr,
        Change::Epochs(epochs) => recipe.epochs = epochs,
        Change::Freeze(freeze) => (recipe.freeze, recipe.freeze_epochs) = (freeze, 0),
    }
    if recipe.trains_in_parts() && session.net.gpu().is_some() {
        let message = "the kernels of a GPU train all of a network or nothing; stop, and go on with `freeze` by --reference or --device cpu.";
        report.emit(Event::Refused { message: message.into() });
        return;
    }
    if let Err(problems) = recipe.validate() {
        report.emit(Event::Refused { message: problems[0].to_string() });
        return;
    }
    let (step, per_epoch) = (session.progress.step, session.steps_per_epoch());
    let jump = Jump::between(&session.recipe, &recipe, step, per_epoch);
    session.recipe = recipe;
    report.emit(Event::Changed { change, step });
    if let Some(jump) = jump {
        report.emit(Event::Warning { message: jump.sentence() });
    }
    session.save_if_possible(report);
}

/// Saves the last state, where it is good, and reports the end.
fn conclude(session: &mut Session, ending: Ending, report: &mut Report) -> Result<(), Failure> {
    let mut good = true;
    let (outcome, state, reason, message) = match ending {
        Ending::Completed => (Outcome::Completed, State::Completed, None, None),
        Ending::Stopped(reason) => (Outcome::Stopped, State::Stopped, Some(reason), None),
        Ending::Diverged(message) => (Outcome::Diverged, State::Diverged, None, Some(message)),
        Ending::Overflowed(message) => {
            good = false;
            (Outcome::Diverged, State::Diverged, None, Some(message))
        }
    };
    if let Some(message) = message.clone() {
        report.emit(Event::Warning { message });
    }
    if good {
        session.save(report)?;
    } else {
        // The run continues from what is on disk.
        session.progress = session.kept.clone();
    }
    session.summarise(state, message, report);
    report.emit(Event::Finished {
        outcome,
        reason,
        best: session.progress.best,
        test: session.progress.test,
        step: session.progress.step,
    });
    Ok(())
}

#[cfg(test)]
mod tests;
