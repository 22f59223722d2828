//! How a command of the engine can fail.

use crate::data::DataError;
use crate::plain;
use crate::protocol::event::Cause;
use crate::protocol::{Event, StopReason};
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
    /// The failure as the last event of its command: one line, whatever the paths in it.
    pub(super) fn into_event(self) -> Event {
        match self {
            Self::Input(message) => Event::Failed { message: plain::kept(message), cause: Cause::Input },
            Self::Failed(message) => Event::Failed { message: plain::kept(message), cause: Cause::Failure },
            Self::Interrupted(StopReason::Signal(signal)) => Event::Failed {
                message: "interrupted before anything was trained.".into(),
                cause: Cause::Interrupted(signal),
            },
            Self::Interrupted(_) => Event::Failed {
                message: "stopped before anything was trained.".into(),
                cause: Cause::Stopped,
            },
        }
    }
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
