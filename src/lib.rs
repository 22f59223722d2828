//! densenet-tui: designs, trains, inspects and ships DenseNets.
//!
//! The rooms, in reading order. ARCHITECTURE.md says which room may import which, and a test enforces it.

// The ground floor: imports nothing.
pub mod arch;
pub mod cam;
pub mod files;
mod format;
mod pickle;
pub mod plain;
pub mod wire;

// Vocabulary: plain data.
pub mod protocol;
pub mod recipe;
pub mod rng;

// The figures in a run's events, as other programs name them.
pub mod scalars;

// The state of a run, folded from events.
pub mod monitor;

// Mathematics: tensors.
pub mod model;
pub mod ops;
pub mod optim;

// Data on disk.
pub mod data;
pub mod store;
pub mod weights;

// A model as files that other programs read.
pub mod export;

// Published data sets and weights, from where they are published.
pub mod fetch;

// A run's figures for TensorBoard.
pub mod tensorboard;

// Many runs from one file.
pub mod sweep;

// Runs in other processes.
mod remote;

// The engine: the thread, the device, the clock.
pub mod engine;

// Front ends.
pub mod headless;
pub(crate) mod ui;

// Assembly.
pub mod cli;
mod commands;
pub mod config;
pub mod paths;

use std::sync::Arc;

use cli::Command;
use commands::Context;
use monitor::Exit;

/// The program: parses the command line and runs its command.
pub fn run() -> Exit {
    // A write beyond the file size limit becomes an error instead of killing the process.
    _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    headless::output::finish(done())
}

fn done() -> Exit {
    let (cli, typed) = match cli::parse() {
        Ok(parsed) => parsed,
        Err(answer) => return commands::answer_usage(&answer),
    };
    match cli.command {
        Some(Command::Completions { shell }) => return commands::completions(shell),
        Some(Command::Man) => return commands::man(),
        _ => {}
    }
    let paths = paths::Paths::of_this_user();
    engine::keep_kernels(paths.kernels());
    engine::keep_images(paths.images());
    if cli.command.is_none() && !cli.no_ui {
        return commands::workbench::workbench(&cli, &typed);
    }
    let context = match Context::read() {
        Ok(context) => context,
        Err(error) => return commands::usage_error(&commands::one_line(error)),
    };
    context.warn();
    match cli.command {
        Some(Command::Summary { recipe, json }) => commands::summary::summary(&context, &recipe, json),
        Some(Command::Runs { words, place, json }) => {
            commands::runs::runs(&context.runs_dir(&place), &words.join(" "), json)
        }
        Some(Command::Sweep(args)) => commands::sweep::sweep(&context, &args),
        Some(Command::Curves(args)) => commands::curves::curves(&context, &args),
        Some(Command::Fetch { what, into, from }) => commands::fetch::fetch(&context, what, into, from),
        Some(command @ Command::Predict { .. }) => commands::predict::predict(&context, command),
        Some(Command::Info { json }) => commands::info::info(&context, json),
        Some(question) => commands::question(&context, question),
        None => {
            if cli.detached {
                // This fails only if the process already leads a session.
                _ = rustix::process::setsid();
            }
            commands::train::train(&context, &cli, &typed)
        }
    }
}
