//! What a source answers.

use std::io::Read;

/// The bytes of a file from `at` on.
pub(crate) struct Reply {
    pub(crate) at: u64,
    /// Bytes of the whole file, where that is known.
    pub(crate) total: Option<u64>,
    pub(crate) body: Box<dyn Read>,
}

/// Why there are none; a clause each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Another try may help.
    Passing(String),
    Lasting(String),
}
