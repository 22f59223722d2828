//! The state of the Runs screen: its focus, what is in its lower half, and the checkpoints of a run.

use std::path::PathBuf;

use crate::store::catalog::CheckpointRow;
use crate::ui::keys::binding::next_of;
use crate::ui::screens::asked::Asked;
use crate::ui::screens::runs::scatter::Scatter;

/// Which part has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Table,
    Checkpoints,
    /// The points, or the differences.
    Lower,
}

/// What is shown of the runs below the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lower {
    #[default]
    Curves,
    Scatter,
    Differences,
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
    pub(crate) lower: Lower,
    pub(crate) scatter: Scatter,
    /// Rows and columns of the differences that are out of view.
    pub(crate) scrolled: (usize, usize),
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
        (self.opened, self.checkpoint) = (None, 0);
        if self.pane == Pane::Checkpoints {
            self.pane = Pane::Table;
        }
    }

    /// Shows this below the table, or the curves again.
    pub(crate) fn show(&mut self, lower: Lower) {
        let back = self.lower == lower;
        self.lower = if back { Lower::Curves } else { lower };
        self.pane = if back { Pane::Table } else { Pane::Lower };
        self.scrolled = (0, 0);
    }

    /// The part that has the keys next.
    pub(crate) fn next_pane(&self, forward: bool) -> Pane {
        let mut panes = vec![Pane::Table];
        panes.extend(self.opened.as_ref().map(|_| Pane::Checkpoints));
        panes.extend((self.lower != Lower::Curves).then_some(Pane::Lower));
        next_of(&panes, self.pane, forward)
    }

    /// The checkpoint under the cursor, while that has the keys.
    pub(crate) fn chosen(&self) -> Option<&CheckpointRow> {
        if self.pane != Pane::Checkpoints {
            return None;
        }
        self.opened.as_ref()?.1.get(self.checkpoint)
    }
}
