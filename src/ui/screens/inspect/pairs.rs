//! Which classes are taken for which others.

use crate::protocol::event::Inspection;

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
