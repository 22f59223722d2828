//! One process at a time in a run: a lock on `.lock` that the system drops with its holder.
//!
//! The file says who holds it, and its holder rewrites it every second ([`BEAT`]). There are file systems whose
//! locks hold nothing; there, a process about to take a run sees the beats of another and refuses.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{AtFlags, OFlags, unlinkat};
use serde::{Deserialize, Serialize};

use crate::files;
use crate::store::error::StoreError;
use crate::store::run::holder::{Fate, Holder, Process};

const FILE: &str = ".lock";

/// Time between two beats of a holder.
pub const BEAT: Duration = Duration::from_secs(1);

/// Least bytes of a record, so that a new one always covers the one before.
const LENGTH: usize = 512;
/// More than any record has.
const LONGEST: u64 = 4096;

/// How a run is locked; tests have locks that fail, or hold nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Locking {
    pub(super) try_lock: fn(&File) -> Result<(), TryLockError>,
    /// For how long a holder that cannot be asked is watched.
    pub(super) patience: Duration,
    /// How often it is looked at meanwhile.
    pub(super) look: Duration,
}

/// The system's locks. A holder whose machine is busy may be some beats late.
pub(super) const SYSTEM: Locking = Locking {
    try_lock: File::try_lock,
    patience: Duration::from_secs(5 * BEAT.as_secs()),
    look: Duration::from_millis(100),
};

/// The contents of the file while the run is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    holder: Holder,
    /// The inode of this file: a copy of a run is not held.
    inode: u64,
    /// How often it was rewritten. It counts, so that no clock of two machines is compared.
    beat: u64,
}

/// The lock of a run; held until it is dropped or the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    record: Record,
}

/// To whom the lock file of a directory belongs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// This process.
    Us,
    /// None: the file is gone.
    Nobody,
    /// Another process, which says so or has another file there.
    Other(Option<Holder>),
}

impl Lock {
    /// Takes the lock of the run in `directory`, or says who has it. `run` is where it is, for the sentence.
    pub(super) fn take(directory: &File, run: &Path, locking: Locking) -> Result<Self, StoreError> {
        let is_new = rustix::fs::statat(directory, FILE, AtFlags::empty()).is_err();
        let file = files::open_inside(directory, FILE.as_ref(), OFlags::RDWR | OFlags::CREATE)
            .map_err(|error| not_opened(run, error))?;
        lock(&file, locking.try_lock).map_err(|error| match error {
            TryLockError::WouldBlock => held_by(run, read(&file).map(|record| record.holder).as_ref()),
            TryLockError::Error(error) => {
                if is_new {
                    // What is refused leaves nothing behind.
                    _ = unlinkat(directory, FILE, AtFlags::empty());
                }
                cannot_lock(run, &error)
            }
        })?;
        let inode = file.metadata().map_err(|error| StoreError::failed(run, error))?.ino();
        if let Some(other) = beating(directory, inode, locking) {
            return Err(held_by(run, Some(&other)));
        }
        let mut lock = Self { file, record: Record { holder: Holder::this(), inode, beat: 0 } };
        if lock.beat().is_err() {
            // It serves others; a full disk must not keep this process from training. What another process
            // said of itself must go all the same.
            _ = lock.file.set_len(0);
        }
        match lock.owner(directory) {
            Ok(Owner::Other(other)) => Err(held_by(run, other.as_ref())),
            _ => Ok(lock),
        }
    }

    /// Shows that the holder is still there.
    pub(super) fn beat(&mut self) -> io::Result<()> {
        self.record.beat += 1;
        let mut text = serde_json::to_string(&self.record)?;
        // One write of one length: no reader ever sees half of it.
        text = format!("{text:<width$}\n", width = LENGTH - 1);
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.set_len(text.len() as u64)?;
        // Closing any handle of it brings it to where other machines see it; a local disk is left alone.
        self.file.try_clone().map(drop)
    }

    /// The owner of the lock file in `directory`. It is opened again, as only then other machines' writes
    /// are sure to be seen.
    pub(super) fn owner(&self, directory: &File) -> io::Result<Owner> {
        let file = match files::open_inside(directory, FILE.as_ref(), OFlags::RDONLY) {
            Ok(file) => file,
            // Of a directory that another machine deleted the handle is stale.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle
                ) =>
            {
                return Ok(Owner::Nobody);
            }
            Err(error) if is_no_file(&error) => return Ok(Owner::Other(None)),
            Err(error) => return Err(error),
        };
        let id = |file: &File| file.metadata().map(|about| (about.dev(), about.ino()));
        let found = read(&file).map(|record| record.holder);
        Ok(match found {
            _ if id(&file)? != id(&self.file)? => Owner::Other(found),
            Some(holder) if holder != self.record.holder => Owner::Other(Some(holder)),
            _ => Owner::Us,
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nobody has to ask what became of a holder that let go, unless another has the file already.
        if read(&self.file).is_none_or(|record| record.holder == self.record.holder) {
            _ = self.file.set_len(0);
            _ = self.file.unlock();
        }
    }
}

/// Locks `file`; a process that lists the runs holds it for an instant (see `held`).
fn lock(file: &File, try_lock: fn(&File) -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    let mut locked = try_lock(file);
    for pause in [1, 5, 20] {
        if !matches!(locked, Err(TryLockError::WouldBlock)) {
            break;
        }
        thread::sleep(Duration::from_millis(pause));
        locked = try_lock(file);
    }
    locked
}

/// Who still shows that it has the run in `directory`, though its lock on the file with this inode could be
/// taken. Without a sign of that nobody waits: not after a process that let go, nor after one of this machine
/// that has ended.
fn beating(directory: &File, inode: u64, locking: Locking) -> Option<Holder> {
    let look = || {
        let file = files::open_inside(directory, FILE.as_ref(), OFlags::RDONLY).ok()?;
        read(&file).filter(|record| record.inode == inode)
    };
    let first = look()?;
    if first.holder.fate() == Fate::Gone {
        return None;
    }
    let looks = locking.patience.as_nanos().div_ceil(locking.look.as_nanos().max(1));
    (0..looks).find_map(|_| {
        thread::sleep(locking.look);
        look().filter(|record| *record != first).map(|record| record.holder)
    })
}

/// What the lock file says; `None` where it says nothing that is understood: it is empty after a holder that
/// let go, and older versions wrote a bare number.
fn read(file: &File) -> Option<Record> {
    let mut bytes = vec![0; LONGEST as usize];
    let length = file.read_at(&mut bytes, 0).ok()?;
    serde_json::from_slice(&bytes[..length]).ok()
}

/// Whether locks work where `file` is, so that a run there can be refused before it is made.
pub(super) fn check(file: &File, locking: Locking) -> io::Result<()> {
    match lock(file, locking.try_lock) {
        Err(TryLockError::Error(error)) => Err(error),
        _ => Ok(()),
    }
}

/// The error about a directory whose file system has no locks.
pub(super) fn cannot_lock(directory: &Path, error: &io::Error) -> StoreError {
    StoreError::unusable(
        directory,
        format!("its file system cannot lock files ({error}), so two processes could spoil one run"),
        "choose another --runs-dir, or mount it with locks",
    )
}

fn held_by(run: &Path, holder: Option<&Holder>) -> StoreError {
    let who = holder.map_or_else(String::new, |holder| format!(", {holder},"));
    StoreError::unusable(
        run,
        format!("another process{who} is training in it"),
        "wait for it to end, or start another run",
    )
}

fn not_opened(run: &Path, error: io::Error) -> StoreError {
    if is_no_file(&error) {
        StoreError::unusable(&run.join(FILE), error.to_string(), "remove it where nobody trains in the run")
    } else {
        StoreError::failed(run, error)
    }
}

/// Whether something else than a file was found.
fn is_no_file(error: &io::Error) -> bool {
    error.raw_os_error().is_none()
        && matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory)
}

/// Whether a process is training in `run`; an error where its lock is no file.
pub(in crate::store) fn look(run: &Path) -> Result<bool, StoreError> {
    match files::open(&run.join(FILE)) {
        Ok(file) => Ok(is_held(&file)),
        Err(error) if is_no_file(&error) => Err(not_opened(run, error)),
        Err(_) => Ok(false),
    }
}

fn is_held(file: &File) -> bool {
    if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return true;
    }
    // Where locks hold nothing, a process of this machine can still be asked for.
    let inode = file.metadata().map(|about| about.ino()).ok();
    read(file).is_some_and(|record| Some(record.inode) == inode && record.holder.fate() == Fate::Alive)
}

/// Whether a process is training in `run`.
pub fn held(run: &Path) -> bool {
    look(run).unwrap_or(false)
}

/// Whether the child with number `pid` of this process is training in `run`.
pub fn held_by_child(run: &Path, pid: u32) -> bool {
    files::open(&run.join(FILE))
        .is_ok_and(|file| is_held(&file) && read(&file).is_some_and(|record| record.holder.is_child(pid)))
}

/// The process that is training in `run`, if there is one: certain, or a clause that says where it is to be
/// stopped.
pub fn trainer(run: &Path) -> Result<Option<Process>, String> {
    let Ok(file) = files::open(&run.join(FILE)) else {
        return Ok(None);
    };
    if !is_held(&file) {
        return Ok(None);
    }
    match read(&file) {
        Some(record) if Some(record.inode) == file.metadata().ok().map(|about| about.ino()) => {
            record.holder.process(&file).map(Some)
        }
        _ => {
            Err("the process that trains it does not say which one it is; stop it where it was started"
                .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;
    use crate::store::run::holder::tests::{Decoy, foreign};

    /// Locks that hold nothing, and a patience that suits a test.
    const NOTHING: Locking = Locking {
        try_lock: |_| Ok(()),
        patience: Duration::from_millis(200),
        look: Duration::from_millis(1),
    };

    fn run() -> (tempfile::TempDir, File) {
        let run = tempfile::tempdir().unwrap();
        let directory = files::open_directory(run.path()).unwrap();
        (run, directory)
    }

    /// Takes a lock with the system's locks.
    fn take(run: &Path) -> Result<Lock, StoreError> {
        Lock::take(&files::open_directory(run).unwrap(), run, SYSTEM)
    }

    fn text(run: &Path) -> String {
        std::fs::read_to_string(run.join(FILE)).unwrap()
    }

    /// Leaves a lock file of `holder` as a process that was killed, or as one that cannot be seen from here.
    fn leave(run: &Path, holder: Holder) -> Lock {
        let mut lock = take(run).unwrap();
        lock.record.holder = holder;
        lock.beat().unwrap();
        lock
    }

    #[test]
    fn a_lock_is_seen_while_it_is_held_and_looking_takes_nothing() {
        let (run, _) = run();
        assert!(!held(run.path()));
        let lock = take(run.path()).unwrap();
        assert!(held(run.path()));
        assert_eq!(read(&lock.file).unwrap().holder, Holder::this());
        drop(lock);
        assert_eq!(text(run.path()), "");
        assert!(!held(run.path()) && !held(run.path()));
        take(run.path()).unwrap();
    }

    #[test]
    fn who_holds_a_run_is_one_object_that_no_later_one_leaves_half_of() {
        let (run, _) = run();
        let mut lock = take(run.path()).unwrap();
        lock.record.beat = u64::MAX - 1;
        lock.beat().unwrap();
        let (long, found) = (text(run.path()), read(&lock.file).unwrap());
        assert_eq!((long.len(), found.beat), (LENGTH, u64::MAX));
        for key in ["host", "boot", "pid_namespace", "pid", "start", "version", "inode", "beat"] {
            let object: serde_json::Value = serde_json::from_str(&long).unwrap();
            assert!(!object[key].is_null(), "{key} in {long}");
        }
        lock.record.beat = 0;
        lock.beat().unwrap();
        assert_eq!(read(&lock.file).unwrap().beat, 1);
    }

    #[test]
    fn a_bare_number_of_an_older_version_is_nobody_that_could_be_stopped() {
        let (run, _) = run();
        let decoy = Decoy::new();
        std::fs::write(run.path().join(FILE), decoy.number().to_string()).unwrap();
        assert!(trainer(run.path()).unwrap().is_none());
        let file = File::open(run.path().join(FILE)).unwrap();
        file.lock().unwrap();
        let clause = trainer(run.path()).unwrap_err();
        assert!(clause.contains("does not say which one it is"), "{clause}");
        let refused = take(run.path()).unwrap_err();
        assert!(refused.to_string().contains("another process is training in it"), "{refused}");
        drop(file);
        take(run.path()).unwrap();
    }

    #[test]
    fn a_holder_of_another_machine_is_named_with_its_machine() {
        let (run, _) = run();
        let lock = leave(run.path(), foreign(&Holder::this()));
        let clause = trainer(run.path()).unwrap_err();
        assert!(clause.starts_with("it is trained on elsewhere"), "{clause}");
        let refused = take(run.path()).unwrap_err();
        assert!(refused.to_string().contains("on elsewhere"), "{refused}");
        drop(lock);
    }

    // Locks that fail or hold nothing need a file system that has such; this is the nearest seam.
    #[test]
    fn a_file_system_whose_locks_fail_is_a_sentence_and_no_file_is_left() {
        let (run, directory) = run();
        let locking = Locking { try_lock: |_| Err(TryLockError::Error(Errno::NOLCK.into())), ..NOTHING };
        let refused = Lock::take(&directory, run.path(), locking).unwrap_err();
        assert!(refused.is_input() && refused.to_string().contains("cannot lock files"), "{refused}");
        assert_eq!(std::fs::read_dir(run.path()).unwrap().count(), 0);
    }

    #[test]
    fn where_locks_hold_nothing_a_holder_that_beats_is_left_alone() {
        let (run, directory) = run();
        for holder in [Holder::this(), foreign(&Holder::this())] {
            let mut first = leave(run.path(), holder.clone());
            thread::scope(|threads| {
                let beating = threads.spawn(|| {
                    // For longer than the other one watches.
                    for _ in 0..100 {
                        first.beat().unwrap();
                        thread::sleep(Duration::from_millis(5));
                    }
                });
                let refused = Lock::take(&directory, run.path(), NOTHING).unwrap_err();
                assert!(refused.to_string().contains(&holder.to_string()), "{refused}");
                beating.join().unwrap();
            });
            assert_eq!(first.owner(&directory).unwrap(), Owner::Us);
        }
    }

    #[test]
    fn where_nobody_beats_any_more_the_run_is_taken_and_a_holder_that_wakes_up_sees_it() {
        let (run, directory) = run();
        let sleeping = leave(run.path(), foreign(&Holder::this()));
        let taken = Lock::take(&directory, run.path(), NOTHING).unwrap();
        assert_eq!(sleeping.owner(&directory).unwrap(), Owner::Other(Some(Holder::this())));
        // It must not take away what is no longer its own.
        drop(sleeping);
        assert_eq!(taken.owner(&directory).unwrap(), Owner::Us);
    }

    #[test]
    fn after_a_process_that_has_ended_or_let_go_nobody_waits() {
        let (run, directory) = run();
        let impatient =
            Locking { patience: Duration::from_hours(1), look: Duration::from_mins(10), ..NOTHING };
        let mut decoy = Decoy::new();
        let killed = leave(run.path(), decoy.holder());
        decoy.kill();
        drop(decoy);
        // As the system does when a process dies.
        killed.file.unlock().unwrap();
        drop(Lock::take(&directory, run.path(), impatient).unwrap());
        drop(Lock::take(&directory, run.path(), impatient).unwrap());
        // A copy of a run that is trained elsewhere.
        let copy = Record { holder: foreign(&Holder::this()), inode: 1, beat: 7 };
        std::fs::write(run.path().join(FILE), serde_json::to_vec(&copy).unwrap()).unwrap();
        drop(Lock::take(&directory, run.path(), impatient).unwrap());
        std::fs::write(run.path().join(FILE), "no object").unwrap();
        drop(Lock::take(&directory, run.path(), impatient).unwrap());
    }

    #[test]
    fn a_lock_that_is_no_file_is_named_and_nothing_waits_for_it() {
        let (run, directory) = run();
        rustix::fs::mkfifoat(&directory, FILE, rustix::fs::Mode::RWXU).unwrap();
        assert!(!held(run.path()) && trainer(run.path()).unwrap().is_none());
        for error in [look(run.path()).unwrap_err(), take(run.path()).unwrap_err()] {
            assert!(error.is_input() && error.to_string().contains(".lock: it is a named pipe"), "{error}");
        }
        assert!(crate::store::run::hold::hold_to_delete(run.path()).unwrap().is_none());
    }
}
