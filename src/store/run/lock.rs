//! One process at a time in a run: a lock on `.lock` that the system drops with its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::store::StoreError;

const FILE: &str = ".lock";

/// The lock of a run, with the number of the process that has it in the file; held until it is dropped or the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `run`, or says that another process has it.
    pub(super) fn take(run: &Path) -> Result<Self, StoreError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(run.join(FILE))
            .map_err(|error| StoreError::closed(run, &error))?;
        // Somebody who lists the runs holds it for an instant: see `held`.
        for pause in [1, 5, 20] {
            match file.try_lock() {
                Ok(()) => {
                    // The number serves those who want the run back; a full disk must not keep it from training.
                    _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                    return Ok(Self { _file: file });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(pause)),
                Err(TryLockError::Error(error)) => {
                    return Err(StoreError::unusable(
                        run,
                        format!("its file system cannot lock files ({error})"),
                        "choose another --runs-dir",
                    ));
                }
            }
        }
        Err(StoreError::unusable(
            run,
            "another process is training in it",
            "wait for it to end, or start another run",
        ))
    }
}

/// Whether a process is training in `run`.
pub fn held(run: &Path) -> bool {
    File::open(run.join(FILE))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The process that is training in `run`, by its number.
pub fn holder(run: &Path) -> Option<u32> {
    if held(run) { std::fs::read_to_string(run.join(FILE)).ok()?.trim().parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_seen_while_it_is_held_and_looking_takes_nothing() {
        let run = tempfile::tempdir().unwrap();
        assert!(!held(run.path()));
        let lock = Lock::take(run.path()).unwrap();
        assert!(held(run.path()));
        assert_eq!(holder(run.path()), Some(std::process::id()));
        drop(lock);
        assert_eq!(holder(run.path()), None);
        assert!(!held(run.path()) && !held(run.path()));
        Lock::take(run.path()).unwrap();
    }
}
