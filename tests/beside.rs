//! The cost of the interface for training: on real images, for minutes, on an otherwise idle machine.
//!
//! ```text
//! DENSENET_TUI_CIFAR=DIR cargo test --release --test beside -- --ignored --nocapture --test-threads 1
//! ```
//!
//! DIR is the parent of `cifar-10-batches-bin`; `DENSENET_TUI_PAIRS` is the number of pairs (10).

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use program::Place;
use serde_json::Value;

const RECIPE: &str = "--data cifar10 --preset bc-22-12 --augment standard --no-test";

fn options(more: &[&str]) -> Vec<String> {
    let data = std::env::var("DENSENET_TUI_CIFAR")
        .expect("DENSENET_TUI_CIFAR is the parent of cifar-10-batches-bin");
    let own = RECIPE.split(' ').chain(["--data-dir", &data]).chain(more.iter().copied());
    own.map(str::to_owned).collect()
}

fn words(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

/// Trains in a terminal of 120 columns and 36 rows, and calls `at_the_end` before quitting.
fn in_a_terminal(place: &Place, options: &[String], run: &str, at_the_end: impl FnOnce(i32)) {
    let mut terminal = place.terminal().sized(120, 36).start(&words(options));
    terminal.until_shown("Recipe");
    terminal.press("\x12");
    let summary = place.run_dir(run).join("summary.json");
    let ended = || {
        let text = std::fs::read_to_string(&summary).unwrap_or_default();
        serde_json::from_str::<Value>(&text).is_ok_and(|summary| summary["state"] != "running")
    };
    while !ended() {
        std::thread::sleep(Duration::from_millis(500));
    }
    at_the_end(terminal.pid().as_raw_nonzero().get());
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

/// Images a second over all lines of steps but the first.
fn rate(place: &Place, run: &str) -> f64 {
    let journal = std::fs::read_to_string(place.run_dir(run).join("journal.jsonl")).unwrap();
    let events = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines = events.filter(|event| event["event"] == "step").skip(1);
    let (images, seconds) = lines.fold((0.0, 0.0), |(images, seconds), line| {
        let here = 64.0 * line["steps"].as_f64().unwrap();
        (images + here, seconds + here / line["images_per_second"].as_f64().unwrap())
    });
    images / seconds
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

#[test]
#[ignore = "it trains on real CIFAR-10 for minutes and needs DENSENET_TUI_CIFAR"]
fn training_is_as_fast_with_the_interface_as_without() {
    let pairs: usize = std::env::var("DENSENET_TUI_PAIRS").map_or(10, |pairs| pairs.parse().unwrap());
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        let place = Place::new();
        // They take turns in going first.
        for shown in [pair % 2 == 0, pair % 2 == 1] {
            let run = if shown { "shown" } else { "headless" };
            let mut options = options(&["--steps", "600", "--name", run]);
            if shown {
                in_a_terminal(&place, &options, run, |_| {});
                with.push(rate(&place, run));
            } else {
                options.push("--no-ui".into());
                assert_eq!(place.say(&options).code, Some(0));
                without.push(rate(&place, run));
            }
        }
        eprintln!("{:.1} images/s with, {:.1} without", with[pair], without[pair]);
    }
    let ratios = with.iter().zip(&without).map(|(with, without)| with / without).collect();
    let (ratio, with, without) = (median(ratios), median(with), median(without));
    eprintln!("medians {with:.1} with, {without:.1} without; of the ratios {ratio:.3}");
    assert!(ratio > 0.97, "{ratio}");
}

/// Ticks of processor time by thread name.
fn ticks(process: i32) -> BTreeMap<String, u64> {
    let mut ticks = BTreeMap::new();
    for thread in std::fs::read_dir(format!("/proc/{process}/task")).unwrap() {
        let folder = thread.unwrap().path();
        let name = std::fs::read_to_string(folder.join("comm")).unwrap().trim().to_owned();
        let stat = std::fs::read_to_string(folder.join("stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let of = |field: usize| fields[field].parse::<u64>().unwrap();
        *ticks.entry(name).or_default() += of(11) + of(12);
    }
    ticks
}

#[test]
#[ignore = "it trains on real CIFAR-10 for five minutes and needs DENSENET_TUI_CIFAR"]
fn the_interfaces_own_threads_take_less_than_a_hundredth_of_the_processor_time() {
    let place = Place::new();
    in_a_terminal(&place, &options(&["--epochs", "12", "--name", "long"]), "long", |process| {
        let ticks = ticks(process);
        let all: u64 = ticks.values().sum();
        let of = |name: &str| ticks.get(name).copied().unwrap_or_default();
        let training: u64 = ["engine", "work", "pool", "prefetch", "heartbeat"].map(of).iter().sum();
        let own = (all - training) as f64 / all as f64;
        eprintln!("{ticks:?}: {:.2} % are the interface's", 100.0 * own);
        assert!(own < 0.01, "{own}");
    });
}

#[test]
#[ignore = "it measures time, which a busy machine has little of"]
fn the_first_frame_comes_within_150_milliseconds() {
    let mut times: Vec<f64> = (0..20)
        .map(|_| {
            let place = Place::new();
            let begin = Instant::now();
            let mut terminal = place.terminal().sized(120, 36).start(&[]);
            terminal.until_shown("Recipe");
            let time = 1e3 * begin.elapsed().as_secs_f64();
            terminal.press("q");
            assert_eq!(terminal.end(), 0);
            time
        })
        .collect();
    times.sort_by(f64::total_cmp);
    eprintln!("first frame after {:.1} ms (median), {:.1} ms at most", median(times.clone()), times[19]);
    assert!(times[19] < 150.0);
}
