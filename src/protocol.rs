//! All that the engine and a front end exchange: commands down, events up, plain data both ways.

pub mod command;
pub mod event;
pub mod options;
pub mod question;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crossbeam_channel::{Receiver, Sender};

pub use command::{Change, Command, Device, Options, Overrides, Start, StopReason};
pub use event::{Event, Figures, Outcome, Stamped};
pub use question::{
    Answer, CheckpointQuery, ExportQuery, Exported, NoAnswer, Picture, PredictQuery, Question,
};

/// A front end's end of the two channels. Dropping it lets the engine finish its step, save and stop.
#[derive(Debug)]
pub struct Link {
    /// What the engine is asked to do; heard between two steps.
    pub commands: Sender<Command>,
    /// What happened, each with its time.
    pub events: Receiver<Stamped>,
    /// Set while the front end cannot get rid of what it took: steps are gathered meanwhile.
    pub behind: Arc<AtomicBool>,
}
