//! Which process holds a run: enough to know it again on this machine, and to know that it is on another.
//!
//! A process number alone identifies nobody: it is reused after its process, after a restart, on every machine and
//! in every container.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::files;

/// A process, as it describes itself. What the system does not report is absent, and then the process is not certain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// The name of its machine.
    host: String,
    /// Which start of that machine's system, from `boot_id`.
    boot: Option<String>,
    /// Where its number counts: the inode of its process namespace.
    pid_namespace: Option<u64>,
    /// Its process number.
    pid: u32,
    /// When it began, in ticks since that start of the system.
    start: Option<u64>,
    /// The version of densenet-tui.
    version: String,
}

/// The state of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is there.
    Alive,
    /// It has ended.
    Gone,
    /// It cannot be known from here: it is, or was, of another machine, start or namespace.
    Unknown,
}

impl Holder {
    /// This process.
    pub(super) fn this() -> Self {
        let pid = std::process::id();
        Self {
            host: rustix::system::uname().nodename().to_string_lossy().into(),
            boot: files::read_text("/proc/sys/kernel/random/boot_id".as_ref())
                .ok()
                .map(|id| id.trim().to_owned()),
            pid_namespace: std::fs::metadata("/proc/self/ns/pid").ok().map(|space| space.ino()),
            pid,
            start: begun(pid).ok().flatten(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Whether it is the child with this number of this process.
    pub(super) fn is_child(&self, pid: u32) -> bool {
        self.pid == pid && self.counts_here()
    }

    /// Whether its number means the same process here.
    fn counts_here(&self) -> bool {
        let here = Self::this();
        self.boot.is_some()
            && self.pid_namespace.is_some()
            && (&self.host, &self.boot, self.pid_namespace) == (&here.host, &here.boot, here.pid_namespace)
    }

    /// Whether it is still there.
    pub(super) fn fate(&self) -> Fate {
        match (self.counts_here(), self.start, begun(self.pid)) {
            (true, Some(start), Ok(found)) if found == Some(start) => Fate::Alive,
            (true, Some(_), Ok(_)) => Fate::Gone,
            _ => Fate::Unknown,
        }
    }

    /// Where it is to be stopped, as part of a sentence, where that cannot be done from here.
    fn elsewhere(&self) -> String {
        let here = Self::this();
        if self.host != here.host {
            format!("it is trained on {}, by process {}; stop it there", self.host, self.pid)
        } else if self.boot == here.boot && self.pid_namespace != here.pid_namespace {
            format!(
                "it is trained in another container on {}, by process {} there; stop it there",
                self.host, self.pid
            )
        } else {
            self.unsure()
        }
    }

    fn unsure(&self) -> String {
        format!(
            "{self} holds it, and from here nobody can be sure that this is densenet-tui training it; stop it there"
        )
    }

    /// The process itself, if it is certain: of this machine, this start and this namespace, begun when it
    /// says, running this program, and holding the lock on `lock`. Otherwise a clause that says what to do.
    pub(super) fn process(&self, lock: &File) -> Result<Process, String> {
        if self.pid == std::process::id() && self.counts_here() {
            return Err("it is trained by this very process".into());
        }
        if !self.counts_here() {
            return Err(self.elsewhere());
        }
        // From here on the number cannot come to mean another process unnoticed.
        let process = Process::open(self.pid).map_err(|_| self.unsure())?;
        let certain = self.fate() == Fate::Alive
            && is_this_program(self.pid)
            && holds(self.pid, lock).unwrap_or(false)
            && process.is_there();
        if certain { Ok(process) } else { Err(self.unsure()) }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// When the process with this number began; `None` where there is none, or only what is left of one.
fn begun(pid: u32) -> io::Result<Option<u64>> {
    // Without a process file system nothing is known of any process.
    std::fs::metadata("/proc/self/stat")?;
    let text = match files::read(format!("/proc/{pid}/stat").as_ref(), files::LARGEST_TEXT) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        // Processes of other people may be hidden there.
        Err(_) if is_free(pid) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The name, in brackets, may hold anything; the fields behind it begin with the third.
    let mut fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let is_left_over = matches!(fields.next(), Some("Z" | "X" | "x"));
    let start = fields.nth(18).and_then(|start| start.parse().ok());
    if is_left_over { Ok(None) } else { start.map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into()) }
}

/// Whether no process has this number.
fn is_free(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_none_or(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Whether the process with this number runs this program: the same file, or one of its name.
fn is_this_program(pid: u32) -> bool {
    let exe = PathBuf::from(format!("/proc/{pid}/exe"));
    let id = |path: &str| std::fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    let same = id("/proc/self/exe").is_some_and(|own| id(&exe.to_string_lossy()) == Some(own));
    same || std::fs::read_link(exe).is_ok_and(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(env!("CARGO_PKG_NAME"))
    })
}

/// Whether the process with this number holds a lock on `file`, by its own open files.
fn holds(pid: u32, file: &File) -> io::Result<bool> {
    let wanted = file.metadata()?;
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))?.flatten() {
        let is_it = std::fs::metadata(entry.path())
            .is_ok_and(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()));
        let about = PathBuf::from(format!("/proc/{pid}/fdinfo")).join(entry.file_name());
        let is_locked = |text: String| {
            text.lines()
                .any(|line| line.starts_with("lock:") && line.contains(" FLOCK ") && line.contains(" WRITE "))
        };
        if is_it && files::read_text(&about).is_ok_and(is_locked) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A process that stays the same one for as long as this lives, even when it has ended.
#[derive(Debug)]
pub struct Process {
    #[cfg(target_os = "linux")]
    handle: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Process {
    fn open(pid: u32) -> io::Result<Self> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { handle: pidfd_open(pid, PidfdFlags::empty())? })
    }

    fn is_there(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        // It can be read once the process has ended.
        let mut look = [PollFd::new(&self.handle, PollFlags::IN)];
        poll(&mut look, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ended| ended == 0)
    }

    /// Asks it to save and stop.
    pub fn ask_to_stop(&self) -> io::Result<()> {
        Ok(rustix::process::pidfd_send_signal(&self.handle, rustix::process::Signal::TERM)?)
    }
}

#[cfg(not(target_os = "linux"))]
impl Process {
    fn open(_: u32) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn is_there(&self) -> bool {
        false
    }

    /// Asks it to save and stop.
    pub fn ask_to_stop(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::process::{Child, Command};

    use super::*;

    /// A process that means no harm.
    pub(in crate::store::run) struct Decoy(Child);

    impl Decoy {
        pub(in crate::store::run) fn new() -> Self {
            Self(Command::new("sleep").arg("600").spawn().unwrap())
        }

        pub(in crate::store::run) fn holder(&self) -> Holder {
            let pid = self.0.id();
            Holder { pid, start: begun(pid).unwrap(), ..Holder::this() }
        }

        pub(in crate::store::run) fn number(&self) -> u32 {
            self.0.id()
        }

        pub(in crate::store::run) fn kill(&mut self) {
            self.0.kill().unwrap();
        }

        fn is_alive(&mut self) -> bool {
            self.0.try_wait().unwrap().is_none()
        }
    }

    impl Drop for Decoy {
        fn drop(&mut self) {
            _ = self.0.kill();
            _ = self.0.wait();
        }
    }

    /// The same process of another machine.
    pub(in crate::store::run) fn foreign(holder: &Holder) -> Holder {
        Holder { host: "elsewhere".into(), boot: Some("another".into()), ..holder.clone() }
    }

    #[test]
    fn this_process_knows_itself_completely() {
        let this = Holder::this();
        assert!(this.boot.is_some() && this.pid_namespace.is_some() && this.start.is_some(), "{this:?}");
        assert_eq!((this.fate(), this.pid), (Fate::Alive, std::process::id()));
    }

    #[test]
    fn a_process_has_ended_when_its_number_is_free_left_over_or_another_one_s() {
        let mut decoy = Decoy::new();
        let holder = decoy.holder();
        assert_eq!(holder.fate(), Fate::Alive);
        let earlier = Holder { start: holder.start.map(|start| start - 1), ..holder.clone() };
        assert_eq!(earlier.fate(), Fate::Gone);
        // Nobody has waited for it yet: its number is still there.
        decoy.kill();
        let begin = std::time::Instant::now();
        while holder.fate() == Fate::Alive {
            assert!(begin.elapsed().as_secs() < 60);
        }
        assert_eq!(holder.fate(), Fate::Gone);
        drop(decoy);
        assert_eq!(holder.fate(), Fate::Gone);
    }

    #[test]
    fn of_another_machine_start_or_namespace_nothing_is_known() {
        let decoy = Decoy::new();
        let holder = decoy.holder();
        for other in [
            foreign(&holder),
            Holder { host: "elsewhere".into(), ..holder.clone() },
            Holder { boot: Some("another".into()), ..holder.clone() },
            Holder { boot: None, ..holder.clone() },
            Holder { pid_namespace: Some(1), ..holder.clone() },
            Holder { start: None, ..holder.clone() },
        ] {
            assert_eq!(other.fate(), Fate::Unknown, "{other:?}");
        }
    }

    #[test]
    fn only_this_program_with_the_lock_in_its_hands_is_a_process_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let lock = File::create(folder.path().join("lock")).unwrap();
        lock.try_lock().unwrap();
        let mut decoy = Decoy::new();
        let holder = decoy.holder();
        let why = |holder: &Holder| holder.process(&lock).unwrap_err();
        assert!(why(&holder).contains("nobody can be sure"), "{}", why(&holder));
        assert!(
            why(&foreign(&holder)).starts_with("it is trained on elsewhere"),
            "{}",
            why(&foreign(&holder))
        );
        let boxed = Holder { pid_namespace: Some(1), ..holder.clone() };
        assert!(why(&boxed).contains("another container"), "{}", why(&boxed));
        assert!(why(&Holder::this()).contains("this very process"));
        assert!(decoy.is_alive());

        // Each of the last three looks alone would not do.
        assert!(holds(std::process::id(), &lock).unwrap() && is_this_program(std::process::id()));
        assert!(!holds(holder.pid, &lock).unwrap() && !is_this_program(holder.pid));
        lock.unlock().unwrap();
        assert!(!holds(std::process::id(), &lock).unwrap());
    }
}
