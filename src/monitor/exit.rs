//! Exit codes: what the end of a run means to a shell.

use crate::protocol::event::Cause;
use crate::protocol::{Outcome, StopReason};

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// As it was meant to.
    Finished(Outcome, Option<StopReason>),
    /// It failed.
    Failed(String, Cause),
}

/// How a program ended, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// Finished, or stopped on purpose.
    pub const FINE: Self = Self(0);
    /// Failed on the way.
    pub const FAILED: Self = Self(1);
    /// Wrong usage or unusable input, known before the start.
    pub const USAGE: Self = Self(2);
    /// A loss, a gradient or a weight was not finite.
    pub const DIVERGED: Self = Self(3);

    /// Ended early; the same command line continues it: `EX_TEMPFAIL`.
    pub const UNFINISHED: Self = Self(75);

    /// The code of an end under `--continue`, whatever stopped it: there is more to do.
    pub fn of_continued(end: &End) -> Self {
        match end {
            End::Finished(Outcome::Stopped, _) | End::Failed(_, Cause::Stopped | Cause::Interrupted(_)) => {
                Self::UNFINISHED
            }
            _ => Self::of(end),
        }
    }

    /// The code of an end.
    pub fn of(end: &End) -> Self {
        let signalled = |signal: i32| u8::try_from(128 + signal).map_or(Self::FAILED, Self);
        match end {
            End::Finished(_, Some(StopReason::Signal(signal)))
            | End::Failed(_, Cause::Interrupted(signal)) => signalled(*signal),
            End::Finished(Outcome::Completed | Outcome::Stopped, _) | End::Failed(_, Cause::Stopped) => {
                Self::FINE
            }
            End::Finished(Outcome::Diverged, _) => Self::DIVERGED,
            End::Failed(_, Cause::Input) => Self::USAGE,
            End::Failed(_, Cause::Failure | Cause::Panic) => Self::FAILED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_exit_code() {
        let finished = |outcome, reason| Exit::of(&End::Finished(outcome, reason)).0;
        let failed = |cause| Exit::of(&End::Failed(String::new(), cause)).0;
        assert_eq!(finished(Outcome::Completed, None), 0);
        assert_eq!(finished(Outcome::Stopped, Some(StopReason::TimeUp)), 0);
        assert_eq!(finished(Outcome::Stopped, Some(StopReason::Signal(2))), 130);
        assert_eq!(finished(Outcome::Stopped, Some(StopReason::Signal(15))), 143);
        assert_eq!(finished(Outcome::Diverged, None), 3);
        assert_eq!(failed(Cause::Input), 2);
        assert_eq!(failed(Cause::Failure), 1);
        assert_eq!(failed(Cause::Panic), 1);
        assert_eq!(failed(Cause::Interrupted(15)), 143);
    }

    #[test]
    fn a_continued_run_that_was_stopped_has_more_to_do_whoever_stopped_it() {
        let finished = |outcome, reason| Exit::of_continued(&End::Finished(outcome, reason)).0;
        let failed = |cause| Exit::of_continued(&End::Failed(String::new(), cause)).0;
        for reason in [StopReason::TimeUp, StopReason::Asked, StopReason::Signal(15)] {
            assert_eq!(finished(Outcome::Stopped, Some(reason)), 75);
        }
        assert_eq!((failed(Cause::Interrupted(10)), failed(Cause::Stopped)), (75, 75));
        assert_eq!((finished(Outcome::Completed, None), finished(Outcome::Diverged, None)), (0, 3));
        assert_eq!((failed(Cause::Input), failed(Cause::Failure)), (2, 1));
    }
}
