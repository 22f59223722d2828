//! What can run programs: a GPU, or in tests the host.

use std::fmt::Debug;

use candle_core::Result;

use crate::ops::cuda::program::{BufferId, Program};

/// Memory for the declared buffers, and what runs programs on it. Everything happens in the order in which
/// it is asked for.
pub(super) trait Runner: Debug + Send {
    /// Copies `bytes` into a buffer from `offset` (in bytes) on. The caller's bytes are free on return.
    fn write(&mut self, buffer: BufferId, offset: usize, bytes: &[u8]) -> Result<()>;

    /// Copies from a buffer, after everything asked for before.
    fn read(&mut self, buffer: BufferId, offset: usize, bytes: &mut [u8]) -> Result<()>;

    /// Runs a program whose kernels are in the source it was made with. May return before it is done.
    /// Programs are told apart by name: one that runs again may be kept as a graph.
    fn run(&mut self, program: &Program) -> Result<()>;

    /// Asks for `bytes` bytes of a buffer as they are after everything asked for before, and does not wait.
    fn post(&mut self, buffer: BufferId, offset: usize, bytes: usize) -> Result<()>;

    /// The oldest answer to [`Self::post`] that was not collected: waits for it, or says `None` where it is
    /// not there yet (or nothing is under way).
    fn collect(&mut self, wait: bool) -> Result<Option<Vec<u8>>>;
}
