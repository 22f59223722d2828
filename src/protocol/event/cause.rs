//! The kinds of failures.

use serde::{Deserialize, Serialize};

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Wrong usage or unusable input: known before anything was trained.
    Input,
    /// Something went wrong on the way.
    Failure,
    /// A defect of the program: the engine panicked.
    Panic,
    /// It was interrupted by a signal, by number, before anything was trained.
    Interrupted(i32),
    /// It was asked to stop before anything was trained.
    Stopped,
}
