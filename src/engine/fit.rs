//! The training loop. Read from top to bottom, once.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::control::Control;
use crate::engine::evaluate::{Evaluation, Watch};
use crate::engine::failure::Failure;
use crate::engine::report::{Report, StepReport};
use crate::engine::session::{Session, tell_arithmetic, wish};
use crate::engine::step::{Settings, Stepped, tensors, update};
use crate::engine::{card, device, evaluate, loader, questions};
use crate::protocol::command::Split;
use crate::protocol::event::{Best, Phase};
use crate::protocol::{Change, Event, Figures, Outcome, StopReason};
use crate::recipe::jump::Jump;
use crate::store::catalog::{Last, State};

/// Why the loop ended.
pub(super) enum Ending {
    Completed,
    Stopped(StopReason),
    /// The next step has found something that is not finite; the state before it is good.
    Diverged(String),
    /// The state itself is not good: its figures are not finite.
    Overflowed(String),
}

/// Trains the session's run to its end, whatever that is, and tells it.
pub(super) fn fit(session: &mut Session, control: &mut Control, report: &mut Report) -> Result<(), Failure> {
    control.deadline = session.options.stop_after.map(|time| session.begun + time);
    session.open_journal(report)?;
    report.emit(session.started());
    tell_arithmetic(&session.net, wish(&session.options), report);
    device::tell_precision(&session.net, &session.recipe, report);
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
            return Ok(overflowed(session, "test"));
        }
        session.progress.test = Some(test.figures);
    }
    Ok(Ending::Completed)
}

/// Trains up to the end of the epoch, or of the run. `None`: go on.
fn epoch(
    session: &mut Session,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<Ending>, Failure> {
    if session.card.is_some() {
        return card::epoch(session, control, report);
    }
    let per_epoch = session.steps_per_epoch();
    let index = session.progress.step / per_epoch;
    let batches = loader::batches(
        &session.train,
        &session.prepare,
        session.recipe.seed,
        session.recipe.batch_size,
        index + 1,
        session.progress.step % per_epoch,
    )
    .map_err(|error| Failure::Failed(format!("a thread cannot be started: {error}.")))?;
    report.emit(training(session));

    loop {
        if let Some(reason) = between_steps(session, control, report)? {
            return Ok(Some(Ending::Stopped(reason)));
        }
        if session.progress.step >= session.total_steps() {
            return Ok(None);
        }
        let begin = Instant::now();
        let settings = Settings {
            learning_rate: session.recipe.learning_rate(session.progress.step, per_epoch),
            label_smoothing: session.recipe.label_smoothing,
            masks: session.masks(),
        };
        let (net, batches) = (Arc::clone(&session.net), batches.clone());
        let passed = control.attend(report, move || {
            let batch = batches.recv().ok()?;
            let images = batch.labels.len();
            let pass = tensors(batch, net.device())
                .and_then(|(xs, labels)| net.pass(&xs, &labels, settings.label_smoothing, settings.masks));
            Some((images, pass))
        })?;
        // A pass changes nothing: one that is left undone leaves the state of the step before.
        let Some(passed) = passed else { return Ok(Some(Ending::Stopped(control.reason()))) };
        let Some((images, pass)) = passed else {
            // Its thread ends with the epoch, or with a defect that its panic has told.
            return if session.progress.step == (index + 1) * per_epoch {
                Ok(None)
            } else {
                Err(Failure::Failed("the thread that prepares batches ended within the epoch.".into()))
            };
        };
        let stepped = update(&session.net, &mut session.optimizer, &pass?, settings)?;
        let (loss, correct) = match stepped {
            Stepped::Done { loss, correct } => (loss, correct),
            Stepped::Diverged { what } => return Ok(Some(diverged(session, what))),
        };
        session.progress.optimizer_steps = session.optimizer.steps();
        let done = StepReport {
            epoch: index as usize + 1,
            step: session.progress.step + 1,
            images,
            loss,
            correct,
            learning_rate: settings.learning_rate,
            seconds: begin.elapsed().as_secs_f64(),
        };
        account(session, done, report);
        let step = session.progress.step;
        if session.save_is_due_at(step) && !step.is_multiple_of(per_epoch) {
            session.save_if_possible(report);
        }
    }
}

/// Counts a step that is done, and tells it.
pub(super) fn account(session: &mut Session, done: StepReport, report: &mut Report) {
    let progress = &mut session.progress;
    progress.step = done.step;
    progress.loss_sum += done.loss * done.images as f64;
    progress.correct += done.correct;
    progress.images += done.images as u64;
    progress.seconds += done.seconds;
    progress.epoch_seconds += done.seconds;
    report.step(done);
}

/// The end of a run whose next step has found something that is not finite.
pub(super) fn diverged(session: &Session, what: &str) -> Ending {
    Ending::Diverged(format!(
        "the {what} of step {} is not finite; the state before it is kept; go on with a lower --lr.",
        session.progress.step + 1
    ))
}

/// The end of a run whose weights are finite, but not what they make of `split`.
fn overflowed(session: &Session, split: &str) -> Ending {
    let (step, kept) = (session.progress.step, session.kept.step);
    let advice = if kept < step {
        format!("the state of step {kept} is kept; go on with a lower --lr")
    } else {
        "go on from an earlier checkpoint, by --resume FILE, with a lower --lr".to_owned()
    };
    Ending::Overflowed(format!("the {split} loss after step {step} is not finite; {advice}."))
}

/// The run is at its steps (again).
pub(super) fn training(session: &Session) -> Event {
    Event::Phase { phase: Phase::Training, done: session.progress.step, total: session.total_steps() }
}

/// Does what was asked since the last step. Returns why the run is to stop, if it is.
pub(super) fn between_steps(
    session: &mut Session,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<StopReason>, Failure> {
    control.hear(report);
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
        while let Some(question) = control.questions.pop_front() {
            if let Err(failure) = questions::answer(question, control, report) {
                // A question that fails is no failure of the run.
                let message = match failure {
                    Failure::Input(message) | Failure::Failed(message) => message,
                    Failure::Interrupted(_) => "interrupted.".into(),
                };
                report.emit(Event::Refused { message });
            }
        }
        if control.stop.is_some() {
            return Ok(control.stop);
        }
        if aside {
            report.emit(training(session));
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

fn evaluate_now(session: &mut Session, control: &mut Control, report: &mut Report) -> Result<(), Failure> {
    if session.validation.is_empty() {
        report.emit(Event::Refused { message: "The run has no validation images.".into() });
        return Ok(());
    }
    if let Some(Evaluation { figures, .. }) = evaluation(session, Split::Validation, control, report)? {
        report.emit(Event::Evaluated {
            split: Split::Validation,
            images: session.validation.len(),
            figures,
            step: session.progress.step,
        });
    }
    Ok(())
}

/// Validates, closes the epoch and saves. Returns how the run is to end, if it is.
fn close_epoch(
    session: &mut Session,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<Ending>, Failure> {
    if let Some(ending) = validate(session, control, report)? {
        return Ok(Some(ending));
    }
    let progress = &mut session.progress;
    progress.closed_epochs += 1;
    (progress.loss_sum, progress.correct, progress.images, progress.epoch_seconds) = (0.0, 0, 0, 0.0);
    session.save_if_possible(report);
    session.summarise(State::Running, None, report);
    Ok(None)
}

/// Validates the weights as they are and tells the epoch so far. Returns how the run is to end, if it is.
fn validate(
    session: &mut Session,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<Ending>, Failure> {
    let epoch = session.epoch();
    let (validation, class_accuracy) = if session.validation.is_empty() {
        (None, Vec::new())
    } else {
        match evaluation(session, Split::Validation, control, report)? {
            None => return Ok(Some(Ending::Stopped(control.reason()))),
            Some(Evaluation { figures, .. }) if !figures.loss.is_finite() => {
                return Ok(Some(overflowed(session, "validation")));
            }
            Some(Evaluation { figures, class_accuracy }) => (Some(figures), class_accuracy),
        }
    };
    let progress = &mut session.progress;
    let images = progress.images.max(1) as f64;
    let train = Figures { loss: progress.loss_sum / images, accuracy: progress.correct as f64 / images };
    let Figures { loss, accuracy } = validation.unwrap_or(train);
    let candidate = Best { epoch, step: progress.step, loss, accuracy };
    // Without validation images the last is the best.
    let best = validation.is_none() || progress.best.is_none_or(|best| beats(&candidate, &best));
    if best {
        progress.best = Some(candidate);
    }
    progress.validated_at = Some(progress.step);
    let event = Event::Epoch {
        epoch,
        step: progress.step,
        train,
        validation,
        class_accuracy,
        seconds: progress.epoch_seconds,
        images_per_second: progress.images as f64 / progress.epoch_seconds.max(1e-9),
        best,
    };
    session.last = Some(Last { epoch, train, validation });
    report.emit(event);
    Ok(None)
}

/// Highest accuracy, then lowest loss, then earliest. Figures that are not finite are never the best (old runs may
/// have some).
fn beats(candidate: &Best, best: &Best) -> bool {
    let finite = |best: &Best| best.loss.is_finite() && best.accuracy.is_finite();
    finite(candidate)
        && (!finite(best) || (candidate.accuracy, -candidate.loss) > (best.accuracy, -best.loss))
}

/// What the network does with a split of the session; `None` if the run is to stop.
fn evaluation(
    session: &mut Session,
    split: Split,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<Evaluation>, Failure> {
    let (images, phase) = match split {
        Split::Test => (&session.test, Phase::Testing),
        Split::Validation => (&session.validation, Phase::Validating),
        Split::Train => (&*session.train, Phase::Validating),
    };
    report.emit(Event::Phase { phase, done: 0, total: images.len() as u64 });
    let mut watch = Watch { control, report, phase };
    let classes = session.classes.len();
    if let Some(card) = &mut session.card {
        return card::evaluate(&mut **card, split, images, classes, &mut |done, total| {
            watch.go_on(done, total)
        });
    }
    let (net, prepare, batch_size) = (&session.net, &session.prepare, session.recipe.batch_size);
    evaluate::walk(net, images, classes, prepare, batch_size, &mut watch, |_, _, _| Ok(()))
}

/// Saves the last state, where it is good, and tells the end.
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
        // What is on disk is where the run goes on.
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
mod tests {
    use super::*;

    #[test]
    fn the_best_has_the_highest_accuracy_then_the_lowest_loss_then_came_first() {
        let best = |accuracy, loss| Best { epoch: 1, step: 1, loss, accuracy };
        assert!(beats(&best(0.6, 9.0), &best(0.5, 1.0)));
        assert!(beats(&best(0.5, 0.9), &best(0.5, 1.0)));
        assert!(!beats(&best(0.5, 1.0), &best(0.5, 1.0)));
        assert!(beats(&best(0.5, 9.0), &best(0.9, f64::NAN)));
        assert!(!beats(&best(0.9, f64::NAN), &best(0.5, 9.0)));
        assert!(!beats(&best(0.9, f64::INFINITY), &best(0.5, f64::NAN)));
    }
}
