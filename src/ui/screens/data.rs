//! The Data screen: samples before and after augmentation, and the balance of the classes.

pub(crate) mod balance;
pub(crate) mod samples;
pub(crate) mod state;
pub(crate) mod update;
pub(crate) mod view;
