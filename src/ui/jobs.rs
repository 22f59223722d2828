//! Files and processes on behalf of the interface.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::files;
use crate::paths;
use crate::plain;
use crate::protocol::command::{Device, SaveEvery};
use crate::protocol::{Options, Stamped};
use crate::recipe::Recipe;
use crate::recipe::layered::{Layer, assemble};
use crate::store::{Checkpoint, atomic, catalog, journal, run};
use crate::ui::effect::{Job, JobResult};
use crate::ui::workspace::runs::{CheckpointRow, RunRow};

/// Does a job; a clash with another process or a full disk is a sentence.
pub(crate) fn carry_out(job: Job, options: &Options) -> JobResult {
    let done = match job {
        Job::ListRuns => {
            return JobResult::Runs(catalog::list(&options.runs_dir).into_iter().map(row).collect());
        }
        Job::ReadJournal(path) => {
            let events = read_journal(&path);
            return JobResult::Journal(path, events);
        }
        Job::ReadCheckpoints(path) => {
            let rows = checkpoints(&path);
            return JobResult::Checkpoints(path, rows);
        }
        Job::Background(path) => return JobResult::Background(background(&path, options)),
        Job::ReadPast(path) => read_journal(&path).map(|(events, _)| JobResult::Past(events)),
        Job::Delete(path) => delete(&path).map(JobResult::Deleted),
        Job::WriteRecipe { path, recipe } => {
            write_recipe(&path, *recipe).map(|()| JobResult::RecipeWritten(path))
        }
        Job::ReadRecipe(path) => read_recipe(&path).map(Box::new).map(JobResult::RecipeRead),
        Job::Remember(state, file) => state.write(&file).map(|()| JobResult::Remembered),
        Job::Export { from, to } => export(&from, &to).map(JobResult::Exported),
        Job::TakeBack(path) => take_back(path).map(JobResult::TakenBack),
    };
    done.unwrap_or_else(JobResult::Failed)
}

/// What a run's journal tells, without what a resume went back behind, and how many of its lines are damaged.
fn read_journal(directory: &Path) -> Result<(Vec<Stamped>, usize), String> {
    let path = directory.join(run::JOURNAL);
    match journal::read(&path).map_err(|error| error.to_string())? {
        (events, damaged) if events.is_empty() && damaged > 0 => {
            Err(format!("{}: it is damaged, no line of it can be read.", path.display()))
        }
        (events, damaged) => Ok((journal::effective(events), damaged)),
    }
}

fn row(entry: catalog::Entry) -> RunRow {
    let state = entry.state();
    let (summary, trouble) = match entry.summary {
        Ok(summary) => (Some(summary), None),
        Err(sentence) => (None, Some(sentence)),
    };
    let of = summary.as_ref();
    RunRow {
        bytes: size(&entry.path),
        parent: of.and_then(|summary| summary.parent.clone()),
        step: of.map_or(0, |summary| summary.step),
        total_steps: of.map_or(0, |summary| summary.total_steps),
        last: of.and_then(|summary| summary.last).map(|last| last.validation.unwrap_or(last.train).accuracy),
        updated: of.map_or(0.0, |summary| summary.updated),
        name: plain::kept(entry.name),
        path: entry.path,
        state,
        live: entry.live,
        trouble: trouble.or_else(|| of.and_then(|summary| summary.message.clone())),
        recipe: of.map(|summary| summary.recipe.clone()),
        network: of.map_or_else(String::new, |summary| summary.network.clone()),
        parameters: of.map_or(0, |summary| summary.parameters),
        epoch: of.map_or(0, |summary| summary.epoch),
        best: of.and_then(|summary| summary.best).map(|best| (best.accuracy, best.loss)),
        test: of.and_then(|summary| summary.test).map(|test| test.accuracy),
        created: of.map_or(0.0, |summary| summary.created),
        seconds: of.map_or(0.0, |summary| summary.seconds),
    }
}

/// Bytes of a run's files.
fn size(run: &Path) -> u64 {
    let of = |directory: &Path| {
        let files = fs::read_dir(directory).into_iter().flatten().flatten();
        files
            .filter_map(|file| file.metadata().ok())
            .filter(fs::Metadata::is_file)
            .map(|file| file.len())
            .sum::<u64>()
    };
    of(run) + of(&run.join(run::CHECKPOINTS))
}

/// The checkpoints of a run, newest first, each read and held to its hash.
fn checkpoints(path: &Path) -> Vec<CheckpointRow> {
    let best = catalog::read_summary(path).ok().and_then(|summary| summary.best).map(|best| best.step);
    let row = |(step, path): (u64, PathBuf)| {
        let read = Checkpoint::read(&path);
        CheckpointRow {
            step,
            bytes: fs::metadata(&path).map_or(0, |file| file.len()),
            epochs: read.as_ref().map_or(0, |found| found.meta.progress.closed_epochs),
            saved_at: read.as_ref().map_or(0.0, |found| found.meta.saved_at),
            best: best == Some(step),
            trouble: read.err().map(|error| error.to_string()),
            path,
        }
    };
    run::checkpoints(path).into_iter().rev().map(row).collect()
}

/// Copies a checkpoint to a file, or into a directory, that must not hold one of that name yet.
fn export(from: &Path, to: &Path) -> Result<PathBuf, String> {
    let to = if to.is_dir() { to.join(from.file_name().unwrap_or_default()) } else { to.to_owned() };
    if to.exists() {
        return Err(format!("{} is there already; choose another name.", to.display()));
    }
    let bytes = files::read(from, u64::MAX)
        .map_err(|error| format!("{}: it cannot be read ({error}).", from.display()))?;
    atomic::write(&to, &bytes).map_err(|error| error.to_string())?;
    Ok(to)
}

/// Asks the process that trains in a run to save and stop, and waits until it has.
fn take_back(run: PathBuf) -> Result<PathBuf, String> {
    let trainer = run::trainer(&run).map_err(|clause| format!("{}: {clause}.", run.display()))?;
    if let Some(trainer) = trainer {
        trainer.ask_to_stop().map_err(|error| format!("its process cannot be asked to stop: {error}."))?;
    }
    if until(TAKING_BACK, || !run::held(&run)) {
        Ok(run)
    } else {
        Err("the run is still held by another process.".into())
    }
}

/// Removes a run that nobody trains in.
fn delete(path: &Path) -> Result<String, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Held until it is gone, so that nobody begins to train in it meanwhile.
    let _held = run::hold_to_delete(path).map_err(|error| format!("{name} was not deleted. {error}"))?;
    fs::remove_dir_all(path).map(|()| name).map_err(|error| format!("{}: {error}.", path.display()))
}

/// Writes a recipe's file, in place of one that may be there. Its relative paths are relative to where this process is,
/// and would be to the file for whoever reads it.
fn write_recipe(path: &Path, mut recipe: Recipe) -> Result<(), String> {
    recipe.anchor_paths();
    let text = recipe.to_toml().map_err(|clause| format!("{clause}."))?;
    files::check_replaceable(path).map_err(|error| {
        format!("{}: it cannot be written ({error}); choose another name.", path.display())
    })?;
    atomic::write(path, text.as_bytes()).map_err(|error| error.to_string())
}

fn read_recipe(path: &Path) -> Result<Recipe, String> {
    let text = files::read_text(path)
        .map_err(|error| format!("{}: it cannot be read ({error}).", path.display()))?;
    let mut layer = Layer::parse(path.display().to_string(), &text).map_err(|error| error.to_string())?;
    let directory = path.parent().unwrap_or(Path::new(""));
    layer.settle_paths(&|path| paths::meant_in(directory, path)).map_err(|error| error.to_string())?;
    assemble(&[layer]).map_err(|error| error.to_string())
}

/// Starts this program anew, without an interface and apart from this terminal, to go on with a run; waits
/// until it has the run.
fn background(run: &Path, options: &Options) -> Result<(), String> {
    let told = |why: &dyn Display| format!("the run cannot go on in the background: {why}.");
    let log = run.join(LOG);
    let out = files::open_with(fs::File::options().create(true).append(true), &log)
        .map_err(|error| told(&format!("{}: {error}", log.display())))?;
    let err = out.try_clone().map_err(|error| told(&error))?;
    // The engine lets go of the run right after it has said that it ended.
    if !until(PATIENCE, || !run::held(run)) {
        return Err(told(&"another process is training in it"));
    }
    let mut child = Command::new(program().map_err(|error| told(&error))?)
        .arg0("densenet-tui")
        .args(["--no-ui", "--detached", "--resume"])
        .arg(run)
        .args(carried_over(options))
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(|error| told(&error))?;
    // Once it has the run it is in a session of its own, and this terminal may go.
    let mut ended = None;
    until(PATIENCE, || {
        ended = child.try_wait().ok().flatten();
        ended.is_some() || run::held_by_child(run, child.id())
    });
    match ended {
        Some(status) if !status.success() => {
            Err(told(&last_line(&log).as_deref().unwrap_or("it ended at once").trim_end_matches('.')))
        }
        _ => Ok(()),
    }
}

/// The last line of a file that may have grown large.
fn last_line(file: &Path) -> Option<String> {
    let mut file = files::open(file).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(files::LARGEST_TEXT))).ok()?;
    let mut tail = Vec::new();
    file.take(files::LARGEST_TEXT).read_to_end(&mut tail).ok()?;
    String::from_utf8_lossy(&tail).lines().last().map(str::to_owned)
}

/// This very program, even where its file was replaced meanwhile: only the same build gives the same bits.
fn program() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// What of the options may stand beside `--resume`; the run remembers the rest.
fn carried_over(options: &Options) -> Vec<OsString> {
    let seconds = |time: Duration| format!("{}s", time.as_secs_f64());
    let device = match options.device {
        Device::Auto => "auto".into(),
        Device::Cpu => "cpu".into(),
        Device::Cuda(n) => format!("cuda:{n}"),
    };
    let save_every = match options.save_every {
        SaveEvery::Time(time) => seconds(time),
        SaveEvery::Steps(steps) => format!("{steps}steps"),
    };
    let mut words: Vec<OsString> =
        vec!["--device".into(), device.into(), "--save-every".into(), save_every.into()];
    words.extend(["--threads".into(), options.threads.to_string().into(), "--runs-dir".into()]);
    words.push(options.runs_dir.clone().into());
    if let Some(time) = options.stop_after {
        words.extend(["--stop-after".into(), seconds(time).into()]);
    }
    words
}

/// Waits until `done`, for so long as `patience` lasts; whether it came.
fn until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if done() {
            return true;
        }
        if begin.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(LOOK);
    }
}

/// How long one process may need to let go of a run, and another to take it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a step, an evaluation batch and a save may take elsewhere.
const TAKING_BACK: Duration = Duration::from_mins(2);
/// How often the lock of a run is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// What a run in the background says, in its directory.
pub(crate) const LOG: &str = "background.log";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, RESUMABLE};
    use clap::Parser;

    #[test]
    fn a_damaged_journal_is_told_and_what_is_left_of_one_is_shown() {
        let run = tempfile::tempdir().unwrap();
        let file = run.path().join(run::JOURNAL);
        assert_eq!(read_journal(run.path()), Ok((Vec::new(), 0)));
        let good = r#"{"event":"paused","step":3,"time":1.0}"#;
        fs::write(&file, format!("{good}\nnoise\n{good}\n")).unwrap();
        let (events, damaged) = read_journal(run.path()).unwrap();
        assert_eq!((events.len(), damaged), (2, 1));
        fs::write(&file, "noise\nmore\n").unwrap();
        assert!(read_journal(run.path()).unwrap_err().contains("no line of it can be read"));
    }

    #[test]
    fn a_run_that_somebody_trains_is_not_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = crate::recipe::Recipe::defaults(crate::recipe::Data::Shapes);
        let run = crate::store::RunDir::create(folder.path(), Some("a"), "", &recipe).unwrap().grown();
        let path = run.path().to_owned();
        let refused = delete(&path).unwrap_err();
        assert!(
            refused.starts_with("a was not deleted.") && refused.contains("is training in it"),
            "{refused}"
        );
        assert!(path.join(run::RECIPE).is_file());
        drop(run);
        assert_eq!(delete(&path), Ok("a".into()));
        assert!(!path.exists());
    }

    #[test]
    fn a_checkpoint_is_copied_where_nothing_is_yet() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("step-1.safetensors");
        fs::write(&from, "weights").unwrap();
        let sub = folder.path().join("sub");
        fs::create_dir(&sub).unwrap();
        let to = export(&from, &sub).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "weights");
        assert!(export(&from, &to).unwrap_err().contains("is there already"));
        assert!(export(&from, &folder.path().join("nowhere/x")).is_err());
    }

    #[test]
    fn what_is_no_file_is_neither_read_nor_replaced_nor_copied() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let what = "(it is a named pipe, not a file)";
        let recipe = Recipe::defaults(crate::recipe::Data::Shapes);
        for sentence in [
            read_recipe(&pipe).unwrap_err(),
            write_recipe(&pipe, recipe.clone()).unwrap_err(),
            export(&pipe, &folder.path().join("copy")).unwrap_err(),
        ] {
            assert!(sentence.contains(what), "{sentence}");
        }
        assert!(export(&folder.path().join("copy"), &pipe).unwrap_err().contains("is there already"));
        assert_eq!(last_line(&pipe), None);
        assert!(write_recipe(Path::new("/dev/null"), recipe).unwrap_err().contains("it is a device"));
        // A run's log may be as long as it likes; its last line is wanted.
        let log = folder.path().join("log");
        fs::write(&log, "x".repeat(2 * files::LARGEST_TEXT as usize) + "\nerror: the last.\n").unwrap();
        assert_eq!(last_line(&log).as_deref(), Some("error: the last."));
    }

    #[test]
    fn a_run_in_the_background_is_carried_out_as_it_was() {
        let options = Options {
            runs_dir: "my runs".into(),
            device: Device::Cuda(1),
            threads: 3,
            save_every: SaveEvery::Time(Duration::from_millis(500)),
            stop_after: Some(Duration::from_mins(90)),
            no_test: false,
            reference: false,
        };
        let words = carried_over(&options);
        let options_of = words.iter().filter_map(|word| word.to_str()?.strip_prefix("--"));
        for option in options_of {
            assert!(RESUMABLE.contains(&option.replace('-', "_").as_str()), "{option}");
        }
        let line = ["densenet-tui", "--no-ui", "--resume", "a"].map(OsString::from);
        let run = Cli::parse_from(line.into_iter().chain(words)).run;
        assert_eq!(run.place.runs_dir, Some(options.runs_dir));
        assert_eq!((run.compute.device, run.compute.threads()), (options.device, options.threads));
        assert_eq!((run.save_every, run.stop_after), (options.save_every, options.stop_after));
    }
}
