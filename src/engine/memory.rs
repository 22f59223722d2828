//! How much memory there is, and what a network would take: asked before anything is created.

mod limits;

use candle_core::Device;

use crate::arch::Arch;
use crate::arch::memory::{evaluation_bytes, reference_bytes, training_bytes};
use crate::arch::plan::Plan;
use crate::engine::failure::Failure;
use crate::model::{DenseNet, Implementation};
use crate::ops::backend::Backend;
use crate::ops::passes::NetworkConfig;
use crate::ops::trainer::Training;
use crate::recipe::Recipe;

const GIB: f64 = (1u64 << 30) as f64;
/// What the estimates leave out: libraries, stacks, what the allocator holds back.
const BESIDE: f64 = 16.0 * 1024.0 * 1024.0;
/// Batches of images in memory at once: prepared ahead, being prepared, in use as numbers and as a tensor.
const BATCHES: f64 = 6.0;

/// The most memory the process has held at once, in MiB (`VmHWM` of Linux); `None` elsewhere.
pub(super) fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    limits::kib(&status, "VmHWM:").map(|bytes| bytes / f64::from(1u32 << 20))
}

/// Bytes that the process could still take: what the machine has available, or less where a control group or a
/// limit of the process says so. `None` outside of Linux.
pub fn available_bytes() -> Option<f64> {
    limits::free_bytes()
}

/// What a network is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Training,
    Evaluation,
}

/// A network that is not there yet, and the implementation that is to compute it.
pub(super) struct Wanted<'a> {
    pub(super) arch: &'a Arch,
    pub(super) requested: Implementation,
    pub(super) device: &'a Device,
    pub(super) mode: Mode,
}

impl Wanted<'_> {
    /// Bytes of the machine's memory that it takes with batches of `batch` images.
    fn bytes(&self, plan: &Plan, batch: usize) -> f64 {
        let Self { arch, requested, mode, .. } = self;
        let fast = *requested == Implementation::Fused;
        let network = match (fast, mode) {
            (false, mode) => reference_bytes(arch, plan, batch, *mode == Mode::Training),
            (true, Mode::Training) => training_bytes(arch, plan, batch),
            (true, Mode::Evaluation) => evaluation_bytes(arch, plan, batch),
        };
        let image = (3 * arch.input_size * arch.input_size * size_of::<f32>()) as f64;
        network as f64 + BATCHES * image * batch as f64 + BESIDE
    }

    /// Refuses what the machine has no memory for. A GPU's own memory is another matter: see [`check_gpu`].
    pub(super) fn check(&self, batch: usize) -> Result<(), Failure> {
        self.check_beside(batch, 0.0)
    }

    /// The same with `other` bytes that are still to be taken.
    fn check_beside(&self, batch: usize, other: f64) -> Result<(), Failure> {
        let plan = self.arch.plan().map_err(|problem| Failure::Input(problem.to_string()))?;
        if !self.device.is_cpu() {
            return Ok(());
        }
        let needed = |batch| self.bytes(&plan, batch);
        let free = available_bytes().map(|free| (free - other).max(0.0));
        let Some(free) = free.filter(|&free| needed(batch) > free) else { return Ok(()) };
        Err(Failure::Failed(match self.mode {
            Mode::Training => sentence(batch, free, needed, "memory"),
            Mode::Evaluation => format!(
                "evaluating batches of {batch} takes {:.1} GiB of memory and {:.1} GiB are free; free some, or raise the limit.",
                needed(batch) / GIB,
                free / GIB
            ),
        }))
    }
}

/// Refuses to train by `recipe` what the machine has no memory for, before its images are read.
pub(super) fn check_early(
    recipe: &Recipe,
    classes: usize,
    requested: Implementation,
    device: &Device,
) -> Result<(), Failure> {
    let arch = recipe.arch(classes);
    let batch = recipe.train_limit.map_or(recipe.batch_size, |images| recipe.batch_size.min(images));
    // A folder may hold any number.
    let set = recipe.data.set();
    let side = set.side.unwrap_or(recipe.input_size);
    let unread = ((set.train + set.test) * 3 * side * side) as f64;
    Wanted { arch: &arch, requested, device, mode: Mode::Training }.check_beside(batch, unread)
}

/// Refuses to train by `recipe` on `images` images of `classes` classes what the machine has no memory for.
pub(super) fn check(
    recipe: &Recipe,
    classes: usize,
    images: usize,
    requested: Implementation,
    device: &Device,
) -> Result<(), Failure> {
    let arch = recipe.arch(classes);
    let batch = recipe.batch_size.min(images);
    Wanted { arch: &arch, requested, device, mode: Mode::Training }.check(batch)
}

/// Refuses to train on a GPU what it has no memory for, before it is taken; `training` says what a recipe
/// asks of it.
pub(super) fn check_gpu(
    backend: &Backend,
    config: &NetworkConfig,
    recipe: &Recipe,
    training: impl Fn(&Recipe) -> Training,
) -> Result<(), Failure> {
    let Some((_, free)) = backend.memory(config, &training(recipe))? else { return Ok(()) };
    let needed = |batch| {
        let recipe = Recipe { batch_size: batch, ..recipe.clone() };
        backend.memory(config, &training(&recipe)).ok().flatten().map_or(f64::NAN, |(bytes, _)| bytes as f64)
    };
    if needed(recipe.batch_size) <= free as f64 {
        return Ok(());
    }
    Err(Failure::Failed(sentence(recipe.batch_size, free as f64, needed, "the GPU's memory")))
}

/// Whether the machine has the memory to train `net` on batches of `batch` in addition to what it does now; true
/// where that is not known.
pub(super) fn fits(net: &DenseNet, batch: usize) -> bool {
    let wanted = Wanted {
        arch: net.arch(),
        requested: net.implementation(),
        device: net.device(),
        mode: Mode::Training,
    };
    available_bytes().is_none_or(|free| !net.device().is_cpu() || wanted.bytes(net.plan(), batch) <= free)
}

fn sentence(batch: usize, free: f64, needed: impl Fn(usize) -> f64, whose: &str) -> String {
    let fits =
        std::iter::successors(Some(batch), |batch| Some(batch / 2)).find(|&n| n == 0 || needed(n) <= free);
    let advice = match fits {
        Some(n @ 1..) => format!("a batch size of {n} fits."),
        _ => "no batch size fits; use a smaller network.".into(),
    };
    format!(
        "training on batches of {batch} takes {:.1} GiB of {whose} and {:.1} GiB are free; {advice}",
        needed(batch) / GIB,
        free / GIB
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;

    #[test]
    fn a_batch_that_does_not_fit_is_answered_with_one_that_does() {
        let needed = |batch: usize| (batch as f64 / 64.0).max(0.25) * GIB;
        assert_eq!(
            sentence(256, 2.5 * GIB, needed, "memory"),
            "training on batches of 256 takes 4.0 GiB of memory and 2.5 GiB are free; a batch size of 128 fits."
        );
        assert!(
            sentence(256, 0.1 * GIB, needed, "the GPU's memory")
                .ends_with("no batch size fits; use a smaller network.")
        );
    }

    #[test]
    fn a_network_beyond_any_machine_is_refused_for_every_mode_before_it_is_created() {
        let recipe = Recipe { layers: vec![2000; 3], ..Recipe::defaults(Data::Cifar10) };
        let arch = recipe.arch(10);
        for requested in [Implementation::Fused, Implementation::Reference] {
            for mode in [Mode::Training, Mode::Evaluation] {
                let wanted = Wanted { arch: &arch, requested, device: &Device::Cpu, mode };
                let refused = wanted.check(65_536).unwrap_err();
                let Failure::Failed(sentence) = refused else { panic!("{refused:?}") };
                assert!(sentence.contains("GiB of memory and"), "{requested:?}, {mode:?}: {sentence}");
            }
        }
    }

    #[test]
    fn this_machine_has_memory_and_the_process_has_held_some() {
        if cfg!(target_os = "linux") {
            assert!(available_bytes().unwrap() > 1e6);
            assert!(peak_mib().unwrap() > 1.0);
        }
    }
}
