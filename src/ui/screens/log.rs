//! The Log screen: all messages, including output from libraries.

pub(crate) mod state;
pub(crate) mod update;
pub(crate) mod view;
