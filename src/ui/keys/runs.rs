//! The actions on the runs on disk, and their keys.

use std::path::PathBuf;

use crate::protocol::Overrides;
use crate::protocol::question::Form;
use crate::ui::keys::binding::{Binding, bind};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Do {
    Open,
    Mark,
    Resume,
    Clone,
    Inspect,
    Sort,
    Star,
    Archive,
    /// Lists the archived runs too, or no more.
    ShowArchived,
    Tags,
    Note,
    /// Opens the form of a sweep.
    Sweep,
    Delete,
    Export,
    Metric,
    XAxis,
    LogY,
    LogX,
    /// Asks for the key to group by.
    Group,
    /// Groups by this key, or no more.
    GroupBy(Option<&'static str>),
    Scatter,
    Differences,
    Reload,
    /// Deletes this run.
    Remove(PathBuf),
    /// Gives this run the tags in the argument.
    SetTags(PathBuf),
    /// Gives this run the note in the argument.
    SetNote(PathBuf),
    /// Resumes this run, or a checkpoint, with some of its recipe changed.
    GoOn(PathBuf, Box<Overrides>),
    /// Resumes this complete run up to the epochs in the argument.
    ExtendEpochs(PathBuf),
    /// Resumes this diverged run with the learning rate in the argument.
    LowerLearningRate(PathBuf),
    /// Stops the process that trains this run, and resumes it here.
    TakeBack(PathBuf),
    /// Asks where this checkpoint is to be copied.
    AskCopy(PathBuf),
    /// Copies this checkpoint to the file in the argument.
    CopyTo(PathBuf),
    /// Asks where the model of this run, or checkpoint, is to be written.
    AskExport(PathBuf, Form),
    /// Writes it to the file in the argument.
    ExportTo(PathBuf, Form),
}

impl Do {
    /// Whether it applies to the row under the cursor.
    pub(crate) fn is_about_the_cursor(&self) -> bool {
        use Do::{AskCopy, AskExport, CopyTo, ExportTo};
        use Do::{ExtendEpochs, GoOn, LowerLearningRate, Remove, SetNote, SetTags, TakeBack};
        !matches!(
            self,
            Remove(_)
                | SetTags(_)
                | SetNote(_)
                | GoOn(..)
                | ExtendEpochs(_)
                | LowerLearningRate(_)
                | TakeBack(_)
                | AskCopy(_)
                | CopyTo(_)
                | AskExport(..)
                | ExportTo(..)
        )
    }
}

#[rustfmt::skip]
pub(crate) const KEYS: &[Binding<Do>] = &[
    bind(&["enter"], Do::Open, "open-run", "its checkpoints"),
    bind(&["space"], Do::Mark, "mark", "mark for the chart"),
    bind(&["r"], Do::Resume, "resume", "resume, or restore"),
    bind(&["c"], Do::Clone, "clone", "clone into a recipe"),
    bind(&["i"], Do::Inspect, "inspect", "inspect its best network"),
    bind(&["o"], Do::Sort, "sort", "next order"),
    bind(&["*"], Do::Star, "star", "star, or none"),
    bind(&["a"], Do::Archive, "archive", "archive, or bring back"),
    bind(&["A"], Do::ShowArchived, "archived", "archived runs too"),
    bind(&["t"], Do::Tags, "tags", "tags"),
    bind(&["N"], Do::Note, "note", "note"),
    bind(&["n"], Do::Sweep, "sweep", "new sweep"),
    bind(&["D"], Do::Delete, "delete", "delete (asks)"),
    bind(&["E"], Do::Export, "export", "export as a file"),
    bind(&["b"], Do::Group, "group", "group by a key"),
    bind(&["s"], Do::Scatter, "scatter", "runs as points, or curves"),
    bind(&["d"], Do::Differences, "differences", "what differs in two runs"),
    bind(&["v"], Do::Metric, "measure", "what the chart shows"),
    bind(&["x"], Do::XAxis, "runs-x-axis", "x of the chart"),
    bind(&["L"], Do::LogY, "runs-log-y", "logarithmic chart"),
    bind(&["X"], Do::LogX, "runs-log-x", "logarithmic x of the chart"),
    bind(&["F5"], Do::Reload, "reload", "read again"),
];
