//! What a file is read from: no more at once than it has.

use std::io::{self, Read, Seek, SeekFrom};

use crate::files;

/// A reader and its length.
pub(super) struct Source<R> {
    pub(super) inner: R,
    length: u64,
}

impl<R: Read + Seek> Source<R> {
    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        Ok(Self { inner, length })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The `n` bytes from `at` on; the error is a clause.
    pub(super) fn bytes(&mut self, at: u64, n: u64) -> Result<Vec<u8>, String> {
        if at.checked_add(n).is_none_or(|end| end > self.length) {
            return Err(format!("it is cut short: it has {} bytes, and needs more", self.length));
        }
        self.up_to(at, n)
    }

    /// At most `n` bytes from `at` on.
    pub(super) fn up_to(&mut self, at: u64, n: u64) -> Result<Vec<u8>, String> {
        let failed = |error: io::Error| format!("it cannot be read ({error})");
        let n = n.min(self.length.saturating_sub(at));
        let mut bytes = files::room(n).map_err(failed)?;
        self.inner.seek(SeekFrom::Start(at)).map_err(failed)?;
        self.inner.by_ref().take(n).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// The 64-bit number at `at`.
    pub(super) fn number(&mut self, at: u64) -> Result<u64, String> {
        let bytes = self.bytes(at, 8)?;
        Ok(bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }
}
