//! Scenarios: small texts in `tests/scenarios` that drive the interface as its shell does, and the frames and
//! pictures that must come of it. `tests/scenarios/README.md` has their words.

mod fixtures;
mod frames;
mod list;
mod looks;
mod picture;
mod properties;
mod script;
mod stage;

use std::fs;
use std::path::Path;

use crate::recipe::layered::{ConfigLayer, resolve};
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;
use crate::ui::workspace::Settings;
use crate::ui::{dump, testing};
use script::{Head, Script, What};
use stage::{Shot, Stage};

/// The settings of a scenario: a machine that is the same everywhere.
fn settings(head: &Head) -> Settings {
    let layer = ConfigLayer::parse("the scenario", &head.recipe).unwrap();
    Settings {
        recipe: resolve(&[layer]).unwrap(),
        theme: Theme::builtin(&head.theme).unwrap().at(head.colour),
        level: head.colour,
        glyphs: Glyphs { unicode: head.unicode },
        notes: head.notes.clone(),
        ..testing::settings()
    }
}

/// The path of a scenario from the root, as errors name it.
fn file(name: &str) -> String {
    format!("tests/scenarios/{name}.scenario")
}

fn read(name: &str) -> Script {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file(name))).unwrap();
    Script::parse(&text).unwrap_or_else(|errors| {
        let lines: Vec<String> =
            errors.iter().map(|(line, error)| format!("{}:{line}: {error}", file(name))).collect();
        panic!("{}", lines.join("\n"))
    })
}

/// Plays a scenario and reports every mismatch.
fn play(name: &str) {
    let script = read(name);
    let mut stage = Stage::new(&script.head);
    let mut failures = Vec::new();
    for step in &script.steps {
        let result = stage.play(&step.what).and_then(|()| check(&stage, &step.what));
        failures.extend(result.err().map(|error| format!("{}:{}: {error}", file(name), step.line)));
    }
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

/// Whether what must be seen, or wanted, is.
fn check(stage: &Stage, what: &What) -> Result<(), String> {
    let shot = stage.draw();
    let there = |text: &str| unwrapped(&shot).contains(text) || dump::text(&shot.buffer).contains(text);
    match what {
        What::Expect(text) if !there(text) => {
            Err(format!("\"{text}\" is not on the screen:\n{}", dump::text(&shot.buffer)))
        }
        What::Refute(text) if there(text) => {
            Err(format!("\"{text}\" is on the screen:\n{}", dump::text(&shot.buffer)))
        }
        What::Effect(words) => {
            let wanted = stage.described();
            let met = wanted.iter().any(|effect| effect.starts_with(words.as_str()));
            if met || words == "nothing" && wanted.is_empty() {
                Ok(())
            } else {
                Err(format!("\"{words}\" is not wanted, but {wanted:?}"))
            }
        }
        What::Frame(name) => frames::check(name, &shot),
        What::Picture(name) => picture::check(name, &shot.buffer, &stage.app.ws.settings.theme),
        _ => Ok(()),
    }
}

/// The screen as one line, without frames and blanks at the ends of rows: sentences that were wrapped.
fn unwrapped(shot: &Shot) -> String {
    let frame = |c: char| "│|║┃".contains(c) || c.is_whitespace();
    let text = dump::text(&shot.buffer);
    let rows: Vec<&str> = text.lines().map(|row| row.trim_matches(frame)).collect();
    rows.join(" ")
}

#[test]
fn every_mismatch_with_a_scenario_is_reported() {
    let mut stage = Stage::new(&Head::default());
    let fault = |stage: &Stage, what: What| check(stage, &what).unwrap_err();
    assert!(fault(&stage, What::Expect("no such words".into())).contains("growth_rate"));
    assert!(fault(&stage, What::Refute("growth_rate".into())).contains("is on the screen"));
    assert!(fault(&stage, What::Effect("quit 0".into())).contains("is not wanted"));
    assert!(check(&stage, &What::Effect("nothing".into())).is_ok());
    assert!(stage.play(&What::Disk).unwrap_err().contains("nothing is wanted"));
    let run = || "shapes-k8".to_owned();
    stage.play(&What::Journal { run: run(), until: None }).unwrap();
    let again = stage.play(&What::Journal { run: run(), until: Some(script::Until::Epoch(1)) });
    assert!(again.unwrap_err().contains("already sent up to"));
}
