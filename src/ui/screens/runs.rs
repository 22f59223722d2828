//! The Runs screen: the runs on disk, their curves and their checkpoints.

mod chart;
pub(crate) mod checkpoints;
mod differences;
mod exports;
mod grouping;
mod measure;
mod paper;
mod points;
mod scatter;
pub(crate) mod state;
pub(crate) mod update;
pub(crate) mod view;
