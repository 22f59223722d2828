//! Where the fast network is computed: on the CPU, or with the kernels of a card.

use candle_core::{Device, Result};

use crate::arch::words::Precision;
use crate::ops::batch_norm::Rules;
use crate::ops::cpu::{Fused, Shape};
#[cfg(any(feature = "cuda", feature = "host-kernels"))]
use crate::ops::cuda::{self, CardTrainer, Machine};
use crate::ops::trainer::{Split, Trainer, Training};

/// A place that has a fast version of the network.
#[derive(Clone, Debug)]
pub struct Place(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Cpu,
    #[cfg(any(feature = "cuda", feature = "host-kernels"))]
    Card(Machine),
}

/// What a card can do at most, in 10⁹ a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peaks {
    /// Operations; a multiply-add counts as 2.
    pub gflops: f64,
    /// Bytes read and written.
    pub gbytes: f64,
}

impl Place {
    /// That of a device; `None` where it has none.
    pub fn of(device: &Device) -> Option<Self> {
        match device {
            Device::Cpu => Some(Self(Kind::Cpu)),
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => Some(Self(Kind::Card(Machine::Card(device.clone())))),
            _ => None,
        }
    }

    /// The kernels of a card on the host: slow, for tests.
    #[cfg(feature = "host-kernels")]
    pub fn host_kernels(options: cuda::host::Options) -> Self {
        Self(Kind::Card(Machine::Host(options)))
    }

    /// Whether it is a card.
    pub fn is_card(&self) -> bool {
        !matches!(self.0, Kind::Cpu)
    }

    /// A network of `shape` there. The CPU always computes in f32. With `dropout_last`, dropout comes after
    /// the last convolution of dense layers only.
    pub fn network(&self, shape: &Shape, precision: Precision, rules: Rules, dropout_last: bool) -> Fused {
        match &self.0 {
            Kind::Cpu => {
                let _ = precision;
                Fused::new(shape, rules, dropout_last)
            }
            #[cfg(any(feature = "cuda", feature = "host-kernels"))]
            Kind::Card(machine) => Fused::on(machine.clone(), shape, precision, rules, dropout_last),
        }
    }

    /// Training that stays there; `None` on the CPU. `splits` are those of the training's feed.
    pub fn trainer(&self, training: Training, splits: &[Split]) -> Result<Option<Box<dyn Trainer>>> {
        match &self.0 {
            Kind::Cpu => {
                let _ = (training, splits);
                Ok(None)
            }
            #[cfg(any(feature = "cuda", feature = "host-kernels"))]
            Kind::Card(machine) => Ok(Some(Box::new(CardTrainer::new(training, splits, machine)?))),
        }
    }

    /// What it can do at most, measured; `None` on the CPU.
    pub fn peaks(&self, precision: Precision) -> Result<Option<Peaks>> {
        match &self.0 {
            Kind::Cpu => {
                let _ = precision;
                Ok(None)
            }
            #[cfg(any(feature = "cuda", feature = "host-kernels"))]
            Kind::Card(machine) => Ok(Some(cuda::peaks(precision, machine)?)),
        }
    }

    /// Bytes that `training` takes there, and bytes that are free; `None` on the CPU.
    pub fn memory(&self, training: &Training) -> Result<Option<(usize, usize)>> {
        match &self.0 {
            Kind::Cpu => {
                let _ = training;
                Ok(None)
            }
            #[cfg(any(feature = "cuda", feature = "host-kernels"))]
            Kind::Card(machine) => Ok(Some((cuda::training_bytes(training), machine.free_bytes()?))),
        }
    }
}
