//! What is left to do when there is no memory: the terminal is given back, a sentence is said, and the program
//! ends with exit code 1 instead of a signal.
//!
//! What a run takes is compared with what there is before anything is taken, so this is for the rest: a limit
//! that shrank, a neighbour that took the memory meanwhile. The runtime answers an allocation that fails, where
//! nobody is prepared for it, with `abort`, and so it does where it lacks the memory for a thread's signal stack or
//! for a panic. So the allocator remembers that an allocation failed, and the signal of the abort is where the
//! program is ended.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::MmapMut;
use rustix::process::{Resource, getrlimit};
use rustix::stdio::stderr;
use signal_hook::consts::SIGABRT;
use signal_hook::low_level::{emulate_default_handler, exit, register};

/// Where so much cannot be mapped, an abort is one for want of memory.
const PROBE: usize = 1 << 20;

/// Bytes of the last allocation that failed; 0 before the first.
static FAILED: AtomicUsize = AtomicUsize::new(0);
/// How the terminal is given back.
static GIVE_BACK: OnceLock<fn()> = OnceLock::new();

/// The system's allocator, which remembers what it could not allocate.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: everything is the system's allocator; only a failure is noted on the way out.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises what the system's allocator asks for.
        noted(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises what the system's allocator asks for.
        noted(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises what the system's allocator asks for.
        noted(unsafe { System.realloc(pointer, layout, size) }, size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller promises what the system's allocator asks for.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn noted(pointer: *mut u8, bytes: usize) -> *mut u8 {
    if pointer.is_null() {
        FAILED.store(bytes.max(1), Ordering::SeqCst);
    }
    pointer
}

/// From now on an abort for want of memory is an exit. Any other abort gives the terminal back and is one.
pub fn prepare() -> io::Result<()> {
    let act = || {
        let bytes = FAILED.load(Ordering::SeqCst);
        if bytes > 0 || MmapMut::map_anon(PROBE).is_err() {
            leave(bytes);
        }
        give_back();
        // Where that fails, `abort` does it as soon as this returns.
        _ = emulate_default_handler(SIGABRT);
    };
    #[expect(unsafe_code, reason = "the library cannot know what is done in the handler")]
    // SAFETY: the handler runs on the thread that aborts, inside `abort`, not at a moment of somebody else's
    // choice. It reads an atomic, calls `mmap`, `write` and `_exit`, and allocates nothing; the locks that giving the
    // terminal back takes are held by no code that allocates, or are only tried.
    unsafe { register(SIGABRT, act) }.map(|_| ())
}

/// Where the address space of the process is limited, as queue systems do it, keeps the allocator from reserving 64 MiB of
/// it for every thread. Must come before there are threads.
pub fn spare_address_space() {
    if getrlimit(Resource::As).current.is_some() {
        arenas::limit();
    }
}

/// The arenas of the GNU C library's allocator.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod arenas {
    use std::ffi::c_int;

    /// Arenas at most. Waiting for the lock of the only one costs little where most memory is taken once.
    const MOST: c_int = 1;
    /// The parameter's number, from malloc.h.
    const M_ARENA_MAX: c_int = -8;

    #[expect(unsafe_code, reason = "the library's own switch has no other door")]
    // SAFETY: the declaration is that of malloc.h.
    unsafe extern "C" {
        safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }

    pub(super) fn limit() {
        // Where it is refused there is less room, and the sentence about it says so.
        _ = mallopt(M_ARENA_MAX, MOST);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod arenas {
    pub(super) fn limit() {}
}

/// From now on `give_back` is called before the program is ended. It must neither allocate nor wait for a lock.
pub fn give_back_by(give_back: fn()) {
    // A program has one terminal.
    _ = GIVE_BACK.set(give_back);
}

/// Ends the program because `bytes` bytes could not be had; 0 where it is not known how many.
pub(in crate::ops) fn leave(bytes: usize) -> ! {
    give_back();
    let mut digits = [0; 20];
    let parts: [&[u8]; 5] = [
        b"error: the memory is used up",
        if bytes > 0 { b" (" } else { b"" },
        if bytes > 0 { decimal(bytes, &mut digits) } else { b"" },
        if bytes > 0 { b" bytes more could not be had)" } else { b"" },
        b"; the last checkpoint is untouched; use a smaller batch size or network, or raise the limit.\n",
    ];
    for part in parts {
        // Nothing can be said if this fails.
        _ = rustix::io::write(stderr(), part);
    }
    exit(1)
}

fn give_back() {
    if let Some(give_back) = GIVE_BACK.get() {
        give_back();
    }
}

/// The digits of `number`, written without allocating.
fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut begin = digits.len();
    loop {
        begin -= 1;
        digits[begin] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[begin..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_place() {
        let mut digits = [0; 20];
        for number in [0, 7, 1_048_576, usize::MAX] {
            assert_eq!(decimal(number, &mut digits), number.to_string().as_bytes());
        }
    }
}
