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
