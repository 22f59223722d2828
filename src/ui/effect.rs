//! The messages that reach the interface, and the effects that it wants.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::monitor::Exit;
use crate::protocol::{Command, Stamped};
use crate::recipe::Recipe;
use crate::store::catalog::{CheckpointRow, Entry};
use crate::ui::keys::Action;
use crate::ui::keys::binding::Tab;
use crate::ui::prompt::Prompt;
use crate::ui::saved_state::State;

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
    /// A job is done.
    Done(Box<JobResult>),
}

/// Something is to be done: by the interface itself down to `Filter`, by its shell from there on.
#[derive(Debug)]
pub(crate) enum Effect {
    /// An action, with what was typed for it.
    Do(Action, Option<String>),
    /// Another screen is shown.
    Show(Tab),
    /// Something is laid over the screen.
    Ask(Box<Prompt>),
    /// The screen that is shown is filtered.
    Filter(String),
    Command(Box<Command>),
    Job(Job),
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Ring the bell.
    Bell,
    /// To the clipboard, through the terminal.
    Copy(String),
    /// Take the mouse, or let it go.
    Mouse(bool),
    Quit(Exit),
}

/// What an action came to: effects, or a sentence that says why it was not done.
pub(crate) type Acted = Result<Vec<Effect>, String>;

/// Nothing more is to be done.
pub(crate) const DONE: Acted = Ok(Vec::new());

#[expect(clippy::unnecessary_wraps, reason = "the result of an action")]
pub(crate) fn command(command: Command) -> Acted {
    Ok(vec![Effect::Command(Box::new(command))])
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
pub(crate) enum JobResult {
    Runs(Vec<Entry>),
    /// The events, and how many lines are damaged.
    Journal(PathBuf, Result<(Vec<Stamped>, usize), String>),
    Past(Vec<Stamped>),
    /// The name of the run.
    Deleted(String),
    RecipeWritten(PathBuf),
    RecipeRead(Box<Recipe>),
    Checkpoints(PathBuf, Vec<CheckpointRow>),
    /// Where the copy is.
    Exported(PathBuf),
    /// The run, free to go on with.
    TakenBack(PathBuf),
    Background(Result<(), String>),
    Remembered,
    /// Any of the others failed.
    Failed(String),
}
