//! The figures of a CUDA GPU, as its driver reports them. Asking takes up to milliseconds, so a thread of its own
//! asks once a second and keeps the newest answer; the engine adds it to its line of steps, and never waits.

#[cfg(feature = "cuda")]
mod nvml;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use candle_core::Device;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use crate::protocol::event::GpuFigures;

/// Time between two readings.
const EVERY: Duration = Duration::from_secs(1);

/// Reads the figures; `None` where the driver reports nothing now.
type Read = Box<dyn FnMut() -> Option<GpuFigures>>;
/// Opens the way to the driver, in the thread that will use it; `None` where there is none.
type Open = Box<dyn FnOnce() -> Option<Read> + Send>;

/// A GPU that is watched, for as long as this lives.
pub(super) struct Gauges {
    latest: Arc<Mutex<Option<GpuFigures>>>,
    /// Its end is the end of the thread.
    _alive: Sender<Infallible>,
}

impl Gauges {
    /// Watches the GPU that `device` is; `None` where it is none, and in a build without CUDA. Where the driver
    /// has no library to ask there are never any figures.
    pub(super) fn open(device: &Device) -> Option<Self> {
        opener(device).and_then(Self::watch)
    }

    /// The figures, if they are newer than those that were taken before.
    pub(super) fn take(&self) -> Option<GpuFigures> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Starts the thread. A machine that has none left trains without figures.
    fn watch(open: Open) -> Option<Self> {
        let latest = Arc::new(Mutex::new(None));
        let (alive, ended) = bounded(0);
        let newest = Arc::clone(&latest);
        let work = move || {
            if let Some(read) = open() {
                keep(read, &newest, || ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout));
            }
        };
        std::thread::Builder::new().name("gauges".into()).spawn(work).ok()?;
        Some(Self { latest, _alive: alive })
    }

    /// What a thread has read once, for tests.
    #[cfg(test)]
    pub(super) fn showing(figures: GpuFigures) -> Self {
        Self { latest: Arc::new(Mutex::new(Some(figures))), _alive: bounded(0).0 }
    }
}

/// Reads, and after every `wait` again, until that says that nobody wants figures any more.
fn keep(mut read: Read, latest: &Mutex<Option<GpuFigures>>, mut wait: impl FnMut() -> bool) {
    loop {
        if let Some(figures) = read() {
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(figures);
        }
        if !wait() {
            return;
        }
    }
}

#[cfg(feature = "cuda")]
fn opener(device: &Device) -> Option<Open> {
    let uuid = nvml::uuid(device)?;
    Some(Box::new(move || nvml::reader(uuid)))
}

#[cfg(not(feature = "cuda"))]
fn opener(_: &Device) -> Option<Open> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A GPU that is a degree warmer at every reading, from 40 on.
    fn warming() -> Read {
        let mut temperature = 39;
        Box::new(move || {
            temperature += 1;
            Some(GpuFigures { temperature: Some(temperature), ..GpuFigures::default() })
        })
    }

    fn gauges() -> Gauges {
        Gauges { latest: Arc::default(), _alive: bounded(0).0 }
    }

    #[test]
    fn the_newest_reading_is_kept_and_is_news_once() {
        let gauges = gauges();
        assert_eq!(gauges.take(), None);
        let mut waits = 0;
        keep(warming(), &gauges.latest, || {
            waits += 1;
            waits < 3
        });
        assert_eq!(gauges.take().and_then(|figures| figures.temperature), Some(42));
        assert_eq!(gauges.take(), None);
    }

    #[test]
    fn a_driver_that_reports_nothing_now_leaves_what_it_reported_before() {
        let gauges = gauges();
        let (mut gpu, mut readings) = (warming(), 0);
        let silent_at_last: Read = Box::new(move || {
            readings += 1;
            if readings == 1 { gpu() } else { None }
        });
        let mut waits = 0;
        keep(silent_at_last, &gauges.latest, || {
            waits += 1;
            waits < 2
        });
        assert_eq!(gauges.take().and_then(|figures| figures.temperature), Some(40));
    }

    #[test]
    fn the_thread_ends_with_its_gauges_and_at_once_without_a_driver() {
        let (held, thread_has_ended) = bounded::<Infallible>(0);
        let open = move || {
            let mut gpu = warming();
            let read: Read = Box::new(move || {
                let _ = &held;
                gpu()
            });
            Some(read)
        };
        drop(Gauges::watch(Box::new(open)).unwrap());
        assert!(thread_has_ended.recv().is_err());
        let (held, thread_has_ended) = bounded::<Infallible>(0);
        let gauges = Gauges::watch(Box::new(move || {
            drop(held);
            None
        }));
        assert!(thread_has_ended.recv().is_err());
        assert_eq!(gauges.unwrap().take(), None);
    }

    #[test]
    fn a_cpu_is_not_watched() {
        assert!(Gauges::open(&Device::Cpu).is_none());
    }
}
