//! Other processes of this program: a run continued in the background and taken back, a download.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::files;
use crate::protocol::Options;
use crate::protocol::command::StopAfter;
use crate::store::run;

/// Asks the process that trains in a run to save and stop, and waits until it has.
pub(crate) fn take_back(run: &Path) -> Result<(), String> {
    let trainer = run::trainer(run).map_err(|clause| format!("{}: {clause}.", run.display()))?;
    if let Some(trainer) = trainer {
        trainer.ask_to_stop().map_err(|error| format!("its process cannot be asked to stop: {error}."))?;
    }
    if until(TAKING_BACK, || !run::held(run)) {
        Ok(())
    } else {
        Err("the run is still held by another process.".into())
    }
}

/// Downloads a published data set by another process of this program, which goes on where an earlier one stopped; the
/// error is the last that it said.
pub(crate) fn fetch(word: &str) -> Result<(), String> {
    let failed = |why: &dyn Display| format!("`densenet-tui fetch {word}` cannot be started: {why}.");
    let output = Command::new(program().map_err(|error| failed(&error))?)
        .arg0("densenet-tui")
        .args(["fetch", word])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(&error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().next_back().unwrap_or("error: it ended at once.");
    Err(last.trim_start_matches("error: ").to_owned())
}

/// Starts this program again, without an interface and detached from this terminal, to resume a run; waits until it
/// holds the run.
pub(crate) fn resume_in_background(run: &Path, options: &Options) -> Result<(), String> {
    let mut words: Vec<OsString> = ["--no-ui", "--detached", "--resume"].map(OsString::from).to_vec();
    words.push(run.into());
    words.extend(carried_over(options));
    in_background(&words, run, &run.join(LOG))
        .map_err(|why| format!("the run cannot continue in the background: {why}."))
}

/// The same for the sweep of `file`, which is carried out, or goes on, in `directory`.
pub(crate) fn sweep_in_background(file: &Path, directory: &Path, options: &Options) -> Result<(), String> {
    let mut words: Vec<OsString> = ["sweep", "--continue", "--detached"].map(OsString::from).to_vec();
    words.push(file.into());
    words.extend(settled(options));
    // Beside the directory, which is made by the one that holds it.
    let mut log = directory.as_os_str().to_owned();
    log.push(".log");
    in_background(&words, directory, Path::new(&log))
        .map_err(|why| format!("the sweep cannot be carried out: {why}."))
}

/// Starts this program with `words` in a session of its own, with its output in `log`; waits until it holds `directory`.
/// The error is a clause.
fn in_background(words: &[OsString], directory: &Path, log: &Path) -> Result<(), String> {
    let text = |error: &dyn Display| error.to_string();
    let out = files::open_with(fs::File::options().create(true).append(true), log)
        .map_err(|error| format!("{}: {error}", log.display()))?;
    let err = out.try_clone().map_err(|error| text(&error))?;
    // The engine releases a run right after it has reported its end.
    if !until(PATIENCE, || !run::held(directory)) {
        return Err("another process has it".into());
    }
    let mut child = Command::new(program().map_err(|error| text(&error))?)
        .arg0("densenet-tui")
        .args(words)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(|error| text(&error))?;
    // Once it holds the directory it is in a session of its own and outlives this terminal.
    let mut ended = None;
    until(PATIENCE, || {
        ended = child.try_wait().ok().flatten();
        ended.is_some() || run::held_by_child(directory, child.id())
    });
    match ended {
        Some(status) if !status.success() => {
            Err(last_line(log).as_deref().unwrap_or("it ended at once").trim_end_matches('.').to_owned())
        }
        _ => Ok(()),
    }
}

/// The last line of a file that may have grown large.
pub(crate) fn last_line(file: &Path) -> Option<String> {
    let mut file = files::open(file).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(files::LARGEST_TEXT))).ok()?;
    let mut tail = Vec::new();
    file.take(files::LARGEST_TEXT).read_to_end(&mut tail).ok()?;
    String::from_utf8_lossy(&tail).lines().last().map(str::to_owned)
}

/// This very program, even where its file was replaced meanwhile: only the same build gives the same bits.
pub(crate) fn program() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// The options that go with `--resume`; the run has the others.
fn carried_over(options: &Options) -> Vec<OsString> {
    let seconds = |time: Duration| format!("{}s", time.as_secs_f64());
    let mut words = settled(options);
    let stop = options.stop_after.map(|stop| match stop {
        StopAfter::Time(time) => seconds(time),
        StopAfter::Epochs(epochs) => format!("{epochs}epochs"),
    });
    if let Some(stop) = stop {
        words.extend(["--stop-after".into(), stop.into()]);
    }
    words
}

/// Those of them that a sweep has, too.
fn settled(options: &Options) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["--device".into(), options.device.to_string().into()];
    words.extend(["--save-every".into(), options.save_every.to_string().into()]);
    words.extend(["--threads".into(), options.threads.to_string().into(), "--runs-dir".into()]);
    words.push(options.runs_dir.clone().into());
    words
}

/// Waits until `done` is true, for `patience` at most; returns whether it was.
fn until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if done() {
            return true;
        }
        if begin.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(POLL);
    }
}

/// How long a process may take to release a run, and another to lock it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a step, an evaluation batch and a save may take elsewhere.
const TAKING_BACK: Duration = Duration::from_mins(2);
/// Time between two looks at the lock of a run.
const POLL: Duration = Duration::from_millis(20);
/// The output of a run in the background, in its directory.
pub(crate) const LOG: &str = "background.log";

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, RESUMABLE};
    use crate::protocol::command::{Device, SaveEvery};

    #[test]
    fn the_last_line_of_a_log_of_any_length_is_found_and_none_in_what_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        assert_eq!(last_line(&pipe), None);
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
            stop_after: Some(StopAfter::Time(Duration::from_mins(90))),
            no_test: false,
            skip_broken: false,
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
