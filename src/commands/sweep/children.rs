//! The runs under way: processes of this program, and those that an earlier process of the sweep has left.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli::{SweepArgs, requested_threads};
use crate::files;
use crate::protocol::command::Device;
use crate::remote;
use crate::store::run;
use crate::sweep::{Job, Place, Plan};

/// Time between two looks at the lock of a run that is no child.
const LOOK: Duration = Duration::from_millis(200);

/// A run under way.
pub(super) struct Running {
    pub(super) job: Job,
    /// Its name.
    pub(super) run: String,
    /// Which of the places for runs it has, from 0.
    pub(super) slot: usize,
    process: Process,
}

enum Process {
    Ours(Child),
    /// It was started by a process of this sweep that was killed; when its lock was looked at last.
    Adopted(Instant),
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// With an exit code; its files say what it came to.
    Exited,
    /// By a signal, without a word.
    Killed,
    /// It was no child of this process.
    Unknown,
}

impl Running {
    /// Starts the run of `job`, or waits for it where another process has it already.
    pub(super) fn start(
        plan: &Plan,
        place: &Place,
        args: &SweepArgs,
        job: Job,
        slot: usize,
    ) -> Result<Self, String> {
        let name = plan.run(job.trial, job.seed);
        if run::held(&place.run(&name)) {
            return Ok(Self { job, run: name, slot, process: Process::Adopted(Instant::now()) });
        }
        let recipe = plan.recipe(job.trial, job.seed);
        let failed = |why: String| format!("{name} cannot be started: {why}.");
        let text = recipe.to_toml().map_err(failed)?;
        let file = place.recipe(&name);
        crate::store::atomic::write(&file, text.as_bytes()).map_err(|error| error.to_string())?;
        let log = files::open_with(File::options().create(true).append(true), &place.log(&name))
            .map_err(|error| failed(format!("{}: {error}", place.log(&name).display())))?;
        let mut words: Vec<OsString> =
            ["--no-ui", "--continue", "--name", &name].map(OsString::from).to_vec();
        words.extend(["--runs-dir".into(), word(place.path()).into(), "--recipe".into(), word(&file).into()]);
        words.extend(["--threads".into(), threads(plan, args).to_string().into()]);
        words.extend(["--save-every".into(), args.save_every.to_string().into()]);
        words.extend(["--device".into(), device(args, slot).to_string().into()]);
        words.extend(
            [(args.no_test, "--no-test"), (args.reference, "--reference")]
                .into_iter()
                .filter(|(asked, _)| *asked)
                .map(|(_, option)| OsString::from(option)),
        );
        if job.rung + 1 < plan.rungs.len() {
            words.extend(["--stop-after".into(), format!("{}epochs", plan.rungs[job.rung]).into()]);
        }
        let program = remote::program().map_err(|error| failed(error.to_string()))?;
        let child = Command::new(program)
            .arg0("densenet-tui")
            .args(words)
            // A signal of the terminal is for the sweep, which passes it on.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { job, run: name, slot, process: Process::Ours(child) })
    }

    /// How it ended, once it has.
    pub(super) fn end(&mut self, place: &Place) -> Option<End> {
        match &mut self.process {
            Process::Ours(child) => match child.try_wait() {
                Ok(None) => None,
                Ok(Some(status)) => Some(end_of(status)),
                Err(_) => Some(End::Unknown),
            },
            Process::Adopted(looked) => {
                if looked.elapsed() < LOOK {
                    return None;
                }
                *looked = Instant::now();
                (!run::held(&place.run(&self.run))).then_some(End::Unknown)
            }
        }
    }

    /// Passes a request on: to save, or to save and stop.
    pub(super) fn ask(&self, place: &Place, signal: Signal) {
        match &self.process {
            Process::Ours(child) => {
                // Not waited for yet, so the number is still its own.
                _ = i32::try_from(child.id())
                    .ok()
                    .and_then(Pid::from_raw)
                    .map(|pid| kill_process(pid, signal));
            }
            Process::Adopted(_) if signal == Signal::TERM => {
                if let Ok(Some(trainer)) = run::trainer(&place.run(&self.run)) {
                    _ = trainer.ask_to_stop();
                }
            }
            Process::Adopted(_) => {}
        }
    }
}

fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(_), _) => End::Exited,
        (None, Some(_)) => End::Killed,
        (None, None) => End::Unknown,
    }
}

/// A share of the threads for each run.
fn threads(plan: &Plan, args: &SweepArgs) -> usize {
    (requested_threads(args.threads) / plan.spec.search.parallel).max(1)
}

/// The device of the run in a slot: one of those that were named, in turn.
fn device(args: &SweepArgs, slot: usize) -> Device {
    args.device.get(slot % args.device.len().max(1)).copied().unwrap_or_default()
}

/// A path as a word of a command line.
fn word(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
