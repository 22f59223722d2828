//! Writes the fixtures of the interface's scenarios: real runs, and real answers of the engine about one of them.
//!
//! The runs are trained first (see `tests/scenarios/README.md`), then
//! `DENSENET_TUI_RUNS=DIR:DIR DENSENET_TUI_DATA=DIR cargo test --test fixtures -- --ignored`
//! writes `tests/scenarios/fixtures/`. The first of them is inspected.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/options.rs"]
mod options;

use std::fs;
use std::path::{Path, PathBuf};

use densenet_tui::engine::{EngineOptions, spawn};
use densenet_tui::protocol::command::Split;
use densenet_tui::protocol::event::{Explanation, Preview};
use densenet_tui::protocol::{Answer, CheckpointQuery, Command, Event, Picture, Question, Stamped};
use densenet_tui::recipe::{Data, Recipe};
use densenet_tui::store::{catalog, journal};
use options::options;

/// Lines of steps that a journal keeps, about.
const LINES: usize = 400;
/// Mistakes and samples whose images are kept.
const MISTAKES: usize = 16;
const SAMPLES: usize = 12;
/// The neutral path of a run's data.
const DATA: &str = "data";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/fixtures")
}

#[test]
#[ignore = "needs trained runs in DENSENET_TUI_RUNS and their data in DENSENET_TUI_DATA"]
fn fixtures_are_made_from_real_runs() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let runs: Vec<PathBuf> = variable("DENSENET_TUI_RUNS").split(':').map(PathBuf::from).collect();
    let data = PathBuf::from(variable("DENSENET_TUI_DATA"));
    _ = fs::remove_dir_all(fixtures().join("runs"));
    for run in &runs {
        keep(run, "runs");
    }
    look_into(&runs[0], &data);
}

/// Three connectivities, two growth rates and three seeds, to be grouped and drawn as points.
#[test]
#[ignore = "needs a folder of trained runs in DENSENET_TUI_RUNS"]
fn the_fixture_of_a_comparison_is_made_from_real_runs() {
    let folder = PathBuf::from(std::env::var("DENSENET_TUI_RUNS").unwrap());
    _ = fs::remove_dir_all(fixtures().join("comparison"));
    for run in catalog::list(&folder) {
        keep(&run.path, "comparison");
    }
}

/// What a network of real images says of one of them, and where it sees that.
#[test]
#[ignore = "needs a trained run, its data and the number of a test image"]
fn the_fixture_of_a_picture_is_made_from_a_real_run() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let query =
        query(&PathBuf::from(variable("DENSENET_TUI_RUNS")), &PathBuf::from(variable("DENSENET_TUI_DATA")));
    let query = CheckpointQuery { split: Split::Test, ..query };
    let picture = Picture::Image(variable("DENSENET_TUI_IMAGE").parse().unwrap());
    let Answer::Explanation(found) = answer(Question::Explain { query, picture }) else {
        panic!("no explanation")
    };
    let Explanation { prediction, label, side, pixels, cells, maps, step } = *found;
    let line = serde_json::json!({
        "classes": &prediction.classes[..], "logits": prediction.logits, "label": label, "side": side,
        "cells": cells, "maps": maps, "step": step,
    });
    store("explained", &line, &pixels);
}

/// A folder as people have them: three classes of unequal size, broken pictures, other files.
#[test]
#[ignore = "writes a fixture"]
fn the_fixture_of_a_folder_is_made_from_one() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("fruit");
    for (class, colour, count) in
        [("apples", [200, 40, 50], 60), ("pears", [160, 190, 60], 25), ("plums", [90, 60, 150], 8)]
    {
        for i in 0..count {
            let path = root.join(class).join(format!("{i:02}.jpg"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fruit(colour, i).save(path).unwrap();
        }
    }
    for name in ["apples/07.jpg", "pears/11.jpg"] {
        let bytes = fs::read(root.join(name)).unwrap();
        fs::write(root.join(name), &bytes[..bytes.len() / 2]).unwrap();
    }
    for name in ["apples/labels.xml", "apples/more.xml", "plums/notes.txt", "plums/README"] {
        fs::write(root.join(name), b"").unwrap();
    }
    let data = Data::Folder(root);
    let recipe = Box::new(Recipe { input_size: 32, ..Recipe::defaults(data) });
    let Answer::Preview(mut found) = answer(Question::Preview { recipe, count: SAMPLES }) else {
        panic!("no preview")
    };
    let prefix = format!("{}/", place.path().display());
    found.notes.iter_mut().for_each(|note| *note = note.replace(&prefix, ""));
    store_preview("fruit", found);
}

/// A disc on a ground that grows lighter.
fn fruit(colour: [u8; 3], number: u32) -> image::RgbImage {
    let (width, height) = (60 + number % 7 * 4, 48 + number % 5 * 4);
    let (x0, y0, radius) = (24 + number % 11, 22 + number % 6, 12 + number % 8);
    image::RgbImage::from_fn(width, height, |x, y| {
        let inside = x.abs_diff(x0).pow(2) + y.abs_diff(y0).pow(2) < radius * radius;
        image::Rgb(if inside { colour } else { [(80 + 2 * y) as u8, (90 + y) as u8, (70 + x) as u8] })
    })
}

/// Keeps a run in a folder without its checkpoints: journal, recipe and summary, with paths as if it were in `runs`.
fn keep(run: &Path, folder: &str) {
    let name = run.file_name().unwrap().to_str().unwrap();
    let to = fixtures().join(folder).join(name);
    fs::create_dir_all(&to).unwrap();
    let (events, damaged) = journal::read(&run.join("journal.jsonl")).unwrap();
    assert_eq!(damaged, 0, "{name}");
    let lines: String =
        thinned(events).iter().map(|event| told(&serde_json::to_string(&neutral(event)).unwrap())).collect();
    fs::write(to.join("journal.jsonl"), lines).unwrap();
    let mut summary = catalog::read_summary(run).unwrap();
    summary.recipe = elsewhere(summary.recipe);
    fs::write(to.join("summary.json"), told(&serde_json::to_string_pretty(&summary).unwrap())).unwrap();
    fs::write(to.join("recipe.toml"), summary.recipe.to_toml().unwrap()).unwrap();
    // A run without labels has no such file.
    _ = fs::copy(run.join("labels.json"), to.join("labels.json"));
}

fn told(line: &str) -> String {
    format!("{line}\n")
}

/// Joins neighbouring lines of steps, as the engine does when its listener is behind.
fn thinned(events: Vec<Stamped>) -> Vec<Stamped> {
    let lines = events.iter().filter(|of| matches!(of.event, Event::Step { .. })).count();
    let most = lines.div_ceil(LINES);
    let (mut kept, mut joined) = (Vec::<Stamped>::new(), 0);
    for stamped in events {
        let before = kept.last_mut().filter(|_| joined > 0 && joined < most);
        if let Some(sum) = before.and_then(|before| join(&before.event, &stamped.event)) {
            *kept.last_mut().unwrap() = Stamped { event: sum, time: stamped.time };
            joined += 1;
        } else {
            joined = usize::from(matches!(stamped.event, Event::Step { .. }));
            kept.push(stamped);
        }
    }
    kept
}

/// Two lines of steps of one epoch as one.
fn join(first: &Event, second: &Event) -> Option<Event> {
    let Event::Step { epoch: of, steps: before, loss, accuracy, images_per_second, .. } = first else {
        return None;
    };
    let mut sum = second.clone();
    let Event::Step { epoch, steps, loss: last_loss, accuracy: last, images_per_second: pace, .. } = &mut sum
    else {
        return None;
    };
    let (old, new) = (*before as f64, *steps as f64);
    let mean = |one: f64, other: f64| (old * one + new * other) / (old + new);
    (*last_loss, *last) = (mean(*loss, *last_loss), mean(*accuracy, *last));
    *pace = (old + new) / (old / images_per_second + new / *pace);
    *steps += before;
    (of == epoch).then_some(sum)
}

/// An event without paths of the machine it happened on.
fn neutral(stamped: &Stamped) -> Stamped {
    let mut stamped = stamped.clone();
    match &mut stamped.event {
        Event::Started(head) => {
            head.run_dir = Path::new("runs").join(&head.run);
            head.recipe = elsewhere(head.recipe.clone());
            assert_eq!(head.resumed_from, None);
        }
        Event::Saved { path, .. } => {
            let parts: Vec<_> = path.iter().rev().take(3).collect();
            *path = parts.into_iter().rev().fold(PathBuf::from("runs"), |path, part| path.join(part));
        }
        _ => {}
    }
    stamped
}

fn elsewhere(recipe: Recipe) -> Recipe {
    let data_dir = recipe.data_dir.as_ref().map(|_| PathBuf::from(DATA));
    Recipe { data_dir, ..recipe }
}

fn query(run: &Path, data: &Path) -> CheckpointQuery {
    let options = options(run.parent().unwrap());
    CheckpointQuery {
        target: run.to_owned(),
        data: None,
        data_dir: Some(data.to_owned()),
        split: Split::Validation,
        options,
    }
}

/// Writes the engine's answers about a run's best network and its data. Images are not part of a line but are
/// stored beside it, in the line's order.
fn look_into(run: &Path, data: &Path) {
    let recipe = catalog::read_summary(run).unwrap().recipe;
    let recipe = Box::new(Recipe { data_dir: Some(data.to_owned()), ..recipe });
    let query = query(run, data);
    let mut images = Vec::new();
    let Answer::Inspection(mut found) = answer(Question::Inspect(query)) else { panic!("no inspection") };
    found.mistakes.truncate(MISTAKES);
    images.extend(found.mistakes.iter().flat_map(|mistake| mistake.pixels.iter().copied()));
    store("inspected", &found, &images);
    let question = Question::Preview { recipe, count: SAMPLES };
    let Answer::Preview(found) = answer(question) else { panic!("no preview") };
    store_preview("previewed", found);
}

fn store_preview(name: &str, mut found: Preview) {
    let mut images = Vec::new();
    for sample in &mut found.samples {
        images.append(&mut sample.before);
        images.append(&mut sample.after);
    }
    store(name, &found, &images);
}

fn store(name: &str, answer: &impl serde::Serialize, images: &[u8]) {
    fs::write(fixtures().join(format!("{name}.json")), told(&serde_json::to_string(answer).unwrap()))
        .unwrap();
    fs::write(fixtures().join(format!("{name}.rgb")), images).unwrap();
}

fn answer(question: Question) -> Answer {
    let (link, _engine) = spawn(EngineOptions::default()).unwrap();
    link.commands.send(Command::Ask { id: 1, question }).unwrap();
    loop {
        let stamped = link.events.recv().expect("the engine is gone");
        assert!(!matches!(stamped.event, Event::Failed { .. } | Event::Refused { .. }), "{stamped:?}");
        if let Event::Answered { answer, .. } = stamped.event {
            return *answer.expect("there is no answer");
        }
    }
}
