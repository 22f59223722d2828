//! Sweeps: many runs from one file, told apart by a few keys, and what is decided between them.
//!
//! A [`Spec`] is what the file says, a [`Plan`] the trials that it means, [`Standing`] what has come of them so far and
//! what is to be done next: all of it a function of the file and of the results. So a sweep that was killed goes on
//! from its [`record`], and takes the decisions that it would have taken.

pub mod estimate;
pub mod measure;
pub mod place;
pub mod plan;
pub mod record;
pub mod spec;
pub mod standing;
pub mod table;
pub mod values;

pub use measure::{Measure, Score};
pub use place::Place;
pub use plan::{Plan, Trial};
pub use record::{Record, Recorder};
pub use spec::{Problem, Spec};
pub use standing::{Job, Outcome, Standing};
