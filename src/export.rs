//! Export: a model as files that other programs read. Metadata and tensors become bytes and texts; nothing is read or
//! written here.

pub mod card;
pub mod config;
pub mod facts;
pub mod onnx;
mod python;
