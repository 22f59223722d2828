//! What lies over the screens: its keys, the command line, and how it looks.

pub(crate) mod command_line;
pub(crate) mod update;
pub(crate) mod view;
