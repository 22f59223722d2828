//! What the engine is asked while it is busy: heard between steps, between evaluation batches and
//! while loading, acted upon by whoever is at a place where that is safe.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};

use crate::data::{self, DataError, Dataset};
use crate::engine::Promise;
use crate::engine::attend::Worker;
use crate::engine::failure::Failure;
use crate::engine::memory::available_bytes;
use crate::engine::report::Report;
use crate::protocol::event::Phase;
use crate::protocol::{Change, Command, Event, StopReason};
use crate::recipe::Recipe;

/// What has been asked and not yet been done.
pub(super) struct Control {
    commands: Receiver<Command>,
    promise: Promise,
    /// The thread for long work, once there was some.
    pub(super) worker: Option<Worker>,
    /// The run is to end.
    pub(super) stop: Option<StopReason>,
    /// When that was asked for.
    pub(super) stopped: Option<Instant>,
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
    pub(super) questions: VecDeque<Command>,
    /// When the run has had its time.
    pub(super) deadline: Option<Instant>,
}

impl Control {
    pub(super) fn new(commands: Receiver<Command>, promise: Promise) -> Self {
        Self {
            commands,
            promise,
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

    /// Whether nothing is asked of the place between two steps.
    pub(super) fn is_idle(&self) -> bool {
        let aside = self.save || self.evaluate || !self.changes.is_empty() || !self.questions.is_empty();
        self.stop.is_none() && !self.paused && !aside
    }

    /// Takes in what has been asked meanwhile, without waiting.
    pub(super) fn hear(&mut self, report: &mut Report) {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.take(command, report),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.unheard();
                    break;
                }
            }
        }
        self.look_up(report);
    }

    /// Notices that nobody listens any more, and that the run has had its time.
    pub(super) fn look_up(&mut self, report: &mut Report) {
        if !report.is_heard() {
            self.unheard();
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.end(StopReason::TimeUp);
        }
    }

    /// Why the run is to end, for whoever knows that it is.
    pub(super) fn reason(&self) -> StopReason {
        self.stop.unwrap_or(StopReason::Asked)
    }

    /// The failure of what was not done because a stop was asked for.
    pub(super) fn interrupted(&self) -> Failure {
        Failure::Interrupted(self.reason())
    }

    /// Where commands come from.
    pub(super) fn commands(&self) -> Receiver<Command> {
        self.commands.clone()
    }

    /// The run is to end; the first reason is the one that counts.
    fn end(&mut self, reason: StopReason) {
        self.stop.get_or_insert(reason);
        self.stopped.get_or_insert_with(Instant::now);
    }

    /// Waits for the next command (or the deadline) and takes it in.
    pub(super) fn wait(&mut self, report: &mut Report) {
        let command = match self.deadline {
            Some(deadline) => self.commands.recv_deadline(deadline),
            None => self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match command {
            Ok(command) => self.take(command, report),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                self.unheard();
                // Nobody can ever end the pause.
                self.paused = false;
            }
        }
        self.hear(report);
    }

    /// A caller that only needs to know whether to go on.
    pub(super) fn go_on(&mut self, report: &mut Report) -> bool {
        self.hear(report);
        self.stop.is_none()
    }

    /// Loads a recipe's data, hearing meanwhile.
    pub(super) fn load(&mut self, recipe: &Recipe, report: &mut Report) -> Result<Dataset, Failure> {
        report.emit(Event::Phase { phase: Phase::Loading, done: 0, total: 0 });
        let state = Arc::new(Loading::default());
        let (recipe, theirs) = (recipe.clone(), Arc::clone(&state));
        let load = move || {
            let free = available_bytes().map(|bytes| bytes as u64);
            data::load(&recipe, free, &mut |done, total| {
                theirs.done.store(done, Ordering::Relaxed);
                theirs.total.store(total, Ordering::Relaxed);
                if theirs.over.load(Ordering::Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
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
    pub(super) fn unheard(&mut self) {
        if !self.promise.unheard {
            self.end(StopReason::Unheard);
            self.quit = true;
        }
    }

    pub(super) fn take(&mut self, command: Command, report: &mut Report) {
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
            Command::Preview { .. } | Command::Inspect(_) | Command::EvaluateFile(_) => {
                self.questions.push_back(command);
            }
            Command::Start(_) | Command::Resume { .. } | Command::Bench { .. } | Command::Verify { .. } => {
                report.emit(Event::Refused { message: "The engine is busy; stop what runs first.".into() });
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
