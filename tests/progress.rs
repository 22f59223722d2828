//! The progress line of a run without the interface, as a terminal shows it.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use program::Place;
use pty::Terminal;
use rustix::process::Signal;

/// A run of one epoch that is longer than any test.
const LONG: [&str; 16] = [
    "--no-ui",
    "--layers",
    "1",
    "--growth-rate",
    "32",
    "--train-limit",
    "4000",
    "--validation",
    "2",
    "--batch-size",
    "1",
    "--epochs",
    "1000",
    "--threads",
    "1",
    "--no-test",
];

/// Rows with something in them.
fn rows(terminal: &Terminal) -> Vec<String> {
    let screen = terminal.screen();
    screen.rows(0, screen.size().1.into()).filter(|row| !row.is_empty()).collect()
}

/// How often the progress line was written.
fn rewrites(terminal: &Terminal) -> usize {
    terminal.bytes().windows(4).filter(|window| window == b"\x1b[2K").count()
}

/// Waits until the progress line was written so often more.
fn until_rewritten(terminal: &Terminal, times: usize) {
    let before = rewrites(terminal);
    pty::until("the progress line", || rewrites(terminal) >= before + times);
}

#[test]
fn in_a_narrow_terminal_and_after_a_resize_it_stays_one_line() {
    for columns in [80, 40, 20] {
        let place = Place::new();
        let mut terminal = place.terminal().sized(columns, 12).start(&LONG);
        terminal.until_shown("epoch 1/1000");
        until_rewritten(&terminal, 2);
        let rows_before = rows(&terminal);
        assert!(rows_before.last().unwrap().starts_with("epoch 1/1000 "), "{rows_before:?}");
        // The rows above, which an emulator keeps at their width, play no part below.
        terminal.resize(columns / 2, 12);
        until_rewritten(&terminal, 3);
        let rows = rows(&terminal);
        let begin = &"epoch 1/1000 ["[..usize::from(columns / 2 - 1).min(14)];
        assert_eq!(rows.iter().filter(|row| row.starts_with(begin)).count(), 1, "{rows:?}");
        assert_eq!(rows.len(), rows_before.len(), "{rows:?}");
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.end(), 143);
        terminal.until("the progress line gone", |screen| !screen.contents().contains("epoch 1/1000 ["));
    }
}

#[test]
fn a_terminal_of_one_column_or_of_none_that_it_tells_is_no_trouble() {
    for columns in [1, 2] {
        let place = Place::new();
        let mut terminal = place.terminal().sized(columns, 12).start(&LONG);
        until_rewritten(&terminal, 3);
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.end(), 143);
    }
    let place = Place::new();
    let mut words =
        vec!["sh", "-c", r#"stty cols 0 rows 0; exec "$0" "$@""#, env!("CARGO_BIN_EXE_densenet-tui")];
    words.extend(LONG);
    let mut terminal = place.terminal().run(&words);
    terminal.until_shown("epoch 1/1000 [");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 143);
}

#[test]
fn a_dumb_terminal_gets_lines_without_escape_codes() {
    for term in ["dumb", ""] {
        let place = Place::new();
        let mut terminal = place.terminal().with("TERM", term).start(&LONG);
        terminal.until_shown("4,000 training");
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.end(), 143);
        terminal.until_shown("stopped by signal 15");
        assert!(!terminal.bytes().contains(&0x1b), "TERM={term:?}");
    }
    let place = Place::new();
    let mut words = vec!["env", "-u", "TERM", env!("CARGO_BIN_EXE_densenet-tui")];
    words.extend(LONG);
    let mut terminal = place.terminal().run(&words);
    terminal.until_shown("4,000 training");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 143);
    assert!(!terminal.bytes().contains(&0x1b));
}

#[test]
fn lines_that_are_said_meanwhile_do_not_run_into_it() {
    let place = Place::new();
    // JSON on stdout and the progress line on stderr, both on this terminal.
    let mut terminal = place.terminal().sized(2000, 200).start(&[&LONG[..], &["--json"]].concat());
    until_rewritten(&terminal, 6);
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 143);
    terminal.until_shown(r#""event":"finished""#);
    let rows = rows(&terminal);
    let torn = rows.iter().find(|row| row.contains("{\"") && !(row.starts_with('{') && row.ends_with('}')));
    assert_eq!(torn, None);
    assert!(rows.iter().all(|row| !row.contains("[----")), "{rows:?}");
}

#[test]
fn a_run_whose_terminal_is_closed_ends_as_if_it_were_there() {
    let place = Place::new();
    let short =
        ["--growth-rate", "4", "--train-limit", "16", "--batch-size", "16", "--epochs", "400", "--name", "r"];
    let mut terminal = place.terminal().start(&[&LONG[..3], &short, &LONG[7..9], &LONG[13..]].concat());
    terminal.until_shown("/400");
    terminal.hang_up();
    assert_eq!(terminal.end(), 0);
    assert_eq!(place.say(&["runs", "--json"]).last()["runs"][0]["summary"]["step"], 400);
}
