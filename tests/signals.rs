//! Signals and time limits: after any request to end, the run is saved within ten seconds.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::time::{Duration, Instant};

use program::Place;

/// A network whose steps take very long, though not much memory.
const SLOW: [&str; 6] = ["--layers", "3,3,3", "--growth-rate", "64", "--threads", "1"];

/// The most time from the first signal to the exit.
const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn two_signals_at_once_are_one_request() {
    let place = Place::new();
    let mut running = place.start(&["--name", "a", "--epochs", "100000"]);
    running.until("step");
    running.signal("TERM");
    running.signal("TERM");
    let finished = running.until("finished");
    assert_eq!((&finished["outcome"], &finished["reason"]["signal"]), (&"stopped".into(), &15.into()));
    assert_eq!(running.end(), Some(143));
    assert!(!place.tensors("a").is_empty());
}

#[test]
fn what_queue_systems_send_stops_and_saves_like_sigterm() {
    for (signal, code) in [("USR2", 140), ("XCPU", 152), ("INT", 130)] {
        let place = Place::new();
        let mut running = place.start(&["--name", "a", "--epochs", "100000"]);
        running.until("step");
        running.signal(signal);
        assert_eq!(running.until("finished")["reason"]["signal"], code - 128, "{signal}");
        assert_eq!(running.end(), Some(code), "{signal}");
        assert!(!place.tensors("a").is_empty());
    }
}

#[test]
fn a_limit_of_processor_time_is_a_saved_run() {
    let place = Place::new();
    let mut args = vec!["-c", r#"ulimit -S -t 2; exec "$0" "$@""#, env!("CARGO_BIN_EXE_densenet-tui")];
    args.extend(program::TINY);
    args.extend(["--name", "a", "--epochs", "1000000"]);
    let output = place.command_of("sh", &args).output().unwrap();
    assert_eq!(output.status.code(), Some(152), "{output:?}");
    assert!(!place.tensors("a").is_empty());
}

#[test]
fn a_step_that_outlasts_a_signal_is_thrown_away_and_the_state_before_it_is_saved() {
    let run = ["--no-ui", "--json", "--name", "slow", "--validation", "100"];
    for batches in [&["--batch-size", "250"][..], &["--batch-size", "20", "--reference"]] {
        let place = Place::new();
        let mut running = place.start_with(&[&run, &SLOW[..], batches].concat());
        running.until("saved");
        running.until_busy();
        let begin = Instant::now();
        running.signal("TERM");
        let finished = running.until("finished");
        assert_eq!((&finished["outcome"], &finished["step"]), (&"stopped".into(), &0.into()));
        assert_eq!(running.end(), Some(143));
        assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
        assert!(!place.tensors("slow").is_empty());
    }
}

#[test]
fn a_question_with_nothing_to_save_ends_in_time_too() {
    let place = Place::new();
    let running = place.start_with(&[&["bench", "--json"], &SLOW[..], &["--batch-size", "250"]].concat());
    running.until_busy();
    let begin = Instant::now();
    running.signal("TERM");
    assert_eq!(running.end(), Some(143));
    assert!(begin.elapsed() < LIMIT + Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn figures_that_are_not_finite_are_never_the_best_and_the_run_diverges() {
    let place = Place::new();
    // One step, after which every weight is finite and nothing that is computed from them.
    let said = place.train(&["--name", "a", "--steps", "1", "--lr", "1e30"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let last = said.last();
    assert_eq!((&last["outcome"], &last["best"]), (&"diverged".into(), &serde_json::Value::Null));
    assert!(said.stderr.contains("the validation loss after step 1 is not finite"), "{said:?}");
    let resumed = place.say(&["--no-ui", "--json", "--resume", "a", "--lr", "0.01"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(resumed.events()[0]["step"], last["step"]);
    assert_ne!(resumed.last()["best"], serde_json::Value::Null);
}

#[test]
fn without_validation_images_the_test_finds_what_is_not_finite() {
    let place = Place::new();
    let said = place.train(&["--name", "a", "--steps", "1", "--lr", "1e30", "--validation", "0"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stderr.contains("the test loss after step 1 is not finite"), "{said:?}");
}
