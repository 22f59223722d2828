//! Runs the real binary in a pseudo-terminal, sends it keys and reads its screen.

#![allow(dead_code, reason = "each test file uses its own part of the vocabulary")]

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use vt100::Screen;

use crate::program::Place;

/// Time limit for anything, on a shared machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the program below a shell, which then prints its exit code and the modes of the terminal.
const BELOW_A_SHELL: &str =
    r#"sh -c 'echo $$ > pid; exec "$0" "$@"' "$0" "$@"; code=$?; stty -a; echo "code $code.""#;

/// The program's output so far.
struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    ended: bool,
}

/// A terminal with a program in it.
pub(crate) struct Terminal {
    folder: PathBuf,
    child: Box<dyn Child + Send + Sync>,
    writer: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    /// The reader is to end.
    closing: Arc<AtomicBool>,
    /// The reader is to pause.
    stalled: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

/// How a terminal is opened.
pub(crate) struct Opening<'a> {
    place: &'a Place,
    size: (u16, u16),
    variables: Vec<(&'static str, &'static str)>,
}

impl Place {
    /// A terminal of 100 columns and 30 rows that knows colours and UTF-8.
    pub(crate) fn terminal(&self) -> Opening<'_> {
        let variables = vec![("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
        Opening { place: self, size: (100, 30), variables }
    }
}

impl Opening<'_> {
    /// With an environment variable.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.retain(|(other, _)| *other != name);
        self.variables.push((name, value));
        self
    }

    /// Of this many columns and rows.
    pub(crate) fn sized(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// Starts the program alone in its terminal.
    pub(crate) fn start(self, args: &[&str]) -> Terminal {
        let mut words = vec![env!("CARGO_BIN_EXE_densenet-tui")];
        words.extend(args);
        self.run(&words)
    }

    /// Starts the program below a shell, which prints the exit code.
    pub(crate) fn start_below_a_shell(self, args: &[&str]) -> Terminal {
        let mut words = vec!["sh", "-c", BELOW_A_SHELL, env!("CARGO_BIN_EXE_densenet-tui")];
        words.extend(args);
        self.run(&words)
    }

    /// Runs any command in the terminal.
    pub(crate) fn run(self, words: &[&str]) -> Terminal {
        let (cols, rows) = self.size;
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(words[0]);
        command.args(&words[1..]);
        command.env_clear();
        command.cwd(self.place.path());
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.place.path());
        command.env("XDG_DATA_HOME", self.place.path().join("data"));
        command.env("XDG_CONFIG_HOME", self.place.path().join("config"));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = vt100::Parser::new(nonzero(rows), nonzero(cols), 0);
        let seen = Arc::new((Mutex::new(Seen { parser, bytes: Vec::new(), ended: false }), Condvar::new()));
        let closing = Arc::new(AtomicBool::new(false));
        let stalled = Arc::new(AtomicBool::new(false));
        let reader = read(pair.master.try_clone_reader().unwrap(), &seen, &closing, &stalled);
        Terminal {
            folder: self.place.path().to_owned(),
            child,
            writer: Some(pair.master.take_writer().unwrap()),
            master: Some(pair.master),
            seen,
            closing,
            stalled,
            reader: Some(reader),
        }
    }
}

fn nonzero(n: u16) -> NonZero<u16> {
    NonZero::new(n).unwrap()
}

/// Reads what the program writes.
fn read(
    mut source: Box<dyn Read + Send>,
    seen: &Arc<(Mutex<Seen>, Condvar)>,
    closing: &Arc<AtomicBool>,
    stalled: &Arc<AtomicBool>,
) -> JoinHandle<()> {
    let (seen, closing, stalled) = (Arc::clone(seen), Arc::clone(closing), Arc::clone(stalled));
    std::thread::spawn(move || {
        let mut chunk = [0; 16384];
        loop {
            while stalled.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            let count = source.read(&mut chunk).unwrap_or(0);
            let mut now = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
            now.parser.process(&chunk[..count]);
            now.bytes.extend_from_slice(&chunk[..count]);
            now.ended = count == 0 || closing.load(Ordering::SeqCst);
            seen.1.notify_all();
            if now.ended {
                return;
            }
        }
    })
}

impl Terminal {
    /// Waits until the screen is as `wanted`; `what` names the step in the failure message.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&Screen) -> bool) {
        let (seen, news) = &*self.seen;
        let begin = Instant::now();
        let mut now = seen.lock().unwrap();
        while !wanted(now.parser.screen()) {
            let left = PATIENCE.saturating_sub(begin.elapsed());
            assert!(
                !left.is_zero() && !now.ended,
                "{what} did not come ({}); on the screen is:\n{}",
                if now.ended { "the program ended" } else { "in time" },
                now.parser.screen().contents()
            );
            now = news.wait_timeout(now, left).unwrap().0;
        }
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub(crate) fn until_shown(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// What is on the screen.
    pub(crate) fn screen(&self) -> Screen {
        self.seen.0.lock().unwrap().parser.screen().clone()
    }

    /// Every byte that the program wrote.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().bytes.clone()
    }

    /// Types `keys`.
    pub(crate) fn press(&mut self, keys: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Resizes the terminal.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.seen.0.lock().unwrap().parser.screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// The program's process, below a shell or alone.
    pub(crate) fn pid(&self) -> Pid {
        let told = std::fs::read_to_string(self.folder.join("pid"));
        let number = told
            .map_or_else(|_| self.child.process_id().unwrap() as i32, |text| text.trim().parse().unwrap());
        Pid::from_raw(number).unwrap()
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Stops reading from the program.
    pub(crate) fn stall(&self) {
        self.stalled.store(true, Ordering::SeqCst);
    }

    /// How many frames were drawn.
    pub(crate) fn frames(&self) -> usize {
        let begin = b"\x1b[?2026h";
        self.bytes().windows(begin.len()).filter(|window| window == begin).count()
    }

    /// Hangs up the terminal, as closing its window does.
    pub(crate) fn hang_up(&mut self) {
        let name = self.master.as_ref().unwrap().tty_name().unwrap();
        self.closing.store(true, Ordering::SeqCst);
        // The reader holds the terminal until it ends.
        _ = File::options().write(true).open(name).and_then(|mut end| end.write_all(b" "));
        self.reader.take().unwrap().join().unwrap();
        self.writer = None;
        self.master = None;
    }

    /// Waits for the command to end and returns its exit code.
    #[track_caller]
    pub(crate) fn end(&mut self) -> u32 {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "it does not end; on the screen is:\n{}",
                self.screen().contents()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the shell to print the program's exit code, and checks that the terminal is restored.
    #[track_caller]
    pub(crate) fn ends_well_with(&mut self, code: u32) {
        self.until_shown(&format!("code {code}."));
        let screen = self.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        let text = screen.contents();
        for mode in ["icanon", "echo", "isig", "opost", "icrnl"] {
            assert!(text.split([' ', ';', '\n']).any(|word| word == mode), "{mode} is off:\n{text}");
        }
        assert_eq!(self.end(), 0);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.stalled.store(false, Ordering::SeqCst);
        // A failed test leaves nothing running.
        if matches!(self.child.try_wait(), Ok(None)) {
            _ = kill_process(self.pid(), Signal::KILL);
            _ = self.child.kill();
            _ = self.child.wait();
        }
    }
}

/// Waits for a condition outside of the terminal.
#[track_caller]
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not come in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}
