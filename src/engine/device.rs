//! Which device does the arithmetic, and why that one.

use std::path::PathBuf;

use candle_core::Device;

use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::model::{Arithmetic, DenseNet};
use crate::ops::fused::instruction_set;
use crate::protocol::{Event, command};
use crate::recipe::{Precision, Recipe};
#[cfg(feature = "cuda")]
use crate::store::cache::Cache;

/// The device and a line that says what it is and why it was taken.
pub(super) fn choose(choice: command::Device) -> Result<(Device, String), Failure> {
    match choice {
        command::Device::Cpu => Ok((Device::Cpu, format!("cpu with {} (asked for)", instruction_set()))),
        command::Device::Cuda(n) => match cuda(n) {
            Ok(device) => Ok((device, format!("cuda:{n} (asked for)"))),
            Err(why) => {
                Err(Failure::Input(format!("the device cuda:{n} cannot be used: {why}; use --device cpu.")))
            }
        },
        command::Device::Auto => Ok(match cuda(0) {
            Ok(device) => (device, "cuda:0 (the first CUDA device)".into()),
            Err(why) => (Device::Cpu, format!("cpu with {} ({why})", instruction_set())),
        }),
    }
}

/// Tells where the recipe's `precision` is one that `net` is not computed in: only a card's own kernels know
/// another than f32.
pub(super) fn tell_precision(net: &DenseNet, recipe: &Recipe, report: &mut Report) {
    let on_card = net.device().is_cuda();
    if recipe.precision == Precision::F32 || on_card && net.arithmetic() == Arithmetic::Fast {
        return;
    }
    let who = if on_card { "candle's layers compute" } else { "the cpu computes" };
    let message = format!("`precision` is {}, but {who} in f32.", recipe.precision);
    report.emit(Event::Warning { message });
}

/// What devices there are, in words.
pub fn describe() -> Vec<String> {
    let gpu = match cuda(0) {
        Ok(_) => "cuda:0".to_owned(),
        Err(why) => format!("no cuda: {why}"),
    };
    vec![format!("cpu with {}", instruction_set()), gpu]
}

#[cfg(feature = "cuda")]
fn cuda(n: usize) -> Result<Device, String> {
    Device::new_cuda(n).map_err(|error| {
        let text = error.to_string();
        format!("CUDA does not start ({})", text.lines().next().unwrap_or("unknown"))
    })
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize) -> Result<Device, String> {
    Err("this build has no CUDA".into())
}

/// From now on the kernels compiled for a card are kept in `dir`. Does nothing in a build without CUDA.
pub fn keep_kernels(dir: PathBuf) {
    #[cfg(feature = "cuda")]
    crate::ops::cuda::keep_kernels(Box::new(Kept(Cache::new(dir))));
    #[cfg(not(feature = "cuda"))]
    drop(dir);
}

#[cfg(feature = "cuda")]
struct Kept(Cache);

#[cfg(feature = "cuda")]
impl crate::ops::cuda::Cache for Kept {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.get(key)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.0.put(key, bytes);
    }
}
