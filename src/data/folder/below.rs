//! The images of a class: those in its directory and in all below it.

use std::path::{Path, PathBuf};

use crate::data::error::DataError;
use crate::data::folder::entries::{Entries, Passed};
use crate::data::report::Report;

/// A directory that is still to be listed.
struct Ahead {
    path: PathBuf,
    /// Where links led away from on the way to it, each without links itself.
    left: Vec<PathBuf>,
}

/// The images in `directory`, which is in `part`, and below it, in byte order of their paths. Links are followed, but not
/// to a directory that they are in.
pub(crate) fn images(
    part: &Path,
    directory: &Path,
    passed: &mut Passed,
    report: &mut Report,
) -> Result<Vec<PathBuf>, DataError> {
    let mut images = Vec::new();
    let mut ahead: Vec<Ahead> = follow(directory.to_owned(), part, &[], passed).into_iter().collect();
    while let Some(Ahead { path, left }) = ahead.pop() {
        let entries = Entries::read(&path, report)?;
        passed.count(entries.others);
        images.extend(entries.images.iter().map(|name| path.join(name)));
        ahead.extend(
            entries.directories.iter().filter_map(|name| follow(path.join(name), &path, &left, passed)),
        );
    }
    images.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    Ok(images)
}

/// What is to be listed for `path`, an entry of `inside`: nothing if it is a link to a directory on the way to it.
fn follow(path: PathBuf, inside: &Path, left: &[PathBuf], passed: &mut Passed) -> Option<Ahead> {
    let mut left = left.to_vec();
    if path.is_symlink()
        && let (Ok(target), Ok(here)) = (path.canonicalize(), inside.canonicalize())
    {
        left.push(here);
        if left.iter().any(|place| place.starts_with(&target)) {
            passed.loops += 1;
            return None;
        }
    }
    Some(Ahead { path, left })
}
