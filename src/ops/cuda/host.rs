//! The GPU's kernels on the host, for tests: compiled as C++20 into a program that this process talks to.
//!
//! It is slow and strict: reads of shared memory that nobody wrote give NaN, writes beyond a buffer, threads
//! that wait for threads that are gone, and addresses that a GPU would refuse end the program. With a
//! [`Sanitizer`] it also finds reads beyond a buffer, or two threads at one place with no barrier between:
//! `HOST_KERNELS_SANITIZER=thread` (or `address`) has all tests of kernels run under it.

mod compiler;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{Error, Result};

pub use crate::ops::cuda::host::compiler::Sanitizer;
use crate::ops::cuda::program::{BufferId, Buffers, Launch, Program};
use crate::ops::cuda::runner::Runner;
use crate::ops::cuda::source::Source;

/// What comes before the kernels, and after them.
const HEADER: &str = include_str!("kernels/host.hpp");
const FOOTER: &str = include_str!("kernels/host_main.hpp");

/// What the protocol calls its commands (`host_main.hpp`).
const WRITE: u32 = 1;
const READ: u32 = 2;
const RUN: u32 = 3;

/// How kernels are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// None: as fast as it goes.
    pub sanitizer: Option<Sanitizer>,
    /// The last block and the last thread first: what is right does not depend on it.
    pub backwards: bool,
}

impl Options {
    /// With the sanitizer that `HOST_KERNELS_SANITIZER` names: `address`, `thread`, or none.
    #[cfg(test)]
    pub(crate) fn of_environment() -> Self {
        let sanitizer = match std::env::var("HOST_KERNELS_SANITIZER").as_deref() {
            Ok("address") => Some(Sanitizer::Address),
            Ok("thread") => Some(Sanitizer::Thread),
            _ => None,
        };
        Self { sanitizer, backwards: false }
    }
}

/// A program that has the memory and the kernels.
#[derive(Debug)]
pub(super) struct Host {
    source: Source,
    backwards: bool,
    addresses: Vec<u64>,
    posted: VecDeque<Vec<u8>>,
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
    /// What the program says to stderr.
    said: PathBuf,
}

impl Host {
    /// Compiles the kernels of `source` and takes the memory.
    pub(super) fn new(source: Source, buffers: &Buffers, options: Options) -> Result<Self> {
        let text = source.for_host(HEADER, FOOTER);
        Self::of_text(&text, source, buffers, options)
    }

    /// The same of kernels with another text.
    fn of_text(text: &str, source: Source, buffers: &Buffers, options: Options) -> Result<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let program = compiler::compiled(text, options.sanitizer)?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let said = program.with_extension(format!("{}-{number}.txt", std::process::id()));
        let mut child = Command::new(&program)
            .env("TSAN_OPTIONS", "halt_on_error=1 report_signal_unsafe=0")
            .env("ASAN_OPTIONS", "detect_leaks=0")
            .env("UBSAN_OPTIONS", "halt_on_error=1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&said)?)
            .spawn()?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::msg("the host's kernels have no pipes"));
        };
        let (posted, addresses) = (VecDeque::new(), vec![0; buffers.iter().len()]);
        let mut host =
            Self { source, backwards: options.backwards, addresses, posted, child, to, from, said };
        host.begin(buffers)?;
        Ok(host)
    }

    fn begin(&mut self, buffers: &Buffers) -> Result<()> {
        let mut message = (buffers.iter().len() as u32).to_le_bytes().to_vec();
        message.extend(buffers.iter().flat_map(|(_, bytes)| (bytes as u64).to_le_bytes()));
        let mut answer = vec![0; 8 * self.addresses.len()];
        self.ask(&[&message], &mut answer, "took the buffers")?;
        for (address, bytes) in self.addresses.iter_mut().zip(answer.as_chunks().0) {
            *address = u64::from_le_bytes(*bytes);
        }
        Ok(())
    }

    fn launch(&mut self, launch: &Launch, program: &str) -> Result<()> {
        let of = self.source.pack(launch, |buffer| self.addresses[buffer.0]);
        let entry =
            self.source.entry(&launch.kernel).trim_start_matches("entry_").parse().map_err(Error::wrap)?;
        let [x, y, z] = launch.grid;
        let mut message = Vec::new();
        for number in [RUN, entry, x, y, z, launch.block] {
            message.extend(number.to_le_bytes());
        }
        message.extend((launch.shared as u64).to_le_bytes());
        message.extend(u32::from(self.backwards).to_le_bytes());
        message.extend((of.len() as u64).to_le_bytes());
        self.ask(&[&message, &of], &mut [0], &format!("ran {} of {program}", launch.kernel))
    }

    /// Sends a message in parts and waits for the answer. `doing` says what the program did if it dies.
    fn ask(&mut self, message: &[&[u8]], answer: &mut [u8], doing: &str) -> Result<()> {
        let sent = message.iter().try_for_each(|part| self.to.write_all(part)).and_then(|()| self.to.flush());
        let done = sent.and_then(|()| self.from.read_exact(answer));
        done.map_err(|_| self.dead(doing))
    }

    /// What the program said when it died.
    fn dead(&mut self, doing: &str) -> Error {
        let _ = self.child.kill();
        let how = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let said = fs::read(&self.said).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        Error::msg(format!("the host's kernels ended ({how}) while they {doing}: {}", said.trim()))
    }
}

/// The head of a message about a place in a buffer.
fn place(command: u32, buffer: BufferId, offset: usize, bytes: usize) -> Vec<u8> {
    let mut message = [command, buffer.0 as u32].map(u32::to_le_bytes).concat();
    message.extend((offset as u64).to_le_bytes());
    message.extend((bytes as u64).to_le_bytes());
    message
}

impl Runner for Host {
    fn write(&mut self, buffer: BufferId, offset: usize, bytes: &[u8]) -> Result<()> {
        let head = place(WRITE, buffer, offset, bytes.len());
        self.ask(&[&head, bytes], &mut [], "took numbers")
    }

    fn read(&mut self, buffer: BufferId, offset: usize, bytes: &mut [u8]) -> Result<()> {
        let head = place(READ, buffer, offset, bytes.len());
        self.ask(&[&head], bytes, "gave numbers")
    }

    fn run(&mut self, program: &Program) -> Result<()> {
        program.launches.iter().try_for_each(|launch| self.launch(launch, &program.name))
    }

    fn post(&mut self, buffer: BufferId, offset: usize, bytes: usize) -> Result<()> {
        let mut answer = vec![0; bytes];
        self.read(buffer, offset, &mut answer)?;
        self.posted.push_back(answer);
        Ok(())
    }

    fn collect(&mut self, _wait: bool) -> Result<Option<Vec<u8>>> {
        Ok(self.posted.pop_front())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.said);
    }
}
