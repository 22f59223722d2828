//! A cache of compiled kernels, provided at the start of the program.

use std::sync::OnceLock;

/// Where compiled kernels are kept from one start to the next. A key is a file name.
pub trait Cache: Send + Sync {
    /// What was put there; `None` where nothing was, or it cannot be read.
    fn get(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps `bytes`, if it can: the next start only takes longer where it cannot.
    fn put(&self, key: &str, bytes: &[u8]);
}

static KEPT: OnceLock<Box<dyn Cache>> = OnceLock::new();

/// From now on compiled kernels are kept in `cache`. The first call holds.
pub fn keep_kernels(cache: Box<dyn Cache>) {
    let _ = KEPT.set(cache);
}

/// Where compiled kernels are kept, if anywhere.
pub(in crate::ops::cuda) fn kept() -> Option<&'static dyn Cache> {
    KEPT.get().map(|cache| &**cache)
}
