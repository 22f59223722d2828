//! What can be done with the data of the recipe.

use crate::ui::keys::binding::{Binding, bind};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Do {
    Preview,
}

pub(crate) const KEYS: &[Binding<Do>] =
    &[bind(&["enter", "r"], Do::Preview, "preview", "read the data of the recipe")];
