//! densenet-tui: designs, trains, inspects and ships DenseNets.

pub mod data;
pub mod engine;
pub mod model;
pub mod ops;
pub mod optim;
pub mod protocol;
pub mod recipe;
pub mod rng;
pub mod store;
