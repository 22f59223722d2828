//! The Train screen: a run's progress and its charts.

pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod update;
pub(crate) mod view;
