//! Odd runs in the directory of runs, shown in the interface: pipes in place of files, and impossible numbers. Each is
//! shown as what it is, and quitting never waits for one.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::fs;
use std::path::Path;

use program::Place;
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::Value;

fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    _ = fs::remove_file(path);
    mkfifoat(CWD, path, Mode::RWXU).unwrap();
}

/// Every whole number of `value` as `whole`, and every other number as `real`, but for the recipe, which has ranges.
fn with_numbers(value: &mut Value, whole: &Value, real: &Value) {
    match value {
        Value::Object(fields) => {
            let others = fields.iter_mut().filter(|(name, _)| *name != "recipe");
            others.for_each(|(_, value)| with_numbers(value, whole, real));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| with_numbers(item, whole, real)),
        Value::Number(number) if number.is_u64() => *value = whole.clone(),
        Value::Number(_) => *value = real.clone(),
        _ => {}
    }
}

/// A copy of the run `from` that says other numbers.
fn copy(place: &Place, from: &str, to: &str, whole: &Value, real: &Value) {
    let (from, to) = (place.run_dir(from), place.run_dir(to));
    fs::create_dir_all(&to).unwrap();
    for name in ["summary.json", "journal.jsonl"] {
        let text = fs::read_to_string(from.join(name)).unwrap();
        let values: Vec<String> = serde_json::Deserializer::from_str(&text)
            .into_iter::<Value>()
            .map(|value| {
                let mut value = value.unwrap();
                with_numbers(&mut value, whole, real);
                value.to_string() + "\n"
            })
            .collect();
        fs::write(to.join(name), values.concat()).unwrap();
    }
}

#[test]
fn runs_with_pipes_for_files_stand_damaged_among_sound_ones_and_q_leaves() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "sound"]).code, Some(0));
    for name in ["summary.json", "journal.jsonl", "recipe.toml"] {
        let run = place.run_dir(&format!("pipe-{name}"));
        fs::create_dir_all(run.join("checkpoints")).unwrap();
        copy(&place, "sound", &format!("pipe-{name}"), &2.into(), &0.5.into());
        pipe(&run.join(name));
        pipe(&run.join("checkpoints/step-00000004.safetensors"));
    }
    let mut terminal = place.terminal().sized(140, 40).start_below_a_shell(&[]);
    terminal.until_shown("Recipe");
    terminal.press("3");
    terminal.until_shown("sound");
    terminal.until("all runs", |screen| {
        let text = screen.contents();
        text.matches("pipe-").count() >= 3 && text.contains("damaged") && text.contains("completed")
    });
    for _ in 0..4 {
        terminal.press(" \r");
        terminal.until_shown("checkpoints, newest first");
        terminal.press("\x1b");
        terminal.until("the table", |screen| !screen.contents().contains("checkpoints, newest first"));
        terminal.press("j");
    }
    terminal.press("q");
    terminal.ends_well_with(0);
}

#[test]
fn pipes_for_settings_theme_and_state_are_told_and_the_interface_opens() {
    let place = Place::new();
    let settings = place.path().join("config/densenet-tui");
    for name in ["config.toml", "themes/dark.toml"] {
        pipe(&settings.join(name));
    }
    pipe(&place.path().join(".local/state/densenet-tui/state.toml"));
    let mut terminal = place.terminal().sized(200, 40).start_below_a_shell(&["--theme", "dark"]);
    terminal.until_shown("Recipe");
    terminal.press("6");
    terminal.until("three sentences", |screen| {
        let text = screen.contents();
        ["config.toml", "dark.toml", "state.toml"].iter().all(|name| text.contains(name))
            && text.matches("it cannot be read (it is a named pipe, not a file)").count() == 3
    });
    terminal.press("q");
    terminal.ends_well_with(0);
}

#[test]
fn numbers_that_no_run_has_are_shown_and_looked_at_from_all_sides() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "sound"]).code, Some(0));
    let cases: [(&str, Value, Value); 6] = [
        ("zeros", 0.into(), 0.0.into()),
        ("most", u64::MAX.into(), f64::MAX.into()),
        ("least", 1.into(), f64::MIN_POSITIVE.into()),
        ("negative", i64::MAX.into(), f64::MIN.into()),
        ("large", (1u64 << 53).into(), 1e20.into()),
        ("nothing", 3.into(), Value::Null),
    ];
    for (name, whole, real) in &cases {
        copy(&place, "sound", name, whole, real);
    }
    let mut terminal = place.terminal().sized(140, 40).start_below_a_shell(&[]);
    terminal.until_shown("Recipe");
    terminal.press("3");
    terminal.until_shown("sound");
    for run in 0..=cases.len() {
        // Marked, and the chart of several measures over several axes, plain and logarithmic.
        terminal.press(" ");
        for keys in
            if run < cases.len() { &["v", "x", "L"][..] } else { &["v", "x", "v", "L", "v", "x", "o", "l"] }
        {
            terminal.press(keys);
            // The chart is drawn before the next screen is, and again after it.
            terminal.press("6");
            terminal.until_shown("┌ log");
            terminal.press("3");
            terminal.until_shown("test %");
        }
        assert!(terminal.screen().alternate_screen(), "run {run}");
        terminal.press("j");
    }
    terminal.press("q");
    terminal.ends_well_with(0);
}
