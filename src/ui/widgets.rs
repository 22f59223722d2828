//! The parts that screens are composed of: drawn from plain data, never outside the area they are given, whatever
//! its size.

pub(crate) mod axis;
pub(crate) mod bar;
pub(crate) mod chart;
pub(crate) mod fit;
pub(crate) mod heat;
pub(crate) mod matrix;
pub(crate) mod pen;
pub(crate) mod picture;
pub(crate) mod series;

#[cfg(test)]
mod testing;
