//! Why there are no images, and how a load tells how far it is.

use std::ops::ControlFlow;

/// Why there are no images.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The files or the recipe do not allow it: one sentence that says what would.
    #[error("{0}")]
    Unusable(String),
    /// The caller's progress function broke off.
    #[error("interrupted while the images were loading.")]
    Interrupted,
}

/// Told how far a load is as (done, total) images, often; may break to interrupt it. The total is 0
/// until it is known.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// An error of one sentence.
pub(crate) fn unusable<T>(sentence: impl Into<String>) -> Result<T, DataError> {
    Err(DataError::Unusable(sentence.into()))
}
