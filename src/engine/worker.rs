//! A thread for work that may take long, so that the caller can do something else meanwhile, or abandon it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::engine::failure::Failure;

/// How long one waits for work before looking up.
pub(super) const PULSE: Duration = Duration::from_millis(100);

type Job = Box<dyn FnOnce() + Send>;

/// The thread that does the work. It ends with this, once what it has begun is done.
#[derive(Debug)]
pub(super) struct Worker(Sender<Job>);

impl Worker {
    pub(super) fn start() -> Result<Self, Failure> {
        let (sender, jobs) = unbounded::<Job>();
        let work = move || jobs.iter().for_each(|job| job());
        let started = thread::Builder::new().name("work".into()).spawn(work);
        started
            .map(|_| Self(sender))
            .map_err(|error| Failure::Failed(format!("a thread cannot be started: {error}.")))
    }

    /// Begins `work`, after all work before it.
    pub(super) fn begin<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
        let (done, result) = bounded(1);
        let job = Box::new(move || {
            // Where the work was abandoned, its panic concerns nobody.
            _ = done.send(catch_unwind(AssertUnwindSafe(work)));
        });
        _ = self.0.send(job);
        Pending(result)
    }
}

/// Work that was begun. Where this is dropped, the work continues by itself and its result is dropped.
#[derive(Debug)]
pub(super) struct Pending<T>(Receiver<thread::Result<T>>);

impl<T> Pending<T> {
    /// The result, once, if it is there within `wait`. A panic of the work continues here.
    pub(super) fn take(&self, wait: Duration) -> Option<T> {
        match self.0.recv_timeout(wait) {
            Ok(Ok(value)) => Some(value),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => unreachable!("the thread outlives the work it is given"),
        }
    }
}
