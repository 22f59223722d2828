//! Long work in a thread of its own: the engine hears what is asked meanwhile, and can leave work undone.
//!
//! A pass over a large batch, an image on a disk that hangs or a walk through candle's layers may take longer
//! than whoever asked for a stop will wait before the process is killed. None of them changes the network or
//! the run, so what is not finished in time is thrown away, and the state before it is saved.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded, never, select, unbounded};

use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::report::Report;

/// How long work may take after a stop was asked for. With the time that a checkpoint needs it has to stay
/// below the ten seconds after which the impatient kill.
const GRACE: Duration = Duration::from_secs(3);
/// How often the engine looks up while it waits.
const PULSE: Duration = Duration::from_millis(100);

type Job = Box<dyn FnOnce() + Send>;

/// The thread that does the work.
pub(super) struct Worker(Sender<Job>);

impl Worker {
    fn start() -> Result<Self, Failure> {
        let (jobs, orders) = unbounded::<Job>();
        thread::Builder::new()
            .name("work".into())
            .spawn(move || orders.iter().for_each(|job| job()))
            .map_err(|error| Failure::Failed(format!("a thread cannot be started: {error}.")))?;
        Ok(Self(jobs))
    }
}

impl Control {
    /// Does `work` while commands are heard. `None` if a stop was asked for and the work did not end in
    /// time: then it goes on by itself, and nobody looks at what comes of it.
    pub(super) fn attend<T: Send + 'static>(
        &mut self,
        report: &mut Report,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Failure> {
        self.attend_with(report, work, |_, _| {})
    }

    /// Does `work` that has nothing to keep: where it is left undone, that is the failure.
    pub(super) fn attended<T: Send + 'static>(
        &mut self,
        report: &mut Report,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.attend(report, work)?.ok_or_else(|| self.interrupted())
    }

    /// As [`Self::attend`], with a look at how far the work is every now and then; `look` is told whether a stop was
    /// asked for.
    pub(super) fn attend_with<T: Send + 'static>(
        &mut self,
        report: &mut Report,
        work: impl FnOnce() -> T + Send + 'static,
        mut look: impl FnMut(&mut Report, bool),
    ) -> Result<Option<T>, Failure> {
        let (done, result) = bounded(1);
        let job = Box::new(move || {
            // Where nobody waits any more there is nobody to tell of a panic either.
            _ = done.send(catch_unwind(AssertUnwindSafe(work)));
        });
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start()?,
        };
        if worker.0.send(job).is_err() {
            return Err(Failure::Failed("the thread that computes has ended.".into()));
        }
        let mut commands = self.commands();
        loop {
            select! {
                recv(result) -> end => {
                    self.worker = Some(worker);
                    return match end {
                        Ok(Ok(value)) => Ok(Some(value)),
                        Ok(Err(panic)) => resume_unwind(panic),
                        Err(_) => Err(Failure::Failed("the thread that computes has ended.".into())),
                    };
                }
                recv(commands) -> command => if let Ok(command) = command {
                    self.take(command, report);
                } else {
                    self.unheard();
                    commands = never();
                },
                default(PULSE) => {}
            }
            self.look_up(report);
            look(report, self.stop.is_some());
            if self.stopped.is_some_and(|since: Instant| since.elapsed() >= GRACE) {
                // The next piece of work gets a thread of its own.
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::engine::Promise;
    use crate::protocol::{Command, StopReason};

    fn engine() -> (Sender<Command>, Control, Report) {
        let (sender, commands) = unbounded();
        let (events, _) = unbounded();
        (sender, Control::new(commands, Promise { unheard: true }), Report::new(events, Arc::default()))
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
        control.hear(&mut report);
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
