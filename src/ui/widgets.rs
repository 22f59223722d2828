//! What screens are put together from: drawn from plain data, changing nothing, never outside the area
//! they are given and never in trouble with its size.

pub(crate) mod axis;
pub(crate) mod bar;
pub(crate) mod chart;
pub(crate) mod heat;
pub(crate) mod matrix;
pub(crate) mod pane;
pub(crate) mod pen;
pub(crate) mod picture;
pub(crate) mod series;

#[cfg(test)]
mod testing;
