//! Limits of memory, threads and files: what does not fit is refused and leaves nothing behind, and what fails all
//! the same ends with a sentence.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::path::Path;
use std::time::{Duration, Instant};

use program::{Place, Said};
use pty::until;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Runs the program below a shell that sets a limit first.
fn below(place: &Place, limit: &str, args: &[&str]) -> Said {
    let script = format!(r#"{limit}; exec "$0" "$@""#);
    let mut words = vec!["-c", &script, env!("CARGO_BIN_EXE_densenet-tui")];
    words.extend(args);
    let output = place.command_of("sh", &words).output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Whether there is nothing of a run, nor a directory for one.
fn nothing_is_left(place: &Place) -> bool {
    let runs = place.run_dir("");
    !Path::new(&runs).exists()
}

#[test]
fn a_limit_of_the_process_counts_as_memory_and_the_batch_size_it_is_answered_with_fits() {
    // Little work for much memory.
    let args = [
        "--no-ui",
        "--layers",
        "1,1",
        "--growth-rate",
        "4",
        "--steps",
        "1",
        "--no-test",
        "--validation",
        "16",
        "--name",
        "a",
    ];
    for (limit, batch) in [("ulimit -v 1600000", "60000"), ("ulimit -d 500000", "40000")] {
        let place = Place::new();
        let said = below(&place, limit, &[&args[..], &["--batch-size", batch]].concat());
        assert_eq!(said.code, Some(1), "{limit}: {said:?}");
        assert!(said.stderr.contains("GiB are free; a batch size of "), "{limit}: {said:?}");
        assert!(nothing_is_left(&place));
        let fits = said.stderr.split("a batch size of ").nth(1).unwrap().split(' ').next().unwrap();
        let said = below(&place, limit, &[&args[..], &["--batch-size", fits]].concat());
        assert_eq!(said.code, Some(0), "{limit}, batches of {fits}: {said:?}");
    }
}

#[test]
fn what_is_refused_before_the_first_step_leaves_nothing_behind() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/decay.safetensors");
    let named = ["--no-ui", "--json", "--name", "a"];
    let refusals: [(&[&str], i32, &str); 5] = [
        (&["--preset", "bc-250-24", "--batch-size", "60000"], 1, "memory"),
        (&["--layers", "10000", "--growth-rate", "1", "--batch-size", "4000"], 1, "memory"),
        (&["--layers", "10000", "--growth-rate", "1", "--batch-size", "400", "--reference"], 1, "memory"),
        (&["--device", "cuda:7"], 2, "cuda:7"),
        (&["--data", "cifar10", "--data-dir", "nowhere"], 2, "nowhere"),
    ];
    for (options, code, words) in refusals {
        let place = Place::new();
        let begin = Instant::now();
        let said = place.say(&[&named, options].concat());
        assert_eq!(said.code, Some(code), "{options:?}: {said:?}");
        assert!(said.stderr.contains(words), "{options:?}: {said:?}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{options:?}: {:?}", begin.elapsed());
        assert!(nothing_is_left(&place), "{options:?}");
        // The same name is free.
        assert_eq!(place.train(&["--name", "a", "--steps", "1"]).code, Some(0));
        // A file that is not a checkpoint is refused too, and its run is untouched.
        assert_eq!(place.say(&["--no-ui", "--resume", golden]).code, Some(2));
    }
}

#[test]
fn what_the_interface_refuses_leaves_nothing_behind_either() {
    let place = Place::new();
    let mut terminal =
        place.terminal().start(&["--preset", "bc-250-24", "--batch-size", "60000", "--name", "a"]);
    terminal.until_shown("Recipe");
    terminal.press("\x12");
    terminal.until_shown("GiB of memory");
    assert!(nothing_is_left(&place));
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_first_save_that_fails_leaves_nothing_behind() {
    let place = Place::new();
    // The recipe can be written, the checkpoint cannot.
    let said = below(&place, "ulimit -f 4", &[&program::TINY[..], &["--name", "a"]].concat());
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("could not be written"), "{said:?}");
    assert!(nothing_is_left(&place));
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
}

#[test]
fn the_other_uses_of_a_network_are_compared_with_the_memory_too() {
    let place = Place::new();
    let large = ["bench", "--preset", "bc-250-24", "--data", "cifar10", "--batch-size", "65536"];
    for more in [&[][..], &["--evaluation"], &["--reference"], &["--evaluation", "--reference"]] {
        let said = place.say(&[&large[..], more].concat());
        assert_eq!(said.code, Some(1), "{more:?}: {said:?}");
        assert!(said.stderr.contains("GiB of memory"), "{more:?}: {said:?}");
    }
}

#[test]
fn more_threads_than_help_are_capped_with_a_warning() {
    let place = Place::new();
    let begin = Instant::now();
    let said = place.train(&["--threads", "1000"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("warning: --threads 1000"), "{said:?}");
    let threads = said.events()[0]["threads"].as_u64().unwrap();
    assert!(threads < 1000 || threads == 4 * std::thread::available_parallelism().unwrap().get() as u64);
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

/// A run whose every batch is an allocation of its own, from the system: 4000 images of 12 KiB.
const LARGE_BATCHES: [&str; 8] =
    ["--train-limit", "4000", "--batch-size", "4000", "--epochs", "100000", "--name", "a"];

/// Limits a process to the memory it has.
fn exhaust(pid: u32) {
    let pid = Pid::from_raw(pid as i32);
    prlimit(pid, Resource::As, Rlimit { current: Some(1), maximum: None }).unwrap();
}

#[test]
fn memory_that_ends_on_the_way_is_a_sentence_and_the_last_checkpoint_is_untouched() {
    let place = Place::new();
    let mut running = place.start_loud(&LARGE_BATCHES);
    running.until("epoch");
    exhaust(running.id());
    let (code, stderr) = running.end_loud();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("error: the memory is used up"), "{stderr}");
    assert!(!place.tensors("a").is_empty());
    assert_eq!(place.say(&["runs", "--json"]).last()["runs"][0]["state"], "interrupted");
}

#[test]
fn the_interface_gives_the_terminal_back_when_memory_ends() {
    let place = Place::new();
    let args: Vec<&str> =
        program::TINY.iter().copied().filter(|&word| word != "--json" && word != "--no-ui").collect();
    let mut terminal = place.terminal().start_below_a_shell(&[&args[..], &LARGE_BATCHES].concat());
    terminal.until_shown("Recipe");
    terminal.press("\x12");
    let journal = place.run_dir("a").join("journal.jsonl");
    until("an epoch", || {
        std::fs::read_to_string(&journal).is_ok_and(|text| text.contains(r#""event":"epoch""#))
    });
    exhaust(terminal.pid().as_raw_nonzero().get() as u32);
    terminal.until_shown("the memory is used up");
    terminal.ends_well_with(1);
}
