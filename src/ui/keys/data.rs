//! The actions on the data of the recipe, and their keys.

use crate::ui::keys::binding::{Binding, bind};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Do {
    Preview,
    Fetch,
}

pub(crate) const KEYS: &[Binding<Do>] = &[
    bind(&["enter", "r"], Do::Preview, "preview", "read the data of the recipe"),
    bind(&["f"], Do::Fetch, "fetch", "download the data of the recipe"),
];
