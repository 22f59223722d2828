//! Training on SVHN and on files of arrays: found where they are kept, and again from anywhere.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use program::Place;
use serde_json::Value;

#[path = "support/program.rs"]
mod program;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/data").join(name)
}

/// One short epoch of a small network.
const SHORT: [&str; 12] = [
    "--no-ui",
    "--layers",
    "1,1",
    "--growth-rate",
    "4",
    "--batch-size",
    "8",
    "--epochs",
    "1",
    "--json",
    "--name",
    "a",
];

fn event<'a>(events: &'a [Value], name: &str) -> &'a Value {
    events.iter().find(|event| event["event"] == name).unwrap_or_else(|| panic!("no {name} in {events:?}"))
}

#[test]
fn svhn_is_found_where_fetch_puts_it() {
    let place = Place::new();
    let folder = place.path().join("data/densenet-tui/datasets/svhn");
    fs::create_dir_all(&folder).unwrap();
    for name in ["train", "extra", "test"] {
        let file = format!("{name}_32x32.mat");
        fs::copy(golden("svhn").join(&file), folder.join(&file)).unwrap();
    }
    let said = place.say(&[&SHORT[..], &["--data", "svhn", "--validation", "10"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let events = said.events();
    let recipe = &event(&events, "started")["recipe"];
    assert_eq!((&recipe["normalization"], &recipe["dropout"]), (&Value::from("unit"), &Value::from(0.2)));
    assert!(recipe["data_dir"].as_str().unwrap().ends_with("datasets/svhn"), "{recipe}");
}

#[test]
fn a_run_on_a_file_of_arrays_is_resumed_from_anywhere_and_where_the_file_was_moved() {
    let place = Place::new();
    let file = place.path().join("rgb.npz");
    fs::copy(golden("npz/rgb.npz"), &file).unwrap();
    let said = place.say(&[&SHORT[..], &["--data", "npz:rgb.npz", "--input-size", "12"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let events = said.events();
    let data = event(&events, "started")["recipe"]["data"].as_str().unwrap().to_owned();
    assert!(data.starts_with("npz:/") && data.ends_with("/rgb.npz"), "{data}");
    assert!(event(&events, "finished")["test"]["accuracy"].is_number(), "{events:?}");
    assert!(said.stdout.contains("images of 10x10 are resized to 12x12"), "{said:?}");

    let elsewhere = place.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let resume = |epochs: &str, more: &[&str]| {
        let args = [&["--no-ui", "--json", "--resume", "a", "--epochs", epochs], more].concat();
        place.command(&args).current_dir(&elsewhere).output().unwrap()
    };
    let said = resume("2", &[]);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    fs::rename(&file, elsewhere.join("rgb.npz")).unwrap();
    assert_eq!(resume("3", &[]).status.code(), Some(2));
    let said = resume("3", &["--data-dir", "."]);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
}
