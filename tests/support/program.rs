//! Runs the real binary in a folder of its own, and keeps its output and exit code.

#![allow(dead_code, reason = "each test file uses its own part of the vocabulary")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use densenet_tui::store::checkpoint::{Array, Checkpoint};
use densenet_tui::store::run::checkpoints;
use serde_json::Value;

/// A run small enough for a test: 2 epochs of 4 steps, the last of them partial.
pub(crate) const TINY: [&str; 14] = [
    "--no-ui",
    "--layers",
    "1,1",
    "--growth-rate",
    "4",
    "--train-limit",
    "60",
    "--validation",
    "20",
    "--batch-size",
    "16",
    "--epochs",
    "2",
    "--json",
];

/// A folder in which the program runs, isolated from the user's files.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// The output of a finished program.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// The JSON objects on stdout.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The last JSON object.
    pub(crate) fn last(&self) -> Value {
        self.events().pop().unwrap_or_else(|| panic!("no event: {self:?}"))
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run_dir(&self, name: &str) -> PathBuf {
        self.path().join("data/densenet-tui/runs").join(name)
    }

    pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_densenet-tui"), args)
    }

    /// Another program in the same folder, as a shell that starts this one.
    pub(crate) fn command_of<S: AsRef<std::ffi::OsStr>>(&self, program: &str, args: &[S]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.path())
            .env("XDG_DATA_HOME", self.path().join("data"))
            .env("XDG_CONFIG_HOME", self.path().join("config"))
            .env("XDG_CACHE_HOME", self.path().join(".cache"))
            .env("HOME", self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn say<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Said {
        let output = self.command(args).output().unwrap();
        Said {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Trains the tiny run, with `more` options.
    pub(crate) fn train(&self, more: &[&str]) -> Said {
        self.say(&[&TINY, more].concat())
    }

    /// Starts the tiny run, with `more` options, and leaves it running.
    pub(crate) fn start(&self, more: &[&str]) -> Running {
        self.start_with(&[&TINY, more].concat())
    }

    /// The same, and keeps its stderr for [`Running::end_loud`].
    pub(crate) fn start_loud(&self, more: &[&str]) -> Running {
        self.start_saying(&[&TINY, more].concat(), Stdio::piped())
    }

    /// Starts the program and leaves it running.
    pub(crate) fn start_with(&self, args: &[&str]) -> Running {
        self.start_saying(args, Stdio::null())
    }

    fn start_saying(&self, args: &[&str], stderr: Stdio) -> Running {
        let mut child = self.command(args).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Running { child, lines }
    }

    /// The tensors of the newest checkpoint of a run.
    pub(crate) fn tensors(&self, name: &str) -> BTreeMap<String, Array> {
        let (_, newest) = checkpoints(&self.run_dir(name)).pop().unwrap();
        Checkpoint::read(&newest).unwrap().tensors
    }
}

/// A running program.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Reads events up to the first called `name`.
    pub(crate) fn until(&mut self, name: &str) -> Value {
        loop {
            let line = self.lines.recv().unwrap_or_else(|_| panic!("it ended before {name}"));
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Whether it comes to its first step, rather than to its end.
    pub(crate) fn begins(&mut self) -> bool {
        self.lines.iter().any(|line| line.contains(r#""event":"step""#))
    }

    /// Reads events for `time`; returns the last step seen.
    pub(crate) fn for_so_long(&mut self, time: Duration) -> u64 {
        let end = Instant::now() + time;
        let mut step = 0;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            let event: Value = serde_json::from_str(&line).unwrap();
            step = if event["event"] == "step" { event["step"].as_u64().unwrap() } else { step };
        }
        step
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has computed for a while, so that it is in the middle of something.
    pub(crate) fn until_busy(&self) {
        let ticks = || -> Option<u64> {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
            // User time, counted from behind the name, which may contain anything.
            stat.rsplit(')').next()?.split_whitespace().nth(11)?.parse().ok()
        };
        let (begin, before) = (Instant::now(), ticks().unwrap());
        while ticks().is_some_and(|now| now < before + 100) {
            assert!(begin.elapsed() < Duration::from_mins(1), "it computes nothing");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, signal: &str) {
        let status =
            Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Sends a signal to it and to the processes that it has started.
    pub(crate) fn signal_tree(&self, signal: &str) {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        let children = std::fs::read_to_string(children).unwrap_or_default();
        self.signal(signal);
        for child in children.split_whitespace() {
            // One may have ended meanwhile.
            _ = Command::new("kill").args(["-s", signal, child]).stderr(Stdio::null()).status();
        }
    }

    /// Reads the rest and returns the exit code and stderr.
    pub(crate) fn end_loud(mut self) -> (Option<i32>, String) {
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.end(), stderr)
    }

    /// Reads the rest and returns the exit code; `None` after a kill.
    pub(crate) fn end(mut self) -> Option<i32> {
        self.lines.iter().for_each(drop);
        self.child.wait().unwrap().code()
    }
}
