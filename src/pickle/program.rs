//! The bytes of a pickle, taken from front to back, and how reading them can fail.

/// Why a pickle is not read.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It names a function that its subject does not need.
    Refused(String),
    /// It makes no sense, or is not plain data.
    Broken(String),
}

/// A [`Fault::Broken`].
pub(crate) fn broken<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Broken(what.into()))
}

/// A pickle and how much of it has been taken.
pub(crate) struct Program<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) position: usize,
}

impl<'a> Program<'a> {
    /// The next `n` bytes.
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], Fault> {
        match self.bytes[self.position..].split_at_checked(n) {
            Some((taken, _)) => {
                self.position += n;
                Ok(taken)
            }
            None => broken("the file ends in the middle of a value"),
        }
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A little-endian count of `width` bytes.
    pub(crate) fn count(&mut self, width: usize) -> Result<u64, Fault> {
        let bytes = self.take(width)?;
        Ok(bytes.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)))
    }

    /// Bytes after a length of `width` bytes; borrowed, so a false length costs nothing.
    pub(crate) fn counted(&mut self, width: usize) -> Result<&'a [u8], Fault> {
        let n = self.count(width)?;
        self.take(usize::try_from(n).unwrap_or(usize::MAX))
    }

    /// Bytes up to the end of the line.
    pub(crate) fn line(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.bytes[self.position..];
        let n = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let line = self.take(n)?;
        self.take(1)?;
        utf8(line)
    }
}

/// A text of the program.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).or_else(|_| broken("a text is not UTF-8"))
}
