//! A network as plain data: what it is called, its layers and their sizes, its blocks and the places of its
//! parameters, and the memory it takes. Everything that computes, stores or draws a network reads it here.

pub mod blocks;
pub(crate) mod layout;
pub mod memory;
pub mod plan;
pub mod problem;
pub mod words;

pub use plan::Arch;
