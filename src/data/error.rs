//! Errors and progress of loading images.

use std::ops::ControlFlow;

/// Why images could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The files or the recipe do not allow it: one sentence that says what would.
    #[error("{0}")]
    Unusable(String),
    /// The caller's progress function broke off.
    #[error("interrupted while the images were loading.")]
    Interrupted,
}

/// Called often with (done, total) images; may break to interrupt the load. The total is 0 until it is known.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>;

pub(crate) fn unusable<T>(sentence: impl Into<String>) -> Result<T, DataError> {
    Err(DataError::Unusable(sentence.into()))
}
