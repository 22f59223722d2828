//! Commands that arrive while the engine is busy: heard between steps, between evaluation batches and during long
//! work, acted upon where that is safe.
//!
//! A pass over a large batch, an image on a disk that hangs or a walk through candle's layers may take longer than
//! whoever asked for a stop will wait before the process is killed. None of them changes the network or the run, so
//! what is not finished in time is thrown away, and the state before it is saved.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};

use crate::data::{self, DataError, Dataset, Settings};
use crate::engine::failure::Failure;
use crate::engine::image_dir;
use crate::engine::memory::available_bytes;
use crate::engine::report::Report;
use crate::engine::worker::{PULSE, Worker};
use crate::protocol::event::{Cause, Phase};
use crate::protocol::{Change, Command, Event, NoAnswer, Question, StopReason};
use crate::recipe::Recipe;

/// How long work may take after a stop was asked for. With the time that a checkpoint needs it has to stay
/// below the ten seconds after which the impatient kill.
const GRACE: Duration = Duration::from_secs(3);

/// The answer to what would need the engine for itself.
const BUSY: &str = "The engine is busy; stop what runs first.";

/// How the engine behaves, whatever it is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineOptions {
    /// Continue a run when nobody listens any more, instead of saving and stopping.
    pub keep_running_unattended: bool,
}

/// What was asked and is not yet done.
pub(super) struct Control {
    commands: Receiver<Command>,
    options: EngineOptions,
    /// The thread for long work, once there was some.
    worker: Option<Worker>,
    /// The run is to end.
    pub(super) stop: Option<StopReason>,
    /// When that was asked for.
    stopped: Option<Instant>,
    /// The engine is to end after the run.
    pub(super) quit: bool,
    /// The run is to wait.
    pub(super) paused: bool,
    /// A checkpoint is wanted.
    pub(super) save: bool,
    /// An evaluation is wanted.
    pub(super) evaluate: bool,
    /// Live values to change.
    pub(super) changes: VecDeque<Change>,
    /// Questions that need no run.
    pub(super) questions: VecDeque<(u64, Question)>,
    /// When the run has had its time.
    pub(super) deadline: Option<Instant>,
}

impl Control {
    pub(super) fn new(commands: Receiver<Command>, options: EngineOptions) -> Self {
        Self {
            commands,
            options,
            worker: None,
            stop: None,
            stopped: None,
            quit: false,
            paused: false,
            save: false,
            evaluate: false,
            changes: VecDeque::new(),
            questions: VecDeque::new(),
            deadline: None,
        }
    }

    /// Whether there is nothing to do between two steps.
    pub(super) fn is_idle(&self) -> bool {
        let aside = self.save || self.evaluate || !self.changes.is_empty() || !self.questions.is_empty();
        self.stop.is_none() && !self.paused && !aside
    }

    /// Handles the commands that have arrived, without waiting; notices that nobody listens any more, and that the
    /// run has had its time.
    pub(super) fn poll_commands(&mut self, report: &mut Report) {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.handle(command, report),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.disconnected();
                    break;
                }
            }
        }
        if !report.is_heard() {
            self.disconnected();
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.end(StopReason::TimeUp);
        }
    }

    /// Why the run is to end, once it is.
    pub(super) fn reason(&self) -> StopReason {
        self.stop.unwrap_or(StopReason::Asked)
    }

    /// The failure of what was not done because a stop was asked for.
    pub(super) fn interrupted(&self) -> Failure {
        Failure::Interrupted(self.reason())
    }

    /// The run is to end; the first reason is the one that counts.
    fn end(&mut self, reason: StopReason) {
        self.stop.get_or_insert(reason);
        self.stopped.get_or_insert_with(Instant::now);
    }

    /// Waits for the next command (or the deadline) and handles it.
    pub(super) fn wait(&mut self, report: &mut Report) {
        let command = match self.deadline {
            Some(deadline) => self.commands.recv_deadline(deadline),
            None => self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match command {
            Ok(command) => self.handle(command, report),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                self.disconnected();
                // Nobody can ever end the pause.
                self.paused = false;
            }
        }
        self.poll_commands(report);
    }

    /// Whether no stop was asked for.
    pub(super) fn go_on(&mut self, report: &mut Report) -> bool {
        self.poll_commands(report);
        self.stop.is_none()
    }

    /// Whether a stop was asked for so long ago that what still runs is to be abandoned.
    pub(super) fn is_overdue(&self) -> bool {
        self.stopped.is_some_and(|since| since.elapsed() >= GRACE)
    }

    /// Waits until `ready` has something while commands are heard. `ready` itself waits no longer than [`PULSE`], and
    /// is told whether a stop was asked for. `None` if that was and nothing came in time.
    pub(super) fn wait_for<T, E>(
        &mut self,
        report: &mut Report,
        mut ready: impl FnMut(&mut Report, bool) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        loop {
            if let Some(found) = ready(report, self.stop.is_some())? {
                return Ok(Some(found));
            }
            self.poll_commands(report);
            if self.is_overdue() {
                return Ok(None);
            }
        }
    }

    /// Does `work` while commands are heard. `None` if a stop was asked for and the work did not end in
    /// time: then it continues by itself, and its result is dropped.
    pub(super) fn attend<T: Send + 'static>(
        &mut self,
        report: &mut Report,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Failure> {
        self.attend_with(report, work, |_, _| {})
    }

    /// Does `work` that has nothing to keep: where it is abandoned, that is the failure.
    pub(super) fn attended<T: Send + 'static>(
        &mut self,
        report: &mut Report,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.attend(report, work)?.ok_or_else(|| self.interrupted())
    }

    /// As [`Self::attend`]; `look` is called now and then, and told whether a stop was asked for.
    fn attend_with<T: Send + 'static>(
        &mut self,
        report: &mut Report,
        work: impl FnOnce() -> T + Send + 'static,
        mut look: impl FnMut(&mut Report, bool),
    ) -> Result<Option<T>, Failure> {
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start()?,
        };
        let pending = worker.begin(work);
        let found = self.wait_for(report, |report, stopped| {
            look(report, stopped);
            Ok::<_, Failure>(pending.take(PULSE))
        })?;
        // After work that was abandoned the next gets a thread of its own.
        self.worker = found.is_some().then_some(worker);
        Ok(found)
    }

    /// Loads a recipe's data while commands are heard.
    pub(super) fn load(
        &mut self,
        recipe: &Recipe,
        skip_broken: bool,
        trains: bool,
        report: &mut Report,
    ) -> Result<Dataset, Failure> {
        report.emit(Event::Phase { phase: Phase::Loading, done: 0, total: 0 });
        let state = Arc::new(Loading::default());
        let (recipe, theirs) = (recipe.clone(), Arc::clone(&state));
        let cache = image_dir::cache();
        let load = move || {
            let free = available_bytes().map(|bytes| bytes as u64);
            data::load(
                &recipe,
                Settings { free, cache, skip_broken, trains, ..Settings::default() },
                &mut |done, total| {
                    theirs.done.store(done, Ordering::Relaxed);
                    theirs.total.store(total, Ordering::Relaxed);
                    if theirs.over.load(Ordering::Relaxed) {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                },
            )
        };
        let loaded = self.attend_with(report, load, |report, stopped| {
            state.over.fetch_or(stopped, Ordering::Relaxed);
            let (done, total) = (state.done.load(Ordering::Relaxed), state.total.load(Ordering::Relaxed));
            report.phase(Phase::Loading, done, total);
        })?;
        match loaded {
            None | Some(Err(DataError::Interrupted)) => Err(self.interrupted()),
            Some(loaded) => Ok(loaded?),
        }
    }

    /// Nobody listens any more.
    fn disconnected(&mut self) {
        if !self.options.keep_running_unattended {
            self.end(StopReason::Disconnected);
            self.quit = true;
        }
    }

    fn handle(&mut self, command: Command, report: &mut Report) {
        match command {
            Command::Pause => self.paused = true,
            Command::Continue => self.paused = false,
            Command::Save => self.save = true,
            Command::Evaluate => self.evaluate = true,
            Command::Change(change) => self.changes.push_back(change),
            Command::Stop(reason) => self.end(reason),
            Command::Quit => {
                self.end(StopReason::Asked);
                self.quit = true;
            }
            Command::Ask { id, question: Question::Bench { .. } | Question::Verify { .. } } => {
                let no = NoAnswer { message: BUSY.into(), cause: Cause::Failure };
                report.emit(Event::Answered { id, answer: Err(no) });
            }
            Command::Ask { id, question } => self.questions.push_back((id, question)),
            Command::Start(_) | Command::Resume { .. } => {
                report.emit(Event::Refused { message: BUSY.into() });
            }
        }
        if self.stop.is_some() {
            self.paused = false;
        }
    }
}

/// How far a load is, and whether it is to break off.
#[derive(Default)]
struct Loading {
    done: AtomicU64,
    total: AtomicU64,
    over: AtomicBool,
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use crossbeam_channel::{Sender, unbounded};

    use super::*;

    fn engine() -> (Sender<Command>, Control, Report) {
        let (sender, commands) = unbounded();
        let (events, _) = unbounded();
        (
            sender,
            Control::new(commands, EngineOptions { keep_running_unattended: true }),
            Report::new(events, Arc::default()),
        )
    }

    #[test]
    fn work_is_done_and_what_is_asked_meanwhile_is_known_after_it() {
        let (sender, mut control, mut report) = engine();
        let asking = sender.clone();
        let found = control.attend(&mut report, move || {
            asking.send(Command::Save).unwrap();
            7
        });
        assert_eq!(found.unwrap(), Some(7));
        control.poll_commands(&mut report);
        assert!(control.save);
        assert_eq!(control.attend(&mut report, || 8).unwrap(), Some(8));
    }

    #[test]
    fn work_that_outlasts_a_stop_is_left_undone_and_the_next_is_done_all_the_same() {
        let (sender, mut control, mut report) = engine();
        let (end, until_the_end) = mpsc::channel::<()>();
        sender.send(Command::Stop(StopReason::Signal(15))).unwrap();
        let begin = Instant::now();
        // It ends when the test does.
        let found = control.attend(&mut report, move || _ = until_the_end.recv());
        assert!(found.unwrap().is_none());
        assert!(begin.elapsed() >= GRACE);
        assert_eq!(control.stop, Some(StopReason::Signal(15)));
        assert_eq!(control.attend(&mut report, || 9).unwrap(), Some(9));
        drop(end);
    }

    #[test]
    #[should_panic(expected = "a defect of the work")]
    fn a_panic_of_the_work_is_one_of_whoever_asked_for_it() {
        let (_sender, mut control, mut report) = engine();
        let _ = control.attend(&mut report, || panic!("a defect of the work"));
    }
}
