//! The names of tensors: torchvision's of today, which are this program's, of what else is in use.

use std::collections::BTreeMap;

use crate::weights::entry::Entry;

/// A tensor that every network has, by which a prefix of all names is told.
const FIRST: &str = "features.conv0.weight";
/// PyTorch's count of training steps, which nothing here uses.
const COUNTER: &str = "num_batches_tracked";
/// The state of an optimizer, in checkpoints of this program.
const OPTIMIZER: &str = "optimizer.";

/// The tensors `found` by their names of today, without what is none of a network; `own` where this program wrote them.
pub(super) fn settle(found: Vec<(String, Entry)>, own: bool) -> Result<BTreeMap<String, Entry>, String> {
    let kept = |(name, _): &(String, Entry)| !(name.ends_with(COUNTER) || own && name.starts_with(OPTIMIZER));
    let prefixes = found.iter().filter_map(|(name, _)| name.strip_suffix(FIRST));
    let prefix = prefixes.min_by_key(|prefix| prefix.len()).unwrap_or_default().to_owned();
    let mut settled = BTreeMap::new();
    for (name, entry) in found.into_iter().filter(kept) {
        let today = of_today(name.strip_prefix(&prefix).unwrap_or(&name));
        if settled.insert(today.clone(), entry).is_some() {
            return Err(format!("it has two tensors `{today}`"));
        }
    }
    Ok(settled)
}

/// A name of before 2018, as `denselayer1.norm.1.weight`, as it is today: `denselayer1.norm1.weight`. Others stay.
fn of_today(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let old = |at: usize| {
        parts[at].strip_prefix("denselayer").is_some_and(is_number)
            && matches!(parts[at + 1], "norm" | "relu" | "conv")
            && matches!(parts[at + 2], "1" | "2")
    };
    match (0..parts.len().saturating_sub(3)).find(|at| old(*at)) {
        Some(at) => {
            let (before, after) = (parts[..=at + 1].join("."), parts[at + 2..].join("."));
            before + &after
        }
        None => name.to_owned(),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_before_2018_become_those_of_today_and_others_stay() {
        for (old, new) in [
            (
                "features.denseblock1.denselayer12.norm.1.weight",
                "features.denseblock1.denselayer12.norm1.weight",
            ),
            (
                "features.denseblock4.denselayer1.conv.2.weight",
                "features.denseblock4.denselayer1.conv2.weight",
            ),
            ("features.denseblock1.denselayer1.norm1.bias", "features.denseblock1.denselayer1.norm1.bias"),
            ("features.transition1.norm.weight", "features.transition1.norm.weight"),
            ("denselayer1.norm.1", "denselayer1.norm.1"),
            ("features.denselayerx.norm.1.weight", "features.denselayerx.norm.1.weight"),
            ("", ""),
        ] {
            assert_eq!(of_today(old), new);
        }
    }
}
