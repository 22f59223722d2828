//! How many threads the arithmetic takes.

use std::io;
use std::sync::mpsc::channel;
use std::thread::{Builder, JoinHandle};

use crate::ops::out_of_memory;

/// Threads that the program needs in addition to those of the arithmetic: the engine and its work, batches made ready,
/// signals, what is read and written.
const BESIDE: usize = 10;

/// Starts the threads of the arithmetic: `asked`, or fewer where the system lets this process have no more; how
/// many there are. Must be called while the program has a single thread: `main` does so right after reading its
/// arguments. The error is a sentence.
pub fn start(asked: usize) -> Result<usize, String> {
    out_of_memory::spare_address_space();
    let threads = affordable(asked, |work| Builder::new().spawn(work))?;
    limit(threads);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|_| "pool".to_owned())
        .build_global()
        .map_err(|error| {
            format!("the threads of the arithmetic cannot be started ({error}); give fewer --threads.")
        })?;
    Ok(threads)
}

/// How many threads of `asked` can be started in addition to the others that the program needs: tried out, because a
/// pool that has failed once cannot be tried again, and no system says beforehand.
fn affordable(
    asked: usize,
    spawn: impl Fn(Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>,
) -> Result<usize, String> {
    let wanted = asked + BESIDE;
    let mut refusal = None;
    let mut waiting = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        let (release, released) = channel::<()>();
        match spawn(Box::new(move || _ = released.recv())) {
            Ok(thread) => waiting.push((release, thread)),
            Err(error) => {
                refusal = Some(error);
                break;
            }
        }
    }
    let started = waiting.len();
    for (release, thread) in waiting {
        drop(release);
        _ = thread.join();
    }
    match refusal {
        None => Ok(asked),
        Some(_) if started > BESIDE => Ok(started - BESIDE),
        Some(error) => Err(format!(
            "the system lets this process start only {started} threads where {} are needed at least ({error}); raise its limits (`ulimit -u`, `ulimit -v`, the pids of its control group).",
            BESIDE + 1
        )),
    }
}

/// Limits candle and rayon to `threads` threads, and the pools they make later.
fn limit(threads: usize) {
    // The second are candle's own threads for sums and products of single numbers. They wait by spinning:
    // one of them costs more than it gives, most of all when another process is busy.
    for (name, threads) in [("RAYON_NUM_THREADS", threads.to_string()), ("CANDLE_NUM_THREADS", "1".into())] {
        // candle reads these at every product and offers no other way.
        #[expect(unsafe_code, reason = "the environment is the only switch candle has for its threads")]
        // SAFETY: no other thread exists yet, so none reads the environment meanwhile (see above).
        unsafe {
            std::env::set_var(name, &threads);
        }
    }
}

/// Runs `work` with numbers too small for f32's normal range taken as 0, on this thread, and sets the
/// mode back. They slow a trained network down many times and mean nothing in it.
pub fn flush_denormals<R>(work: impl FnOnce() -> R) -> R {
    let before = float_mode::get();
    float_mode::set(before | float_mode::FLUSH);
    let result = work();
    float_mode::set(before);
    result
}

#[cfg(target_arch = "x86_64")]
mod float_mode {
    use std::arch::asm;

    /// Results flushed to zero (bit 15) and operands taken as zero (bit 6).
    pub(super) const FLUSH: u32 = 1 << 15 | 1 << 6;

    #[expect(unsafe_code, reason = "the control register of SSE has no other door")]
    pub(super) fn get() -> u32 {
        let mut mode = 0u32;
        // SAFETY: stores the control register to the variable it points to.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut mode, options(nostack)) };
        mode
    }

    #[expect(unsafe_code, reason = "the control register of SSE has no other door")]
    pub(super) fn set(mode: u32) {
        // SAFETY: only the two bits above ever differ from what `get` returned; no trap is unmasked.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const mode, options(nostack)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod float_mode {
    use std::arch::asm;

    /// Flush to zero (FZ).
    pub(super) const FLUSH: u64 = 1 << 24;

    #[expect(unsafe_code, reason = "the floating-point control register has no other door")]
    pub(super) fn get() -> u64 {
        let mode: u64;
        // SAFETY: reads the register.
        unsafe { asm!("mrs {}, fpcr", out(reg) mode, options(nomem, nostack)) };
        mode
    }

    #[expect(unsafe_code, reason = "the floating-point control register has no other door")]
    pub(super) fn set(mode: u64) {
        // SAFETY: only the bit above ever differs from what `get` returned.
        unsafe { asm!("msr fpcr, {}", in(reg) mode, options(nomem, nostack)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod float_mode {
    pub(super) const FLUSH: u32 = 0;

    pub(super) fn get() -> u32 {
        0
    }

    pub(super) fn set(_: u32) {}
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::hint::black_box;
    use std::thread;

    use super::*;

    /// What a system that lets `limit` threads start does to `asked`.
    fn affordable_below(limit: usize, asked: usize) -> Result<usize, String> {
        let started = Cell::new(0);
        affordable(asked, |work| {
            if started.get() == limit {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            started.set(started.get() + 1);
            Ok(thread::spawn(work))
        })
    }

    // A limit for the threads of a user does not hold for root, who often runs tests: so it is made up here.
    #[test]
    fn where_the_system_has_too_few_threads_there_are_fewer_or_a_sentence() {
        assert_eq!(affordable_below(74, 64), Ok(64));
        assert_eq!(affordable_below(73, 64), Ok(63));
        assert_eq!(affordable_below(11, 64), Ok(1));
        let refused = affordable_below(8, 64).unwrap_err();
        assert!(refused.contains("only 8 threads where 11 are needed"), "{refused}");
    }

    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn a_denormal_result_is_0_within_and_itself_again_after() {
        let product = || black_box(1e-30f32) * black_box(1e-10f32);
        assert_eq!(flush_denormals(product), 0.0);
        assert!(product() > 0.0);
    }
}
