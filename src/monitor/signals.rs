//! The meaning of signals, for either front end.
//!
//! Whoever ends a job often sends a signal twice within milliseconds: `timeout`, shells and schedulers pass on
//! what the whole process group gets too. So a second request counts only when it comes after a while.

use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};

/// A signal sooner than this after the first is the same request.
pub const SAME_REQUEST: Duration = Duration::from_secs(2);
/// How long the program may take to save and end once it was asked to.
pub const LIMIT: Duration = Duration::from_millis(9_500);

/// The signals that a front end without a terminal catches. SIGXFSZ among them, so that a write beyond the
/// limit for files is an error like that of a full disk.
pub const CAUGHT: [i32; 7] = [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ];

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A checkpoint.
    Save,
    /// To save and end.
    Stop,
    /// To end without another look at the run.
    Leave,
    /// The terminal is gone.
    HungUp,
    /// Nothing more.
    Nothing,
}

/// The requests to stop so far.
#[derive(Debug, Default)]
pub struct Requests {
    first: Option<Instant>,
}

impl Requests {
    /// What `signal` asks for when it comes at `now`.
    pub fn hear(&mut self, signal: i32, now: Instant) -> Asked {
        match (signal, self.first) {
            (SIGUSR1, _) => Asked::Save,
            (SIGHUP, _) => Asked::HungUp,
            (_, None) if stops(signal) => {
                self.first = Some(now);
                Asked::Stop
            }
            // The kernel repeats SIGXCPU every second.
            (SIGINT | SIGTERM | SIGUSR2, Some(first)) if now.duration_since(first) >= SAME_REQUEST => {
                Asked::Leave
            }
            _ => Asked::Nothing,
        }
    }
}

/// Whether `signal` asks the program to save and end.
pub fn stops(signal: i32) -> bool {
    matches!(signal, SIGINT | SIGTERM | SIGUSR2 | SIGXCPU)
}

/// The sentence that answers a first request.
pub fn sentence(training: bool) -> &'static str {
    if training {
        "saving and stopping, within 10 seconds; a second signal after 2 seconds leaves at once, without saving."
    } else {
        "stopping, within 10 seconds; a second signal after 2 seconds leaves at once."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_signal_within_two_seconds_is_the_same_request() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        for signal in [SIGINT, SIGTERM, SIGUSR2] {
            let mut requests = Requests::default();
            assert_eq!(requests.hear(signal, at(0)), Asked::Stop);
            assert_eq!(requests.hear(signal, at(50)), Asked::Nothing);
            assert_eq!(requests.hear(SIGTERM, at(1_999)), Asked::Nothing);
            assert_eq!(requests.hear(SIGTERM, at(2_000)), Asked::Leave);
        }
    }

    #[test]
    fn a_limit_of_processor_time_stops_once_however_often_the_kernel_repeats_it() {
        let begin = Instant::now();
        let mut requests = Requests::default();
        let asked: Vec<Asked> =
            (0..5).map(|second| requests.hear(SIGXCPU, begin + Duration::from_secs(second))).collect();
        assert_eq!(asked[0], Asked::Stop);
        assert!(asked[1..].iter().all(|asked| *asked == Asked::Nothing), "{asked:?}");
        assert_eq!(requests.hear(SIGTERM, begin + Duration::from_secs(5)), Asked::Leave);
    }

    #[test]
    fn saving_and_a_terminal_that_goes_are_no_requests_to_stop() {
        let mut requests = Requests::default();
        let now = Instant::now();
        assert_eq!(requests.hear(SIGUSR1, now), Asked::Save);
        assert_eq!(requests.hear(SIGHUP, now), Asked::HungUp);
        assert_eq!(requests.hear(SIGXFSZ, now), Asked::Nothing);
        assert_eq!(requests.hear(SIGTERM, now), Asked::Stop);
    }
}
