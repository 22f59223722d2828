//! The inputs of scenarios: real runs and answers, kept in `tests/scenarios/fixtures`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::Deserialize;

use super::script::Until;
use crate::protocol::event::{Explanation, Inspection, Prediction, Preview};
use crate::protocol::question::{Around, Form};
use crate::protocol::{Answer, Event, Exported, Figures, Options, Stamped};
use crate::store::catalog::CheckpointRow;
use crate::store::journal;
use crate::sweep::Place;
use crate::ui::effect::{Job, JobResult};
use crate::ui::{jobs, testing};

/// A file of the scenarios.
pub(super) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name)
}

/// The events in a run's journal.
pub(super) fn journal(run: &str) -> Result<Vec<Stamped>, String> {
    let path = path("fixtures/runs").join(run).join("journal.jsonl");
    match journal::read(&path) {
        Ok((events, 0)) if !events.is_empty() => Ok(events),
        Ok((events, damaged)) => {
            Err(format!("the journal of {run} has {} events, {damaged} damaged", events.len()))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// How many of the events there are up to a place.
pub(super) fn end(events: &[Stamped], until: Option<Until>) -> Result<usize, String> {
    let Some(until) = until else {
        return Ok(events.len());
    };
    let there = |stamped: &Stamped| match (&stamped.event, until) {
        (Event::Started(_), Until::Started) => true,
        (Event::Epoch { epoch, .. }, Until::Epoch(last)) => *epoch == last,
        (Event::Step { step, .. }, Until::Step(last)) => *step >= last,
        _ => false,
    };
    let place =
        events.iter().position(there).ok_or_else(|| format!("the journal never comes to {until:?}"))?;
    Ok(place + 1)
}

/// An event as a line of JSON; one without a time happens `now`.
pub(super) fn event(line: &str, now: f64) -> Result<Stamped, String> {
    let mut value: serde_json::Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if let Some(table) = value.as_object_mut()
        && !table.contains_key("time")
    {
        table.insert("time".into(), now.into());
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// An explanation as it is kept.
#[derive(Deserialize)]
struct Explained {
    classes: Vec<String>,
    logits: Vec<f32>,
    label: Option<usize>,
    side: usize,
    cells: usize,
    maps: Vec<f32>,
    step: u64,
}

/// The answer of the engine to question `id` with its images, which lie beside it in the answer's order.
pub(super) fn answer(name: &str, id: u64) -> Result<Stamped, String> {
    if name == "exported" {
        let answer = Ok(Box::new(Answer::Export(exported())));
        return Ok(Stamped { event: Event::Answered { id, answer }, time: 0.0 });
    }
    let read = |end: &str| {
        let path = path("fixtures").join(format!("{name}.{end}"));
        fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let (line, images) = (read("json")?, read("rgb")?);
    let mut images = images.as_slice();
    let mut next = |side: usize| -> Result<Vec<u8>, String> {
        let (image, rest) = images.split_at_checked(3 * side * side).ok_or("there are too few images")?;
        images = rest;
        Ok(image.to_vec())
    };
    let wrong = |error: serde_json::Error| error.to_string();
    let answer = match name {
        "inspected" => {
            let mut found: Inspection = serde_json::from_slice(&line).map_err(wrong)?;
            for mistake in &mut found.mistakes {
                mistake.pixels = next(found.side)?;
            }
            Answer::Inspection(found)
        }
        "previewed" | "fruit" => {
            let mut found: Preview = serde_json::from_slice(&line).map_err(wrong)?;
            for sample in &mut found.samples {
                (sample.before, sample.after) = (next(found.side)?, next(found.side)?);
            }
            Answer::Preview(found)
        }
        "explained" => {
            let found: Explained = serde_json::from_slice(&line).map_err(wrong)?;
            let Explained { classes, logits, label, side, cells, maps, step } = found;
            let prediction = Prediction { classes: classes.into(), logits, map: None };
            let pixels = next(side)?;
            Answer::Explanation(Box::new(Explanation { prediction, label, side, pixels, cells, maps, step }))
        }
        _ => return Err(format!("{name} is no answer with images")),
    };
    if !images.is_empty() {
        return Err(format!("{name} has images left over"));
    }
    Ok(Stamped { event: Event::Answered { id, answer: Ok(Box::new(answer)) }, time: 0.0 })
}

/// What an export has written; it has no images.
fn exported() -> Exported {
    Exported {
        run: "a-run".into(),
        step: 13_376,
        best: true,
        form: Form::Onnx(Around::default()),
        files: vec![("net.onnx".into(), 1_482_911), ("net.onnx.md".into(), 4_203)],
        contents: vec![("output", "`logits` [batch, 10] f32".into())],
        test: Ok(Figures { loss: 0.31, accuracy: 0.9 }),
    }
}

/// Three checkpoints of a run: checkpoints themselves are too large to keep.
pub(super) fn checkpoints() -> Vec<CheckpointRow> {
    let row = |step: u64, epochs, best, trouble: Option<&str>| CheckpointRow {
        path: format!("runs/a-run/checkpoints/step-{step:08}.safetensors").into(),
        step,
        epochs,
        bytes: 1_412_608,
        saved_at: 1_764_000_000.0 + 60.0 * epochs as f64,
        best,
        trouble: trouble.map(str::to_owned),
    };
    let torn = "step-00014080.safetensors: its hash does not match; it is damaged.";
    vec![row(14_080, 20, false, Some(torn)), row(13_376, 19, false, None), row(12_672, 18, true, None)]
}

/// The disk as the shell uses it, on the runs in a folder of the fixtures; they seem to lie in `runs`.
pub(super) fn on_disk(work: Job, folder: &str) -> JobResult {
    let kept = path("fixtures").join(folder);
    let there = |path: PathBuf| kept.join(path.strip_prefix("runs").unwrap_or(&path));
    let work = match work {
        Job::ReadJournal(path) => Job::ReadJournal(there(path)),
        Job::ReadPast(path) => Job::ReadPast(there(path)),
        Job::ReadRecipe(path) => Job::ReadRecipe(there(path)),
        other => other,
    };
    let seen =
        |path: PathBuf| path.strip_prefix(&kept).map_or(path.clone(), |rest| Path::new("runs").join(rest));
    if let Job::ReadWeights(named) = work {
        let there = Job::ReadWeights(path("../golden/weights").join(&named));
        return match jobs::carry_out(there, &testing::settings().options, &Mutex::default()) {
            JobResult::WeightsRead(_, found) => JobResult::WeightsRead(named, found),
            other => other,
        };
    }
    let options = Options { runs_dir: kept.clone(), ..testing::settings().options };
    match jobs::carry_out(work, &options, &Mutex::default()) {
        JobResult::Runs(mut rows) => {
            for row in &mut rows {
                let row = Arc::make_mut(row);
                row.path = seen(std::mem::take(&mut row.path));
            }
            JobResult::Runs(rows)
        }
        JobResult::Journal(path, events) => JobResult::Journal(seen(path), events),
        JobResult::Sweeps(mut rows) => {
            for row in &mut rows {
                row.place = Place::at(seen(row.place.path().to_owned()));
                // No process holds what is kept, but this one is not over.
                row.live = row.record.as_ref().is_ok_and(|record| !record.is_finished());
            }
            JobResult::Sweeps(rows)
        }
        other => other,
    }
}
