//! How much memory there is, and what a run would take.

use crate::engine::failure::Failure;
use crate::model::{Arithmetic, DenseNet};
use crate::ops::place::Place;
use crate::ops::training::Training;
use crate::recipe::Recipe;
use crate::recipe::memory::training_bytes;

const GIB: f64 = (1u64 << 30) as f64;

/// The most memory the process has held at once, in MiB (`VmHWM` of Linux); `None` elsewhere.
pub(super) fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    Some(field(&status, "VmHWM:")? / 1024.0)
}

/// Bytes that the process could still take: what the machine has available, or less where a control
/// group has a limit. `None` outside of Linux.
pub fn available_bytes() -> Option<f64> {
    let machine = field(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")? * 1024.0;
    let group = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    let number = |name: &str| group(name)?.trim().parse::<f64>().ok();
    let Some((limit, current)) = number("memory.max").zip(number("memory.current")) else {
        return Some(machine);
    };
    // Cached file pages are given up before anything is refused.
    let cached = group("memory.stat").and_then(|stat| {
        stat.lines().find_map(|line| line.strip_prefix("inactive_file "))?.parse::<f64>().ok()
    });
    Some(machine.min(limit - current + cached.unwrap_or(0.0)))
}

/// The number after `name` in a table of Linux's, in its unit.
fn field(table: &str, name: &str) -> Option<f64> {
    table.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// Refuses to train what the machine has no memory for, before it is taken.
pub(super) fn check(net: &DenseNet, recipe: &Recipe) -> Result<(), Failure> {
    if net.arithmetic() == Arithmetic::Reference || net.card().is_some() {
        return Ok(());
    }
    let needed = |batch| training_bytes(net.arch(), net.plan(), batch) as f64;
    match available_bytes() {
        Some(free) if needed(recipe.batch_size) > free => {
            Err(Failure::Failed(sentence(recipe, free, needed, "memory")))
        }
        _ => Ok(()),
    }
}

/// Refuses to train on a card what it has no memory for, before it is taken; `training` says what a recipe
/// asks of it.
pub(super) fn check_card(
    place: &Place,
    recipe: &Recipe,
    training: impl Fn(&Recipe) -> Training,
) -> Result<(), Failure> {
    let Some((_, free)) = place.memory(&training(recipe))? else { return Ok(()) };
    let needed = |batch| {
        let recipe = Recipe { batch_size: batch, ..recipe.clone() };
        place.memory(&training(&recipe)).ok().flatten().map_or(f64::NAN, |(bytes, _)| bytes as f64)
    };
    if needed(recipe.batch_size) <= free as f64 {
        return Ok(());
    }
    Err(Failure::Failed(sentence(recipe, free as f64, needed, "the card's memory")))
}

/// Whether the machine has the memory to train `net` on batches of `batch` beside what it does now; true
/// where nobody can tell.
pub(super) fn fits(net: &DenseNet, batch: usize) -> bool {
    let needed = training_bytes(net.arch(), net.plan(), batch) as f64;
    net.arithmetic() == Arithmetic::Reference || available_bytes().is_none_or(|free| needed <= free)
}

fn sentence(recipe: &Recipe, free: f64, needed: impl Fn(usize) -> f64, whose: &str) -> String {
    let batch = recipe.batch_size;
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
        let recipe = Recipe { batch_size: 256, ..Recipe::defaults(Data::Cifar10) };
        let needed = |batch: usize| (batch as f64 / 64.0).max(0.25) * GIB;
        assert_eq!(
            sentence(&recipe, 2.5 * GIB, needed, "memory"),
            "training on batches of 256 takes 4.0 GiB of memory and 2.5 GiB are free; a batch size of 128 fits."
        );
        assert!(
            sentence(&recipe, 0.1 * GIB, needed, "the card's memory")
                .ends_with("no batch size fits; use a smaller network.")
        );
    }

    #[test]
    fn this_machine_has_memory_and_the_process_has_held_some() {
        if cfg!(target_os = "linux") {
            assert!(available_bytes().unwrap() > 1e6);
            assert!(peak_mib().unwrap() > 1.0);
        }
    }
}
