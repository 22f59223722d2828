//! Kills at random moments on real images: slow, so ignored by default.
//!
//! ```text
//! DENSENET_TUI_CIFAR=DIR cargo test --release --test kill -- --ignored --nocapture
//! ```
//!
//! DIR is the parent of `cifar-10-batches-bin`; `DENSENET_TUI_KILLS` is the number of kills (20).

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use densenet_tui::rng::{Purpose, Stream};
use program::Place;

const RECIPE: &str =
    "--no-ui --json --no-test --data cifar10 --layers 2,2,2 --train-limit 2048 --validation 256 --steps 70";

#[test]
#[ignore = "it trains on real CIFAR-10 for minutes and needs DENSENET_TUI_CIFAR"]
fn twenty_kills_at_random_moments_of_the_first_two_epochs_change_no_byte() {
    let data = std::env::var("DENSENET_TUI_CIFAR")
        .expect("DENSENET_TUI_CIFAR is the parent of cifar-10-batches-bin");
    let kills: u32 = std::env::var("DENSENET_TUI_KILLS").map_or(20, |kills| kills.parse().unwrap());
    let moments = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    eprintln!("seed of the moments: {moments}");
    let place = Place::new();
    let recipe: Vec<&str> = RECIPE.split(' ').chain(["--data-dir", &data]).collect();

    let begin = Instant::now();
    let whole = place.say(&[recipe.as_slice(), &["--name", "whole"]].concat());
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let two_epochs = begin.elapsed().as_secs_f32() * 56.0 / 70.0;
    let expected = place.tensors("whole");

    // A run that was faster than the whole one may end before its kill: then another is tried.
    let (mut kill, mut tries) = (0, 0..2 * kills);
    while kill < kills {
        let attempt = tries.next().expect("every other run ended before its moment");
        let name = format!("killed-{attempt}");
        let moment = Stream::new(moments, Purpose::Bench, 0, attempt).between(0.0, two_epochs);
        // Every other run saves at the ends of epochs only.
        let save_every = if attempt % 2 == 0 { "7steps" } else { "5m" };
        let begin = Instant::now();
        let mut running =
            place.start_with(&[recipe.as_slice(), &["--name", &name, "--save-every", save_every]].concat());
        running.until("saved");
        let seen = running.for_so_long(Duration::from_secs_f32(moment).saturating_sub(begin.elapsed()));
        running.signal("KILL");
        let end = running.end();
        if end == Some(0) {
            continue;
        }
        assert_eq!(end, None);
        let resumed = place.say(&["--no-ui", "--json", "--resume", &name]);
        assert_eq!(resumed.code, Some(0), "{resumed:?}");
        let from = resumed.events()[0]["step"].clone();
        assert!(expected == place.tensors(&name), "kill {kill} at {moment} s changed the weights");
        eprintln!("kill {kill}: after {moment:.2} s, step {seen}; resumed from step {from}; the same bytes");
        kill += 1;
    }
}
