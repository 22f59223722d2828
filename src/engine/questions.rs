//! Questions that need no run: answered when the engine is idle, or between two steps of a run.

use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::engine::session::{check, slow_warning, wish};
use crate::engine::subject::Subject;
use crate::engine::{device, inspect, verify};
use crate::model::DenseNet;
use crate::ops::batch_norm::Rules;
use crate::protocol::event::Phase;
use crate::protocol::{Command, Event};

/// Answers `question` with an event.
pub(super) fn answer(question: Command, control: &mut Control, report: &mut Report) -> Result<(), Failure> {
    match question {
        Command::Preview { recipe, count } => {
            check(&recipe)?;
            let dataset = control.load(&recipe, report)?;
            report.emit(Event::Previewed(Box::new(inspect::preview(&recipe, &dataset, count))));
        }
        Command::EvaluateFile(question) => {
            let subject = Subject::load(&question, control, report)?;
            let (split, images, step) = (subject.split, subject.images().len(), subject.step);
            let figures = subject.evaluate(control, report)?;
            report.emit(Event::Evaluated { split, images, figures, step });
        }
        Command::Inspect(question) => {
            let inspection = Subject::load(&question, control, report)?.inspect(control, report)?;
            report.emit(Event::Inspected(Box::new(inspection)));
        }
        Command::Verify { path, options } => {
            let (device, _) = device::choose(options.device)?;
            report.emit(Event::Phase { phase: Phase::Verifying, done: 0, total: 0 });
            let wish = wish(&options);
            let (warning, verification) = control.attended(report, move || {
                let mut warning = None;
                let mut look = |net: &DenseNet| warning = slow_warning(net, wish);
                let verification = verify::run(&path, Rules::default(), wish, &device, &mut look);
                (warning, verification)
            })?;
            if let Some(warning) = warning {
                report.emit(warning);
            }
            report.emit(Event::Verified(Box::new(verification?)));
        }
        _ => {}
    }
    Ok(())
}
