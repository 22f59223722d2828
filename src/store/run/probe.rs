//! Whether runs can be created and locked at all: asked before anything is loaded.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::error::StoreError;
use crate::store::run::lock::{self, Locking};
use crate::store::run::name::check_text;

/// Creates `runs_dir` where it is missing, and a file in it that is locked. Nothing of it is left behind: the run may
/// still be refused for something else.
pub fn probe(runs_dir: &Path) -> Result<(), StoreError> {
    check_text(runs_dir)?;
    probe_with(runs_dir, lock::SYSTEM)
}

fn probe_with(runs_dir: &Path, locking: Locking) -> Result<(), StoreError> {
    let made = missing(runs_dir);
    let result = try_out(runs_dir, locking);
    remove_empty(&made);
    result
}

fn try_out(runs_dir: &Path, locking: Locking) -> Result<(), StoreError> {
    let closed = |error: io::Error| StoreError::closed(runs_dir, &error);
    fs::create_dir_all(runs_dir).map_err(closed)?;
    // A name that no other process has, on whatever machine and in whatever container it is.
    let name = format!(".probe-{:016x}", RandomState::new().build_hasher().finish());
    let path = runs_dir.join(name);
    let file = File::create_new(&path).map_err(closed)?;
    let locked = lock::check(&file, locking);
    let removed = fs::remove_file(&path).map_err(closed);
    locked.map_err(|error| lock::cannot_lock(runs_dir, &error))?;
    removed
}

/// The directories that have to be made for `directory` to be there, itself first.
pub(super) fn missing(directory: &Path) -> Vec<PathBuf> {
    directory.ancestors().take_while(|path| !path.exists()).map(Path::to_owned).collect()
}

/// Removes `directories` as far as nothing is in them.
pub(super) fn remove_empty(directories: &[PathBuf]) {
    for directory in directories {
        let _ = fs::remove_dir(directory);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::TryLockError;

    use super::*;

    // A file system without locks needs the kernel's help; this is the nearest seam.
    #[test]
    fn a_file_system_without_locks_is_one_sentence_and_nothing_is_made() {
        use rustix::io::Errno;
        let folder = tempfile::tempdir().unwrap();
        for (error, try_lock) in [
            (Errno::NOLCK, (|_| Err(TryLockError::Error(Errno::NOLCK.into()))) as fn(&File) -> _),
            (Errno::NOSYS, |_| Err(TryLockError::Error(Errno::NOSYS.into()))),
            (Errno::OPNOTSUPP, |_| Err(TryLockError::Error(Errno::OPNOTSUPP.into()))),
        ] {
            let locking = Locking { try_lock, ..lock::SYSTEM };
            let refused = probe_with(&folder.path().join("new/runs"), locking).unwrap_err();
            assert!(refused.is_input());
            let sentence = refused.to_string();
            assert!(
                sentence.contains("cannot lock files") && sentence.contains("--runs-dir"),
                "{error}: {sentence}"
            );
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        probe_with(&folder.path().join("new/runs"), lock::SYSTEM).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
