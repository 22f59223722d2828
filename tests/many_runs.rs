//! Thousands of runs on disk: how long the Runs screen and its points take to open, and a key to be answered.
//!
//! ```text
//! cargo test --release --test many_runs -- --ignored --nocapture
//! ```

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use program::Place;
use pty::Terminal;
use serde_json::Value;

const RUNS: usize = 2000;

/// Runs like the one in `run`, with other recipes and figures.
fn multiply(run: &Path) {
    let summary: Value = serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap();
    let journal = fs::read(run.join("journal.jsonl")).unwrap();
    for number in 1..RUNS {
        let new = run.with_file_name(format!("run-{number:04}"));
        fs::create_dir_all(new.join("checkpoints")).unwrap();
        for step in 1..4 {
            fs::write(new.join(format!("checkpoints/step-{step:08}.safetensors")), "").unwrap();
        }
        let mut summary = summary.clone();
        summary["run"] = format!("run-{number:04}").into();
        summary["created"] = (1_764_000_000 + number).into();
        summary["step"] = number.into();
        summary["best"]["accuracy"] = (0.5 + number as f64 / 1e4).into();
        summary["parameters"] = (1000 + 37 * (number % 97)).into();
        let recipe = &mut summary["recipe"];
        recipe["seed"] = (number % 3).into();
        recipe["growth_rate"] = [4, 8, 12, 24][number % 4].into();
        recipe["lr"] = [0.1, 0.05, 0.01][number % 3].into();
        recipe["batch_size"] = [16, 32, 64][number / 7 % 3].into();
        fs::write(new.join("summary.json"), serde_json::to_vec_pretty(&summary).unwrap()).unwrap();
        fs::write(new.join("journal.jsonl"), &journal).unwrap();
        fs::copy(run.join("recipe.toml"), new.join("recipe.toml")).unwrap();
        fs::write(new.join(".lock"), "").unwrap();
    }
}

/// Milliseconds from a key to a screen with `text`.
fn answer(terminal: &mut Terminal, key: &str, text: &str) -> f64 {
    // The frame before is not to be waited for.
    sleep(Duration::from_millis(150));
    let begin = Instant::now();
    terminal.press(key);
    terminal.until_shown(text);
    1e3 * begin.elapsed().as_secs_f64()
}

#[test]
#[ignore = "it measures time, which a busy machine has little of"]
fn two_thousand_runs_open_in_half_a_second_and_a_key_is_answered_in_a_twentieth() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "run-0000"]).code, Some(0));
    multiply(&place.run_dir("run-0000"));
    let mut terminal = place.terminal().sized(120, 36).start(&[]);
    terminal.until_shown("Recipe");
    let opened = answer(&mut terminal, "3", "2000 runs");
    sleep(Duration::from_secs(1));
    let mut keys: Vec<(String, f64)> = Vec::new();
    let mut press = |terminal: &mut Terminal, key: &str, text: &str| {
        keys.push((key.to_owned(), answer(terminal, key, text)));
    };
    for row in 1..12 {
        // The third of them meets a reading of the list.
        press(&mut terminal, "j", &format!("step {} of", grouped(RUNS - 1 - row)));
    }
    press(&mut terminal, " ", "of the marked runs");
    for order in ["best validation first", "best test first", "most parameters first", "by name"] {
        press(&mut terminal, "o", order);
    }
    press(&mut terminal, "s", "best accuracy against parameters");
    press(&mut terminal, "x", "best accuracy against MACs");
    press(&mut terminal, "h", "MACs");
    press(&mut terminal, "b", "group by");
    terminal.press("batch");
    press(&mut terminal, "\r", "against MACs, by batch_size");
    press(&mut terminal, "s", "mean by batch_size");
    press(&mut terminal, "/", "filter");
    press(&mut terminal, "k", "with \"k\"");
    press(&mut terminal, "=", "filter");
    press(&mut terminal, "8", "500 of 2000 with \"k=8\"");
    terminal.press("\r");
    let slowest = keys.iter().map(|(_, time)| *time).fold(0.0, f64::max);
    eprintln!("{RUNS} runs open in {opened:.0} ms; the slowest of {} keys takes {slowest:.1} ms", keys.len());
    eprintln!("{keys:.1?}");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    assert!(opened <= 500.0 && slowest <= 50.0, "{opened} {slowest}");
}

/// A number as the screen has it.
fn grouped(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}
