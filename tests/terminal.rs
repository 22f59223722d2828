//! The interface in a real terminal: the binary with keys, signals, stops and hangups.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
mod pty;

use densenet_tui::store::run::checkpoints;
use program::Place;
use pty::until;
use rustix::process::{Signal, kill_process};

/// A run that is small, and longer than any test.
const LONG: [&str; 14] = [
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
    "100000",
    "--threads",
    "1",
];

/// The runs of a place.
fn runs_of(place: &Place) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(place.run_dir("")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with('.')).collect()
}

/// The only run of a place.
fn run_of(place: &Place) -> String {
    let mut runs = runs_of(place);
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}

/// The newest step that is saved.
fn saved(place: &Place) -> u64 {
    checkpoints(&place.run_dir(&run_of(place))).pop().unwrap().0
}

/// The state of the only run, as `runs` tells it.
fn state(place: &Place) -> String {
    let said = place.say(&["runs", "--json"]).last();
    said["runs"][0]["state"].as_str().unwrap().to_owned()
}

/// Starts the run from the Recipe screen and waits for its beginning.
fn train(place: &Place, terminal: &mut pty::Terminal) {
    terminal.until_shown("Recipe");
    terminal.press("\x12");
    until("the run", || !runs_of(place).is_empty() && !journal(place).is_empty());
    terminal.until_shown(&run_of(place));
}

#[test]
fn it_starts_with_the_recipe_and_q_leaves_the_terminal_as_it_was() {
    let place = Place::new();
    let mut terminal = place.terminal().start_below_a_shell(&LONG);
    terminal.until_shown("Recipe");
    terminal.until("the screen", |screen| {
        screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste()
    });
    terminal.press("q");
    terminal.ends_well_with(0);
}

/// The events of the only run.
fn journal(place: &Place) -> Vec<serde_json::Value> {
    let text =
        std::fs::read_to_string(place.run_dir(&run_of(place)).join("journal.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Waits until steps were trained.
fn until_steps(place: &Place) {
    until("a step", || journal(place).iter().any(|event| event["event"] == "step"));
}

/// Asserts that the only run ended for `reason`, with its last state saved.
fn is_stopped(place: &Place, reason: &serde_json::Value) {
    let last = journal(place).pop().unwrap();
    assert_eq!((&last["event"], &last["outcome"]), (&"finished".into(), &"stopped".into()), "{last}");
    assert_eq!(&last["reason"], reason);
    assert_eq!(last["step"].as_u64().unwrap(), saved(place));
    assert_eq!(state(place), "stopped");
}

#[test]
fn a_run_is_started_paused_saved_stopped_and_taken_up_again_by_keys() {
    let place = Place::new();
    let mut terminal = place.terminal().start_below_a_shell(&LONG);
    train(&place, &mut terminal);
    until_steps(&place);
    terminal.press(" ");
    terminal.until_shown("paused after step");
    let before = saved(&place);
    terminal.press("s");
    terminal.until_shown("saved after step");
    assert!(saved(&place) >= before);
    terminal.press("q");
    terminal.until_shown("stop and save");
    // Down to the second answer, in one piece with the key that accepts it.
    terminal.press("\x1b[B\r");
    terminal.ends_well_with(0);
    is_stopped(&place, &"asked".into());

    let step = saved(&place);
    let mut terminal = place.terminal().start(&LONG);
    terminal.until_shown("Recipe");
    terminal.press("3");
    terminal.until_shown("stopped");
    terminal.press("r");
    until("the run again", || journal(&place).last().unwrap()["event"] == "step");
    terminal.press("q");
    terminal.until_shown("stop and save");
    terminal.press("j\r");
    assert_eq!(terminal.end(), 0);
    assert!(saved(&place) > step);
}

#[test]
fn a_signal_saves_the_run_gives_the_terminal_back_and_is_the_exit_code() {
    for (signal, number) in [(Signal::HUP, 1), (Signal::INT, 2), (Signal::TERM, 15)] {
        let place = Place::new();
        let mut terminal = place.terminal().start_below_a_shell(&LONG);
        train(&place, &mut terminal);
        until_steps(&place);
        terminal.signal(signal);
        terminal.ends_well_with(128 + number);
        is_stopped(&place, &serde_json::json!({ "signal": number }));
    }
}

#[test]
fn a_signal_ends_an_idle_interface_at_once() {
    for (signal, code) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)] {
        let place = Place::new();
        let mut terminal = place.terminal().start_below_a_shell(&LONG);
        terminal.until_shown("Recipe");
        terminal.signal(signal);
        terminal.ends_well_with(code);
    }
}

#[test]
fn sigusr1_saves_and_the_run_goes_on() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&[&LONG[..], &["--set", "batch_size=1"]].concat());
    train(&place, &mut terminal);
    until_steps(&place);
    terminal.signal(Signal::USR1);
    terminal.until_shown("saved after step");
    let saved = saved(&place);
    until("a later step", || {
        journal(&place).last().unwrap()["step"].as_u64().is_some_and(|step| step > saved)
    });
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 143);
}

#[test]
fn a_second_signal_leaves_at_once_and_gives_the_terminal_back() {
    // Steps that take long, so that the first signal is still being handled when the second one counts. Where the first
    // one falls between two steps, the run ends at once: then it is tried again.
    let slow = ["--layers", "3,3,3", "--growth-rate", "128", "--batch-size", "250", "--threads", "1"];
    let left_at_once = || {
        let place = Place::new();
        let mut terminal = place.terminal().start_below_a_shell(&slow);
        train(&place, &mut terminal);
        until("the first step", || journal(&place).len() > 1);
        terminal.signal(Signal::TERM);
        terminal.until_shown("saving and stopping, within 10 seconds");
        // Signals within the first two seconds are the same request.
        until("the end", || kill_process(terminal.pid(), Signal::TERM).is_err());
        terminal.ends_well_with(143);
        journal(&place).iter().all(|event| event["event"] != "finished")
    };
    assert!((0..5).any(|_| left_at_once()));
}

#[test]
fn a_terminal_that_is_closed_leaves_a_saved_run_and_no_process() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&LONG);
    train(&place, &mut terminal);
    until_steps(&place);
    terminal.hang_up();
    assert_eq!(terminal.end(), 129);
    is_stopped(&place, &serde_json::json!({ "signal": 1 }));
}

/// Starts the program where the signal of a terminal that is closed stays with the shell that leads the session.
fn start_without_sighup(place: &Place) -> pty::Terminal {
    let script = r#"trap "" HUP; "$0" "$@"; echo $? > code"#;
    let words = [&["sh", "-c", script, env!("CARGO_BIN_EXE_densenet-tui")], &LONG[..]].concat();
    place.terminal().run(&words)
}

/// Asserts that the shell saw this exit code.
fn ended_with(place: &Place, expected: u8) {
    let code = || std::fs::read_to_string(place.path().join("code")).unwrap_or_default();
    until("the end", || code().ends_with('\n'));
    assert_eq!(code(), format!("{expected}\n"));
}

#[test]
fn a_terminal_that_is_closed_without_a_signal_is_noticed_in_a_run() {
    let place = Place::new();
    let mut terminal = start_without_sighup(&place);
    train(&place, &mut terminal);
    until_steps(&place);
    terminal.hang_up();
    ended_with(&place, 129);
    is_stopped(&place, &serde_json::json!({ "signal": 1 }));
}

#[test]
fn a_terminal_that_is_closed_without_a_signal_in_the_middle_of_a_key_is_noticed() {
    let place = Place::new();
    let mut terminal = start_without_sighup(&place);
    terminal.until_shown("Recipe");
    terminal.press("\x1b[");
    terminal.hang_up();
    ended_with(&place, 129);
}

#[test]
fn a_terminal_that_takes_nothing_holds_up_neither_training_nor_a_signal() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&LONG);
    train(&place, &mut terminal);
    until_steps(&place);
    terminal.stall();
    let time = || journal(&place).last().unwrap()["time"].as_f64().unwrap();
    let begin = time();
    // Whole frames, many more than any buffer holds.
    until("two seconds of training", || {
        terminal.press("\x0c");
        time() > begin + 2.0
    });
    terminal.signal(Signal::TERM);
    until("the end of the run", || journal(&place).last().unwrap()["event"] == "finished");
    assert_eq!(terminal.end(), 143);
    is_stopped(&place, &serde_json::json!({ "signal": 15 }));
}

#[test]
fn no_more_than_ten_frames_a_second_are_drawn_and_four_over_ssh() {
    for (variable, milliseconds) in [("LC_NAME", 100), ("SSH_CONNECTION", 250)] {
        let place = Place::new();
        let begin = std::time::Instant::now();
        let mut terminal = place.terminal().with(variable, "C").start(&LONG);
        train(&place, &mut terminal);
        until("six frames", || terminal.frames() >= 6);
        let most = begin.elapsed().as_millis() / milliseconds + 2;
        assert!(terminal.frames() as u128 <= most, "{} of {most}", terminal.frames());
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.end(), 143);
    }
}

/// The small run, with an end.
fn twelve_epochs() -> Vec<&'static str> {
    [&LONG[..10], &["--epochs", "12", "--threads", "1"]].concat()
}

/// Starts that run, and leaves it to the background while it is paused.
fn leave_to_the_background(place: &Place) -> pty::Terminal {
    let mut terminal = place.terminal().start(&twelve_epochs());
    train(place, &mut terminal);
    terminal.press(" ");
    terminal.until_shown("paused after step");
    terminal.press("q");
    terminal.until_shown("keep training in the background");
    terminal.press("\r");
    terminal
}

#[test]
fn a_run_goes_on_in_the_background_to_the_same_bytes_though_its_terminal_is_closed() {
    let place = Place::new();
    let mut terminal = leave_to_the_background(&place);
    terminal.until_shown("continues in the background");
    assert_eq!(terminal.end(), 0);
    terminal.hang_up();
    until("the end of the run", || state(&place) == "completed");
    let run = run_of(&place);
    let log = || std::fs::read_to_string(place.run_dir(&run).join("background.log")).unwrap();
    until("the last line", || log().contains("completed after 48 steps"));
    let whole = place.say(&[&twelve_epochs()[..], &["--no-ui", "--name", "whole"]].concat());
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert_eq!(place.tensors(&run), place.tensors("whole"));
}

#[test]
fn a_terminal_that_is_closed_while_a_run_moves_to_the_background_does_not_keep_it() {
    let place = Place::new();
    let mut terminal = leave_to_the_background(&place);
    until("the end of this part", || journal(&place).iter().any(|event| event["event"] == "finished"));
    terminal.hang_up();
    assert_eq!(terminal.end(), 0);
    until("the end of the run", || state(&place) == "completed");
}

/// Writes this user's config file.
fn settle(place: &Place, text: &str) {
    let folder = place.path().join("config/densenet-tui");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), text).unwrap();
}

#[test]
fn a_run_that_outlives_its_terminal_is_shown_live_and_taken_back() {
    let place = Place::new();
    settle(&place, "on_hangup = \"background\"\n");
    let mut terminal = place.terminal().start(&LONG);
    train(&place, &mut terminal);
    until_steps(&place);
    terminal.hang_up();
    let starts = || journal(&place).iter().filter(|event| event["event"] == "started").count();
    until("another process", || starts() == 2 && state(&place) == "running");
    assert_eq!(terminal.end(), 0);

    let mut terminal = place.terminal().sized(100, 30).start(&[]);
    terminal.until_shown("Recipe");
    terminal.press("3");
    terminal.until_shown("running");
    terminal.press("r");
    terminal.until_shown("take it back");
    terminal.press("j\r");
    until("the run here", || starts() == 3 && journal(&place).last().unwrap()["event"] == "step");
    terminal.until_shown("images/s");
    terminal.press("q");
    terminal.until_shown("stop and save");
    terminal.press("j\r");
    assert_eq!(terminal.end(), 0);
    is_stopped(&place, &"asked".into());
}

#[test]
fn a_config_file_with_errors_names_their_lines_and_the_rest_holds() {
    let place = Place::new();
    settle(&place, "theme = \"neon\"\nfont = 3\n[keys]\nquit = [\"Q\"]\nfly = [\"f\"]\n");
    let mut terminal = place.terminal().sized(120, 30).start(&[]);
    terminal.until_shown("Recipe");
    terminal.press("6");
    terminal.until_shown("line 2: `font` is not a setting");
    terminal.until_shown("line 5: `fly` is no action");
    terminal.until_shown("there is no theme `neon`");
    terminal.press("q");
    terminal.press("?quit");
    terminal.until_shown("type to filter");
    terminal.press("\x1b");
    terminal.until("no help", |screen| !screen.contents().contains("type to filter"));
    terminal.press("Q");
    assert_eq!(terminal.end(), 0);

    settle(&place, "theme = dark\n");
    let mut terminal = place.terminal().sized(120, 30).start(&[]);
    terminal.until_shown("line 1");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    assert_eq!(place.say(&["--no-ui", "--steps", "1"]).code, Some(2));
}

#[test]
fn the_last_recipe_is_there_the_next_time() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&[]);
    terminal.until_shown("Recipe");
    terminal.press(":set growth_rate 23\r");
    terminal.until_shown("growth_rate is 23");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    let mut terminal = place.terminal().start(&[]);
    terminal.until_shown("*23");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_stop_from_outside_gives_the_terminal_back_and_a_continue_draws_it_whole() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&LONG);
    terminal.until_shown("Recipe");
    terminal.signal(Signal::TSTP);
    terminal.until("the terminal back", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    until("the stop", || {
        let said = std::process::Command::new("ps")
            .args(["-o", "stat=", "-p", &terminal.pid().as_raw_nonzero().to_string()])
            .output();
        said.unwrap().stdout.starts_with(b"T")
    });
    terminal.signal(Signal::CONT);
    terminal.until("the interface again", |screen| {
        screen.alternate_screen() && screen.hide_cursor() && screen.contents().contains("Recipe")
    });
    // Without a shell, nobody could continue it.
    terminal.press("\x1a");
    terminal.until_shown("no shell");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn ctrl_z_is_a_stop_for_the_shell_and_fg_goes_on() {
    let place = Place::new();
    let mut terminal = place.terminal().with("PS1", "> ").run(&["sh", "-i"]);
    terminal.until_shown(">");
    terminal.press(&format!("{}\r", env!("CARGO_BIN_EXE_densenet-tui")));
    terminal
        .until("the interface", |screen| screen.alternate_screen() && screen.contents().contains("Recipe"));
    terminal.press("\x1a");
    let at_the_prompt = |screen: &vt100::Screen| screen.contents().trim_end().ends_with("\n>");
    terminal.until("the shell", |screen| {
        at_the_prompt(screen) && !screen.alternate_screen() && !screen.hide_cursor()
    });
    terminal.press("echo wel''come\r");
    terminal.until_shown("welcome");
    terminal.press("fg\r");
    terminal.until("the interface again", |screen| {
        screen.alternate_screen() && screen.contents().contains("Recipe")
    });
    terminal.press("q");
    terminal.until("the shell again", at_the_prompt);
    terminal.press("echo co''de $?.\r");
    terminal.until_shown("code 0.");
    terminal.press("exit\r");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_redraw_after_ctrl_l_shows_everything_again() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&LONG);
    terminal.until_shown("Recipe");
    let before = terminal.bytes().len();
    terminal.press("\x0c");
    until("a frame", || {
        let bytes = terminal.bytes();
        String::from_utf8_lossy(&bytes[before..]).contains("Recipe")
    });
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_value_is_copied_through_the_terminal() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&LONG);
    terminal.until_shown("Recipe");
    terminal.press("y");
    terminal.until_shown("copied 1,1");
    // OSC 52 with base64 of "1,1".
    until("the copy", || terminal.bytes().windows(11).any(|bytes| bytes == b"\x1b]52;c;MSwx"));
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

/// A paste, as a terminal sends it.
fn paste(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

#[cfg(debug_assertions)]
#[test]
fn a_defect_gives_the_terminal_back_tells_itself_and_what_was_printed_and_the_engine_saves() {
    let place = Place::new();
    let opening = place.terminal().sized(160, 50).with("DENSENET_TUI_MISBEHAVE", "1");
    let mut terminal = opening.start_below_a_shell(&LONG);
    train(&place, &mut terminal);
    until_steps(&place);
    terminal.press("6");
    terminal.press(&paste("a library says hello"));
    terminal.until_shown("a library says hello");
    assert!(terminal.screen().alternate_screen());
    terminal.press(&paste("defect"));
    terminal.ends_well_with(1);
    let text = terminal.screen().contents();
    assert!(text.contains("a defect that was asked for") && text.contains("thread 'main'"), "{text}");
    assert!(text.contains("a library says hello"), "{text}");
    is_stopped(&place, &"unheard".into());
}

#[cfg(debug_assertions)]
#[test]
fn a_defect_of_another_thread_is_a_line_of_the_log() {
    let place = Place::new();
    let opening = place.terminal().with("DENSENET_TUI_MISBEHAVE", "1");
    let mut terminal = opening.start_below_a_shell(&LONG);
    terminal.until_shown("Recipe");
    terminal.press("6");
    terminal.press(&paste("defect elsewhere"));
    terminal.until_shown("another defect that was asked for");
    assert!(terminal.screen().alternate_screen());
    terminal.press("q");
    terminal.ends_well_with(0);
}

#[cfg(debug_assertions)]
#[test]
fn what_libraries_print_stays_in_the_log_when_all_is_well() {
    let place = Place::new();
    let opening = place.terminal().with("DENSENET_TUI_MISBEHAVE", "1");
    let mut terminal = opening.start_below_a_shell(&LONG);
    terminal.until_shown("Recipe");
    terminal.press("6");
    terminal.press(&paste("a library says hello"));
    terminal.until_shown("a library says hello");
    terminal.press("q");
    terminal.ends_well_with(0);
    assert!(!terminal.screen().contents().contains("a library"));
}

#[test]
fn without_a_terminal_it_points_to_no_ui_and_exits_2() {
    let place = Place::new();
    let said = place.say::<&str>(&[]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.stderr.contains("--no-ui") && said.stderr.lines().count() == 1, "{said:?}");
    let mut dumb = place.terminal().with("TERM", "dumb").start_below_a_shell(&[]);
    dumb.until_shown("--no-ui");
    dumb.ends_well_with(2);
    assert!(!String::from_utf8_lossy(&dumb.bytes()).contains('\x1b'));
}

#[test]
fn any_size_at_any_time_is_survived() {
    let place = Place::new();
    let mut terminal = place.terminal().start(&LONG);
    train(&place, &mut terminal);
    for (n, screen) in (0..120u16).zip("123456".chars().cycle()) {
        terminal.resize(1 + n * 37 % 150, 1 + n * 13 % 50);
        terminal.press(&screen.to_string());
    }
    terminal.resize(20, 5);
    terminal.until_shown("too small");
    terminal.resize(120, 40);
    terminal.press("1");
    terminal.until_shown("Recipe");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 143);
}

#[test]
fn a_locale_without_utf_8_gets_ascii_only() {
    let place = Place::new();
    let mut terminal = place.terminal().with("LANG", "C").start(&LONG);
    train(&place, &mut terminal);
    until_steps(&place);
    visit_every_screen(&mut terminal);
    let bytes = terminal.bytes();
    let place = bytes.iter().position(|byte| !byte.is_ascii());
    let around = place.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(80)..][..100]).into_owned());
    assert_eq!(around, None);
}

#[test]
fn no_color_means_no_colour_and_keeps_bold() {
    let place = Place::new();
    let mut terminal = place.terminal().with("NO_COLOR", "1").start(&LONG);
    train(&place, &mut terminal);
    until_steps(&place);
    visit_every_screen(&mut terminal);
    let bytes = terminal.bytes();
    let styles = styles(&String::from_utf8_lossy(&bytes));
    let is_colour = |style: &u16| matches!(style, 30..=38 | 40..=48 | 58 | 90..=97 | 100..=107);
    assert_eq!(styles.iter().find(|style| is_colour(style)), None);
    assert!(styles.contains(&1) || styles.contains(&7), "{styles:?}");
}

/// Goes through the screens, and waits until each is shown.
fn visit_every_screen(terminal: &mut pty::Terminal) {
    for digit in ["1", "2", "3", "4", "5", "6", "?", "?"] {
        let before = terminal.bytes().len();
        terminal.press(digit);
        until("a frame", || terminal.bytes().len() > before);
    }
    terminal.press("q");
    terminal.until_shown("stop and save");
    terminal.press("j\r");
    assert_eq!(terminal.end(), 0);
}

/// The numbers of every style that was set.
fn styles(text: &str) -> Vec<u16> {
    let sequences = text.split("\x1b[").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
        rest[end..].starts_with('m').then(|| rest[..end].to_owned())
    });
    sequences.flat_map(|text| text.split(';').filter_map(|n| n.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Shows the pictures of the built-in data in a terminal of these variables, and leaves; returns everything that was
/// written.
fn pictures(place: &Place, variables: &[(&'static str, &'static str)]) -> String {
    let opening = variables.iter().fold(place.terminal(), |opening, (name, value)| opening.with(name, value));
    let mut terminal = opening.start(&[]);
    terminal.until_shown("Recipe");
    terminal.press("5\r");
    terminal.until_shown("after augmentation");
    // A frame that has begun is not awaited by what it shows.
    until("the whole frame", || terminal.bytes().ends_with(b"\x1b[?2026l"));
    terminal.press("?");
    terminal.until_shown("esc");
    until("the whole frame", || terminal.bytes().ends_with(b"\x1b[?2026l"));
    terminal.press("\x1b");
    // Both at once would be one key.
    terminal.until("the screen without the help", |screen| !screen.contents().contains("backtab"));
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    String::from_utf8_lossy(&terminal.bytes()).into_owned()
}

#[test]
fn pictures_are_sent_to_a_terminal_that_is_known_for_them_and_are_gone_with_the_interface() {
    let place = Place::new();
    let written = pictures(&place, &[("TERM", "xterm-kitty")]);
    let sent = written.matches("\x1b_Ga=T,").count();
    assert!(sent > 0, "{written:?}");
    // Gone below the help, and all of them before the screen is given back.
    assert!(written.matches("\x1b_Ga=d,d=I,").count() >= sent / 2);
    let off = written.rfind("\x1b_Ga=d,d=A,").unwrap();
    assert!(off < written.rfind("\x1b[?1049l").unwrap() && !written[off..].contains("\x1b_Ga=T,"));
    // Each in the frame to which it belongs.
    for (at, _) in written.match_indices("\x1b_Ga=T,") {
        let before = &written[..at];
        assert!(before.rfind("\x1b[?2026h") > before.rfind("\x1b[?2026l"));
    }
    let written = pictures(&place, &[]);
    assert!(written.contains('▀') && !written.contains("\x1b_G") && !written.contains("\x1bP"));
    for (word, begin) in [("sixel", "\x1bP0;1q"), ("iterm2", "\x1b]1337;File=inline=1;")] {
        settle(&place, &format!("images = \"{word}\"\n"));
        assert!(pictures(&place, &[]).contains(begin), "{word}");
    }
}
