//! Whether training learns: memorises a few images quickly, and, ignored by default, the whole default recipe.
//!
//! ```text
//! cargo test --release --test learns -- --ignored --nocapture
//! ```

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

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

#[test]
#[ignore = "it trains the default recipe: slow in a debug build"]
fn the_default_recipe_passes_ninety_percent() {
    let said = Place::new().say(&["--no-ui", "--json"]);
    let accuracy = said.last()["best"]["accuracy"].as_f64().unwrap();
    let test = said.last()["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.9 && test >= 0.9, "validation {accuracy}, test {test}");
}
