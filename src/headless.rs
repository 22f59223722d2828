//! Training without an interface: events in, lines out, an exit code at the end.

pub mod answers;
pub mod signals;

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::monitor::{End, Exit, Monitor, lines};
use crate::protocol::{Event, Link, Stamped};

/// Lines about steps come so often where stderr is no terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// Follows a run to its end and tells it: as JSON lines on stdout, or as lines for a person. `exit` is the code of that
/// end.
pub fn follow(link: &Link, json: bool, exit: fn(&End) -> Exit) -> Exit {
    let mut monitor = Monitor::default();
    let mut talk = Talk::new(json);
    for stamped in &link.events {
        monitor.apply(&stamped);
        if json {
            tell_json(&stamped);
        }
        talk.hear(&stamped, &monitor);
        if let Some(end) = &monitor.end {
            return exit(end);
        }
    }
    talk.say("error: the engine is gone; the last checkpoint is untouched.", true);
    Exit::FAILED
}

/// One event as one line on stdout. A reader that is gone is no reason to stop training.
fn tell_json(stamped: &Stamped) {
    if matches!(stamped.event, Event::Phase { .. }) {
        return;
    }
    if let Ok(line) = serde_json::to_string(stamped) {
        print_line(&line);
    }
}

/// A line on stdout, flushed.
pub fn print_line(line: &str) {
    let mut out = std::io::stdout().lock();
    _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The voice for people: whole lines, and a line that is rewritten where stderr is a terminal.
struct Talk {
    /// Talk goes to stderr, because stdout is for JSON.
    aside: bool,
    terminal: bool,
    /// The progress line is on the screen.
    dirty: bool,
    last_line: Instant,
}

impl Talk {
    fn new(json: bool) -> Self {
        Self {
            aside: json,
            terminal: std::io::stderr().is_terminal(),
            dirty: false,
            last_line: Instant::now(),
        }
    }

    fn hear(&mut self, stamped: &Stamped, monitor: &Monitor) {
        // What went wrong goes to stderr, wherever the rest goes.
        let aside =
            matches!(stamped.event, Event::Warning { .. } | Event::Refused { .. } | Event::Failed { .. });
        for line in lines::of(&stamped.event, monitor) {
            self.say(&line, aside);
        }
        let Some(progress) = lines::progress(monitor) else {
            return;
        };
        if self.terminal {
            self.rewrite(&progress);
        } else if matches!(stamped.event, Event::Step { .. }) && self.last_line.elapsed() >= INTERVAL {
            self.last_line = Instant::now();
            self.say(&progress, false);
        }
    }

    fn say(&mut self, line: &str, aside: bool) {
        self.wipe();
        if self.aside || aside {
            _ = writeln!(std::io::stderr().lock(), "{line}");
        } else {
            print_line(line);
        }
    }

    fn rewrite(&mut self, line: &str) {
        let mut err = std::io::stderr().lock();
        self.dirty = true;
        _ = write!(err, "\r\x1b[2K{line}").and_then(|()| err.flush());
    }

    fn wipe(&mut self) {
        if std::mem::take(&mut self.dirty) {
            _ = write!(std::io::stderr().lock(), "\r\x1b[2K");
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.wipe();
    }
}
