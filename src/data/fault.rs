//! Why one of the files cannot be used.

use crate::data::error::DataError;

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) enum Fault {
    Interrupted,
    Missing,
    Io(std::io::Error),
    /// A clause that says what is wrong inside.
    Wrong(String),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Io(error),
        }
    }
}

impl From<DataError> for Fault {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Interrupted => Self::Interrupted,
            DataError::Unusable(sentence) => Self::Wrong(sentence),
        }
    }
}
