//! A run that was interrupted ends with the weights of the run that was not, byte for byte.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use densenet_tui::store::checkpoint::Checkpoint;
use densenet_tui::store::run::checkpoints;
use program::Place;

/// Dropout, augmentation, warm-up: everything that draws or counts.
const RICH: [&str; 8] =
    ["--dropout", "0.2", "--augment", "standard", "--warmup", "1", "--label-smoothing", "0.1"];

fn rich<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&RICH, more].concat()
}

#[test]
fn a_killed_run_resumes_mid_epoch_and_ends_with_the_same_bytes() {
    let place = Place::new();
    // 30 steps in an epoch, so that what is saved is from the middle of one.
    let long = ["--epochs", "500", "--batch-size", "2"];
    let mut running =
        place.start(&rich(&[&["--name", "killed", "--save-every", "3steps"], long.as_slice()].concat()));
    running.until("step");
    running.signal("KILL");
    assert_eq!(running.end(), None);
    // However far it came: a few steps more than what is saved.
    let (saved, _) = checkpoints(&place.run_dir("killed")).pop().unwrap();
    let steps = (saved + 6).to_string();
    let resumed = place.say(&["--no-ui", "--json", "--resume", "killed", "--steps", &steps]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(resumed.events()[0]["step"], saved);
    let whole = place.train(&rich(&[&["--name", "whole", "--steps", &steps], long.as_slice()].concat()));
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert_eq!(place.tensors("whole"), place.tensors("killed"));
}

#[test]
fn a_run_in_parts_is_the_run_in_one() {
    let place = Place::new();
    assert_eq!(place.train(&rich(&["--name", "whole"])).code, Some(0));
    // Ends inside epoch 1, then exactly at its end, then inside epoch 2.
    assert_eq!(place.train(&rich(&["--name", "parts", "--steps", "3"])).code, Some(0));
    for steps in ["4", "6", "8"] {
        let part = place.say(&["--no-ui", "--json", "--resume", "parts", "--steps", steps]);
        assert_eq!(part.code, Some(0), "{part:?}");
    }
    assert_eq!(place.tensors("whole"), place.tensors("parts"));
    let again = place.say(&["--no-ui", "--resume", "parts"]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("is complete at step 8"), "{again:?}");
}

#[test]
fn a_run_that_stops_after_epochs_keeps_its_schedule_and_ends_as_the_run_in_one() {
    let place = Place::new();
    let cosine = ["--epochs", "5", "--schedule", "cosine"];
    let train = |more: &[&str]| place.train(&rich(&[&cosine, more].concat()));
    assert_eq!(train(&["--name", "whole"]).code, Some(0));
    let part = train(&["--name", "parts", "--stop-after", "1epochs"]);
    let end = part.events().pop().unwrap();
    assert_eq!(
        (part.code, &end["outcome"], &end["reason"]),
        (Some(0), &"stopped".into(), &"epochs_done".into())
    );
    // Once more to the same epoch is nothing, and to one beyond the last all.
    for (epochs, outcome) in [("1epoch", "stopped"), ("3epochs", "stopped"), ("9epochs", "completed")] {
        let part = place.say(&["--no-ui", "--json", "--resume", "parts", "--stop-after", epochs]);
        let end = part.events().pop().unwrap();
        assert_eq!((part.code, &end["outcome"]), (Some(0), &outcome.into()), "{part:?}");
    }
    assert_eq!(place.tensors("whole"), place.tensors("parts"));
    let refused = train(&["--stop-after", "0epochs"]);
    assert!(refused.stderr.contains("is not a number of epochs"), "{refused:?}");
}

#[test]
fn a_plain_and_a_residual_network_have_the_same_bytes_in_parts_and_by_any_threads() {
    let place = Place::new();
    for connectivity in ["plain", "residual"] {
        let named = |name: &str| format!("{connectivity}-{name}");
        let train = |name: &str, more: &[&str]| {
            let network = ["--connectivity", connectivity, "--width", "13", "--layers", "3,2"];
            let freeze = ["--freeze", "block1", "--freeze-epochs", "1", "--name", name];
            let said = place.train(&rich(&[&network, freeze.as_slice(), more].concat()));
            assert_eq!(said.code, Some(0), "{said:?}");
            assert!(!said.stdout.contains("no fused version"), "{said:?}");
        };
        train(&named("whole"), &["--threads", "1"]);
        train(&named("parts"), &["--threads", "5", "--steps", "3"]);
        let (name, more) = (named("parts"), ["--threads", "2", "--steps", "8"]);
        let resumed = place.say(&[&["--no-ui", "--json", "--resume", &name], &more[..]].concat());
        assert_eq!(resumed.code, Some(0), "{resumed:?}");
        assert_eq!(place.tensors(&named("whole")), place.tensors(&named("parts")));
    }
}

/// A batch of 6 is cut into parts, the stem is that of ImageNet, and a block is frozen for the first of two epochs.
#[test]
fn a_network_for_photographs_that_thaws_on_the_way_has_the_same_bytes_in_parts_and_by_any_threads() {
    let place = Place::new();
    let options = [
        "--set",
        "stem_kind=imagenet",
        "--input-size",
        "45",
        "--layers",
        "1,1",
        "--growth-rate",
        "4",
        "--train-limit",
        "40",
        "--batch-size",
        "6",
        "--epochs",
        "2",
        "--freeze",
        "block1",
        "--freeze-epochs",
        "1",
        "--head-lr",
        "3",
    ];
    let train = |more: &[&str]| place.train(&[&options[..], more].concat());
    assert_eq!(train(&["--name", "whole", "--threads", "1"]).code, Some(0));
    // In the middle of the frozen epoch, and of the other.
    for steps in ["3", "10"] {
        assert_eq!(train(&["--name", steps, "--steps", steps, "--threads", "2"]).code, Some(0));
        let resumed = place.say(&["--no-ui", "--json", "--resume", steps, "--steps", "14", "--threads", "3"]);
        assert_eq!(resumed.code, Some(0), "{resumed:?}");
        assert_eq!(place.tensors("whole"), place.tensors(steps));
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let place = Place::new();
    for threads in ["1", "2", "5"] {
        let said = place.train(&rich(&[
            "--name",
            threads,
            "--growth-rate",
            "12",
            "--threads",
            threads,
            "--epochs",
            "1",
        ]));
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    assert_eq!(place.tensors("1"), place.tensors("2"));
    assert_eq!(place.tensors("1"), place.tensors("5"));
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_serves() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "whole"]).code, Some(0));
    assert_eq!(place.train(&["--name", "hurt", "--steps", "6"]).code, Some(0));
    let (_, newest) = checkpoints(&place.run_dir("hurt")).pop().unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&newest, bytes).unwrap();
    let resumed = place.say(&["--no-ui", "--json", "--resume", "hurt", "--steps", "8"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(resumed.stdout.contains("step-00000006.safetensors"), "{resumed:?}");
    assert_eq!(place.tensors("whole"), place.tensors("hurt"));
}

#[test]
fn an_older_checkpoint_starts_a_new_run_that_names_its_parent() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    let (step, older) = checkpoints(&place.run_dir("a")).remove(0);
    assert_eq!(step, 4);
    let resumed = place.say(&["--no-ui", "--json", "--resume", older.to_str().unwrap()]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let started = &resumed.events()[0];
    assert_eq!((&started["parent"], &started["step"]), (&"a".into(), &4.into()));
    let name = started["run"].as_str().unwrap();
    assert_ne!(name, "a");
    assert_eq!(place.tensors("a"), place.tensors(name));
}

#[test]
fn a_checkpoint_of_another_network_is_refused_by_name() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    assert_eq!(place.train(&["--name", "b", "--growth-rate", "5"]).code, Some(0));
    let newest = |name: &str| checkpoints(&place.run_dir(name)).pop().unwrap().1;
    std::fs::copy(newest("b"), newest("a")).unwrap();
    let said = place.say(&["--no-ui", "--resume", "a", "--epochs", "3"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr.contains("step-00000008.safetensors: it is a checkpoint of another network"),
        "{said:?}"
    );
}

#[test]
fn a_run_that_leaves_the_test_split_alone_does_so_after_a_resume_too() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a", "--no-test"]).last()["test"], serde_json::Value::Null);
    let resumed = place.say(&["--no-ui", "--json", "--resume", "a", "--epochs", "3"]);
    assert_eq!((resumed.code, &resumed.last()["test"]), (Some(0), &serde_json::Value::Null), "{resumed:?}");
}

#[test]
fn a_run_by_the_reference_goes_on_by_the_reference() {
    let place = Place::new();
    assert_eq!(place.train(&rich(&["--name", "whole", "--reference"])).code, Some(0));
    assert_eq!(place.train(&rich(&["--name", "parts", "--reference", "--steps", "3"])).code, Some(0));
    let resumed = place.say(&["--no-ui", "--json", "--resume", "parts", "--steps", "8"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(place.tensors("whole"), place.tensors("parts"));
    let (_, newest) = checkpoints(&place.run_dir("parts")).pop().unwrap();
    assert!(Checkpoint::read(&newest).unwrap().meta.reference);
}

#[test]
fn only_what_may_differ_stands_beside_resume() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    for (options, words) in [
        (["--batch-size", "8"], "--batch-size cannot be combined with --resume"),
        (["--preset", "40-12"], "--preset cannot be combined with --resume"),
        (["--name", "b"], "--name cannot be combined with --resume"),
        (["--reference", "--json"], "--reference cannot be combined with --resume"),
        (["--lr", "0.5"], "only for a run that diverged"),
    ] {
        let said = place.say(&[["--no-ui", "--resume"], ["a", options[0]], [options[1], "--json"]].concat());
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(words) || said.stdout.contains(words), "{said:?}");
    }
}
