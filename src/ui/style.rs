//! How things look: the terminal's colours, its signs, and the themes made of them.

pub(crate) mod colours;
pub(crate) mod glyphs;
pub(crate) mod images;
pub(crate) mod theme;
