//! The remains of a start that was killed before its first checkpoint: a directory that holds no training, and may be
//! used again.

use std::fs;
use std::io;
use std::path::Path;

use crate::store::catalog;
use crate::store::layout::{CHECKPOINTS, JOURNAL, LABELS, RECIPE, SUMMARY};

/// Whether nothing lies at `path` but what a start makes before the first checkpoint. Who trains there is not asked.
pub(super) fn is_leftover(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    let fine = |entry: io::Result<fs::DirEntry>| {
        let Ok(name) = entry.map(|entry| entry.file_name()) else { return false };
        let known = [RECIPE, JOURNAL, SUMMARY, LABELS].iter().any(|known| name == *known);
        known || is_hidden(&name) || name == CHECKPOINTS && has_only_hidden(&path.join(CHECKPOINTS))
    };
    entries.into_iter().all(fine) && was_never_trained(path)
}

/// Takes away what would be mistaken for the new run's own.
pub(super) fn clear(path: &Path) -> io::Result<()> {
    for name in [RECIPE, JOURNAL, SUMMARY, LABELS] {
        match fs::remove_file(path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether its summary, if it has one, knows of no step: a run whose checkpoints were deleted is not nothing.
fn was_never_trained(path: &Path) -> bool {
    catalog::read_summary(path).map_or_else(|_| !path.join(SUMMARY).exists(), |summary| summary.step == 0)
}

fn has_only_hidden(directory: &Path) -> bool {
    fs::read_dir(directory)
        .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|entry| is_hidden(&entry.file_name()))))
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}
