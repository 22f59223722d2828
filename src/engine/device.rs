//! The device that computes, and why that one.

#[cfg(feature = "cuda")]
mod cuda;

use std::path::PathBuf;

use candle_core::Device;

use crate::arch::words::Precision;
use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::model::DenseNet;
use crate::ops::cpu::instruction_set;
use crate::protocol::{Event, command};
use crate::recipe::Recipe;

/// The device and a line that says what it is and why it was taken.
pub(super) fn choose(choice: command::Device) -> Result<(Device, String), Failure> {
    match choice {
        command::Device::Cpu => Ok((Device::Cpu, format!("cpu with {} (asked for)", instruction_set()))),
        command::Device::Cuda(n) => match cuda::open(n) {
            Ok(device) => {
                let line = format!("{} (asked for)", cuda::line(n, &device));
                Ok((device, line))
            }
            Err(why) => {
                Err(Failure::Input(format!("the device cuda:{n} cannot be used: {why}; use --device cpu.")))
            }
        },
        command::Device::Auto => Ok(match cuda::open(0) {
            Ok(device) => {
                let line = format!("{} (the first CUDA device)", cuda::line(0, &device));
                (device, line)
            }
            Err(why) => (Device::Cpu, format!("cpu with {} ({why})", instruction_set())),
        }),
    }
}

/// Warns where the recipe's `precision` is one that `net` is not computed in: only a GPU's own kernels know another
/// than f32.
pub(super) fn warn_precision_ignored(net: &DenseNet, recipe: &Recipe, report: &mut Report) {
    if recipe.precision == Precision::F32 || net.gpu().is_some() {
        return;
    }
    let who = if net.device().is_cuda() { "candle's layers compute" } else { "the cpu computes" };
    let message = format!("`precision` is {}, but {who} in f32.", recipe.precision);
    report.emit(Event::Warning { message });
}

/// What devices there are, in words.
pub fn describe() -> Vec<String> {
    let mut devices = vec![format!("cpu with {}", instruction_set())];
    devices.extend(cuda::describe().unwrap_or_else(|why| vec![format!("no cuda: {why}")]));
    devices
}

/// From now on the kernels compiled for a GPU are kept in `dir`.
pub fn keep_kernels(dir: PathBuf) {
    cuda::keep_kernels(dir);
}

/// A build without CUDA.
#[cfg(not(feature = "cuda"))]
mod cuda {
    use std::path::PathBuf;

    use candle_core::Device;

    const WHY: &str = "this build has no CUDA";

    pub(super) fn open(_: usize) -> Result<Device, String> {
        Err(WHY.into())
    }

    pub(super) fn describe() -> Result<Vec<String>, String> {
        Err(WHY.into())
    }

    pub(super) fn line(n: usize, _: &Device) -> String {
        format!("cuda:{n}")
    }

    pub(super) fn keep_kernels(_: PathBuf) {}
}
