//! The interface, over the engine's channels. It knows no tensor.
//!
//! [`run`] is the shell: terminal, threads, the loop. `app` has the state, the update function and the drawing;
//! none of them reads a clock, a file or the terminal.

mod app;
mod canvas;
mod curves;
#[cfg(test)]
mod dump;
mod effect;
mod hits;
mod jobs;
pub(crate) mod keys;
mod overlay;
mod prompt;
pub(crate) mod saved_state;
#[cfg(test)]
mod scenario;
mod screen;
mod screens;
pub(crate) mod style;
#[cfg(test)]
mod testing;
mod tty;
mod widgets;
pub(crate) mod workspace;

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, at, never, select, unbounded};
use signal_hook::consts::{SIGHUP, SIGTSTP};

use crate::monitor::Exit;
use crate::monitor::signals::LIMIT;
use crate::protocol::Link;
use crate::remote;
use crate::store::catalog::Reader;
use app::{App, Leaving};
use effect::{Effect, Job, JobResult, Msg};
use tty::terminal::{self, Terminal};
use tty::{capture, signals, thread};
use workspace::Settings;

pub(crate) use tty::give_back;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// The same where every byte goes through a network.
const FRAME_OVER_SSH: Duration = Duration::from_millis(250);

/// How the interface ended.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) exit: Exit,
    /// Printed after it.
    pub(crate) last_word: Option<String>,
    /// When the user or a signal requested it.
    pub(crate) asked: Instant,
}

/// Shows the interface until the user leaves. The error is why the terminal could not be taken. `saving` says
/// whether a checkpoint is being written: then the engine is given more time.
pub(crate) fn run(link: &Link, settings: Settings, saving: fn() -> bool) -> io::Result<Left> {
    let (messages, inbox) = unbounded();
    tty::guard_panics();
    terminal::open()?;
    signals::listen(messages.clone(), give_back)?;
    let capture = capture::Capture::begin(messages.clone())?;
    let shell = Shell {
        link,
        messages,
        inbox,
        looking: Arc::default(),
        reader: Arc::default(),
        hung_up: Cell::new(false),
        leaving: Cell::new(None),
        saving,
    };
    // The engine saves what it has, even where the interface has a defect.
    let shown = catch_unwind(AssertUnwindSafe(|| shell.show(settings)));
    let failed = !matches!(shown, Ok(Ok((exit, _))) if exit != Exit::FAILED);
    capture.end(failed);
    let (exit, last_word) = shown.unwrap_or(Ok((Exit::FAILED, None)))?;
    Ok(Left { exit, last_word, asked: shell.leaving.get().unwrap_or_else(Instant::now) })
}

/// The state of the loop.
struct Shell<'a> {
    link: &'a Link,
    messages: Sender<Msg>,
    inbox: Receiver<Msg>,
    /// The runs on disk are being listed.
    looking: Arc<AtomicBool>,
    /// What is known of them.
    reader: Arc<Mutex<Reader>>,
    /// The terminal is gone.
    hung_up: Cell<bool>,
    /// Since when leaving waits for the end of the run.
    leaving: Cell<Option<Instant>>,
    saving: fn() -> bool,
}

impl Shell<'_> {
    /// Shows the interface; returns how it ended, and the last word.
    fn show(&self, settings: Settings) -> io::Result<(Exit, Option<String>)> {
        let mut terminal = Terminal::take(self.messages.clone(), settings.mouse, settings.pictures)?;
        let mut app = App::new(settings);
        (app.ws.size, app.ws.now) = (terminal::size(), now());
        tty::read_input(self.messages.clone())?;
        let (exit, last_word) = self.serve(&mut app, &mut terminal)?;
        // A state that cannot be saved is reported if nothing else is.
        let kept = app.ws.state().write(&app.ws.settings.state_file);
        Ok((exit, last_word.or(kept.err())))
    }

    fn serve(&self, app: &mut App, terminal: &mut Terminal) -> io::Result<(Exit, Option<String>)> {
        let frame = if std::env::var_os("SSH_CONNECTION").is_some() { FRAME_OVER_SSH } else { FRAME };
        let mut events = self.link.events.clone();
        let (mut last, mut ticked) = (None::<Instant>, Instant::now());
        for effect in app.opening() {
            if let Some(exit) = self.carry_out(effect, app, terminal) {
                return Ok((exit, None));
            }
        }
        loop {
            let due = last.map_or(ticked, |last| last + frame);
            if app.dirty && terminal.is_free() && due <= Instant::now() {
                terminal.draw(app.ws.size, |frame| {
                    let (hits, placed) = app.draw(frame);
                    app.hits = hits;
                    placed
                })?;
                app.dirty = false;
                last = Some(Instant::now());
            }
            let draws = (app.dirty && terminal.is_free()).then_some(due);
            let ticks = app.pulse().filter(|_| terminal.is_free()).map(|pulse| ticked + pulse);
            let limit = self.limit(app);
            let alarm = draws.into_iter().chain(ticks).chain(limit).min().map_or_else(never, at);
            let msg = select! {
                recv(self.inbox) -> msg => msg.unwrap_or(Msg::Broken),
                recv(events) -> event => if let Ok(event) = event {
                    Msg::Event(Box::new(event))
                } else {
                    events = never();
                    Msg::EngineGone
                },
                recv(terminal.receipts) -> taken => {
                    if terminal.signed(taken.unwrap_or(false)) {
                        continue;
                    }
                    Msg::Signal(SIGHUP)
                }
                recv(alarm) -> _ => {
                    if limit.is_some_and(|limit| limit <= Instant::now()) {
                        return Ok(given_up(app));
                    }
                    if ticks.is_none_or(|ticks| ticks > Instant::now()) {
                        continue;
                    }
                    ticked = Instant::now();
                    Msg::Tick(now())
                }
            };
            app.ws.now = now();
            #[cfg(debug_assertions)]
            misbehave(&msg);
            let last_word = handed_over(app, &msg);
            match msg {
                Msg::Signal(SIGTSTP) => terminal.suspend(),
                Msg::Resumed => terminal.resume(),
                Msg::Signal(SIGHUP) => self.hung_up.set(true),
                _ => {}
            }
            for effect in app.update(msg) {
                if let Some(exit) = self.carry_out(effect, app, terminal) {
                    return Ok((exit, last_word));
                }
            }
            if self.hung_up.get() && app.leaving.is_none() && !app.ws.live.training() {
                return Ok((Exit(129), None));
            }
        }
    }

    /// When the engine is no longer waited for, once somebody wants to leave.
    fn limit(&self, app: &App) -> Option<Instant> {
        if app.leaving.is_none() || !app.ws.live.training() {
            self.leaving.set(None);
            return None;
        }
        let since = self.leaving.get().unwrap_or_else(Instant::now);
        self.leaving.set(Some(since));
        Some(deadline(since, self.saving))
    }

    /// Carries out an effect; an exit code ends the loop.
    fn carry_out(&self, effect: Effect, app: &mut App, terminal: &mut Terminal) -> Option<Exit> {
        match effect {
            Effect::Command(command) => {
                if self.link.commands.send(*command).is_err() {
                    app.ws.warn("the engine is gone; the last checkpoint is untouched.");
                    return app.leaving.as_ref().map(|_| Exit::FAILED);
                }
            }
            Effect::Quit(exit) => return Some(exit),
            Effect::Suspend if terminal::is_first() => {
                app.ws.warn("there is no shell to return to.");
            }
            Effect::Suspend => terminal.suspend(),
            Effect::Redraw => terminal.forget(),
            Effect::Bell => terminal.ring(),
            Effect::Copy(text) => terminal.copy(&text),
            Effect::Mouse(on) => terminal.mouse(on),
            Effect::Job(job) => self.start(job, app),
            // The application carries these out.
            Effect::Do(..) | Effect::Show(_) | Effect::Ask(_) | Effect::Filter(_) => {}
        }
        None
    }

    /// Disks can be slow: a job has a thread of its own, whose result is a message.
    fn start(&self, job: Job, app: &mut App) {
        let lists = matches!(job, Job::ListRuns);
        if lists && self.looking.swap(true, Ordering::SeqCst) {
            return;
        }
        let (messages, options) = (self.messages.clone(), app.ws.settings.options.clone());
        let (looking, reader) = (Arc::clone(&self.looking), Arc::clone(&self.reader));
        let started = thread::spawn("disk", self.messages.clone(), move || {
            let result = jobs::carry_out(job, &options, &reader);
            if lists {
                looking.store(false, Ordering::SeqCst);
            }
            _ = messages.send(Msg::Done(Box::new(result)));
        });
        if let Err(error) = started {
            self.looking.store(false, Ordering::SeqCst);
            app.ws.warn(format!("a thread cannot be started: {error}."));
        }
    }
}

/// When whoever asked for an end at `asked` gets it, done or not; later while a checkpoint is being written.
pub(crate) fn deadline(asked: Instant, saving: fn() -> bool) -> Instant {
    asked + if saving() { LIMIT * 3 } else { LIMIT }
}

/// The end of an interface whose engine did not end in time.
fn given_up(app: &App) -> (Exit, Option<String>) {
    let exit = match app.leaving {
        Some(Leaving::Quit(code)) if code != 0 => Exit(code),
        _ => Exit::FAILED,
    };
    (exit, Some("the run could not be ended in time; its last checkpoint is untouched.".into()))
}

/// For tests, and in no release: where this variable is set, a paste is printed as a library would, `defect` is
/// one of the interface, and `defect elsewhere` one of another thread.
#[cfg(debug_assertions)]
fn misbehave(msg: &Msg) {
    if let Msg::Paste(text) = msg
        && std::env::var_os("DENSENET_TUI_MISBEHAVE").is_some()
    {
        _ = io::Write::write_all(&mut io::stderr(), format!("{text}\n").as_bytes());
        assert!(text != "defect", "a defect that was asked for");
        if text == "defect elsewhere" {
            std::thread::spawn(|| panic!("another defect that was asked for"));
        }
    }
}

/// The last word when another process has taken the run over.
fn handed_over(app: &App, msg: &Msg) -> Option<String> {
    let head = app.ws.live.head()?;
    match msg {
        Msg::Done(result) if matches!(**result, JobResult::Background(Ok(()))) => Some(format!(
            "{} continues in the background; `densenet-tui` shows it under Runs, and its lines are in {}.",
            head.run,
            head.run_dir.join(remote::LOG).display()
        )),
        _ => None,
    }
}

/// Seconds since 1970: the only clock of the interface.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
