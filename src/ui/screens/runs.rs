//! The Runs screen: the runs on disk, their curves and their checkpoints.

pub(crate) mod checkpoints;
pub(crate) mod state;
pub(crate) mod update;
pub(crate) mod view;
