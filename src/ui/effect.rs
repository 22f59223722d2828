//! The messages that reach the interface, and the effects that it returns.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::monitor::Exit;
use crate::protocol::{Command, Stamped};
use crate::recipe::Recipe;
use crate::store::catalog::{CheckpointRow, Entry};
use crate::store::labels::Change;
use crate::ui::keys::Action;
use crate::ui::keys::binding::Tab;
use crate::ui::prompt::Prompt;
use crate::ui::saved_state::State;
use crate::ui::workspace::sweeps::SweepEntry;
use crate::weights::Header;

#[derive(Debug)]
pub(crate) enum Msg {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    /// Columns and rows.
    Resize(u16, u16),
    /// From the engine.
    Event(Box<Stamped>),
    EngineGone,
    /// A line that something printed.
    Printed(String),
    /// By number.
    Signal(i32),
    /// Seconds since 1970.
    Tick(f64),
    /// Back from a suspension.
    Resumed,
    /// A thread of the interface has met a defect of the program.
    Broken,
    Done(Box<JobResult>),
}

/// A side effect: carried out by the application down to `Filter`, by the shell from there on.
#[derive(Debug)]
pub(crate) enum Effect {
    /// An action, with what was typed for it.
    Do(Action, Option<String>),
    Show(Tab),
    /// Opens a prompt.
    Ask(Box<Prompt>),
    /// Filters the screen that is shown.
    Filter(String),
    Command(Box<Command>),
    Job(Job),
    Suspend,
    /// Draws every cell, whatever is on the screen.
    Redraw,
    Bell,
    /// To the clipboard, through the terminal.
    Copy(String),
    /// Captures the mouse, or releases it.
    Mouse(bool),
    Quit(Exit),
}

impl Effect {
    pub(crate) fn send(command: Command) -> Self {
        Self::Command(Box::new(command))
    }
}

/// The result of an action: effects, or a sentence that explains why it was not done.
pub(crate) type Acted = Result<Vec<Effect>, String>;

pub(crate) const DONE: Acted = Ok(Vec::new());

#[expect(clippy::unnecessary_wraps, reason = "the result of an action")]
pub(crate) fn command(command: Command) -> Acted {
    Ok(vec![Effect::send(command)])
}

#[expect(clippy::unnecessary_wraps, reason = "the result of an action")]
pub(crate) fn ask(prompt: Prompt) -> Acted {
    Ok(vec![Effect::Ask(Box::new(prompt))])
}

/// Work with files and processes.
#[derive(Debug)]
pub(crate) enum Job {
    ListRuns,
    /// Of the run in this directory.
    ReadJournal(PathBuf),
    /// The journal of the run in this directory, which was resumed here.
    ReadPast(PathBuf),
    /// The run in this directory.
    Delete(PathBuf),
    /// Changes what is said of the run in this directory.
    Label(PathBuf, Change),
    WriteRecipe {
        path: PathBuf,
        recipe: Box<Recipe>,
    },
    ReadRecipe(PathBuf),
    /// The state to save, and its file.
    Remember(Box<State>, PathBuf),
    /// Of the run in this directory.
    ReadCheckpoints(PathBuf),
    /// Copies a checkpoint.
    Export {
        from: PathBuf,
        to: PathBuf,
    },
    /// Stops the process that trains in this run, and waits until it has saved.
    TakeBack(PathBuf),
    /// Continues the run in this directory in a process of its own.
    Background(PathBuf),
    ListSweeps,
    /// Writes the file of a new sweep, and carries it out in a process of its own.
    StartSweep {
        name: String,
        text: String,
    },
    /// Goes on with the sweep of this file in a process of its own.
    CarryOnSweep(PathBuf),
    /// Has the sweep in this directory save and stop, and waits until it has.
    StopSweep(PathBuf),
    /// Downloads the data set of this word.
    Fetch(&'static str),
    /// Reads which tensors a file of weights has.
    ReadWeights(PathBuf),
    /// Lists the paths that begin with this.
    Complete(String),
}

/// The result of a job; errors are sentences.
#[derive(Debug)]
pub(crate) enum JobResult {
    Runs(Vec<Arc<Entry>>),
    /// The events, and how many lines are damaged.
    Journal(PathBuf, Result<(Vec<Stamped>, usize), String>),
    Past(Vec<Stamped>),
    /// The name of the run.
    Deleted(String),
    Labelled,
    RecipeWritten(PathBuf),
    RecipeRead(Box<Recipe>),
    Checkpoints(PathBuf, Vec<CheckpointRow>),
    /// The word of the data set, and why it was not downloaded.
    Fetched(&'static str, Result<(), String>),
    /// The file of weights as the recipe names it, and its tensors.
    WeightsRead(PathBuf, Result<Header, String>),
    /// What was typed, and the paths that begin with it.
    Completed(String, Vec<String>),
    /// Where the copy is.
    Exported(PathBuf),
    /// The run, which can be resumed now.
    TakenBack(PathBuf),
    Background(Result<(), String>),
    Sweeps(Vec<SweepEntry>),
    /// The directory of the sweep.
    SweepStarted(PathBuf),
    /// The directory of the sweep.
    SweepStopped(PathBuf),
    Remembered,
    /// Any of the others failed.
    Failed(String),
}
