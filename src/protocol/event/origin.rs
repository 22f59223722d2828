//! Where the first weights of a run came from, where that is a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::format::grouped;

/// The file of a run's first weights, and what was taken from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Convolutions and linear layers that came from it.
    pub layers: usize,
    /// The classes of the file, where there are so many others that the classifier was drawn anew.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub other_classes: Option<usize>,
}

impl Origin {
    /// In a line, for a run with so many `classes`.
    pub fn line(&self, classes: usize) -> String {
        // Enough to tell files apart, and as much as names of published files carry.
        let sum = self.sha256.get(..8).unwrap_or(&self.sha256);
        let classifier = match self.other_classes {
            Some(theirs) => format!(
                ", classifier drawn anew for {} classes instead of {}",
                grouped(classes as u64),
                grouped(theirs as u64)
            ),
            None => String::new(),
        };
        format!("weights of {} (sha256 {sum}…), {} layers{classifier}", self.path.display(), self.layers)
    }
}
