//! The application: the workspace, the screens and what lies over them. [`App::update`] applies a message and returns
//! the effects for the shell; [`App::draw`] draws a frame.

mod dispatch;
mod events;
mod mouse;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use state::{App, Leaving};
