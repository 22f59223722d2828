//! Where event files are, and how they are called.

use std::io;
use std::path::Path;

use rustix::fs::{Access, access};

use crate::store::StoreError;

/// What the name of a file of events begins with, by which TensorBoard knows it.
pub(super) const PREFIX: &str = "events.out.tfevents";
/// What to do where they cannot be.
pub(super) const ELSEWHERE: &str = "choose another directory for --tensorboard";

/// The name of a file whose first event is of this time.
pub(super) fn file_name(time: f64) -> String {
    format!("{PREFIX}.{:010}.densenet-tui", time.max(0.0) as u64)
}

/// Refuses a directory in which no run can have one: what is a file, or cannot be written to.
pub fn check(directory: &Path) -> Result<(), StoreError> {
    let unusable = |problem: &str| StoreError::unusable(directory, problem, ELSEWHERE);
    let path = std::path::absolute(directory).map_err(|error| StoreError::unreadable(directory, &error))?;
    let Some(there) = path.ancestors().find(|path| path.symlink_metadata().is_ok()) else { return Ok(()) };
    if !there.is_dir() {
        let problem = if there == path { "it is no directory" } else { "a part of its path is no directory" };
        return Err(unusable(problem));
    }
    match access(there, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Ok(()),
        Err(error) => {
            Err(StoreError::unwritable_directory(directory, &io::Error::from(error)).advising(ELSEWHERE))
        }
    }
}
