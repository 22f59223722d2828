//! What lies over a screen and takes the keys.

pub(crate) mod command_line;
pub(crate) mod update;
pub(crate) mod view;
