//! The prompts over the screens: their keys, the command line, and how they look.

pub(crate) mod command_line;
pub(crate) mod update;
pub(crate) mod view;
