//! Output reaches its reader whole, however slowly it reads; output that cannot be written is a failure.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, pipe};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program::{Place, TINY};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything may take on a machine that is shared.
const PATIENCE: Duration = Duration::from_mins(1);
/// A run with an epoch and its lines every few milliseconds, longer than any test.
const TALKATIVE: [&str; 18] = [
    "--no-ui",
    "--layers",
    "1",
    "--growth-rate",
    "4",
    "--train-limit",
    "16",
    "--validation",
    "2",
    "--batch-size",
    "16",
    "--epochs",
    "1000000",
    "--threads",
    "1",
    "--no-test",
    "--name",
    "r",
];

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// The exit code and stderr of a command whose stdout is `out`.
fn with_stdout(mut command: Command, out: impl Into<Stdio>) -> (Option<i32>, String) {
    let output = command.stdout(out).stderr(Stdio::piped()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Every command with an answer that needs no run.
const ANSWERS: [&[&str]; 16] = [
    &["runs"],
    &["runs", "--json"],
    &["info"],
    &["info", "--json"],
    &["summary"],
    &["summary", "--json"],
    &["completions", "bash"],
    &["man"],
    &["--help"],
    &["--version"],
    &["summary", "--help"],
    &["help"],
    &["bench", "--layers", "1", "--growth-rate", "4", "--batch-size", "2", "--steps", "1"],
    &["bench", "--layers", "1", "--growth-rate", "4", "--batch-size", "2", "--steps", "1", "--json"],
    &["verify", "GOLDEN"],
    &["verify", "GOLDEN", "--json"],
];

/// The command, with a golden file where one is needed.
fn answer(place: &Place, args: &[&str]) -> Command {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/small-basic.safetensors");
    let args: Vec<&str> = args.iter().map(|arg| if *arg == "GOLDEN" { golden } else { arg }).collect();
    place.command(&args)
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure_with_a_sentence() {
    let place = Place::new();
    for args in ANSWERS {
        let (code, stderr) = with_stdout(answer(&place, args), full());
        assert_eq!(code, Some(1), "{args:?}: {stderr}");
        let sentence = "error: the output cannot be written because the disk is full; write it elsewhere.\n";
        assert!(stderr.ends_with(sentence) && !stderr.contains("warning"), "{args:?}: {stderr}");
    }
}

#[test]
fn an_answer_that_nobody_reads_is_none_the_worse() {
    let place = Place::new();
    for args in ANSWERS {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        assert_eq!(with_stdout(answer(&place, args), writer).0, Some(0), "{args:?}");
        // The same where stdout is closed altogether.
        let mut shell = answer(&place, &[]);
        let program = shell.get_program().to_owned();
        let words: Vec<_> = answer(&place, args).get_args().map(ToOwned::to_owned).collect();
        shell = Command::new("sh");
        shell.args(["-c", r#"exec "$0" "$@" >&-"#]).arg(program).args(words).current_dir(place.path());
        shell.env("XDG_DATA_HOME", place.path()).env("XDG_CONFIG_HOME", place.path());
        assert_eq!(with_stdout(shell, Stdio::null()).0, Some(0), "{args:?}");
    }
}

#[test]
fn a_run_goes_on_to_its_end_without_its_output_and_then_says_what_was_wrong() {
    for json in [true, false] {
        let place = Place::new();
        let args = if json { &TINY[..] } else { &TINY[..TINY.len() - 1] };
        let (code, stderr) = with_stdout(place.command(args), full());
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains("error: the output cannot be written because the disk is full;"), "{stderr}");
        assert_eq!(place.say(&["runs", "--json"]).last()["runs"][0]["state"], "completed");
    }
    // A reader of stdout can do without stderr, but learns that something was lost.
    let place = Place::new();
    let output = place.command(&TINY).stdout(Stdio::piped()).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().lines().last().unwrap().contains("completed"));
}

#[test]
fn evaluation_fails_where_its_answer_cannot_be_written() {
    let place = Place::new();
    assert_eq!(place.train(&["--name", "r"]).code, Some(0));
    for args in [&["evaluate", "r"][..], &["evaluate", "r", "--json"]] {
        assert_eq!(with_stdout(place.command(args), full()).0, Some(1), "{args:?}");
    }
}

#[test]
fn a_worse_end_keeps_its_exit_code_where_the_output_cannot_be_written() {
    let place = Place::new();
    let wrong = [&TINY[..], &["--train-limit", "0"]].concat();
    assert_eq!(with_stdout(place.command(&wrong), full()).0, Some(2));
    let running = Running::start(&place, true, full().into(), Stdio::null());
    running.until_journal(10_000);
    running.signal(Signal::TERM);
    assert_eq!(running.end(PATIENCE).0, Some(143));
}

#[test]
fn a_run_whose_reader_goes_is_trained_to_its_end() {
    let place = Place::new();
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    assert_eq!(with_stdout(place.command(&TINY), writer).0, Some(0));
    assert_eq!(place.say(&["runs", "--json"]).last()["runs"][0]["state"], "completed");
}

/// A talkative run under way.
struct Running<'a> {
    child: Child,
    place: &'a Place,
}

impl<'a> Running<'a> {
    fn start(place: &'a Place, json: bool, out: Stdio, err: Stdio) -> Self {
        let mut command = place.command(&TALKATIVE);
        if json {
            command.arg("--json");
        }
        Self { child: command.stdout(out).stderr(err).spawn().unwrap(), place }
    }

    /// Waits until the journal has so many bytes.
    fn until_journal(&self, bytes: u64) {
        let (journal, begin) = (self.place.run_dir("r").join("journal.jsonl"), Instant::now());
        while journal.metadata().map_or(0, |file| file.len()) < bytes {
            assert!(begin.elapsed() < PATIENCE, "the journal does not grow");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The exit code, and how long that took.
    fn end(mut self, patience: Duration) -> (Option<i32>, Duration) {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), begin.elapsed());
            }
            assert!(begin.elapsed() < patience, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The events of the run's journal.
fn journal(place: &Place) -> Vec<Value> {
    events(&std::fs::read_to_string(place.run_dir("r").join("journal.jsonl")).unwrap())
}

/// The events of whole lines.
fn events(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is torn");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Reads to the end, a page at a time and with a pause after each.
fn slowly(mut reader: PipeReader) -> String {
    let (mut bytes, mut page) = (Vec::new(), [0; 4096]);
    loop {
        match reader.read(&mut page).unwrap() {
            0 => return String::from_utf8(bytes).unwrap(),
            count => bytes.extend_from_slice(&page[..count]),
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// With the flag that somebody else who holds the pipe may have set.
fn never_waiting(writer: PipeWriter) -> PipeWriter {
    fcntl_setfl(&writer, fcntl_getfl(&writer).unwrap() | OFlags::NONBLOCK).unwrap();
    writer
}

#[test]
fn a_reader_that_takes_nothing_holds_up_neither_the_training_nor_the_end() {
    for json in [true, false] {
        let place = Place::new();
        let (mut reader, writer) = pipe().unwrap();
        // Both at once: nothing can report it.
        let both = [writer.try_clone().unwrap().into(), writer.into()];
        let [out, err] = both;
        let running = Running::start(&place, json, out, err);
        // Far more than a pipe holds.
        running.until_journal(250_000);
        running.signal(Signal::TERM);
        let (code, time) = running.end(PATIENCE);
        assert_eq!(code, Some(143));
        assert!(time < Duration::from_secs(9), "it took {time:?}");
        assert_eq!(journal(&place).pop().unwrap()["event"], "finished");
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert!(text.len() > 10_000 && text.ends_with('\n'));
        if json {
            let told = text.lines().filter_map(|line| serde_json::from_str(line).ok());
            let told: Vec<Value> = told.collect();
            assert_eq!(told, journal(&place)[..told.len()]);
        }
    }
}

#[test]
fn a_slow_reader_gets_every_line_whole_whether_or_not_the_pipe_waits() {
    for waits in [true, false] {
        let place = Place::new();
        let (reader, writer) = pipe().unwrap();
        let writer = if waits { writer } else { never_waiting(writer) };
        let running = Running::start(&place, true, writer.into(), Stdio::null());
        running.until_journal(250_000);
        running.signal(Signal::TERM);
        // What is left is read while the program ends.
        let text = std::thread::spawn(move || slowly(reader));
        assert_eq!(running.end(PATIENCE).0, Some(143));
        assert_eq!(events(&text.join().unwrap()), journal(&place));
    }
}

#[test]
fn lines_on_stderr_are_whole_where_its_pipe_never_waits() {
    let place = Place::new();
    let keys = 4000;
    std::fs::create_dir_all(place.path().join("config/densenet-tui")).unwrap();
    let text: Vec<String> = (0..keys).map(|key| format!("unknown_{key} = 1")).collect();
    std::fs::write(place.path().join("config/densenet-tui/config.toml"), text.join("\n")).unwrap();
    let (reader, writer) = pipe().unwrap();
    let mut command = place.command(&["runs"]);
    let mut child = command.stdout(Stdio::null()).stderr(never_waiting(writer)).spawn().unwrap();
    drop(command);
    let text = slowly(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(text.len() > 300_000, "the pipe was never full");
    assert_eq!(text.lines().count(), keys);
    assert!(text.lines().all(|line| line.starts_with("warning: ") && line.ends_with("ignored.")));
}

#[test]
fn a_file_that_may_not_grow_is_a_failure_and_no_signal() {
    let place = Place::new();
    let out = place.path().join("out.jsonl");
    let mut command = Command::new("sh");
    let program = place.command::<&str>(&[]).get_program().to_owned();
    command.args(["-c", r#"ulimit -f 0; exec "$0" "$@""#]).arg(program).args(["runs"]);
    command.current_dir(place.path()).env("XDG_DATA_HOME", place.path());
    let (code, stderr) = with_stdout(command, File::create(out).unwrap());
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("larger than this process may write"), "{stderr}");
}
