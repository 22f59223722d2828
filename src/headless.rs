//! Training without an interface: turns events into lines and an exit code.

pub mod answers;
pub mod output;
pub mod predictions;
pub mod signals;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;

use crate::monitor::{End, Exit, Monitor, lines};
use crate::protocol::{Event, Link, Stamped};
use crate::tensorboard::Live;
use output::Stream;

/// Interval between lines about steps where no progress line is rewritten.
const INTERVAL: Duration = Duration::from_secs(10);
/// Interval between checks whether a slow reader has caught up.
const LOOK: Duration = Duration::from_millis(250);

/// Follows a run to its end and prints its events: as JSON lines on stdout, or as lines for a person; they are also
/// written for TensorBoard, if there is a place. `exit` maps that end to an exit code.
pub fn follow(link: &Link, json: bool, mut tensorboard: Option<Live>, exit: fn(&End) -> Exit) -> Exit {
    let mut monitor = Monitor::default();
    let mut printer = Printer::new(json);
    loop {
        // Every event is taken at once, so that the end is seen whatever the reader does.
        let behind = output::is_behind();
        link.behind.store(behind, Ordering::Relaxed);
        let event = if behind {
            link.events.recv_timeout(LOOK)
        } else {
            link.events.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        let stamped = match event {
            Ok(stamped) => stamped,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        monitor.apply(&stamped);
        if json {
            print_event(&stamped);
        }
        printer.print(&stamped, &monitor);
        if let Some(tensorboard) = &mut tensorboard {
            warn_of(tensorboard.apply(&stamped));
        }
        if let Some(end) = &monitor.end {
            if let Some(mut tensorboard) = tensorboard {
                warn_of(tensorboard.close());
            }
            return exit(end);
        }
    }
    output::say(Stream::Err, "error: the engine is gone; the last checkpoint is untouched.");
    Exit::FAILED
}

/// What cannot be written for TensorBoard is no reason to stop training.
fn warn_of(written: Result<(), String>) {
    if let Err(sentence) = written {
        output::say(Stream::Err, &format!("warning: {sentence} The run continues without it."));
    }
}

/// One event as one line on stdout. A reader that is gone is no reason to stop training.
fn print_event(stamped: &Stamped) {
    if matches!(stamped.event, Event::Phase { .. }) {
        return;
    }
    if let Ok(line) = serde_json::to_string(stamped) {
        print_json(&line);
    }
}

/// A line for people on stdout.
pub fn print_line(line: &str) {
    output::say(Stream::Out, line);
}

/// A line of JSON on stdout.
pub fn print_json(line: &str) {
    output::say_json(line);
}

/// Prints for people: whole lines, and a progress line that is rewritten where stderr is a terminal.
struct Printer {
    /// Lines go to stderr, because stdout is for JSON.
    aside: bool,
    rewrites: bool,
    last_line: Instant,
}

impl Printer {
    fn new(json: bool) -> Self {
        Self { aside: json, rewrites: output::can_rewrite(), last_line: Instant::now() }
    }

    fn print(&mut self, stamped: &Stamped, monitor: &Monitor) {
        // Warnings and errors always go to stderr.
        let aside =
            matches!(stamped.event, Event::Warning { .. } | Event::Refused { .. } | Event::Failed { .. });
        for line in lines::of(&stamped.event, monitor) {
            self.say(&line, aside);
        }
        let Some(progress) = lines::progress(monitor) else {
            return;
        };
        if self.rewrites {
            output::progress(&progress);
        } else if matches!(stamped.event, Event::Step { .. }) && self.last_line.elapsed() >= INTERVAL {
            self.last_line = Instant::now();
            self.say(&progress, false);
        }
    }

    fn say(&self, line: &str, aside: bool) {
        output::say(if self.aside || aside { Stream::Err } else { Stream::Out }, line);
    }
}
