//! What reaches the interface, and what it wants done.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::monitor::Exit;
use crate::protocol::{Command, Stamped};
use crate::recipe::Recipe;
use crate::ui::saved_state::State;
use crate::ui::screens::runs::state::{CheckpointRow, RunRow};

/// Something happened.
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
    /// What became of an effect.
    Answer(Box<Answer>),
}

/// Something is to be done.
#[derive(Debug)]
pub(crate) enum Effect {
    Command(Box<Command>),
    Quit(Exit),
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Ring the bell.
    Bell,
    /// To the clipboard, through the terminal.
    Copy(String),
    /// Take the mouse, or let it go.
    Mouse(bool),
    Disk(Disk),
}

/// Work with files and processes.
#[derive(Debug)]
pub(crate) enum Disk {
    ListRuns,
    /// Of the run in this directory.
    ReadJournal(PathBuf),
    /// The journal of the run in this directory, which goes on here.
    ReadPast(PathBuf),
    /// The run in this directory.
    Delete(PathBuf),
    WriteRecipe {
        path: PathBuf,
        recipe: Box<Recipe>,
    },
    ReadRecipe(PathBuf),
    /// What is to be remembered, and the file it is kept in.
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
    /// Go on with the run in this directory, in a process of its own.
    Background(PathBuf),
}

/// What became of it; errors are sentences.
#[derive(Debug)]
pub(crate) enum Answer {
    Runs(Vec<RunRow>),
    /// The events, and how many lines are damaged.
    Journal(PathBuf, Result<(Vec<Stamped>, usize), String>),
    Past(Result<Vec<Stamped>, String>),
    /// The name of the run.
    Deleted(Result<String, String>),
    RecipeWritten(Result<PathBuf, String>),
    RecipeRead(Result<Box<Recipe>, String>),
    Checkpoints(PathBuf, Vec<CheckpointRow>),
    /// Where the copy is.
    Exported(Result<PathBuf, String>),
    /// The run, free to go on with.
    TakenBack(Result<PathBuf, String>),
    Background(Result<(), String>),
    Remembered(Result<(), String>),
}
