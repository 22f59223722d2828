//! The state of the Sweeps screen: which sweep, which trial, and the form of a new one.

use std::path::PathBuf;

use crate::ui::screens::sweeps::form::Form;
use crate::ui::workspace::sweeps::{SweepEntry, Sweeps};

/// Which part has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Sweeps,
    Trials,
}

#[derive(Debug, Default)]
pub(crate) struct SweepsScreen {
    pub(crate) pane: Pane,
    /// The directory of the sweep under the cursor.
    pub(crate) chosen: Option<PathBuf>,
    /// The row of the trial under the cursor.
    pub(crate) trial: usize,
    /// A sweep that is being designed.
    pub(crate) form: Option<Form>,
}

impl SweepsScreen {
    /// The row of the sweep under the cursor; the first where that is gone.
    pub(crate) fn row(&self, sweeps: &Sweeps) -> usize {
        let chosen = self.chosen.as_deref();
        sweeps.rows.iter().position(|row| Some(row.place.path()) == chosen).unwrap_or(0)
    }

    /// The sweep under the cursor.
    pub(crate) fn current<'a>(&self, sweeps: &'a Sweeps) -> Option<&'a SweepEntry> {
        sweeps.rows.get(self.row(sweeps))
    }
}
