//! The CUDA devices of this machine. Not yet run on a GPU.

use std::path::PathBuf;

use candle_core::Device;
use candle_core::cuda_backend::cudarc::driver::sys::CUresult;
use candle_core::cuda_backend::cudarc::driver::{CudaContext, DriverError};

use crate::ops;
use crate::store::cache::Cache;

/// The device with that number, or why it cannot be had.
pub(super) fn open(n: usize) -> Result<Device, String> {
    if let Some(why) = absent(n, count()?) {
        return Err(why);
    }
    Device::new_cuda(n).map_err(|error| {
        let text = error.to_string();
        format!("CUDA does not start there ({})", text.lines().next().unwrap_or("unknown"))
    })
}

/// Every device in words: its number, name, compute capability and memory; or why there is none.
pub(super) fn describe() -> Result<Vec<String>, String> {
    let line_of = |n| open(n).map_or_else(|why| format!("cuda:{n}: {why}"), |device| line(n, &device));
    Ok((0..count()?).map(line_of).collect())
}

/// What GPU `device` is: its name, compute capability and memory.
pub(super) fn line(n: usize, device: &Device) -> String {
    ops::cuda::describe(device)
        .map_or_else(|error| format!("cuda:{n}: {error}"), |gpu| format!("cuda:{n} {gpu}"))
}

/// From now on the kernels compiled for a GPU are kept in `dir`.
pub(super) fn keep_kernels(dir: PathBuf) {
    ops::cuda::keep_kernels(Box::new(Kept(Cache::new(dir))));
}

struct Kept(Cache);

impl ops::cuda::Cache for Kept {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.get(key)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.0.put(key, bytes);
    }
}

/// How many there are; none is an error.
fn count() -> Result<usize, String> {
    match CudaContext::device_count().map_err(why)? {
        0 => Err(why(DriverError(CUresult::CUDA_ERROR_NO_DEVICE))),
        count => Ok(count as usize),
    }
}

/// Why there is no device `n` among `count`, if there is none.
fn absent(n: usize, count: usize) -> Option<String> {
    match count {
        _ if n < count => None,
        1 => Some("the only CUDA device is cuda:0".into()),
        _ => Some(format!("the CUDA devices are cuda:0 to cuda:{}", count - 1)),
    }
}

/// What the driver says, for people.
fn why(error: DriverError) -> String {
    match (error.0, error.error_string()) {
        (CUresult::CUDA_ERROR_NO_DEVICE, _) => "there is no CUDA device".into(),
        (_, Ok(text)) => format!("CUDA does not start: {}", text.to_string_lossy()),
        (code, Err(_)) => format!("CUDA does not start: {code:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_beyond_the_last_is_told_what_there_is() {
        assert_eq!(absent(0, 1), None);
        assert_eq!(absent(3, 4), None);
        assert_eq!(absent(7, 1).unwrap(), "the only CUDA device is cuda:0");
        assert_eq!(absent(4, 4).unwrap(), "the CUDA devices are cuda:0 to cuda:3");
    }

    #[test]
    fn a_machine_without_a_gpu_is_told_so() {
        assert_eq!(why(DriverError(CUresult::CUDA_ERROR_NO_DEVICE)), "there is no CUDA device");
    }
}
