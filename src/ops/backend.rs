//! The fused network of a device: computed on the CPU, or with the kernels of a GPU.

use candle_core::{Device, Result};

use crate::arch::words::Precision;
use crate::ops::cpu;
#[cfg(any(feature = "cuda", feature = "host-kernels"))]
use crate::ops::cuda::{self, GpuNetwork, GpuTrainer, Machine};
use crate::ops::op::Fused;
use crate::ops::passes::NetworkConfig;
use crate::ops::trainer::{Peaks, Split, Trainer, Training};

/// Computes the fused network.
#[derive(Clone, Debug)]
pub enum Backend {
    /// On the CPU.
    Cpu,
    /// With the kernels of a GPU.
    #[cfg(any(feature = "cuda", feature = "host-kernels"))]
    Gpu(Machine),
}

#[cfg_attr(
    not(any(feature = "cuda", feature = "host-kernels")),
    expect(unused_variables, reason = "only a GPU trains by itself, in memory of its own")
)]
impl Backend {
    /// That of a device; `None` where it has none.
    pub fn of(device: &Device) -> Option<Self> {
        match device {
            Device::Cpu => Some(Self::Cpu),
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => Some(Self::Gpu(Machine::Gpu(device.clone()))),
            _ => None,
        }
    }

    /// Whether it is a GPU.
    pub fn is_gpu(&self) -> bool {
        !matches!(self, Self::Cpu)
    }

    /// The network of `config`.
    pub fn network(&self, config: &NetworkConfig) -> Fused {
        let passes = match self {
            Self::Cpu => cpu::network(config),
            #[cfg(any(feature = "cuda", feature = "host-kernels"))]
            Self::Gpu(machine) => Box::new(GpuNetwork::new(config.clone(), machine.clone())),
        };
        Fused::new(&config.net, passes)
    }

    /// Training of the network of `config` that stays on the device; `None` on the CPU. `splits` are those of the
    /// training's feed.
    pub fn trainer(
        &self,
        config: &NetworkConfig,
        training: &Training,
        splits: &[Split],
    ) -> Result<Option<Box<dyn Trainer>>> {
        match self {
            Self::Cpu => Ok(None),
            #[cfg(any(feature = "cuda", feature = "host-kernels"))]
            Self::Gpu(machine) => Ok(Some(Box::new(GpuTrainer::new(config, training, splits, machine)?))),
        }
    }

    /// The measured peaks of a GPU; `None` on the CPU.
    pub fn peaks(&self, precision: Precision) -> Result<Option<Peaks>> {
        match self {
            Self::Cpu => Ok(None),
            #[cfg(any(feature = "cuda", feature = "host-kernels"))]
            Self::Gpu(machine) => Ok(Some(cuda::peaks(precision, machine)?)),
        }
    }

    /// The bytes that training the network of `config` takes of a GPU, and those that are free; `None` on the CPU.
    pub fn memory(&self, config: &NetworkConfig, training: &Training) -> Result<Option<(usize, usize)>> {
        match self {
            Self::Cpu => Ok(None),
            #[cfg(any(feature = "cuda", feature = "host-kernels"))]
            Self::Gpu(machine) => Ok(Some((cuda::training_bytes(config, training), machine.free_bytes()?))),
        }
    }
}
