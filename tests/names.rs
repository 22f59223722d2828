//! Names of runs, classes, files and keys come from elsewhere; nothing in them can control the terminal.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::fs::{create_dir_all, rename, write};

use program::{Place, Said, TINY};

/// A name that clears the screen, returns to the line's start, reverses itself and pretends to be two lines.
const EVIL: &str = "a\x1b[2J\r\u{9b}31mb\u{202e}c\u{2066}d\u{200f}\x07\x7f\u{2028}e\nerror: f";
/// The same as it is shown.
const SHOWN: &str =
    "a\u{fffd}[2J\u{fffd}\u{fffd}31mb\u{fffd}c\u{fffd}d\u{fffd}\u{fffd}\u{fffd}\u{fffd}e\u{fffd}error: f";

fn is_active(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Asserts that nothing active was printed.
#[track_caller]
fn is_harmless(said: &Said) {
    for text in [&said.stdout, &said.stderr] {
        assert!(!text.contains(is_active), "{text:?}");
    }
}

/// Asserts that the text contains the name as it is shown, in one line.
#[track_caller]
fn shows_the_name(said: &Said) {
    is_harmless(said);
    assert!(said.stdout.contains(SHOWN) || said.stderr.contains(SHOWN), "{said:?}");
}

/// A run whose directory was renamed to that.
fn with_an_evil_run(place: &Place) {
    assert_eq!(place.train(&["--name", "r"]).code, Some(0));
    rename(place.run_dir("r"), place.run_dir(EVIL)).unwrap();
}

#[test]
fn a_run_directory_is_listed_under_a_name_that_steers_nothing() {
    let place = Place::new();
    with_an_evil_run(&place);
    shows_the_name(&place.say(&["runs"]));
    let said = place.say(&["runs", "--json"]);
    is_harmless(&said);
    // JSON says the same name.
    assert_eq!(said.last()["runs"][0]["run"], EVIL);
}

#[test]
fn arguments_that_are_repeated_in_an_error_steer_nothing() {
    let place = Place::new();
    let option = format!("--{EVIL}");
    let data = format!("folder:{EVIL}");
    let set = format!("{EVIL}=1");
    for args in [
        &[option.as_str()][..],
        &["summary", &option],
        &["--no-ui", "--data", &data],
        &["--no-ui", "--data", EVIL],
        &["--no-ui", "--set", &set],
        &["--no-ui", "--set", EVIL],
        &["--no-ui", "--device", EVIL],
        &["--no-ui", "--resume", EVIL],
        &["--no-ui", "--recipe", EVIL],
        &["summary", "--data", &data],
        &["evaluate", EVIL],
        &["verify", EVIL],
        &[EVIL],
    ] {
        let said = place.say(args);
        assert_eq!(said.code, Some(2), "{args:?}: {said:?}");
        shows_the_name(&said);
    }
    is_harmless(&place.say(&["--no-ui", "--name", EVIL]));
}

#[test]
fn keys_of_a_configuration_and_of_a_recipe_steer_nothing() {
    let place = Place::new();
    let config = place.path().join("config/densenet-tui");
    create_dir_all(&config).unwrap();
    let key = serde_json::to_string(EVIL).unwrap().replace('\x7f', "\\u007f");
    write(config.join("config.toml"), format!("{key} = 1\n")).unwrap();
    shows_the_name(&place.say(&["runs"]));
    write(config.join("config.toml"), "").unwrap();
    write(place.path().join("recipe.toml"), format!("{key} = 1\n")).unwrap();
    shows_the_name(&place.say(&["summary", "--recipe", "recipe.toml"]));
}

#[test]
fn class_folders_and_a_run_of_a_strange_place_steer_nothing() {
    let place = Place::new();
    // A PNG of one pixel.
    let mut pixel = Vec::new();
    let mut encoder = png::Encoder::new(&mut pixel, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[7]).unwrap();
    for class in [EVIL, "b"] {
        create_dir_all(place.path().join("pictures").join(class)).unwrap();
        for image in 0..4 {
            write(place.path().join(format!("pictures/{class}/{image}.png")), &pixel).unwrap();
        }
        write(place.path().join(format!("pictures/{class}/{EVIL}.png")), "no image").unwrap();
    }
    let common = ["--data", "folder:pictures", "--image-size", "8", "--batch-size", "2", "--epochs", "1"];
    let size = ["--no-ui", "--layers", "1", "--growth-rate", "4", "--runs-dir", EVIL];
    is_harmless(&place.say(&[&size[..], &common].concat()));
    let said = place.say(&[&size[..], &common, &["--json"]].concat());
    is_harmless(&said);
    is_harmless(&place.say(&["runs", "--runs-dir", EVIL]));
    let said = place.say(&[&TINY[..], &["--runs-dir", EVIL, "--name", "r"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    is_harmless(&said);
}

#[test]
fn the_workbench_shows_such_a_name_and_keeps_its_own_codes() {
    let place = Place::new();
    with_an_evil_run(&place);
    let mut terminal = place.terminal().start(&[]);
    terminal.until_shown("Recipe");
    terminal.press("3");
    terminal.until_shown("31mb");
    let bytes = terminal.bytes();
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains(|c| is_active(c) && !matches!(c, '\x1b' | '\r')), "{text:?}");
    assert!(!text.contains("\x1b[2J\r"));
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}
