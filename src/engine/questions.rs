//! Questions that need no run: answered when the engine is idle, or between two steps of a run.

use crate::engine::build::{check, no_fast_path, requested};
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::loaded::LoadedCheckpoint;
use crate::engine::report::Report;
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
            let loaded = LoadedCheckpoint::load(&question, control, report)?;
            let (split, images, step) = (loaded.split, loaded.images().len(), loaded.step);
            let figures = loaded.evaluate(control, report)?;
            report.emit(Event::Evaluated { split, images, figures, step });
        }
        Command::Inspect(question) => {
            let loaded = LoadedCheckpoint::load(&question, control, report)?;
            let inspection = inspect::inspect(&loaded, control, report)?;
            report.emit(Event::Inspected(Box::new(inspection)));
        }
        Command::Verify { path, options } => {
            let (device, _) = device::choose(options.device)?;
            report.emit(Event::Phase { phase: Phase::Verifying, done: 0, total: 0 });
            let requested = requested(&options);
            let (warning, verification) = control.attended(report, move || {
                let mut warning = None;
                let mut look = |net: &DenseNet| warning = no_fast_path(net, requested);
                let verification = verify::run(&path, Rules::default(), requested, &device, &mut look);
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
