//! Pastes into the workbench, and terminal sequences that never end.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use std::time::{Duration, Instant};

use program::Place;

/// Opens the command line, and waits for it.
fn type_a_command(terminal: &mut pty::Terminal) {
    terminal.until_shown("Recipe");
    terminal.press(":");
    terminal.until("the command line", |screen| !screen.hide_cursor());
}

#[test]
fn a_megabyte_is_taken_at_once_and_what_is_too_long_is_cut() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&[]);
    type_a_command(&mut terminal);
    let begin = Instant::now();
    terminal.press(&format!("\x1b[200~{}\x1b[201~", "x".repeat(1 << 20)));
    terminal.until_shown("what was pasted is cut: a line has at most 4096 characters.");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    // The next keys work.
    terminal.press("\x03q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_paste_without_an_end_is_over_when_nothing_more_comes() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&[]);
    type_a_command(&mut terminal);
    terminal.press("\x1b[200~no such action");
    terminal.until_shown("no such action");
    terminal.press("\r");
    terminal.until_shown("is no action");
    terminal.press("\x03q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_reply_without_an_end_swallows_no_later_key() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&[]);
    type_a_command(&mut terminal);
    terminal.press("\x1b]52;c;AAAA");
    // Keys without a pause, as of one that is held: they work after a second.
    pty::until("a key", || {
        terminal.press("k");
        terminal.screen().contents().contains("kk")
    });
    terminal.press("\x03q");
    assert_eq!(terminal.end(), 0);
}
