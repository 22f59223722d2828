//! What the loaders of data sets have in common.

use std::path::PathBuf;

use crate::data::images::Images;

/// What a source finds, before it is measured.
pub(crate) struct Parts {
    pub(crate) classes: Vec<String>,
    pub(crate) train: Images,
    pub(crate) validation: Images,
    pub(crate) test: Images,
    pub(crate) flips: bool,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) notes: Vec<String>,
}
