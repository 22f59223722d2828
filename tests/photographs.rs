//! Runs on pictures as cameras make them: of different sizes, larger than a network sees them, through their files.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use program::{Place, Said};

/// A folder of JPEGs, eight of each of three fruits on a ground that is never the same, a third of them upright.
fn fruits(place: &Place) -> PathBuf {
    let root = place.path().join("fruits");
    for (class, colour) in [("apples", [200, 40, 50]), ("pears", [160, 190, 60]), ("plums", [90, 60, 150])] {
        for number in 0..8 {
            let path = root.join(class).join(format!("{number}.jpg"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fruit(colour, number).save(path).unwrap();
        }
    }
    root
}

fn fruit(colour: [u8; 3], number: u32) -> RgbImage {
    let (wide, high) = (300 + 17 * number, 240 + 13 * number);
    let (width, height) = if number % 3 == 2 { (high, wide) } else { (wide, high) };
    let (x0, y0, radius) = (width / 3 + 9 * number, height / 2 - 7 * number, 60 + 5 * number);
    RgbImage::from_fn(width, height, |x, y| {
        let far = x.abs_diff(x0).pow(2) + y.abs_diff(y0).pow(2);
        let light = 255 - (far * 120 / (radius * radius)).min(120);
        let ground = [60 + y / 4 + 6 * number, 70 + x / 5, 50 + (x ^ y) % 64];
        Rgb(if far < radius * radius {
            colour.map(|channel| (u32::from(channel) * light / 255) as u8)
        } else {
            ground.map(|channel| channel as u8)
        })
    })
}

/// Trains a tiny network behind the stem of ImageNet, all else by its defaults.
fn train(place: &Place, root: &Path, more: &[&str]) -> Said {
    let data = format!("folder:{}", root.display());
    let own = ["--no-ui", "--json", "--device", "cpu", "--set", "stem_kind=imagenet", "--layers", "1,1,1,1"];
    let small =
        ["--growth-rate", "4", "--batch-size", "6", "--epochs", "2", "--validation", "6", "--data", &data];
    place.say(&[&own[..], &small, more].concat())
}

/// The tensors of the newest checkpoint of a run.
fn weights(place: &Place, name: &str) -> Vec<u8> {
    let checkpoints = fs::read_dir(place.run_dir(name).join("checkpoints")).unwrap();
    let newest = checkpoints.map(|entry| entry.unwrap().path()).max().unwrap();
    let bytes = fs::read(newest).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[test]
fn photographs_are_trained_on_as_imagenet_is_and_a_run_goes_on_to_the_same_bits() {
    let place = Place::new();
    let root = fruits(&place);
    let said = train(&place, &root, &["--name", "whole", "--threads", "2"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let recipe = &said.events()[0]["recipe"];
    assert_eq!((&recipe["input_size"], &recipe["augment"]), (&224.into(), &"imagenet".into()));
    assert_eq!(said.last()["outcome"], "completed");

    // Ended within the first epoch, gone on with in one thread, its pictures decoded or from the cache.
    assert_eq!(train(&place, &root, &["--name", "parts", "--steps", "2"]).code, Some(0));
    fs::remove_dir_all(place.path().join(".cache/densenet-tui/images")).unwrap();
    let said = place.say(&["--no-ui", "--resume", "parts", "--epochs", "2", "--threads", "1", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(weights(&place, "parts"), weights(&place, "whole"));

    let answer = place.say(&["evaluate", "whole", "--split", "all", "--json"]).last();
    assert_eq!(answer["images"], 24, "{answer}");
    let events = said.events();
    let validation = &events.iter().rev().find(|event| event["event"] == "epoch").unwrap()["validation"];
    let again = place.say(&["evaluate", "parts", "--split", "validation", "--json"]).last();
    if said.last()["best"]["epoch"] == 2 {
        assert_eq!(again["loss"], validation["loss"], "an evaluation sees what validation saw");
    }
}

#[test]
fn images_of_one_size_are_trained_on_in_any_other() {
    let place = Place::new();
    for (more, side) in [(&["--augment", "imagenet"][..], 32), (&["--augment", "standard"], 45)] {
        let name = format!("at-{side}");
        let side = side.to_string();
        let said = place.train(&[&["--name", &name, "--input-size", &side, "--steps", "2"], more].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(place.say(&["evaluate", &name, "--json"]).code, Some(0));
    }
}
