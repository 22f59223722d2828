//! The state of the Runs screen: its focus, the metric of its chart, and the checkpoints of a run.

use std::path::PathBuf;

use crate::store::catalog::CheckpointRow;
use crate::ui::screens::asked::Asked;

/// Which part has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Table,
    Checkpoints,
}

/// The metric that the chart shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Metric {
    #[default]
    ValidationLoss,
    ValidationAccuracy,
    TrainingLoss,
}

impl Metric {
    pub(crate) const ALL: [Self; 3] = [Self::ValidationLoss, Self::ValidationAccuracy, Self::TrainingLoss];

    pub(crate) const fn word(self) -> &'static str {
        ["validation loss", "validation accuracy", "training loss"][self as usize]
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct RunsScreen {
    /// Hyperparameters that are left of the view.
    pub(crate) column: usize,
    pub(crate) metric: Metric,
    /// The run whose checkpoints are listed, and they.
    pub(crate) opened: Option<(PathBuf, Vec<CheckpointRow>)>,
    pub(crate) pane: Pane,
    pub(crate) checkpoint: usize,
    /// The wait for an export.
    pub(crate) asked: Asked,
}

impl RunsScreen {
    /// Lists the checkpoints no more.
    pub(crate) fn close(&mut self) {
        (self.opened, self.pane, self.checkpoint) = (None, Pane::Table, 0);
    }

    /// The checkpoint under the cursor, while that has the keys.
    pub(crate) fn chosen(&self) -> Option<&CheckpointRow> {
        if self.pane == Pane::Table {
            return None;
        }
        self.opened.as_ref()?.1.get(self.checkpoint)
    }
}
