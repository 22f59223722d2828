//! Files that an earlier version wrote, kept in `tests/golden/old`, are still read: a run, a recipe, a configuration
//! with own keys and a theme, and what the interface remembered.
//!
//! The version before names and layout changed wrote them (0.1.0, on 2026-11-26): the run was started in the
//! interface and paused, looked into, changed and stopped there; it failed once and was resumed twice without a screen.
//! Its journal therefore also has answers to questions, some of them about another run.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use densenet_tui::protocol::Event;
use densenet_tui::store::journal;
use program::{Place, Said};
use serde_json::{Value, json};

/// Best epoch, its validation accuracy and the test loss, as the earlier version printed them.
const BEST: (u64, f64) = (1, 0.105);
const TEST_LOSS: f64 = 2.300_955_25;

fn old() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/old")
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

/// A place with the old run, where runs lie by default.
fn with_the_run() -> Place {
    let place = Place::new();
    copy(&old().join("runs/drawn"), &place.run_dir("drawn"));
    place
}

fn is_silent(said: &Said) {
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
}

#[test]
fn every_line_of_an_old_journal_is_read() {
    let (events, damaged) = journal::read(&old().join("runs/drawn/journal.jsonl")).unwrap();
    assert_eq!(damaged, 0);
    let kind = |event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
    // Answers to questions are no part of a run any more: they are read, and passed over.
    let (answers, events): (Vec<_>, Vec<_>) =
        events.iter().partition(|stamped| stamped.event == Event::EarlierAnswer);
    assert_eq!(answers.len(), 3);
    let kinds: BTreeSet<String> = events.into_iter().map(kind).collect();
    let all = [
        "changed",
        "continued",
        "epoch",
        "evaluated",
        "failed",
        "finished",
        "paused",
        "refused",
        "saved",
        "started",
        "step",
    ];
    assert_eq!(kinds, all.map(str::to_owned).into());
}

#[test]
fn an_old_run_is_listed_and_evaluated() {
    let place = with_the_run();
    let said = place.say(&["runs", "--json"]);
    is_silent(&said);
    let run = &said.last()["runs"][0];
    assert_eq!((&run["run"], &run["state"]), (&json!("drawn"), &json!("stopped")));
    assert_eq!(run["summary"]["step"], 408);
    assert_eq!(run["summary"]["best"]["epoch"], BEST.0);

    let said = place.say(&["evaluate", "drawn", "--device", "cpu", "--json"]);
    is_silent(&said);
    let answer = said.last();
    assert_eq!((&answer["images"], &answer["step"]), (&json!(1000), &json!(250)));
    assert!((answer["loss"].as_f64().unwrap() - TEST_LOSS).abs() < 1e-5, "{answer}");
}

#[test]
fn an_old_run_is_resumed_to_its_end() {
    let place = with_the_run();
    let said = place.say(&["--no-ui", "--resume", "drawn", "--device", "cpu", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.stderr.contains("warning"), "{said:?}");
    let events = said.events();
    assert_eq!((&events[0]["event"], &events[0]["step"]), (&json!("started"), &json!(408)));
    let last = said.last();
    assert_eq!((&last["outcome"], &last["step"]), (&json!("completed"), &json!(500)));
    let (_, damaged) = journal::read(&place.run_dir("drawn").join("journal.jsonl")).unwrap();
    assert_eq!(damaged, 0);
}

#[test]
fn an_old_recipe_means_what_it_says() {
    let place = Place::new();
    let file = old().join("recipe.toml");
    let said = place.say(&["summary", "--recipe", file.to_str().unwrap(), "--json"]);
    is_silent(&said);
    let recipe = &said.last()["recipe"];
    let written: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
    for (key, value) in written {
        let found = &recipe[&key];
        match (&value, found) {
            // A relative path in a recipe file is relative to that file.
            (toml::Value::String(path), _) if key == "data_dir" => {
                assert_eq!(found, &json!(old().join(path)), "{key}");
            }
            // A stem is a number or a word, and its JSON need not say which.
            (toml::Value::Integer(number), Value::String(text)) => assert_eq!(text, &number.to_string()),
            _ => assert_eq!(found, &serde_json::to_value(&value).unwrap(), "{key}"),
        }
    }
}

/// A place with the old configuration, theme and remembered state.
fn with_the_settings() -> Place {
    let place = Place::new();
    let config = place.path().join("config/densenet-tui");
    copy(&old().join("config.toml"), &config.join("config.toml"));
    copy(&old().join("themes"), &config.join("themes"));
    let said = place.say(&["info", "--json"]);
    is_silent(&said);
    copy(&old().join("runs"), Path::new(said.last()["runs"].as_str().unwrap()));
    copy(&old().join("state.toml"), Path::new(said.last()["state"].as_str().unwrap()));
    place
}

#[test]
fn an_old_configuration_is_taken_without_a_warning() {
    let place = with_the_settings();
    let said = place.say(&["runs", "--json"]);
    is_silent(&said);
    assert_eq!(said.last()["runs"][0]["run"], "drawn");
    let said = place.say(&["summary", "--json"]);
    is_silent(&said);
    let recipe = &said.last()["recipe"];
    assert_eq!((&recipe["epochs"], &recipe["dropout_places"]), (&json!(3), &json!("last")));
}

#[test]
fn the_interface_takes_old_keys_by_their_old_names_and_remembers() {
    let place = with_the_settings();
    let mut terminal = place.terminal().sized(120, 40).start(&[]);
    // What was remembered: the last recipe, and the order of the runs.
    terminal.until_shown("*23");
    terminal.press("3");
    terminal.until_shown("drawn");
    // `look` and `rough` are old names of what `I` and `(` do.
    terminal.press("4");
    terminal.until_shown("I inspect");
    terminal.press("2");
    terminal.press("?");
    terminal.until("own keys", |screen| {
        screen.contents().lines().any(|line| line.contains(" ( ") && line.contains("smooth less"))
    });
    terminal.press("\x1b");
    terminal.until("no help", |screen| !screen.contents().contains("smooth less"));
    // Nothing in the files was passed over.
    terminal.press("6");
    terminal.until("the log", |screen| screen.contents().contains("┌ log"));
    let text = terminal.screen().contents();
    assert!(!text.contains("config.toml") && !text.contains("state.toml"), "{text}");
    terminal.press("Q");
    assert_eq!(terminal.end(), 0);
}
