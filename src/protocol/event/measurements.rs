//! The results of a benchmark and of a verification.

use serde::{Deserialize, Serialize};

use crate::protocol::event::figures::number;

/// The result of a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    /// Evaluation or training.
    pub evaluation: bool,
    /// Images in a step.
    pub batch: usize,
    /// Timed steps.
    pub steps: usize,
    /// Parameters of the network.
    pub parameters: u64,
    /// Multiply-accumulates of a forward pass for an image.
    pub macs: u64,
    /// Batch over the median step.
    pub images_per_second: f64,
    /// Median time of a step.
    pub step_ms_median: f64,
    /// Fastest step.
    pub step_ms_min: f64,
    /// Most memory the process has held; absent where the system does not tell.
    pub peak_mib: Option<f64>,
    /// Memory that it takes on a GPU; absent on the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_mib: Option<f64>,
    /// Floating-point operations a second, counted as 2 (6 in training) for each multiply-accumulate.
    pub gflops: f64,
    /// What the machine (or the GPU, in the recipe's precision) does in a loop of multiply-adds.
    pub machine_peak_gflops: f64,
    /// The first over the second.
    pub share_of_peak: f64,
    /// Where.
    pub device: String,
    /// Threads.
    pub threads: usize,
    /// Whether candle's own layers were timed: they were asked for, or there is no faster version.
    pub reference: bool,
    /// Each kernel of a step on a GPU by itself, slowest first, where that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<KernelFigures>,
    /// candle's own layers beside the fused version, where that was asked for.
    #[serde(flatten)]
    pub comparison: Option<Comparison>,
}

/// The rate at which images become batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loading {
    /// Training images.
    pub images: usize,
    /// Their height and width.
    pub side: usize,
    /// Whether they are in memory, and not read for every batch.
    pub in_memory: bool,
    /// Until everything was read, split and measured.
    pub load_seconds: f64,
    /// Of an epoch with all that comes before it.
    pub first_epoch_images_per_second: f64,
    /// Of the epochs after it.
    pub later_epochs_images_per_second: f64,
    /// The most memory the process has held at once (`VmHWM`), in MiB; null where that is not known.
    pub peak_mib: Option<f64>,
    /// Threads.
    pub threads: usize,
}

/// All launches of a kernel in a step on a GPU, each timed by itself and repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelFigures {
    /// Its name.
    pub kernel: String,
    /// Launches in a step.
    pub launches: usize,
    /// Time of all of them.
    pub ms: f64,
    /// Operations of its products, counted as 2 for each multiply-accumulate.
    pub gflop: f64,
    /// What it must move at least, every number once.
    pub mib: f64,
    /// The time that the GPU's measured peaks allow, over the time it takes.
    pub share_of_roofline: f64,
}

/// candle's own layers on the same batch in the same process, after the fused version.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Timed steps.
    pub reference_steps: usize,
    /// Batch over the median step.
    pub reference_images_per_second: f64,
    /// How many times as fast the fused version is.
    pub ratio: f64,
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// One line for each group of tensors.
    pub groups: Vec<GroupError>,
    /// The tensor with the largest relative error, and that error.
    pub worst: Option<(String, f64)>,
    /// Whether every group is within its tolerance.
    pub passed: bool,
}

/// How far a group of tensors is from the golden file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupError {
    /// As in `logits.0`, `grad0`, `final.weights`.
    pub group: String,
    /// Relative L2 error.
    #[serde(deserialize_with = "number")]
    pub error: f64,
    /// What is allowed.
    pub tolerance: f64,
}
