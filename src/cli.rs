//! The command line as typed values. `lib` decides what they mean.

mod recipe_args;
mod values;

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::plain;
use crate::protocol::command::{Device, SaveEvery, StopAfter};
use crate::recipe::datasets::usages;
use crate::recipe::published::Download;
pub use recipe_args::RecipeArgs;
use values::{a_download, a_path, some_data};

/// Designs, trains, inspects and ships DenseNets.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    // Not the name it was called by, which can hold anything.
    bin_name = "densenet-tui",
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    max_term_width = 110
)]
#[command(after_help = "\
Without --data it trains on the built-in shapes, with a small recipe of their own; for other data the defaults are the \
paper's (DenseNet-BC 100-12, 300 epochs, batches of 64, SGD). Recipe keys without a flag (see `summary --json`) are \
set with --set KEY=VALUE or in a --recipe file.")]
pub struct Cli {
    /// A command other than training.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Train without an interface, one line per epoch
    #[arg(long)]
    pub no_ui: bool,
    /// In a session of its own, to outlive the terminal that started it
    #[arg(long, hide = true, requires = "no_ui")]
    pub detached: bool,
    /// How the interface is drawn.
    #[command(flatten)]
    pub display: DisplayArgs,
    /// What to train.
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// How to train it.
    #[command(flatten)]
    pub run: RunArgs,
}

/// How the interface is drawn.
#[derive(Debug, Args)]
#[command(next_help_heading = "Interface")]
pub struct DisplayArgs {
    /// Colours of the terminal: auto, truecolor, 256, 16 or none [default: auto, see also NO_COLOR]
    #[arg(long, value_name = "WHEN", value_parser = ["auto", "truecolor", "256", "16", "none"])]
    pub color: Option<String>,
    /// dark, light, colourblind, terminal, mono, or a file in `themes` beside the config file [default: terminal]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
}

/// How a run is carried out.
#[derive(Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct RunArgs {
    /// Name of the run [default: from the time and the data]
    #[arg(long)]
    pub name: Option<String>,
    /// Resume a run (its name or directory) or a checkpoint file
    #[arg(long, value_name = "RUN_OR_FILE", value_parser = a_path())]
    pub resume: Option<PathBuf>,
    /// Begin the run of this --name, resume it, or find it complete; exit code 75 if it ends early
    #[arg(long = "continue", id = "continue", requires_all = ["name", "no_ui"], conflicts_with = "resume")]
    pub carry_on: bool,
    /// Save this often, and at the end of every epoch: 30s, 5m, 200steps
    #[arg(long, value_name = "TIME|STEPS", default_value = "5m")]
    pub save_every: SaveEvery,
    /// Save and stop after this long, or at the end of this epoch: 25m, 2h, 4epochs
    #[arg(long, value_name = "TIME|EPOCHS")]
    pub stop_after: Option<StopAfter>,
    /// Do not evaluate the test images
    #[arg(long)]
    pub no_test: bool,
    /// Leave pictures out that cannot be decoded, and count them
    #[arg(long)]
    pub skip_broken: bool,
    /// Also write event files for TensorBoard: DIR/RUN
    #[arg(long, value_name = "DIR", value_parser = a_path(), requires = "no_ui")]
    pub tensorboard: Option<PathBuf>,
    /// Where and how to compute.
    #[command(flatten)]
    pub compute: ComputeArgs,
    /// Where runs are.
    #[command(flatten)]
    pub place: RunsDirArgs,
    /// One JSON object per line on stdout
    #[arg(long, help_heading = "Run")]
    pub json: bool,
}

/// Where and how to compute.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Compute")]
pub struct ComputeArgs {
    /// auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: Device,
    /// Compute threads [default: all usable cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub threads: Option<u16>,
    /// Use candle's own layers, the slow and obvious version
    #[arg(long)]
    pub reference: bool,
}

/// Where runs are.
#[derive(Clone, Debug, Args)]
pub struct RunsDirArgs {
    /// Directory of all runs [default: `runs` in the data directory, see `info`]
    #[arg(long, value_name = "DIR", value_parser = a_path(), help_heading = "Run")]
    pub runs_dir: Option<PathBuf>,
}

/// Which curves, and where to.
#[derive(Debug, Args)]
pub struct CurvesArgs {
    /// Runs: their names or directories
    #[arg(required = true, value_name = "RUN", value_parser = a_path())]
    pub runs: Vec<PathBuf>,
    /// CSV, one line for each step and each epoch [default without --tensorboard]
    #[arg(long)]
    pub csv: bool,
    /// File for the CSV [default: stdout]
    #[arg(short, long, value_name = "FILE", value_parser = a_path())]
    pub output: Option<PathBuf>,
    /// Event files for TensorBoard: DIR/RUN for each run
    #[arg(long, value_name = "DIR", value_parser = a_path())]
    pub tensorboard: Option<PathBuf>,
    /// Where runs are.
    #[command(flatten)]
    pub place: RunsDirArgs,
}

impl CurvesArgs {
    /// Whether CSV is wanted.
    pub fn is_csv(&self) -> bool {
        self.csv || self.output.is_some() || self.tensorboard.is_none()
    }
}

/// Which sweep, and how it is carried out.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// A TOML file: its name, a recipe, and the tables grid, random and search
    #[arg(value_name = "FILE", value_parser = a_path())]
    pub file: PathBuf,
    /// Begin the sweep, go on with it, or find it complete
    #[arg(long = "continue")]
    pub carry_on: bool,
    /// Even if it has more than 10,000 trials
    #[arg(long)]
    pub yes: bool,
    /// In a session of its own, to outlive the terminal that started it
    #[arg(long, hide = true)]
    pub detached: bool,
    /// List the trials, and run none
    #[arg(long)]
    pub dry_run: bool,
    /// Where the data is
    #[arg(long, value_name = "DIR", value_parser = a_path())]
    pub data_dir: Option<PathBuf>,
    /// Save each run this often, and at the end of every epoch: 30s, 5m, 200steps
    #[arg(long, value_name = "TIME|STEPS", default_value = "5m")]
    pub save_every: SaveEvery,
    /// Do not evaluate the test images
    #[arg(long)]
    pub no_test: bool,
    /// auto, cpu, cuda or cuda:N; several, with commas between them, are taken in turn by runs at the same time
    #[arg(long, value_name = "DEVICE", value_delimiter = ',', default_value = "auto")]
    pub device: Vec<Device>,
    /// Compute threads, which runs at the same time share [default: all usable cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub threads: Option<u16>,
    /// Use candle's own layers, the slow and obvious version
    #[arg(long)]
    pub reference: bool,
    /// Where runs are.
    #[command(flatten)]
    pub place: RunsDirArgs,
    /// One JSON object per line on stdout
    #[arg(long)]
    pub json: bool,
    /// The table as CSV on stdout, at the end
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// A command other than training.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show a recipe's network layer by layer
    Summary {
        /// Which recipe.
        #[command(flatten)]
        recipe: Box<RecipeArgs>,
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Loss and accuracy of a checkpoint
    Evaluate {
        /// A checkpoint file, or a run (its best checkpoint)
        #[arg(value_parser = a_path())]
        checkpoint: PathBuf,
        /// Data other than the checkpoint's own.
        #[arg(
            long,
            value_parser = some_data(),
            help = format!("Data to use instead of the checkpoint's own: {}", usages())
        )]
        data: Option<crate::recipe::Data>,
        /// Where the data is
        #[arg(long, value_name = "DIR", value_parser = a_path())]
        data_dir: Option<PathBuf>,
        /// Which images
        #[arg(long, default_value = "test", value_parser = ["train", "validation", "test", "all"])]
        split: String,
        /// Where and how to compute.
        #[command(flatten)]
        compute: ComputeArgs,
        /// Where runs are.
        #[command(flatten)]
        place: RunsDirArgs,
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Say what pictures are
    Predict {
        /// A run (its best checkpoint), a checkpoint or an exported file
        #[arg(value_parser = a_path())]
        model: PathBuf,
        /// Pictures, directories with pictures, or - for a list of paths on stdin (one a line, or behind a NUL)
        #[arg(value_name = "PATH", required = true, value_parser = a_path())]
        pictures: Vec<PathBuf>,
        /// How many of the most probable classes [default: 5, and 1 with --csv]
        #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
        top: Option<u32>,
        /// One JSON object a picture: filename, and predictions with index, label and prob
        #[arg(long)]
        json: bool,
        /// Lines of filename,index,label,prob, as timm writes them
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        /// Logits instead of probabilities
        #[arg(long)]
        logits: bool,
        /// Average the logits over each picture and its mirror image
        #[arg(long)]
        flip: bool,
        /// Write each picture with the class activation map over it into this directory
        #[arg(long, value_name = "DIR", value_parser = a_path())]
        map: Option<PathBuf>,
        /// The class of the maps, by name or number [default: the most probable one of each picture]
        #[arg(long, value_name = "NAME", requires = "map")]
        class: Option<String>,
        /// Write the results to a file, once all are there, instead of to stdout
        #[arg(long, short, value_name = "FILE", value_parser = a_path())]
        output: Option<PathBuf>,
        /// Where and how to compute.
        #[command(flatten)]
        compute: ComputeArgs,
        /// Where runs are.
        #[command(flatten)]
        place: RunsDirArgs,
    },
    /// Write a model as a file for other programs, and a card that tells what it is
    Export {
        /// A run (its best checkpoint), a checkpoint or an exported file
        #[arg(value_parser = a_path())]
        model: PathBuf,
        /// safetensors (for PyTorch, with timm's config.json) or onnx
        #[arg(long, value_parser = ["safetensors", "onnx"])]
        format: String,
        /// The file to write, or the directory to write it into [default: RUN.safetensors or RUN.onnx in this one]
        #[arg(short, long, value_name = "FILE", value_parser = a_path())]
        output: Option<PathBuf>,
        /// Let the ONNX file take pixels from 0 to 255, and normalise them by Sub and Div in front
        #[arg(long)]
        raw: bool,
        /// Let the ONNX file answer with probabilities instead of logits
        #[arg(long)]
        softmax: bool,
        /// Do not evaluate the test images for the card
        #[arg(long)]
        no_test: bool,
        /// Where the data is, to evaluate the test images
        #[arg(long, value_name = "DIR", value_parser = a_path())]
        data_dir: Option<PathBuf>,
        /// Where and how to compute.
        #[command(flatten)]
        compute: ComputeArgs,
        /// Where runs are.
        #[command(flatten)]
        place: RunsDirArgs,
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Time the engine's own step on images in memory (--steps: how many, default 8)
    Bench {
        /// Time evaluation instead of training
        #[arg(long)]
        evaluation: bool,
        /// Also time candle's own layers, after the fused version, and print the ratio
        #[arg(long, conflicts_with = "reference")]
        compare_reference: bool,
        /// Also time each kernel of a training step on a GPU by itself, against its roofline
        #[arg(long, conflicts_with = "evaluation")]
        kernels: bool,
        /// Time how fast the recipe's images become batches, without a network
        #[arg(long, conflicts_with_all = ["evaluation", "compare_reference", "kernels"])]
        loading: bool,
        /// Which network.
        #[command(flatten)]
        recipe: Box<RecipeArgs>,
        /// Where and how to compute.
        #[command(flatten)]
        compute: ComputeArgs,
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Repeat the steps of a golden file from PyTorch and compare every number
    Verify {
        /// A file written by `densenet_torch.py golden`
        #[arg(value_parser = a_path())]
        golden: PathBuf,
        /// Where and how to compute.
        #[command(flatten)]
        compute: ComputeArgs,
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// List the runs on disk
    Runs {
        /// Only runs for which all words hold: text in its name, state, network or data; KEY=VALUE (or != < > <= >=) of
        /// its recipe, or of its accuracy, loss, test, epoch, step, parameters, seconds and state; star; tag:NAME; -WORD
        /// leaves out
        #[arg(value_name = "WORD", allow_hyphen_values = true)]
        words: Vec<String>,
        /// Where runs are.
        #[command(flatten)]
        place: RunsDirArgs,
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Try many recipes, and decide between them
    Sweep(SweepArgs),
    /// Write what runs' journals say in figures, as CSV or for TensorBoard
    Curves(CurvesArgs),
    /// Download a published data set, or published weights
    Fetch {
        /// Which one
        #[arg(value_name = "NAME", value_parser = a_download())]
        what: Download,
        /// Directory to put it into [default: `datasets` or `weights` in the data directory, see `info`]
        #[arg(long, value_name = "DIR", value_parser = a_path())]
        into: Option<PathBuf>,
        /// A copy: the URL or path of the file, or of the directory that has it [default: where it is published]
        #[arg(long, value_name = "URL")]
        from: Option<String>,
    },
    /// Paths, devices and versions
    Info {
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Threads that `--threads` allows for each one that can run at once.
const THREADS_PER_CORE: usize = 4;

/// Options that may be combined with `--resume`, by their ids in clap; the first three are the command itself.
pub const RESUMABLE: &[&str] = &[
    "no_ui",
    "detached",
    "resume",
    "data_dir",
    "device",
    "threads",
    "epochs",
    "steps",
    "save_every",
    "stop_after",
    "tensorboard",
    "json",
    "lr",
    "runs_dir",
];

/// Parses the command line, and lists the options given on it. The error is what is wrong with it, or the requested
/// help or version.
pub fn parse() -> Result<(Cli, Vec<String>), clap::Error> {
    let matches = Cli::command().try_get_matches().map_err(readable)?;
    let typed = typed(&matches);
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut Cli::command()))?;
    Ok((cli, typed))
}

/// The same error with active characters replaced in the arguments, which its text repeats.
fn readable(error: clap::Error) -> clap::Error {
    // Arguments that are not UTF-8 stay as they are: that may be the error.
    let shown = std::env::args_os().map(|arg| match arg.to_str() {
        Some(text) => plain::line(text).into_owned().into(),
        None => arg,
    });
    Cli::command().try_get_matches_from(shown).err().unwrap_or(error)
}

/// The options that were typed, not defaulted, without clap's groups.
fn typed(matches: &ArgMatches) -> Vec<String> {
    let command = Cli::command();
    let options = command.get_arguments().map(|argument| argument.get_id().as_str());
    options
        .filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine))
        .map(str::to_owned)
        .collect()
}

impl ComputeArgs {
    /// Requested threads, or as many as this process can run at once. Many more than that only wait for each
    /// other, so there is a limit.
    pub fn threads(&self) -> usize {
        requested_threads(self.threads)
    }

    /// A warning where more threads were requested than the `threads` that were started.
    pub fn threads_warning(&self, threads: usize) -> Option<String> {
        let asked = usize::from(self.threads?);
        if asked <= threads {
            return None;
        }
        let usable = usable_threads();
        Some(if threads == most_threads() {
            format!(
                "--threads {asked}: only {usable} can run at once here, so more would wait; {threads} are used."
            )
        } else {
            format!("--threads {asked}: the system limits this process to {threads}; these are used.")
        })
    }
}

/// Threads that `--threads` asks for, within the limit of `--threads`.
pub fn requested_threads(asked: Option<u16>) -> usize {
    asked.map_or_else(usable_threads, |asked| usize::from(asked).min(most_threads()))
}

/// The most threads that `--threads` allows.
fn most_threads() -> usize {
    THREADS_PER_CORE * usable_threads()
}

/// Threads that this process can run at once.
pub fn usable_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
