//! The only rope between the engine and any front end: commands down, events up, plain data both ways.

pub mod command;
pub mod event;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crossbeam_channel::{Receiver, Sender};

pub use command::{Change, Command, Device, Options, Overrides, Start, StopReason};
pub use event::{Event, Figures, Outcome, Stamped};

/// A front end's end of the rope. Dropping it lets the engine finish its step, save and stop.
#[derive(Debug)]
pub struct Link {
    /// What the engine is asked to do; heard between two steps.
    pub commands: Sender<Command>,
    /// What happened, each with its time.
    pub events: Receiver<Stamped>,
    /// Set while the front end cannot get rid of what it took: steps are gathered meanwhile.
    pub behind: Arc<AtomicBool>,
}
