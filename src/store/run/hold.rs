//! A run's directory in the hands of this process: the directory itself, whatever it is called by now, and the
//! lock in it.
//!
//! Everything of a live run is written through this handle, never by a path. So a run that was renamed is written
//! where it is now, one that was deleted is written nowhere, and a directory that somebody else put in its place is
//! left alone.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::files;
use crate::store::error::StoreError;
use crate::store::run::lock::{self, Lock, Locking, Owner};

/// A directory and the lock in it.
#[derive(Debug)]
pub struct Hold {
    directory: File,
    /// Device and inode.
    id: (u64, u64),
    lock: Mutex<Lock>,
    locking: Locking,
}

/// The state of a run's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is where it was, and this process's.
    Ours,
    /// It is where it was, without its lock file.
    Unlocked,
    /// It is still this process's, under another name.
    Moved(PathBuf),
    /// It is nowhere.
    Gone,
    /// It is gone, and something else has its path.
    Replaced,
    /// Another process has its lock, and says who it is.
    Taken(Option<String>),
}

impl Standing {
    /// The message about a run that was at `path`, if any.
    pub fn sentence(&self, path: &Path) -> Option<String> {
        let path = path.display();
        match self {
            Self::Ours | Self::Unlocked => None,
            Self::Moved(new) => {
                Some(format!("the run's directory {path} is {} now; the run goes on there.", new.display()))
            }
            Self::Gone => Some(format!(
                "the run's directory {path} has disappeared; training goes on, and the next save makes it anew."
            )),
            Self::Replaced => Some(format!(
                "the run's directory {path} has disappeared, and something else is in its place, where nothing will be written; training goes on, and the next save keeps the run beside it under another name."
            )),
            Self::Taken(who) => Some(format!(
                "the run's directory {path} was taken by {}; nothing more will be written there; training goes on, and the next save keeps the run beside it under another name.",
                who.as_deref().unwrap_or("another process")
            )),
        }
    }
}

fn id(file: &File) -> io::Result<(u64, u64)> {
    file.metadata().map(|about| (about.dev(), about.ino()))
}

impl Hold {
    /// Opens the directory at `path` and takes its lock.
    pub(super) fn take(path: &Path, locking: Locking) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::failed(path, error);
        let directory = files::open_directory(path).map_err(failed)?;
        let id = id(&directory).map_err(failed)?;
        let lock = Mutex::new(Lock::take(&directory, path, locking)?);
        Ok(Self { directory, id, lock, locking })
    }

    /// The directory, to write in.
    pub(in crate::store) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    fn lock(&self) -> MutexGuard<'_, Lock> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error unless the lock is free or this process's: `ResourceBusy` where another process has it.
    pub(in crate::store) fn check(&self) -> io::Result<()> {
        match self.lock().owner(&self.directory)? {
            Owner::Us | Owner::Nobody => Ok(()),
            Owner::Other(_) => {
                Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process has the run"))
            }
        }
    }

    /// Shows others that the run is still held, where it is, and says what has become of the directory that was
    /// at `path`.
    pub fn beat(&self, path: &Path) -> io::Result<Standing> {
        let standing = self.standing(path)?;
        if matches!(standing, Standing::Ours | Standing::Moved(_)) {
            // A full disk: nothing to say that a save would not say.
            _ = self.lock().beat();
        }
        Ok(standing)
    }

    /// The state of the directory that was at `path`.
    pub(super) fn standing(&self, path: &Path) -> io::Result<Standing> {
        let owner = self.lock().owner(&self.directory)?;
        if let Owner::Other(other) = owner {
            return Ok(Standing::Taken(other.map(|holder| holder.to_string())));
        }
        let found = std::fs::metadata(path).map(|about| (about.dev(), about.ino()));
        if found.as_ref().is_ok_and(|found| *found == self.id) {
            return Ok(if owner == Owner::Us { Standing::Ours } else { Standing::Unlocked });
        }
        if let Some(path) = self.path_now() {
            return Ok(Standing::Moved(path));
        }
        match found {
            Ok(_) => Ok(Standing::Replaced),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Standing::Gone)
            }
            Err(error) => Err(error),
        }
    }

    /// Where the directory is now, if it is anywhere that can be found.
    fn path_now(&self) -> Option<PathBuf> {
        use std::os::fd::AsRawFd;
        let path = std::fs::read_link(format!("/proc/self/fd/{}", self.directory.as_raw_fd())).ok()?;
        let found = std::fs::metadata(&path).ok()?;
        ((found.dev(), found.ino()) == self.id).then_some(path)
    }

    /// Takes the lock again where its file was lost.
    pub(super) fn take_again(&self, path: &Path) -> Result<(), StoreError> {
        let fresh = Lock::take(&self.directory, path, self.locking)?;
        *self.lock() = fresh;
        Ok(())
    }
}

/// Takes the directory at `path`, which is no run's but holds what one process at a time may write.
pub fn hold(path: &Path) -> Result<Hold, StoreError> {
    Hold::take(path, lock::SYSTEM)
}

/// Takes the run at `path` so that it can be deleted; `None` where its lock is not a file, so that no process can hold it.
pub(crate) fn hold_to_delete(path: &Path) -> Result<Option<Hold>, StoreError> {
    match lock::look(path) {
        Ok(_) => Hold::take(path, lock::SYSTEM).map(Some),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::run::lock::SYSTEM;

    #[test]
    fn a_directory_is_followed_missed_and_known_from_another_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("a")).unwrap();
        let hold = Hold::take(&at("a"), SYSTEM).unwrap();
        let standing = || hold.beat(&at("a")).unwrap();
        assert_eq!(standing(), Standing::Ours);
        fs::rename(at("a"), at("b")).unwrap();
        assert_eq!(standing(), Standing::Moved(at("b").canonicalize().unwrap()));
        fs::create_dir(at("a")).unwrap();
        assert_eq!(standing(), Standing::Moved(at("b").canonicalize().unwrap()));
        fs::remove_dir_all(at("b")).unwrap();
        assert_eq!(standing(), Standing::Replaced);
        fs::remove_dir(at("a")).unwrap();
        assert_eq!(standing(), Standing::Gone);
        fs::write(at("a"), "a file").unwrap();
        assert_eq!(standing(), Standing::Replaced);
        // A link to where it is now is no other place.
        let linked = Hold::take(folder.path(), SYSTEM).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("link")).unwrap();
        assert_eq!(linked.beat(&at("link")).unwrap(), Standing::Ours);
    }

    #[test]
    fn a_lock_file_that_was_deleted_is_taken_again_unless_another_was_faster() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let hold = Hold::take(path, SYSTEM).unwrap();
        let lose = || fs::remove_file(path.join(".lock")).unwrap();
        lose();
        // A beat makes no file, as that could be in the way of whoever deletes the directory.
        assert_eq!(hold.beat(path).unwrap(), Standing::Unlocked);
        assert_eq!(fs::read_dir(path).unwrap().count(), 0);
        hold.check().unwrap();
        hold.take_again(path).unwrap();
        assert_eq!(hold.beat(path).unwrap(), Standing::Ours);
        lose();
        let other = Hold::take(path, SYSTEM).unwrap();
        assert!(matches!(hold.beat(path).unwrap(), Standing::Taken(Some(_))));
        assert!(hold.check().is_err() && hold.take_again(path).is_err());
        assert_eq!(other.beat(path).unwrap(), Standing::Ours);
    }
}
