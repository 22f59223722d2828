//! Events, to the front end and into the journal. Steps are gathered into lines; everything else goes out at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::Sender;

use crate::engine::gauges::Gauges;
use crate::engine::heartbeat::Heartbeat;
use crate::protocol::event::Phase;
use crate::protocol::{Event, Stamped};
use crate::store::RunDir;
use crate::store::journal::Journal;

/// Steps are gathered for so long before they make a line.
const GATHER: Duration = Duration::from_millis(250);
/// Events that may wait unread before steps are gathered for longer.
const BACKLOG: usize = 64;

/// One finished step.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepReport {
    pub(super) epoch: usize,
    pub(super) step: u64,
    pub(super) images: usize,
    /// Mean over the images, in nats.
    pub(super) loss: f64,
    pub(super) correct: u64,
    pub(super) learning_rate: f64,
    pub(super) seconds: f64,
}

/// Steps gathered since the last line.
#[derive(Default)]
struct Gathered {
    steps: u64,
    images: usize,
    loss_sum: f64,
    correct: u64,
    seconds: f64,
    last: Option<StepReport>,
}

/// The way out for events.
pub(super) struct Report {
    events: Sender<Stamped>,
    /// The listener says so itself (see [`crate::protocol::Link`]).
    behind: Arc<AtomicBool>,
    journal: Option<Journal>,
    journal_is_whole: bool,
    /// What is reported is no part of the run.
    aside: bool,
    /// Of the GPU that computes.
    gauges: Option<Gauges>,
    /// Of the run's directory.
    heartbeat: Option<Heartbeat>,
    heard: bool,
    gathered: Gathered,
    last_line: Instant,
    last_phase: Instant,
}

impl Report {
    pub(super) fn new(events: Sender<Stamped>, behind: Arc<AtomicBool>) -> Self {
        let now = Instant::now();
        Self {
            events,
            behind,
            journal: None,
            journal_is_whole: true,
            aside: false,
            gauges: None,
            heartbeat: None,
            heard: true,
            gathered: Gathered::default(),
            last_line: now,
            last_phase: now,
        }
    }

    /// From here on events are also written to `journal`.
    pub(super) fn keep(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// Goes on in another journal if the one that is kept is not, or no longer, that of `run`: with all that was
    /// written so far, where that can still be read. Whether it did.
    pub(super) fn follow(&mut self, run: &RunDir) -> bool {
        let Some(old) = self.journal.take_if(|journal| !journal.is_of(run.hold())) else { return false };
        match run.journal() {
            Ok(mut new) => {
                // What is lost of the past is no reason to lose the rest.
                _ = new.begin_with(&old);
                self.journal = Some(new);
                true
            }
            Err(error) => {
                // The next save tries again.
                self.journal = Some(old);
                self.emit(Event::Warning { message: error.to_string() });
                false
            }
        }
    }

    /// From here on `run` is kept held, with a warning where its directory is lost.
    pub(super) fn guard(&mut self, run: &RunDir) {
        let events = self.events.clone();
        self.heartbeat = Heartbeat::start(run.hold(), run.path(), move |message| {
            // Nobody listens to a run that nobody watches.
            _ = events.send(Stamped { event: Event::Warning { message }, time: now() });
        });
    }

    /// From here on lines of steps have the figures of the gauges, too.
    pub(super) fn watch(&mut self, gauges: Option<Gauges>) {
        self.gauges = gauges;
    }

    /// From here on what is reported belongs to a question, not to the run, and stays out of its journal; or no longer.
    pub(super) fn set_aside(&mut self, aside: bool) {
        self.flush();
        self.aside = aside;
    }

    /// Whether the last event found a listener.
    pub(super) fn is_heard(&self) -> bool {
        self.heard
    }

    /// Whether the listener does not keep up.
    fn is_behind(&self) -> bool {
        self.events.len() >= BACKLOG || self.behind.load(Ordering::Relaxed)
    }

    /// Reports `event`, after the steps before it.
    pub(super) fn emit(&mut self, event: Event) {
        self.flush();
        self.send(event);
    }

    /// Reports how far an activity is, at most four times a second.
    pub(super) fn phase(&mut self, phase: Phase, done: u64, total: u64) {
        if self.last_phase.elapsed() >= GATHER && !self.is_behind() {
            self.last_phase = Instant::now();
            self.send(Event::Phase { phase, done, total });
        }
    }

    /// Reports a step, now or together with the next ones.
    pub(super) fn step(&mut self, step: StepReport) {
        let gathered = &mut self.gathered;
        gathered.steps += 1;
        gathered.images += step.images;
        gathered.loss_sum += step.loss * step.images as f64;
        gathered.correct += step.correct;
        gathered.seconds += step.seconds;
        gathered.last = Some(step);
        if self.last_line.elapsed() >= GATHER && !self.is_behind() {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let Gathered { steps, images, loss_sum, correct, seconds, last } = std::mem::take(&mut self.gathered);
        let Some(last) = last else { return };
        self.last_line = Instant::now();
        self.send(Event::Step {
            epoch: last.epoch,
            step: last.step,
            steps,
            loss: loss_sum / images as f64,
            accuracy: correct as f64 / images as f64,
            learning_rate: last.learning_rate,
            images_per_second: images as f64 / seconds,
            gpu: self.gauges.as_ref().and_then(Gauges::take),
        });
    }

    fn send(&mut self, event: Event) {
        let stamped = Stamped { event, time: now() };
        let of_the_run =
            !self.aside && !matches!(stamped.event, Event::Phase { .. } | Event::Answered { .. });
        if let (Some(journal), true) = (&mut self.journal, of_the_run) {
            let written = journal.append(&stamped);
            // The heartbeat warns where another process has the run.
            let is_news = |error: &io::Error| error.kind() != io::ErrorKind::ResourceBusy;
            if let (Err(error), true) = (&written, self.journal_is_whole)
                && is_news(error)
            {
                let message =
                    format!("the journal cannot be written ({error}); training continues without it.");
                self.heard &=
                    self.events.send(Stamped { event: Event::Warning { message }, time: now() }).is_ok();
            }
            self.journal_is_whole = written.is_ok();
        }
        self.heard &= self.events.send(stamped).is_ok();
    }
}

/// Seconds since 1970, UTC.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;

    use super::*;
    use crate::protocol::event::GpuFigures;

    fn step(step: u64) -> StepReport {
        StepReport { epoch: 1, step, images: 4, loss: 1.0, correct: 1, learning_rate: 0.1, seconds: 1.0 }
    }

    #[test]
    fn steps_are_gathered_while_the_listener_says_that_it_is_behind() {
        let ((events, heard), behind) = (unbounded(), Arc::<AtomicBool>::default());
        let mut report = Report::new(events, Arc::clone(&behind));
        let mut told = |number, is_behind| {
            behind.store(is_behind, Ordering::Relaxed);
            report.last_line -= GATHER;
            report.step(step(number));
            heard.try_iter().count()
        };
        assert_eq!([told(1, false), told(2, true), told(3, true), told(4, false)], [1, 0, 0, 1]);
    }

    #[test]
    fn steps_have_the_figures_of_the_gpu_when_they_are_new() {
        let (events, heard) = unbounded();
        let mut report = Report::new(events, Arc::default());
        let shown = GpuFigures { utilisation: Some(0.5), ..GpuFigures::default() };
        report.watch(Some(Gauges::showing(shown)));
        for number in 1..=2 {
            report.step(step(number));
            report.emit(Event::Paused { step: number });
        }
        let told: Vec<_> = heard
            .try_iter()
            .filter_map(|stamped| if let Event::Step { gpu, .. } = stamped.event { Some(gpu) } else { None })
            .collect();
        assert_eq!(told, [Some(shown), None]);
    }
}
