//! An inspection in words: the descriptions of its parts, and the worst mistakes.

use std::fmt::Write;

use crate::arch::plan::Kind;
use crate::format::grouped;
use crate::protocol::command::Split;
use crate::protocol::event::{Inspection, Mistake};

/// Images that were inspected.
pub(crate) fn images(found: &Inspection) -> usize {
    found.confusion.iter().flatten().sum()
}

/// A share in percent; a dash of none.
pub(crate) fn share(part: usize, whole: usize) -> String {
    if whole == 0 { "-".into() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

pub(crate) const fn split(of: Split) -> &'static str {
    match of {
        Split::Train => "training",
        Split::Validation => "validation",
        Split::Test => "test",
        Split::All => "all",
    }
}

pub(crate) fn name(found: &Inspection, label: usize) -> &str {
    found.classes.get(label).map_or("?", String::as_str)
}

/// A cell of the confusion matrix.
pub(crate) fn cell(found: &Inspection, (label, prediction): (usize, usize)) -> String {
    let Some(row) = found.confusion.get(label) else { return String::new() };
    let (count, all) = (row.get(prediction).copied().unwrap_or(0), row.iter().sum());
    format!(
        "{} predicted as {}: {} of {} ({})",
        name(found, label),
        name(found, prediction),
        grouped(count as u64),
        grouped(all as u64),
        share(count, all)
    )
}

/// A class: how often it was right, and what it was taken for.
pub(crate) fn class(found: &Inspection, label: usize) -> String {
    let Some(row) = found.confusion.get(label) else { return String::new() };
    let (right, all) = (row.get(label).copied().unwrap_or(0), row.iter().sum());
    let mut text = format!("{}: {right} of {all} right ({})", name(found, label), share(right, all));
    let mut wrong: Vec<(usize, usize)> =
        row.iter().copied().enumerate().filter(|(to, count)| *to != label && *count > 0).collect();
    wrong.sort_by_key(|&(to, count)| (usize::MAX - count, to));
    for (index, (to, count)) in wrong.into_iter().take(3).enumerate() {
        let _ = write!(text, "{} {} {count}", if index == 0 { "; predicted" } else { "," }, name(found, to));
    }
    text
}

/// A mistake: its place in the split, label, prediction and probability.
pub(crate) fn mistake(found: &Inspection, of: &Mistake) -> String {
    format!("{} {} {} {:.4}", of.index, name(found, of.label), name(found, of.prediction), of.probability)
}

/// The target `to` (from 0) of a block of `targets`.
fn target(found: &Inspection, block: usize, to: usize) -> String {
    let targets = found.reuse.get(block).map_or(0, |of| of.cells.len());
    match (to + 1 == targets, block + 1 == found.reuse.len()) {
        (true, true) => "the classifier".into(),
        (true, false) => "the transition".into(),
        _ => format!("layer {}", to + 1),
    }
}

/// Who reads how much of whom.
pub(crate) fn link(found: &Inspection, block: usize, (to, from): (usize, usize)) -> String {
    let Some(row) = found.reuse.get(block).and_then(|of| of.cells.get(to)) else { return String::new() };
    let source = if from == 0 { "the block's input".into() } else { format!("layer {from}") };
    let reader = target(found, block, to);
    match row.get(from).copied().flatten() {
        Some(weight) => format!("block {}: {reader} reads {source}: mean |w| {weight:.4}", block + 1),
        None => format!("block {}: {reader} does not read {source}", block + 1),
    }
}

/// A row's scales in full.
pub(crate) fn scale(found: &Inspection, index: usize) -> String {
    let Some(of) = found.scales.get(index) else { return String::new() };
    let gradient = of.gradient.map_or_else(|| "unknown".into(), |rms| format!("{rms:.2e}"));
    format!(
        "{}: {:.3} +- {:.3}, {:.1} % zero, {:.1} % dead, gradient {gradient}",
        Kind::of(index, &of.name),
        of.mean,
        of.deviation,
        100.0 * of.zeros,
        100.0 * of.dead
    )
}

/// Images of a label that got a wrong prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) label: usize,
    pub(crate) prediction: usize,
    pub(crate) images: usize,
}

/// The most frequent mistakes, at most `count`.
pub(crate) fn worst(found: &Inspection, count: usize) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    for (label, row) in found.confusion.iter().enumerate() {
        let wrong =
            row.iter().enumerate().filter(|(prediction, images)| *prediction != label && **images > 0);
        pairs.extend(wrong.map(|(prediction, &images)| Pair { label, prediction, images }));
    }
    pairs.sort_by_key(|pair| (usize::MAX - pair.images, pair.label, pair.prediction));
    pairs.truncate(count);
    pairs
}
