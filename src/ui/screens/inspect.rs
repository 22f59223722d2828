//! The Inspect screen: what a network does with each image.

pub(crate) mod epochs;
pub(crate) mod places;
pub(crate) mod predict;
pub(crate) mod state;
pub(crate) mod update;
pub(crate) mod view;
pub(crate) mod words;
