//! The lock of a run, and runs whose directory disappears while they train, with the real binary.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use densenet_tui::store::checkpoint::Checkpoint;
use densenet_tui::store::run::checkpoints;
use program::{Place, Running};
use pty::until;
use serde_json::{Value, json};

/// An unrelated process.
struct Decoy(Child);

impl Decoy {
    fn new() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }

    /// The lock file it would write if it trained the run.
    fn record(&self, lock: &Path) -> Value {
        let read = |path: &str| fs::read_to_string(path).unwrap().trim().to_owned();
        let fields = read(&format!("/proc/{}/stat", self.0.id()));
        let start: u64 =
            fields.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap();
        json!({
            "host": read("/proc/sys/kernel/hostname"),
            "boot": read("/proc/sys/kernel/random/boot_id"),
            "pid_namespace": fs::metadata("/proc/self/ns/pid").unwrap().ino(),
            "pid": self.0.id(),
            "start": start,
            "version": "0.1.0",
            "inode": fs::metadata(lock).unwrap().ino(),
            "beat": 7,
        })
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Decoy {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Asks the workbench to take back the only run, and waits for `answer`.
fn take_back(place: &Place, answer: &str) {
    let mut terminal = place.terminal().sized(160, 30).start(&[]);
    terminal.until_shown("Recipe");
    terminal.press("3");
    terminal.until_shown("running");
    terminal.press("r");
    terminal.until_shown("take it back");
    terminal.press("j\r");
    terminal.until_shown(answer);
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_number_in_a_lock_is_not_signalled_whatever_else_the_lock_says() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "a"]).code, Some(0));
    let lock = place.run_dir("a").join(".lock");
    let mut decoy = Decoy::new();
    let own = decoy.record(&lock);
    let with = |key: &str, value: Value| {
        let mut record = own.clone();
        record[key] = value;
        record
    };
    let held = fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    for (record, answer) in [
        // An older version wrote only a number.
        (json!(decoy.0.id()), "does not say which one it is"),
        (own.clone(), "nobody can be sure"),
        (with("host", "elsewhere".into()), "it is trained on elsewhere"),
        (with("boot", "earlier".into()), "nobody can be sure"),
        (with("pid_namespace", 1.into()), "another container"),
        (with("start", 1.into()), "nobody can be sure"),
    ] {
        fs::write(&lock, record.to_string()).unwrap();
        take_back(&place, answer);
        assert!(decoy.is_alive(), "{record}");
    }
}

/// A run that is small, with epochs longer than any test: 2,000 steps of some milliseconds.
fn long<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [
        &[
            "--name",
            name,
            "--growth-rate",
            "24",
            "--epochs",
            "1000",
            "--train-limit",
            "4000",
            "--batch-size",
            "2",
            "--lr",
            "0.01",
            "--threads",
            "1",
        ],
        more,
    ]
    .concat()
}

/// Reads events up to the next warning, which contains `text`.
fn until_warned(running: &mut Running, text: &str) -> String {
    let message = running.until("warning")["message"].as_str().unwrap().to_owned();
    assert!(message.contains(text), "{message}");
    message
}

/// Has the run saved, and returns the directory of the checkpoint.
fn save(running: &mut Running) -> PathBuf {
    running.signal("USR1");
    let saved = running.until("saved");
    PathBuf::from(saved["path"].as_str().unwrap()).ancestors().nth(2).unwrap().to_owned()
}

/// Deletes a directory while another process writes into it.
fn delete(directory: &Path) {
    until("the deletion", || fs::remove_dir_all(directory).is_ok() || !directory.exists());
}

fn journal(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("journal.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn state(place: &Place, name: &str) -> String {
    let said = place.say(&["runs", "--json"]).last();
    let runs = said["runs"].as_array().unwrap();
    let run = runs.iter().find(|run| run["run"] == name).unwrap_or_else(|| panic!("no {name} in {said}"));
    run["state"].as_str().unwrap().to_owned()
}

/// Asserts that the run `name` is whole after its process was asked to stop, and continues from there to the same
/// bytes as an undisturbed one.
fn goes_on_to_the_same_bytes(place: &Place, name: &str, running: Running) {
    running.signal("TERM");
    assert_eq!(running.end(), Some(143));
    let run = place.run_dir(name);
    let events = journal(&run);
    assert_eq!(
        (&events[0]["event"], &events.last().unwrap()["event"]),
        (&"started".into(), &"finished".into())
    );
    assert_eq!(state(place, name), "stopped");
    let (saved, _) = checkpoints(&run).pop().unwrap();
    let steps = (saved + 6).to_string();
    let resumed = place.say(&["--no-ui", "--json", "--resume", name, "--steps", &steps]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(resumed.events()[0]["step"], saved);
    let whole = place.train(&long("whole", &["--steps", &steps]));
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert!(place.tensors("whole") == place.tensors(name));
}

#[test]
fn a_run_whose_directory_is_deleted_says_so_at_once_and_the_next_save_makes_it_anew() {
    let place = Place::new();
    let mut running = place.start(&long("a", &[]));
    running.until("step");
    let run = place.run_dir("a");
    delete(&run);
    let told = until_warned(&mut running, "has disappeared");
    assert!(told.contains(run.to_str().unwrap()) && !run.exists(), "{told}");
    running.signal("USR1");
    until_warned(&mut running, "was created again");
    running.until("saved");
    assert!(run.join("recipe.toml").is_file() && checkpoints(&run).len() == 1);
    assert_eq!(state(&place, "a"), "running");
    // Events from before the directory was deleted are in the new journal.
    let events = journal(&run);
    assert_eq!((&events[0]["event"], &events[0]["step"]), (&"started".into(), &0.into()));
    assert_eq!(events.iter().filter(|event| event["event"] == "started").count(), 2);
    goes_on_to_the_same_bytes(&place, "a", running);
}

#[test]
fn a_new_run_under_the_name_of_a_deleted_one_is_left_alone() {
    let place = Place::new();
    let mut running = place.start(&long("a", &[]));
    running.until("step");
    delete(&place.run_dir("a"));
    assert_eq!(place.train(&["--name", "a", "--seed", "5"]).code, Some(0));
    until_warned(&mut running, "something else is in its place");
    running.signal("USR1");
    let told = until_warned(&mut running, "no longer this run's directory");
    assert!(told.contains(place.run_dir("a-2").to_str().unwrap()), "{told}");
    assert!(running.until("saved")["path"].as_str().unwrap().contains("/a-2/"));
    goes_on_to_the_same_bytes(&place, "a-2", running);
    // Nothing of the old one is in the new one, and nothing of its own was pruned.
    let steps: Vec<u64> = checkpoints(&place.run_dir("a")).into_iter().map(|(step, _)| step).collect();
    assert_eq!((steps, state(&place, "a").as_str()), (vec![4, 8], "completed"));
    for (_, file) in checkpoints(&place.run_dir("a")) {
        assert_eq!(Checkpoint::read(&file).unwrap().meta.recipe.seed, 5);
    }
    let seeds = journal(&place.run_dir("a"));
    assert!(
        seeds.iter().filter(|event| event["event"] == "started").all(|event| event["recipe"]["seed"] == 5)
    );
}

#[test]
fn a_run_whose_directory_is_renamed_goes_on_in_it_and_a_new_one_has_its_name() {
    let place = Place::new();
    let mut running = place.start(&long("a", &[]));
    running.until("step");
    fs::rename(place.run_dir("a"), place.run_dir("b")).unwrap();
    let told = until_warned(&mut running, "the run goes on there");
    assert!(told.contains(place.run_dir("b").to_str().unwrap()), "{told}");
    assert_eq!(place.train(&["--name", "a", "--seed", "5"]).code, Some(0));
    assert_eq!(state(&place, "b"), "running");
    assert_eq!(save(&mut running), place.run_dir("b"));
    goes_on_to_the_same_bytes(&place, "b", running);
    let steps: Vec<u64> = checkpoints(&place.run_dir("a")).into_iter().map(|(step, _)| step).collect();
    assert_eq!((steps, state(&place, "a").as_str()), (vec![4, 8], "completed"));
}

#[test]
fn a_directory_that_was_emptied_has_everything_again_after_the_next_save() {
    let place = Place::new();
    let mut running = place.start(&long("a", &[]));
    running.until("step");
    let run = place.run_dir("a");
    for file in ["recipe.toml", "journal.jsonl", "summary.json", ".lock"] {
        until("its summary", || run.join(file).is_file());
        fs::remove_file(run.join(file)).unwrap();
    }
    delete(&run.join("checkpoints"));
    assert_eq!(save(&mut running), run);
    // Nobody else can take it.
    let second = place.say(&["--no-ui", "--resume", "a"]);
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(second.stderr.contains("is training in it"), "{second:?}");
    assert!(run.join("recipe.toml").is_file());
    goes_on_to_the_same_bytes(&place, "a", running);
}

#[test]
fn whoever_takes_a_run_whose_lock_file_was_deleted_has_it_and_the_first_goes_elsewhere() {
    let place = Place::new();
    let mut first = place.start(&long("a", &[]));
    first.until("step");
    fs::remove_file(place.run_dir("a").join(".lock")).unwrap();
    let mut second = place.start_with(&["--no-ui", "--json", "--resume", "a"]);
    second.until("step");
    let told = until_warned(&mut first, "was taken by process");
    assert!(told.contains(place.run_dir("a").to_str().unwrap()), "{told}");
    assert_eq!(save(&mut first), place.run_dir("a-2"));
    assert_eq!(save(&mut second), place.run_dir("a"));
    second.signal("TERM");
    assert_eq!(second.end(), Some(143));
    // Nothing of the first went into the second's journal after that had begun.
    let runs: Vec<Value> = journal(&place.run_dir("a"));
    assert!(runs.iter().filter(|event| event["event"] == "started").all(|event| event["run"] == "a"));
    goes_on_to_the_same_bytes(&place, "a-2", first);
}

#[test]
fn a_runs_directory_that_is_no_directory_any_more_costs_the_run_only_at_its_end() {
    let place = Place::new();
    let mut running = place.start(&long("a", &[]));
    running.until("step");
    let runs = place.run_dir("");
    let (runs, aside) = (runs.parent().unwrap().join("runs"), runs.parent().unwrap().join("aside"));
    fs::rename(&runs, &aside).unwrap();
    fs::write(&runs, "no directory").unwrap();
    until_warned(&mut running, "the run goes on there");
    delete(&aside);
    until_warned(&mut running, "has disappeared");
    fs::write(&aside, "no directory").unwrap();
    running.signal("USR1");
    until_warned(&mut running, "not saved after step");
    running.until("step");
    running.signal("TERM");
    let failed = running.until("failed");
    assert!(failed["message"].as_str().unwrap().contains("could not be written"), "{failed}");
    assert_eq!(running.end(), Some(1));
    assert_eq!(fs::read_to_string(&runs).unwrap(), "no directory");
}

#[test]
fn a_runs_directory_that_disappears_is_made_anew_with_the_run_in_it() {
    let place = Place::new();
    let mut running = place.start(&long("a", &[]));
    running.until("step");
    delete(&place.run_dir(""));
    until_warned(&mut running, "has disappeared");
    running.signal("TERM");
    assert_eq!(running.end(), Some(143));
    assert_eq!(state(&place, "a"), "stopped");
}

#[test]
fn a_lock_that_is_no_file_neither_blocks_nor_blinds_the_catalogue() {
    let place = Place::new();
    for name in ["a", "b"] {
        assert_eq!(place.train(&["--name", name]).code, Some(0));
    }
    let lock = place.run_dir("a").join(".lock");
    fs::remove_file(&lock).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &lock, rustix::fs::Mode::RWXU).unwrap();
    assert_eq!((state(&place, "a").as_str(), state(&place, "b").as_str()), ("damaged", "completed"));
    let said = place.say(&["--no-ui", "--resume", "a", "--epochs", "3"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains(".lock: it is a named pipe, not a file"), "{said:?}");
}
