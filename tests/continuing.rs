//! `--continue`: one command line that begins a run, resumes it, or finds it complete.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::fs;

use densenet_tui::store::run::checkpoints;
use program::{Place, Said, TINY};

/// Begins or resumes the tiny run `a`.
fn go_on(place: &Place, more: &[&str]) -> Said {
    place.train(&[&["--continue", "--name", "a"], more].concat())
}

fn sentence(said: &Said) -> &str {
    said.stderr.lines().next().unwrap_or_default()
}

#[test]
fn one_line_begins_goes_on_and_finds_a_run_complete() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "whole"]).code, Some(0));
    // Ends within the first epoch, since its limit of steps is lower than an epoch.
    let mut running = place.start(&["--continue", "--name", "a", "--save-every", "1steps"]);
    running.until("started");
    running.signal("KILL");
    running.end();
    let said = go_on(&place, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(place.tensors("a"), place.tensors("whole"));
    let again = go_on(&place, &[]);
    assert_eq!(again.code, Some(0), "{again:?}");
    let events = again.events();
    assert_eq!(
        (events.len(), &events[0]["event"], &events[0]["outcome"]),
        (1, &"finished".into(), &"completed".into())
    );
    assert_eq!((&events[0]["test"], &events[0]["best"]), (&said.last()["test"], &said.last()["best"]));
    assert!(again.stderr.contains("a is complete"), "{again:?}");
    let words: Vec<&str> = TINY.iter().copied().filter(|&word| word != "--json").collect();
    let person = place.say(&[&words[..], &["--continue", "--name", "a"]].concat());
    assert!(person.code == Some(0) && person.stdout.starts_with("a is complete"), "{person:?}");
}

#[test]
fn a_run_that_ended_before_its_end_exits_75_whoever_ended_it() {
    let place = Place::new();
    let long = ["--epochs", "100000"];
    let said = go_on(&place, &[&long[..], &["--stop-after", "1s"]].concat());
    assert_eq!(said.code, Some(75), "{said:?}");
    let step = said.last()["step"].as_u64().unwrap();
    for signal in ["TERM", "INT"] {
        let mut running = place.start(&[&["--continue", "--name", "a"], &long[..]].concat());
        assert!(running.until("started")["step"].as_u64().unwrap() >= step);
        running.until("step");
        running.signal(signal);
        assert_eq!(running.end(), Some(75), "{signal}");
    }
    let failed = place.train(&["--continue", "--name", "b", "--data", "folder:nowhere"]);
    assert_eq!(failed.code, Some(2), "{failed:?}");
}

#[test]
fn it_needs_a_name_and_no_screen() {
    let place = Place::new();
    for (args, word) in [
        (&["--no-ui", "--continue"][..], "--name"),
        (&["--continue", "--name", "a"], "--no-ui"),
        (&["--no-ui", "--continue", "--name", "a", "--resume", "a"], "--resume"),
        (&["--no-ui", "--continue", "--name", "../a"], "dot"),
    ] {
        let said = place.say(args);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(word), "{word}: {said:?}");
    }
}

#[test]
fn what_was_typed_otherwise_is_named_and_what_was_not_typed_is_remembered() {
    let place = Place::new();
    let begun = ["--augment", "standard", "--lr", "0.05"];
    assert_eq!(go_on(&place, &[&begun[..], &["--steps", "3"]].concat()).code, Some(0));
    for (more, option) in [
        (&["--batch-size", "8"][..], "--batch-size"),
        (&["--layers", "2,1"], "--layers"),
        (&["--set", "pad=black"], "--pad"),
        (&["--lr", "0.2"], "--lr"),
        (&["--seed", "9"], "--seed"),
        (&["--data", "cifar10"], "--data"),
        (&["--reference"], "--reference"),
        (&["--no-test"], "--no-test"),
    ] {
        let said = go_on(&place, more);
        assert_eq!(said.code, Some(2), "{more:?}: {said:?}");
        assert!(
            sentence(&said).starts_with(&format!("error: {option}: the run `a` was begun with")),
            "{said:?}"
        );
        assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    }
    // Without options nothing differs; a limit may.
    let bare = place.say(&["--no-ui", "--json", "--continue", "--name", "a", "--steps", "6"]);
    assert_eq!(bare.code, Some(0), "{bare:?}");
    assert_eq!((&bare.events()[0]["step"], &bare.last()["step"]), (&3.into(), &6.into()));
    assert_eq!(bare.events()[0]["recipe"]["augment"], "standard");
    // The first command line again: it began with 3 steps, which have changed since.
    let first = go_on(&place, &[&begun[..], &["--steps", "3"]].concat());
    assert_eq!((first.code, &first.last()["step"]), (Some(0), &6.into()), "{first:?}");
    assert!(first.stderr.contains("`steps` = 3, but that has been changed to 6"), "{first:?}");
    // Without a limit, and for longer.
    assert_eq!(go_on(&place, &[&begun[..], &["--epochs", "3"]].concat()).last()["step"], 12);
    assert_eq!(place.train(&[&begun[..], &["--name", "whole", "--epochs", "3"]].concat()).code, Some(0));
}

#[test]
fn a_directory_that_a_killed_start_left_is_begun_in_and_a_damaged_checkpoint_passed_over() {
    let place = Place::new();
    fs::create_dir_all(place.run_dir("a").join("checkpoints")).unwrap();
    fs::write(place.run_dir("a/.lock"), "4711").unwrap();
    fs::write(place.run_dir("a/recipe.toml"), "torn").unwrap();
    let said = go_on(&place, &["--steps", "6"]);
    assert_eq!((said.code, &said.events()[0]["step"]), (Some(0), &0.into()), "{said:?}");
    let (_, newest) = checkpoints(&place.run_dir("a")).pop().unwrap();
    fs::write(&newest, "damaged").unwrap();
    let said = go_on(&place, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("step-00000006.safetensors") && said.last()["step"] == 6, "{said:?}");
    // A directory with other files is not a leftover.
    fs::create_dir(place.run_dir("b")).unwrap();
    fs::write(place.run_dir("b/notes.txt"), "mine").unwrap();
    let said = place.train(&["--continue", "--name", "b"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(place.run_dir("b/notes.txt").is_file());
}

#[test]
fn a_run_that_diverged_ends_with_3_again_until_it_gets_another_rate() {
    let place = Place::new();
    let said = go_on(&place, &["--lr", "1e30"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    for _ in 0..2 {
        let again = go_on(&place, &["--lr", "1e30"]);
        assert_eq!((again.code, &again.last()["outcome"]), (Some(3), &"diverged".into()), "{again:?}");
        assert!(again.events().len() == 1 && again.stderr.contains("lower --lr"), "{again:?}");
    }
    let calmer = go_on(&place, &["--lr", "0.001"]);
    assert_eq!(calmer.events()[0]["recipe"]["lr"], 0.001, "{calmer:?}");
    assert_ne!(calmer.code, Some(2), "{calmer:?}");
}

#[test]
fn of_two_at_once_one_begins_and_the_other_is_refused() {
    let place = Place::new();
    for round in ["a", "b", "c"] {
        let line = ["--continue", "--name", round, "--epochs", "100000"];
        let mut both = [place.start(&line), place.start(&line)];
        // The refused one ends by itself; the other one trains until it is stopped.
        let begun = both.iter_mut().map(program::Running::begins).collect::<Vec<_>>();
        assert_eq!(begun.iter().filter(|begun| **begun).count(), 1, "{begun:?}");
        for (running, begun) in both.into_iter().zip(begun) {
            if begun {
                running.signal("TERM");
            }
            assert_eq!(running.end(), Some(if begun { 75 } else { 2 }));
        }
    }
    // One that is held says so.
    let mut running = place.start(&["--continue", "--name", "d", "--epochs", "100000"]);
    running.until("step");
    let said = place.train(&["--continue", "--name", "d", "--epochs", "100000"]);
    assert!(said.code == Some(2) && said.stderr.contains("another process"), "{said:?}");
    running.signal("TERM");
    assert_eq!(running.end(), Some(75));
}

#[test]
fn images_given_by_a_relative_path_are_found_again_from_another_directory() {
    let place = Place::new();
    let images = |folder: &str, shift: u8| {
        for class in 0..2u8 {
            let folder = place.path().join(folder).join(class.to_string());
            fs::create_dir_all(&folder).unwrap();
            for shade in 0..40u8 {
                let image =
                    [b"P6 32 32 255\n".as_slice(), &[shade * 3 + shift * class; 3 * 32 * 32]].concat();
                fs::write(folder.join(format!("{shade}.ppm")), image).unwrap();
            }
        }
    };
    images("pics", 9);
    let line = ["--data", "folder:pics", "--validation", "10"];
    assert_eq!(go_on(&place, &[&line[..], &["--steps", "2"]].concat()).code, Some(0));
    let elsewhere = |name: &str| {
        let folder = place.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        let args = [&TINY[..], &["--continue", "--name", "a"], &line].concat();
        place.command(&args).current_dir(folder).output().unwrap()
    };
    let output = elsewhere("elsewhere");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // Others of the same name are refused, not trained on.
    images("others/pics", 99);
    let limit = ["--validation", "10", "--epochs", "3"];
    let said = go_on(&place, &[&["--data", "folder:others/pics"], &limit[..]].concat());
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("are not those"), "{said:?}");
    images("other", 9);
    let said = go_on(&place, &[&["--data", "folder:other"], &limit[..]].concat());
    assert!(said.code == Some(2) && sentence(&said).starts_with("error: --data: "), "{said:?}");
    // The same ones, moved.
    fs::create_dir(place.path().join("new")).unwrap();
    fs::rename(place.path().join("pics"), place.path().join("new/pics")).unwrap();
    let moved = [&["--data", "folder:new/pics"], &limit[..]].concat();
    let said = go_on(&place, &moved);
    assert_eq!(said.code, Some(0), "{said:?}");
    let last = go_on(&place, &moved);
    assert!(last.code == Some(0) && last.events().len() == 1, "{last:?}");
}

#[test]
fn epochs_that_make_the_learning_rate_jump_are_told_with_both_rates_before_the_first_step() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a", "--epochs", "4"]).code, Some(0));
    let said = place.say(&["--no-ui", "--json", "--resume", "a", "--epochs", "16"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let events = said.events();
    let warning = events.iter().position(|event| event["event"] == "warning").unwrap();
    let step = events.iter().position(|event| event["event"] == "step").unwrap();
    let message = events[warning]["message"].as_str().unwrap();
    assert!(warning < step && message.contains("goes from 0.001 to 0.1"), "{message}");
    assert!(message.contains("--schedule step:2,3"), "{message}");
    assert!(fs::read_to_string(place.run_dir("a/journal.jsonl")).unwrap().contains("goes from 0.001 to 0.1"));
    // With a schedule in epochs there is no warning.
    assert_eq!(place.train(&["--name", "b", "--epochs", "4", "--schedule", "step:2,3"]).code, Some(0));
    let said = place.say(&["--no-ui", "--resume", "b", "--epochs", "16"]);
    assert!(said.code == Some(0) && !said.stderr.contains("warning"), "{said:?}");
}

#[test]
fn the_workbench_goes_on_with_what_was_typed_beside_resume_and_refuses_the_rest() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    let mut terminal = place.terminal().start(&["--resume", "a", "--epochs", "3", "--color", "none"]);
    terminal.until_shown("the run is completed");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    assert_eq!(checkpoints(&place.run_dir("a")).pop().unwrap().0, 12);
    let mut terminal = place.terminal().start(&["--resume", "a", "--batch-size", "3"]);
    terminal.until_shown("--batch-size cannot be combined with --resume");
    assert_eq!(terminal.end(), 2);
}
