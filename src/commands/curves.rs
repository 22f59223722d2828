//! `curves`: what a run's journal says in figures, for other programs.

mod csv;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::cli::CurvesArgs;
use crate::commands::{Context, one_line, usage_error};
use crate::files;
use crate::headless::answers::complain;
use crate::headless::output::{self, Stream};
use crate::monitor::Exit;
use crate::store::journal::Replay;
use crate::store::run::{self, Target};
use crate::store::{StoreError, atomic};
use crate::tensorboard;

/// Bytes that are put together before they are written to a file.
const PIECE: usize = 64 << 10;
/// The same on stdout, where a reader waits.
const SPOKEN: usize = 4 << 10;

/// A run and its journal.
struct Run {
    name: String,
    journal: Replay,
}

/// Writes the curves of the runs as CSV, for TensorBoard, or both.
pub(crate) fn curves(context: &Context, args: &CurvesArgs) -> Exit {
    match write(context, args) {
        Ok(damaged) if damaged.is_empty() => Exit::FINE,
        Ok(damaged) => {
            for sentence in damaged {
                complain(&format!("error: {sentence}"));
            }
            Exit::FAILED
        }
        Err(error) if error.is_input() => usage_error(&one_line(error)),
        Err(error) => {
            complain(&format!("error: {}", one_line(error)));
            Exit::FAILED
        }
    }
}

/// The same; returns a sentence for each journal with damaged lines, of which the others were written.
fn write(context: &Context, args: &CurvesArgs) -> Result<Vec<String>, StoreError> {
    let runs_dir = context.runs_dir(&args.place);
    let mut runs =
        args.runs.iter().map(|word| Run::find(&runs_dir, word)).collect::<Result<Vec<Run>, _>>()?;
    refuse_namesakes(&runs)?;
    if let Some(path) = &args.output {
        check(path)?;
    }
    if let Some(directory) = &args.tensorboard {
        for run in &mut runs {
            tensorboard::write(directory, &run.name, &mut run.journal)?;
        }
    }
    if args.is_csv() {
        runs = runs.into_iter().map(Run::again).collect::<Result<_, _>>()?;
        match &args.output {
            Some(path) => to_file(path, &mut runs)?,
            None => to_stdout(&mut runs)?,
        }
    }
    Ok(runs.iter().filter_map(Run::damage).collect())
}

impl Run {
    /// The run that `word` means.
    fn find(runs_dir: &Path, word: &Path) -> Result<Self, StoreError> {
        let path = match run::find(runs_dir, word)? {
            Target::Run(path) => path,
            Target::File(path) => {
                let advice = "give the name or the directory of a run";
                return Err(StoreError::unusable(&path, "it is a file, not a run", advice));
            }
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, journal: Replay::open(&path.join(run::JOURNAL))? })
    }

    fn again(self) -> Result<Self, StoreError> {
        Ok(Self { journal: self.journal.again()?, ..self })
    }

    /// A sentence where lines of its journal are damaged.
    fn damage(&self) -> Option<String> {
        let (path, lines) = (self.journal.path().display(), self.journal.damaged());
        match lines {
            0 => None,
            1 => Some(format!("{path}: one of its lines is damaged and was left out.")),
            _ => Some(format!("{path}: {lines} of its lines are damaged and were left out.")),
        }
    }
}

/// Refuses two runs of one name, which nobody could tell apart in what is written.
fn refuse_namesakes(runs: &[Run]) -> Result<(), StoreError> {
    let mut names = BTreeSet::new();
    match runs.iter().find(|run| !names.insert(&run.name)) {
        Some(run) => Err(StoreError::unusable(
            Path::new(&run.name),
            "two of the runs are called so",
            "give each run once, and namesakes one at a time",
        )),
        None => Ok(()),
    }
}

/// Refuses an output that cannot become a file.
fn check(path: &Path) -> Result<(), StoreError> {
    let advice = "choose another --output";
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_some_and(|parent| !parent.is_dir()) {
        return Err(StoreError::unusable(path, "its directory does not exist", advice));
    }
    files::check_replaceable(path)
        .map_err(|error| StoreError::unusable(path, format!("it cannot be written ({error})"), advice))
}

fn to_file(path: &Path, runs: &mut [Run]) -> Result<(), StoreError> {
    let failed = |error| StoreError::failed(path, error);
    atomic::write_by(path, |file: &mut fs::File| {
        let mut file = BufWriter::with_capacity(PIECE, file);
        lines(runs, &mut |line| writeln!(file, "{line}").map(|()| true).map_err(failed))?;
        file.flush().map_err(failed)
    })
}

fn to_stdout(runs: &mut [Run]) -> Result<(), StoreError> {
    output::begin();
    let mut piece = String::new();
    lines(runs, &mut |line| {
        piece.push_str(line);
        piece.push('\n');
        if piece.len() < SPOKEN {
            return Ok(true);
        }
        output::say_raw(Stream::Out, &std::mem::take(&mut piece));
        Ok(output::catch_up())
    })?;
    output::say_raw(Stream::Out, &piece);
    Ok(())
}

/// Every line, until one is not taken.
fn lines(runs: &mut [Run], take: &mut dyn FnMut(&str) -> Result<bool, StoreError>) -> Result<(), StoreError> {
    let several = runs.len() > 1;
    if !take(&csv::header(several))? {
        return Ok(());
    }
    for Run { name, journal } in runs {
        for stamped in journal {
            let Some(line) = csv::line(several.then_some(name), &stamped?) else { continue };
            if !take(&line)? {
                return Ok(());
            }
        }
    }
    Ok(())
}
