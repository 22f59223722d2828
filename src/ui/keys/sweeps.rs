//! The actions on sweeps, and their keys.

use crate::ui::keys::binding::{Binding, bind};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Do {
    Pause,
    Stop,
    New,
    /// Starts the sweep in the form.
    Start,
    Take,
    Reload,
    /// Gives a line of the form the argument.
    Set(usize),
}

impl Do {
    /// Whether it needs the screen: an answer to a prompt does not.
    pub(crate) fn is_about_the_screen(&self) -> bool {
        !matches!(self, Self::Set(_))
    }
}

#[rustfmt::skip]
pub(crate) const KEYS: &[Binding<Do>] = &[
    bind(&["space"], Do::Pause, "pause-sweep", "pause/continue"),
    bind(&["S"], Do::Stop, "stop-sweep", "stop and save"),
    bind(&["n"], Do::New, "new-sweep", "new sweep of the recipe"),
    bind(&["ctrl-r"], Do::Start, "start-sweep", "start the new sweep"),
    bind(&["b"], Do::Take, "take-recipe", "its recipe into the form"),
    bind(&["F5"], Do::Reload, "read-sweeps", "read again"),
];
