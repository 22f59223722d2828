//! The Recipe screen: a form over the recipe's keys, and the network that it makes.

pub(crate) mod state;
pub(crate) mod tree;
pub(crate) mod update;
pub(crate) mod view;
