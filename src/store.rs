//! A run on disk: checkpoints, journal, summary, lock, and the catalogue of runs.
//!
//! Bytes only: no tensor of candle, no thread, no clock. What the engine hands over is written so that a
//! kill at any moment leaves either the old file or the new one; what is read is believed only after
//! its hash.

pub mod atomic;
pub mod cache;
pub mod catalog;
pub mod checkpoint;
mod error;
pub mod exports;
pub mod journal;
pub mod labels;
mod layout;
pub mod model;
pub mod run;

pub use catalog::{Entry, State, Summary};
pub use checkpoint::{Array, Checkpoint, Meta, Progress};
pub use error::StoreError;
pub use journal::Journal;
pub use labels::Labels;
pub use model::Model;
pub use run::{RunDir, Target};
