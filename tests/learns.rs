//! Whether training learns: memorises a few images quickly, and, ignored by default, the whole default recipe.
//!
//! ```text
//! cargo test --release --test learns -- --ignored --nocapture
//! ```

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/options.rs"]
mod options;
#[path = "support/program.rs"]
mod program;

use densenet_tui::engine::{EngineOptions, spawn};
use densenet_tui::protocol::command::Split;
use densenet_tui::protocol::{Answer, CheckpointQuery, Command, Event, Picture, Question};
use densenet_tui::rng::{Purpose, Stream};
use options::options;
use program::Place;

#[test]
fn a_small_network_learns_forty_images_by_heart() {
    let place = Place::new();
    let said = place.train(&[
        "--growth-rate",
        "16",
        "--train-limit",
        "40",
        "--epochs",
        "60",
        "--schedule",
        "constant",
    ]);
    let losses: Vec<f64> = said
        .events()
        .iter()
        .filter(|event| event["event"] == "epoch")
        .map(|event| event["train"]["loss"].as_f64().unwrap())
        .collect();
    let (first, last) = (losses[0], losses[50..].iter().sum::<f64>() / 10.0);
    assert!(first > 1.5 && last < 0.5 * first, "the loss went from {first} to {last}");
}

/// The smallest rectangle around each figure is known from its draws: its middle, and a radius that it reaches.
#[test]
#[ignore = "it trains the default recipe: slow in a debug build"]
fn a_network_sees_a_shape_where_it_is() {
    let place = Place::new();
    assert_eq!(place.say(&["--no-ui", "--name", "a"]).code, Some(0));
    let (link, _engine) = spawn(EngineOptions::default()).unwrap();
    let (mut shares, mut areas, mut inside) = (Vec::new(), Vec::new(), 0);
    for number in 0..200 {
        let query = CheckpointQuery {
            target: place.run_dir("a"),
            data: None,
            data_dir: None,
            split: Split::Test,
            options: options(&place.run_dir("")),
        };
        let question = Question::Explain { query, picture: Picture::Image(number) };
        link.commands.send(Command::Ask { id: 0, question }).unwrap();
        let found = loop {
            match link.events.recv().unwrap().event {
                Event::Answered { answer: Ok(answer), .. } => break *answer,
                Event::Answered { answer: Err(why), .. } => panic!("{why:?}"),
                _ => {}
            }
        };
        let Answer::Explanation(found) = found else { panic!("{found:?}") };
        let mut draws = Stream::new(0, Purpose::Shapes, 1, number as u32);
        let radius = draws.between(8.0, 12.0);
        let centre = [(); 2].map(|()| draws.between(radius, found.side as f32 - radius));
        let cell = found.side as f32 / found.cells as f32;
        // How much of a cell along an axis is within the figure's reach.
        let covered = |at: usize, centre: f32| {
            let (begin, end) = (at as f32 * cell, (at + 1) as f32 * cell);
            ((end.min(centre + radius) - begin.max(centre - radius)) / cell).max(0.0)
        };
        let map = found.map(found.label.unwrap());
        let (mut within, mut all, mut best) = (0.0, 0.0, (f32::MIN, 0.0));
        for (index, &value) in map.iter().enumerate() {
            let share = covered(index % found.cells, centre[0]) * covered(index / found.cells, centre[1]);
            within += value.max(0.0) * share;
            all += value.max(0.0);
            if value > best.0 {
                best = (value, share);
            }
        }
        areas.push(4.0 * radius * radius / (found.side * found.side) as f32);
        inside += usize::from(best.1 > 0.0);
        if all > 0.0 {
            shares.push(within / all);
        }
    }
    let mean = |of: &[f32]| of.iter().sum::<f32>() / of.len() as f32;
    println!(
        "{:.1} % of the positive map is within the figure's rectangle, which has {:.1} % of the image; the strongest \
         cell of {inside} of 200 images is",
        100.0 * mean(&shares),
        100.0 * mean(&areas)
    );
    // Cells are 4 pixels wide and see further than the figure: the ground beside it counts too.
    assert!(mean(&shares) >= 0.55 && mean(&areas) < 0.45, "{} of {}", mean(&shares), mean(&areas));
    assert!(inside >= 190, "{inside}");
}

#[test]
#[ignore = "it trains the default recipe: slow in a debug build"]
fn the_default_recipe_passes_ninety_percent() {
    let said = Place::new().say(&["--no-ui", "--json"]);
    let accuracy = said.last()["best"]["accuracy"].as_f64().unwrap();
    let test = said.last()["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.9 && test >= 0.9, "validation {accuracy}, test {test}");
}
