//! How many threads the arithmetic takes.

/// Limits candle and rayon to `threads` threads, and the pools they make later. Must be called while
/// the program has a single thread: `main` does so right after reading its arguments.
pub fn limit(threads: usize) {
    // The second are candle's own threads for sums and products of single numbers. They wait by spinning:
    // one of them costs more than it gives, most of all beside another busy process.
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
    use std::hint::black_box;

    use super::*;

    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn a_denormal_result_is_0_within_and_itself_again_after() {
        let product = || black_box(1e-30f32) * black_box(1e-10f32);
        assert_eq!(flush_denormals(product), 0.0);
        assert!(product() > 0.0);
    }
}
