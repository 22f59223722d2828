//! A source of images: one for each way in which a data set is published.

use std::path::PathBuf;

use crate::data::error::DataError;
use crate::data::images::Images;
use crate::data::report::Report;
use crate::recipe::Recipe;

/// Reads or draws the images of a data set.
pub(crate) trait Source {
    /// Loads and splits them as `recipe` says.
    fn load(&self, recipe: &Recipe, report: &mut Report) -> Result<Parts, DataError>;

    /// The class names, without a look at the images.
    fn classes(&self, recipe: &Recipe) -> Result<Vec<String>, DataError>;

    /// The absolute path where they would be read from; none where nothing is found or read.
    fn dir(&self, recipe: &Recipe) -> Option<PathBuf>;
}

/// The images of a source, split but not measured.
pub(crate) struct Parts {
    pub(crate) classes: Vec<String>,
    pub(crate) train: Images,
    pub(crate) validation: Images,
    pub(crate) test: Images,
    pub(crate) flips: bool,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) notes: Vec<String>,
}
