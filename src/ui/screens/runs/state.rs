//! How the runs are looked at: which part has the keys, what the chart shows, and the checkpoints of a run.

use std::path::PathBuf;

use crate::store::catalog::CheckpointRow;

/// Which part has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Table,
    Checkpoints,
}

/// What the chart shows of the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Metric {
    #[default]
    ValidationLoss,
    ValidationAccuracy,
    TrainingLoss,
}

impl Metric {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::ValidationLoss => "validation loss",
            Self::ValidationAccuracy => "validation accuracy",
            Self::TrainingLoss => "training loss",
        }
    }

    pub(crate) const fn next(self) -> Self {
        match self {
            Self::ValidationLoss => Self::ValidationAccuracy,
            Self::ValidationAccuracy => Self::TrainingLoss,
            Self::TrainingLoss => Self::ValidationLoss,
        }
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
