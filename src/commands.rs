//! The commands of the program, assembled from the rooms below.

mod continuing;
pub(crate) mod curves;
pub(crate) mod fetch;
pub(crate) mod info;
pub(crate) mod predict;
pub(crate) mod runs;
pub(crate) mod summary;
pub(crate) mod sweep;
pub(crate) mod train;
pub(crate) mod workbench;

use std::fmt::Display;
use std::path::PathBuf;

use clap::CommandFactory;

use crate::cli::{Cli, Command, ComputeArgs, RecipeArgs, RunArgs, RunsDirArgs};
use crate::config::Config;
use crate::engine::{self, EngineOptions};
use crate::headless::answers::{ask, complain};
use crate::headless::output::{self, Stream};
use crate::headless::signals;
use crate::monitor::Exit;
use crate::ops::{out_of_memory, threads};
use crate::paths::Paths;
use crate::plain;
use crate::protocol::command::{SaveEvery, Split};
use crate::protocol::question::{Around, Form};
use crate::protocol::{CheckpointQuery, ExportQuery, Link, Options, Question};
use crate::recipe::Recipe;
use crate::recipe::layered::{LayerError, resolve};

/// Steps that `bench` times by default.
const BENCH_STEPS: usize = 8;

/// What every command needs: paths and the user's configuration.
pub(crate) struct Context {
    pub(crate) paths: Paths,
    pub(crate) config: Config,
}

impl Context {
    /// Reads the config file.
    pub(crate) fn read() -> Result<Self, LayerError> {
        let paths = Paths::of_this_user();
        let config = Config::read(&paths.config_file())?;
        Ok(Self { paths, config })
    }

    /// Prints a warning for everything in the config file that was not understood.
    pub(crate) fn warn(&self) {
        self.config.warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
    }

    /// The directory of all runs: from the command line, the config file, or the default.
    pub(crate) fn runs_dir(&self, place: &RunsDirArgs) -> PathBuf {
        let settled = place.runs_dir.clone().or_else(|| self.config.runs_dir.clone());
        settled.unwrap_or_else(|| self.paths.runs())
    }

    /// The options of a run.
    pub(crate) fn run_options(&self, args: &RunArgs, threads: usize) -> Options {
        Options {
            save_every: args.save_every,
            stop_after: args.stop_after,
            no_test: args.no_test,
            skip_broken: args.skip_broken,
            ..options(&args.compute, threads, self.runs_dir(&args.place))
        }
    }

    /// The recipe of the command line over that of the config file; the error has one line for each problem.
    pub(crate) fn recipe(&self, typed: &RecipeArgs) -> Result<Recipe, String> {
        let layers = typed.layers(self.config.recipe.clone()).map_err(one_line)?;
        let recipe = resolve(&layers).map_err(one_line)?;
        recipe.validate().map_err(|problems| {
            let sentences: Vec<String> = problems.iter().map(one_line).collect();
            sentences.join("\n")
        })?;
        Ok(recipe)
    }
}

/// The text of one error on one line, whatever values it contains.
pub(crate) fn one_line(error: impl Display) -> String {
    plain::kept(error.to_string())
}

/// Prints what is wrong with the input.
pub(crate) fn usage_error(sentences: &dyn Display) -> Exit {
    sentences.to_string().lines().for_each(|line| complain(&format!("error: {line}")));
    Exit::USAGE
}

/// Prints help or the version, or what is wrong with the command line. Errors have no colours, because they repeat
/// arguments, which could contain escape codes.
pub(crate) fn answer_usage(answer: &clap::Error) -> Exit {
    let text = answer.render();
    if answer.use_stderr() {
        text.to_string().trim_end().lines().for_each(complain);
    } else if output::is_coloured() {
        output::say_raw(Stream::Out, &text.ansi().to_string());
    } else {
        output::say_raw(Stream::Out, &text.to_string());
    }
    u8::try_from(answer.exit_code()).map_or(Exit::USAGE, Exit)
}

/// The options of a command that has no run of its own.
fn options(compute: &ComputeArgs, threads: usize, runs_dir: PathBuf) -> Options {
    Options {
        runs_dir,
        device: compute.device,
        threads,
        save_every: SaveEvery::default(),
        stop_after: None,
        no_test: false,
        skip_broken: false,
        reference: compute.reference,
    }
}

/// Prepares for running out of memory and starts the compute threads; returns their number and a warning about it.
/// Must be called before any other thread is started.
pub(crate) fn start_threads(compute: &ComputeArgs) -> Result<(usize, Option<String>), String> {
    out_of_memory::prepare().map_err(|error| format!("signals cannot be caught ({error})."))?;
    let threads = threads::start(compute.threads())?;
    Ok((threads, compute.threads_warning(threads)))
}

/// [`start_threads`], with errors and warnings printed to stderr.
pub(crate) fn threads(compute: &ComputeArgs) -> Result<usize, Exit> {
    match start_threads(compute) {
        Ok((threads, warning)) => {
            if let Some(warning) = warning {
                complain(&format!("warning: {warning}"));
            }
            Ok(threads)
        }
        Err(sentence) => {
            complain(&format!("error: {sentence}"));
            Err(Exit::FAILED)
        }
    }
}

/// Starts the engine and the handling of signals; `training` says whether there will be something to save.
pub(crate) fn start(training: bool) -> Result<Link, Exit> {
    output::begin();
    // A headless run needs no listener: its journal has everything.
    let started = engine::spawn(EngineOptions { keep_running_unattended: true }).and_then(|(link, _)| {
        signals::listen(link.commands.clone(), training, engine::is_saving).map(|()| link)
    });
    started.map_err(|error| {
        complain(&format!("error: the engine cannot be started: {error}."));
        Exit::FAILED
    })
}

/// Commands that ask the engine one question.
pub(crate) fn question(context: &Context, command: Command) -> Exit {
    match to_question(context, command) {
        Ok((question, json)) => match start(false) {
            Ok(link) => ask(&link, question, json),
            Err(exit) => exit,
        },
        Err(exit) => exit,
    }
}

/// The question that `command` asks the engine, and whether its answer is JSON. Starts the compute threads.
fn to_question(context: &Context, command: Command) -> Result<(Question, bool), Exit> {
    Ok(match command {
        Command::Evaluate { checkpoint, data, data_dir, split, compute, place, json } => {
            let options = options(&compute, threads(&compute)?, context.runs_dir(&place));
            let known = Split::WORDS.into_iter().find(|(word, _)| *word == split);
            let split = known.map_or(Split::Test, |(_, split)| split);
            let query = CheckpointQuery { target: checkpoint, data, data_dir, split, options };
            (Question::Evaluate(query), json)
        }
        Command::Export {
            model: target,
            format,
            output,
            raw,
            softmax,
            no_test,
            data_dir,
            compute,
            place,
            json,
        } => {
            let form = form(&format, Around { raw, softmax })?;
            let options = options(&compute, threads(&compute)?, context.runs_dir(&place));
            let untested = no_test.then(|| "the model was exported with `--no-test`.".to_owned());
            let query = ExportQuery { target, form, output, untested, data_dir, options };
            (Question::Export(Box::new(query)), json)
        }
        Command::Bench {
            evaluation,
            compare_reference: compare,
            kernels,
            loading,
            recipe,
            compute,
            json,
        } => {
            let steps = recipe.steps().unwrap_or(BENCH_STEPS);
            let recipe = context.recipe(&recipe).map_err(|sentences| usage_error(&sentences))?;
            let options = Box::new(options(&compute, threads(&compute)?, PathBuf::new()));
            let recipe = Box::new(recipe);
            if loading {
                return Ok((Question::BenchLoading { recipe, options }, json));
            }
            (Question::Bench { recipe, steps, evaluation, compare, kernels, options }, json)
        }
        Command::Verify { golden, compute, json } => {
            let options = Box::new(options(&compute, threads(&compute)?, PathBuf::new()));
            (Question::Verify { path: golden, options }, json)
        }
        _ => return Err(Exit::USAGE),
    })
}

/// The form called `word`; only ONNX has something around the network.
fn form(word: &str, around: Around) -> Result<Form, Exit> {
    if word == "onnx" {
        return Ok(Form::Onnx(around));
    }
    if around == Around::default() {
        return Ok(Form::Safetensors);
    }
    let flag = if around.raw { "--raw" } else { "--softmax" };
    Err(usage_error(&format!(
        "{flag}: safetensors has weights alone; only `--format onnx` can have it in the file."
    )))
}

/// Prints completions for `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "densenet-tui", &mut script);
    output::say_raw(Stream::Out, &String::from_utf8_lossy(&script));
    Exit::FINE
}

/// Prints the manual page.
pub(crate) fn man() -> Exit {
    let mut page = Vec::new();
    match clap_mangen::Man::new(Cli::command()).render(&mut page) {
        Ok(()) => output::say_raw(Stream::Out, &String::from_utf8_lossy(&page)),
        Err(_) => return Exit::FAILED,
    }
    Exit::FINE
}
