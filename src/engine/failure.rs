//! How a command of the engine can fail.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::data::DataError;
use crate::plain;
use crate::protocol::StopReason;
use crate::protocol::event::Cause;
use crate::store::StoreError;

/// Why a command was not carried out.
#[derive(Debug)]
pub(super) enum Failure {
    /// Wrong usage or unusable input: known before anything was trained.
    Input(String),
    /// Something went wrong on the way.
    Failed(String),
    /// It was asked to stop before there was anything to save.
    Interrupted(StopReason),
}

impl Failure {
    /// The failure as a sentence in one line, whatever the paths in it, and its cause.
    fn told(self) -> (String, Cause) {
        match self {
            Self::Input(message) => (plain::kept(message), Cause::Input),
            Self::Failed(message) => (plain::kept(message), Cause::Failure),
            Self::Interrupted(StopReason::Signal(signal)) => {
                ("interrupted before anything was trained.".into(), Cause::Interrupted(signal))
            }
            Self::Interrupted(_) => ("stopped before anything was trained.".into(), Cause::Stopped),
        }
    }
}

/// Does `work`; its failure, or its panic, as a sentence and a cause.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, (String, Cause)> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(Failure::told),
        Err(panic) => Err((panic_message(&*panic), Cause::Panic)),
    }
}

/// A panic as a sentence.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    format!("the engine met a defect of the program ({text}); the last checkpoint is untouched.")
}

impl From<candle_core::Error> for Failure {
    fn from(error: candle_core::Error) -> Self {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or("unknown");
        Self::Failed(format!("computation failed: {first}."))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if error.is_input() { Self::Input(error.to_string()) } else { Self::Failed(error.to_string()) }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Unusable(sentence) => Self::Input(sentence),
            // The caller knows why it interrupted the load and says so instead (see `Control::load`).
            DataError::Interrupted => Self::Interrupted(StopReason::Asked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_its_message() {
        let (message, cause) = caught::<()>(|| panic!("index {} is out of bounds", 7)).unwrap_err();
        assert!(message.contains("(index 7 is out of bounds)"), "{message}");
        assert_eq!(cause, Cause::Panic);
        assert_eq!(caught(|| Ok(1)), Ok(1));
    }
}
