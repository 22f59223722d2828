//! The Runs screen: the runs on disk, their curves and their checkpoints.

pub(crate) mod checkpoints;
mod exports;
pub(crate) mod state;
pub(crate) mod update;
pub(crate) mod view;
