//! The Sweeps screen: which trials are under way, how far each came, and which were dropped when.

mod form;
mod ladder;
pub(crate) mod state;
mod update;
mod view;
