//! The sweeps on disk.

use std::collections::BTreeMap;

use crate::sweep::record::Line;
use crate::sweep::{Job, Place, Record};

/// A sweep in the list.
#[derive(Clone, Debug)]
pub(crate) struct SweepEntry {
    pub(crate) place: Place,
    /// What has come of it, or the sentence that says why that is not known.
    pub(crate) record: Result<Record, String>,
    /// Whether a process carries it out.
    pub(crate) live: bool,
    /// Epochs that its unfinished runs have done, by name.
    pub(crate) epochs: BTreeMap<String, usize>,
}

impl SweepEntry {
    /// The runs under way: those that were started and have no result.
    pub(crate) fn running(&self) -> Vec<(Job, String)> {
        let Ok(record) = &self.record else { return Vec::new() };
        if !self.live {
            return Vec::new();
        }
        let mut running: Vec<(Job, String)> = Vec::new();
        for line in &record.lines {
            match line {
                Line::Started { job, run, .. } => {
                    running.retain(|(known, _)| known != job);
                    running.push((*job, run.clone()));
                }
                Line::Result { job, .. } => running.retain(|(known, _)| known != job),
                Line::Continued { .. } => running.clear(),
                _ => {}
            }
        }
        running
    }

    /// The word for its state.
    pub(crate) fn state(&self) -> &'static str {
        match &self.record {
            Err(_) => "damaged",
            Ok(record) if record.is_finished() => "completed",
            Ok(_) if self.live => "running",
            Ok(_) => "paused",
        }
    }
}

/// All sweeps.
#[derive(Debug, Default)]
pub(crate) struct Sweeps {
    pub(crate) rows: Vec<SweepEntry>,
    /// They were read at least once.
    pub(crate) known: bool,
}

impl Sweeps {
    /// Takes over what is on disk: those under way first, then by name.
    pub(crate) fn take(&mut self, mut rows: Vec<SweepEntry>) {
        rows.sort_by_key(|row| (!row.live, row.place.name()));
        (self.rows, self.known) = (rows, true);
    }
}
