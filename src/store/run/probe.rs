//! Whether runs can be created at all: asked before anything is loaded.

use std::fs;
use std::path::Path;

use crate::store::StoreError;

/// Creates `runs_dir` where it is missing, and a file in it that is removed again.
pub fn probe(runs_dir: &Path) -> Result<(), StoreError> {
    let file = runs_dir.join(format!(".probe-{}", std::process::id()));
    fs::create_dir_all(runs_dir)
        .and_then(|()| fs::write(&file, []))
        .and_then(|()| fs::remove_file(&file))
        .map_err(|error| StoreError::closed(runs_dir, &error))
}
