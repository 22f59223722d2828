//! Progress, interruption and memory limit of a load.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::data::error::{DataError, Progress, unusable};

/// Counts images for the caller's progress function.
pub(crate) struct Report<'a> {
    progress: Progress<'a>,
    done: u64,
    total: u64,
    settings: Settings,
}

/// What a load may take and do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Free bytes of memory, if known.
    pub free: Option<u64>,
    /// The directory for decoded pictures; none are kept without it.
    pub cache: Option<PathBuf>,
    /// Whether pictures that cannot be decoded are left out.
    pub skip_broken: bool,
    /// Whether images are trained on: pictures are kept whole then where parts of them are shown at random.
    pub trains: bool,
    /// Bytes of decoded pictures that are kept in memory at most; more are read whenever they are used.
    pub most_in_memory: u64,
}

impl Default for Settings {
    /// As much memory as CIFAR takes.
    fn default() -> Self {
        Self { free: None, cache: None, skip_broken: false, trains: true, most_in_memory: 192 << 20 }
    }
}

impl<'a> Report<'a> {
    pub(crate) fn new(progress: Progress<'a>) -> Self {
        Self { progress, done: 0, total: 0, settings: Settings::default() }
    }

    /// The same load with other settings.
    pub(crate) fn with(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Refuses more images of `side` x `side` than there is memory for; `advice` is a clause.
    pub(crate) fn check_room(&self, images: usize, side: usize, advice: &str) -> Result<(), DataError> {
        let bytes = (images as u64).saturating_mul(3 * (side * side) as u64);
        match self.settings.free {
            Some(free) if bytes > free => unusable(format!(
                "{images} images of {side}x{side} take {} MiB of memory and {} MiB are free; {advice}.",
                bytes >> 20,
                free >> 20
            )),
            _ => Ok(()),
        }
    }

    /// Counts pictures that were found, before it is known how many are read.
    pub(crate) fn found(&mut self, pictures: usize) -> Result<(), DataError> {
        self.done += pictures as u64;
        self.tick()
    }

    /// Sets the total, of which nothing is read.
    pub(crate) fn expect(&mut self, total: usize) -> Result<(), DataError> {
        (self.done, self.total) = (0, total as u64);
        self.tick()
    }

    /// Counts `images` more.
    pub(crate) fn add(&mut self, images: usize) -> Result<(), DataError> {
        self.done += images as u64;
        self.tick()
    }

    /// Checks for interruption.
    pub(crate) fn tick(&mut self) -> Result<(), DataError> {
        match (self.progress)(self.done, self.total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DataError::Interrupted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_beyond_the_free_memory_are_refused_with_both_numbers() {
        let mut on = |_, _| ControlFlow::Continue(());
        let report = Report::new(&mut on).with(Settings { free: Some(100 << 20), ..Settings::default() });
        assert_eq!(report.check_room(600, 224, "use fewer"), Ok(()));
        let refused = report.check_room(1000, 224, "use fewer").unwrap_err().to_string();
        assert_eq!(refused, "1000 images of 224x224 take 143 MiB of memory and 100 MiB are free; use fewer.");
    }
}
