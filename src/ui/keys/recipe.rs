//! The actions on the recipe, and their keys.

use crate::recipe::Recipe;
use crate::ui::keys::binding::{Binding, bind};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Do {
    /// Behind the run in training, if there is one.
    Start,
    /// Takes the last of those that wait back into the form.
    Unqueue,
    Edit,
    NextChoice,
    /// With an argument: the preset of that name.
    Preset,
    Reset,
    /// With an argument: to this file.
    Write,
    /// With an argument: this file.
    Open,
    Blocks,
    /// Gives this key the value in the argument.
    Field(&'static str),
    /// The argument is a key and its value.
    Set,
    /// Puts this recipe in the form.
    Take(Box<Recipe>),
}

#[rustfmt::skip]
pub(crate) const KEYS: &[Binding<Do>] = &[
    bind(&["ctrl-r"], Do::Start, "start", "start training"),
    bind(&["enter"], Do::Edit, "edit", "edit the field"),
    bind(&["space"], Do::NextChoice, "choice", "next choice"),
    bind(&["p"], Do::Preset, "preset", "presets"),
    bind(&["x"], Do::Reset, "reset-field", "back to the default"),
    bind(&["ctrl-s"], Do::Write, "write", "write the recipe to a file"),
    bind(&["ctrl-o"], Do::Open, "open", "read a recipe file"),
    bind(&["o"], Do::Blocks, "blocks", "close or open all blocks"),
    bind(&["u"], Do::Unqueue, "unqueue", "take a waiting run back"),
];
