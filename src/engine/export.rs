//! An export: a model is read, tried on its test images for the card, and written as files for other programs.

use std::collections::BTreeMap;
use std::path::Path;

use crate::engine::control::Control;
use crate::engine::evaluate::sum_up;
use crate::engine::failure::Failure;
use crate::engine::loaded::LoadedCheckpoint;
use crate::engine::network::FoundModel;
use crate::engine::report::Report;
use crate::export::card::{Card, Tested};
use crate::export::config::{CONFIG, config, described};
use crate::export::facts::facts;
use crate::export::onnx;
use crate::files;
use crate::protocol::command::Split;
use crate::protocol::event::Event;
use crate::protocol::question::{Around, Form};
use crate::protocol::{CheckpointQuery, ExportQuery, Exported};
use crate::store::exports::{self, Place};
use crate::store::model::Model;
use crate::store::run::run_of;
use crate::store::{Meta, StoreError, catalog};

/// Bytes of a `config.json` that is looked at.
const LARGEST_CONFIG: u64 = 64 << 20;

/// A model's file, and what is in it row by row.
struct Encoded {
    bytes: Vec<u8>,
    contents: Vec<(&'static str, String)>,
}

/// Writes the model of `query` and what belongs beside it.
pub(super) fn export(
    query: &ExportQuery,
    control: &mut Control,
    report: &mut Report,
) -> Result<Exported, Failure> {
    let ExportQuery { target, form, output, options, .. } = query;
    let FoundModel { file: source, model } = FoundModel::read(target, options, control, report)?;
    let meta = model.meta.clone();
    let place = Place::new(output.as_deref(), &meta.run, form.word(), &source)?;
    let config_path = place.beside(CONFIG);
    let earlier = match form {
        Form::Safetensors => described_before(&config_path)?,
        Form::Onnx(_) => None,
    };
    // What cannot be a file is known before the images are looked at.
    let (of, about) = (*form, place.file.clone());
    let encoded = control.attended(report, move || encode(&model, of))?;
    let Encoded { bytes, contents } =
        encoded.map_err(|problem| StoreError::Unwritable { path: about, problem })?;
    let tested = tested(query, &source, &meta, control, report)?;

    let name = place.name();
    let summary = run_of(&source).and_then(|run| catalog::read_summary(&run).ok());
    let card = Card {
        meta: &meta,
        file: &name,
        bytes: bytes.len() as u64,
        onnx: match form {
            Form::Safetensors => None,
            Form::Onnx(around) => Some(*around),
        },
        summary: summary.as_ref(),
        test: tested.as_ref().map_err(String::clone),
    };
    let card = card.text();
    let mut written = vec![(place.file.clone(), bytes)];
    if *form == Form::Safetensors {
        written.push((config_path, config(&meta, &name).into_bytes()));
    }
    written.push((place.card(), card.into_bytes()));
    let files = written.iter().map(|(path, bytes)| (path.clone(), bytes.len() as u64)).collect();
    control.attended(report, move || exports::write(&written))??;
    if let Some(other) = earlier.filter(|other| *other != name) {
        let message = format!("{CONFIG} described {other} before; it describes {name} now.");
        report.emit(Event::Warning { message });
    }
    Ok(Exported {
        run: meta.run,
        step: meta.progress.step,
        best: meta.progress.best.is_some_and(|best| best.step == meta.progress.step),
        form: *form,
        files,
        contents,
        test: tested.map(|tested| tested.figures),
    })
}

/// The file that the `config.json` at `path` describes, if one is there; that of another program is refused.
fn described_before(path: &Path) -> Result<Option<String>, StoreError> {
    files::check_replaceable(path).map_err(|error| StoreError::unreadable(path, &error))?;
    if !path.exists() {
        return Ok(None);
    }
    let text = files::read(path, LARGEST_CONFIG).map_err(|error| StoreError::unreadable(path, &error))?;
    described(&text).map(Some).ok_or_else(|| {
        let problem = "it is there already, and densenet-tui did not write it";
        StoreError::unusable(path, problem, "export to another directory")
    })
}

/// The file of `model` in this form; the error is a clause that says why there is none.
fn encode(model: &Model, form: Form) -> Result<Encoded, String> {
    let meta = &model.meta;
    let arch = meta.recipe.arch(meta.classes.len());
    let plan = arch.plan().map_err(|problem| problem.to_string())?;
    let network =
        format!("{}, {} parameters, {} classes", meta.recipe.family(), plan.parameters(), arch.classes);
    let shape = format!("[batch, 3, {0}, {0}] f32", arch.input_size);
    let keys = |facts: Vec<(&'static str, String)>| {
        facts.into_iter().map(|(key, _)| key).collect::<Vec<_>>().join(", ")
    };
    Ok(match form {
        Form::Safetensors => {
            let more: BTreeMap<String, String> =
                facts(meta).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let norms: usize = plan.rows.iter().map(|row| row.norms.len()).sum();
            let weights = model.tensors.len() - 2 * norms;
            let tensors = format!(
                "{} under torchvision's names: {weights} weights, {} running statistics, {norms} num_batches_tracked",
                model.tensors.len() + norms,
                2 * norms
            );
            Encoded {
                bytes: model.to_safetensors(&more)?,
                contents: vec![
                    ("network", network),
                    ("input", format!("{shape}, normalised")),
                    ("tensors", tensors),
                    ("metadata", keys(facts(meta))),
                ],
            }
        }
        Form::Onnx(around) => {
            let onnx::Encoded { bytes, operators, folded, kept, keys } =
                onnx::encode(meta, &model.tensors, around)?;
            let operators: Vec<String> =
                operators.iter().map(|(operator, count)| format!("{count} {operator}")).collect();
            Encoded {
                bytes,
                contents: vec![
                    ("network", network),
                    ("format", format!("opset {}, IR {}", onnx::OPSET, onnx::IR)),
                    ("input", format!("`{}` {shape}, {}", onnx::INPUT, pixels(around))),
                    ("output", format!("`{}` [batch, {}] f32", around.output(), arch.classes)),
                    ("operators", operators.join(", ")),
                    (
                        "normalisations",
                        format!("{folded} in the convolutions before them, {kept} as they are"),
                    ),
                    ("metadata", keys.join(", ")),
                ],
            }
        }
    })
}

/// What the input is.
fn pixels(around: Around) -> &'static str {
    if around.raw { "pixels from 0 to 255, normalised by Sub and Div in front" } else { "normalised" }
}

/// What the model of `source` answers to the test images; where that cannot be known, the sentence that says why.
/// Only an interruption is a failure: the model can be written all the same.
fn tested(
    query: &ExportQuery,
    source: &Path,
    meta: &Meta,
    control: &mut Control,
    report: &mut Report,
) -> Result<Result<Tested, String>, Failure> {
    if let Some(sentence) = &query.untested {
        return Ok(Err(sentence.clone()));
    }
    if meta.no_test {
        return Ok(Err("the run leaves the test images alone (`--no-test`).".into()));
    }
    let question = CheckpointQuery {
        target: source.to_owned(),
        data: None,
        data_dir: query.data_dir.clone(),
        split: Split::Test,
        options: query.options.clone(),
    };
    match evaluated(&question, control, report) {
        Ok(tested) => Ok(Ok(tested)),
        Err(Failure::Input(sentence) | Failure::Failed(sentence)) => Ok(Err(sentence)),
        Err(interrupted) => Err(interrupted),
    }
}

fn evaluated(
    question: &CheckpointQuery,
    control: &mut Control,
    report: &mut Report,
) -> Result<Tested, Failure> {
    let loaded = LoadedCheckpoint::load(question, control, report)?;
    let (images, classes) = (&loaded.images, loaded.network.classes.len());
    let mut confusion = vec![vec![0; classes]; classes];
    let found = sum_up(control, report, loaded.phase(), images, classes, |each| {
        loaded.walk(&mut |begin, found| {
            let outcome = found.as_ref().map(|found| &found.outcome);
            let said = outcome.map_or(&[][..], |outcome| &outcome.predictions);
            for (label, said) in images.labels[begin..].iter().zip(said) {
                confusion[*label as usize][*said as usize] += 1;
            }
            Ok(each(begin, outcome))
        })
    })?;
    let figures = found.ok_or_else(|| control.interrupted())?.figures;
    Ok(Tested { figures, confusion })
}
