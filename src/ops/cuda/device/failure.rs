//! What the driver answers, as sentences.

use std::ffi::CStr;
use std::result;

use candle_core::cuda_backend::cudarc::driver::DriverError;
use candle_core::{Error, Result};

pub(super) trait Told<T> {
    /// A failure as "what: why (the driver's name for it)".
    fn told(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Told<T> for result::Result<T, DriverError> {
    fn told(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::Msg(format!("{}: {}", what(), words(error))))
    }
}

/// "out of memory (CUDA_ERROR_OUT_OF_MEMORY)"; the name alone where the driver has no words.
fn words(error: DriverError) -> String {
    let text = |found: result::Result<&CStr, DriverError>| {
        found.map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned())
    };
    match text(error.error_string()) {
        why if why.is_empty() => format!("{:?}", error.0),
        why => format!("{why} ({:?})", error.0),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::cuda_backend::cudarc::driver::sys::CUresult;

    use super::*;

    #[test]
    fn a_failure_says_what_was_wanted_and_the_drivers_name_for_it() {
        let failed: result::Result<(), _> = Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY));
        let text = failed.told(|| "no memory for the network".into()).unwrap_err().to_string();
        assert!(text.starts_with("no memory for the network: "), "{text}");
        assert!(text.contains("CUDA_ERROR_OUT_OF_MEMORY"), "{text}");
    }
}
