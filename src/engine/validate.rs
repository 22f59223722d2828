//! The end of an epoch, and every other evaluation of a run.

use crate::engine::control::Control;
use crate::engine::evaluate::{self, Evaluation};
use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::engine::session::{Ending, Session};
use crate::protocol::command::Split;
use crate::protocol::event::{Best, Phase};
use crate::protocol::{Event, Figures};
use crate::store::catalog::{Last, State};

/// Evaluates the validation images because a person asked.
pub(super) fn evaluate_now(
    session: &mut Session,
    control: &mut Control,
    report: &mut Report,
) -> Result<(), Failure> {
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
pub(super) fn close_epoch(
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

/// Validates the weights as they are and reports the epoch so far. Returns how the run is to end, if it is.
pub(super) fn validate(
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
                return Ok(Some(session.overflowed("validation")));
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
pub(super) fn evaluation(
    session: &mut Session,
    split: Split,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<Evaluation>, Failure> {
    let (number, images, phase) = match split {
        Split::Train => (0, &session.train, Phase::Validating),
        Split::Validation => (1, &session.validation, Phase::Validating),
        Split::Test | Split::All => (2, &session.test, Phase::Testing),
    };
    report.emit(Event::Phase { phase, done: 0, total: images.len() as u64 });
    let trainer = &mut session.trainer;
    Ok(evaluate::sum_up(control, report, phase, images, session.classes.len(), |each| {
        trainer.evaluate(number, &mut |begin, outcome| each(begin, outcome.as_ref()))
    })?)
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
