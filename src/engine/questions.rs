//! Questions, answered when the engine is idle or between two steps of a run.

use crate::engine::build::{check, no_fused_version, requested};
use crate::engine::control::Control;
use crate::engine::evaluate::Evaluation;
use crate::engine::failure::{Failure, caught};
use crate::engine::loaded::LoadedCheckpoint;
use crate::engine::report::Report;
use crate::engine::{bench, bench_loading, device, export, inspect, predict, verify};
use crate::model::DenseNet;
use crate::ops::batch_norm::BatchNormConfig;
use crate::protocol::event::{Cause, Phase};
use crate::protocol::{Answer, Event, NoAnswer, Question};

/// Answers question `id`. Nothing of it is part of the run that it may be asked in, nor is its failure.
pub(super) fn answer(id: u64, question: Question, control: &mut Control, report: &mut Report) {
    report.set_aside(true);
    let found = caught(|| find(question, control, report));
    report.set_aside(false);
    let answer = found.map(Box::new).map_err(|(message, cause)| NoAnswer {
        message: match cause {
            Cause::Interrupted(_) | Cause::Stopped => "interrupted before there was an answer.".into(),
            _ => message,
        },
        cause,
    });
    report.emit(Event::Answered { id, answer });
}

fn find(question: Question, control: &mut Control, report: &mut Report) -> Result<Answer, Failure> {
    Ok(match question {
        Question::Preview { recipe, count } => {
            check(&recipe)?;
            // What is broken is left out and counted: a preview shows what there is.
            let dataset = control.load(&recipe, true, true, report)?;
            Answer::Preview(inspect::preview(&recipe, &dataset, count)?)
        }
        Question::Evaluate(query) => {
            let loaded = LoadedCheckpoint::load(&query, control, report)?;
            let Evaluation { figures, class_accuracy } = loaded.evaluate(control, report)?;
            let (split, images, step) = (loaded.split, loaded.images.len(), loaded.network.step);
            Answer::Evaluation { split, images, figures, class_accuracy, step }
        }
        Question::Inspect(query) => {
            let loaded = LoadedCheckpoint::load(&query, control, report)?;
            Answer::Inspection(inspect::inspect(&loaded, control, report)?)
        }
        Question::Predict(query) => Answer::Predictions(predict::predict(&query, control, report)?),
        Question::Explain { query, picture } => {
            Answer::Explanation(Box::new(predict::explain(&query, &picture, control, report)?))
        }
        Question::Export(query) => Answer::Export(export::export(&query, control, report)?),
        Question::Bench { recipe, steps, evaluation, compare, kernels, options } => {
            let order =
                bench::Order { recipe: &recipe, steps, evaluation, compare, kernels, options: &options };
            Answer::Bench(bench::bench(order, control, report)?)
        }
        Question::BenchLoading { recipe, options } => {
            check(&recipe)?;
            Answer::Loading(bench_loading::bench_loading(&recipe, &options, control, report)?)
        }
        Question::Verify { path, options } => {
            let (device, _) = device::choose(options.device)?;
            report.emit(Event::Phase { phase: Phase::Verifying, done: 0, total: 0 });
            let requested = requested(&options);
            let (warning, verification) = control.attended(report, move || {
                let mut warning = None;
                let mut look = |net: &DenseNet| warning = no_fused_version(net, requested);
                let verification =
                    verify::run(&path, BatchNormConfig::default(), requested, &device, &mut look);
                (warning, verification)
            })?;
            if let Some(warning) = warning {
                report.emit(warning);
            }
            Answer::Verification(verification?)
        }
    })
}
