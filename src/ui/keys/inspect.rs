//! The actions on an inspection, and their keys.

use std::path::PathBuf;

use crate::ui::keys::binding::{Binding, bind};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Do {
    NextView,
    PreviousView,
    Inspect,
    Pair,
    Order,
    NextBlock,
    PreviousBlock,
    ByRow,
    Split,
    /// Asks which picture, or shows the one in the argument.
    Picture,
    Map,
    /// Inspects the run or checkpoint of this name and path.
    Ask(String, PathBuf),
}

#[rustfmt::skip]
pub(crate) const KEYS: &[Binding<Do>] = &[
    bind(&["v"], Do::NextView, "view", "next view"),
    bind(&["V"], Do::PreviousView, "previous-view", "previous view"),
    bind(&["i", "r"], Do::Inspect, "inspect-again", "inspect"),
    bind(&["m", "enter"], Do::Pair, "pair", "the mistakes, or why"),
    bind(&["p"], Do::Picture, "picture", "what is this picture?"),
    bind(&["a"], Do::Map, "map", "where it sees it"),
    bind(&["o"], Do::Order, "order", "order of classes"),
    bind(&["]"], Do::NextBlock, "next-block", "next block"),
    bind(&["["], Do::PreviousBlock, "previous-block", "previous block"),
    bind(&["n"], Do::ByRow, "by-row", "shade reuse row by row"),
    bind(&["t"], Do::Split, "split", "which images"),
];
