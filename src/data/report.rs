//! How far a load is, and whether to go on.

use std::ops::ControlFlow;

use crate::data::{DataError, Progress};

/// Counts images for the caller's progress function.
pub(crate) struct Report<'a> {
    progress: Progress<'a>,
    done: u64,
    total: u64,
}

impl<'a> Report<'a> {
    /// Nothing done, the total unknown.
    pub(crate) fn new(progress: Progress<'a>) -> Self {
        Self { progress, done: 0, total: 0 }
    }

    /// Sets how many images there are.
    pub(crate) fn expect(&mut self, total: usize) -> Result<(), DataError> {
        self.total = total as u64;
        self.tick()
    }

    /// Counts `images` more.
    pub(crate) fn add(&mut self, images: usize) -> Result<(), DataError> {
        self.done += images as u64;
        self.tick()
    }

    /// Asks whether to go on, with nothing new to tell.
    pub(crate) fn tick(&mut self) -> Result<(), DataError> {
        match (self.progress)(self.done, self.total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DataError::Interrupted),
        }
    }
}
