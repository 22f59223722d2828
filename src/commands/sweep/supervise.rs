//! The loop of a sweep: starts runs, takes their results, decides.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use rustix::process::Signal;

use crate::cli::SweepArgs;
use crate::commands::sweep::children::Running;
use crate::commands::sweep::clock::now;
use crate::commands::sweep::outcome::{self, Next};
use crate::commands::sweep::signals::Heard;
use crate::commands::sweep::telling::{Form, Teller};
use crate::headless::answers::complain;
use crate::monitor::Exit;
use crate::monitor::signals::Asked;
use crate::store::atomic;
use crate::store::run::{BEAT, Hold};
use crate::sweep::estimate::Clock;
use crate::sweep::plan::described;
use crate::sweep::record::Line;
use crate::sweep::table::{self, State};
use crate::sweep::{Job, Outcome, Place, Plan, Recorder, Standing};

/// Time between two looks at the runs under way.
const LOOK: Duration = Duration::from_millis(10);
/// How often a run that is killed without having come any further is taken up again.
const PATIENCE: usize = 3;

/// A sweep that is carried out.
pub(super) struct Supervisor<'a> {
    plan: &'a Plan,
    place: &'a Place,
    args: &'a SweepArgs,
    recorder: Recorder,
    hold: Hold,
    standing: Standing,
    running: Vec<Running>,
    /// Steps of runs that were killed, and how often in a row at the same one.
    killed: HashMap<Job, (u64, usize)>,
    teller: Teller<'a>,
    clock: Clock,
    begun: Instant,
    /// The signal by which it was asked to stop.
    stopping: Option<i32>,
}

impl<'a> Supervisor<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        place: &'a Place,
        args: &'a SweepArgs,
        recorder: Recorder,
        hold: Hold,
        standing: Standing,
    ) -> Self {
        let form = match (args.json, args.csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv,
            _ => Form::Text,
        };
        let clock = Clock::new(plan, &standing);
        let (running, killed, begun) = (Vec::new(), HashMap::new(), Instant::now());
        let teller = Teller::new(plan, form);
        Self {
            plan,
            place,
            args,
            recorder,
            hold,
            standing,
            running,
            killed,
            teller,
            clock,
            begun,
            stopping: None,
        }
    }

    /// Runs what is left to run; ends early where a signal asks for it.
    pub(super) fn carry_out(mut self, signals: &Receiver<Heard>) -> Exit {
        self.introduce();
        let ended = self.run(signals);
        if let Err(sentence) = &ended {
            complain(&format!("error: {sentence}"));
            self.ask_all(Signal::TERM);
            return Exit::FAILED;
        }
        if let Some(signal) = self.stopping {
            self.write(&Line::Stopped { time: now() });
            self.teller.table(&self.standing, self.place, "stopped", self.begun.elapsed().as_secs_f64());
            return u8::try_from(128 + signal).map_or(Exit::FAILED, Exit);
        }
        self.finish()
    }

    fn run(&mut self, signals: &Receiver<Heard>) -> Result<(), String> {
        let mut beat = Instant::now();
        loop {
            if self.stopping.is_none() {
                self.start()?;
            }
            if self.running.is_empty() {
                return Ok(());
            }
            match signals.recv_timeout(LOOK) {
                Ok((Asked::Stop, signal)) => {
                    self.stopping = Some(signal);
                    self.ask_all(Signal::TERM);
                }
                Ok((Asked::Save, _)) => self.ask_all(Signal::USR1),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err("signals are heard no more.".into()),
            }
            self.collect()?;
            if beat.elapsed() >= BEAT {
                beat = Instant::now();
                _ = self.hold.beat(self.place.path());
                self.progress();
            }
        }
    }

    /// Starts as many runs as may run at a time.
    fn start(&mut self) -> Result<(), String> {
        let most = self.plan.spec.search.parallel;
        for job in self.standing.open() {
            if self.running.len() >= most {
                break;
            }
            if self.running.iter().any(|running| running.job == job) {
                continue;
            }
            let slot =
                (0..most).find(|slot| self.running.iter().all(|running| running.slot != *slot)).unwrap_or(0);
            let running = Running::start(self.plan, self.place, self.args, job, slot)?;
            self.record(&Line::Started { job, run: running.run.clone(), time: now() })?;
            self.running.push(running);
            self.progress();
        }
        Ok(())
    }

    /// Takes the results of the runs that have ended.
    fn collect(&mut self) -> Result<(), String> {
        let mut index = 0;
        while let Some(running) = self.running.get_mut(index) {
            let Some(end) = running.end(self.place) else {
                index += 1;
                continue;
            };
            let Running { job, run, .. } = self.running.remove(index);
            let outcome = match outcome::of(self.plan, self.place, job, end) {
                // What was stopped with the sweep goes on with it.
                Next::Result(Outcome::Failed { .. }) | Next::Again { .. } if self.stopping.is_some() => {
                    continue;
                }
                Next::Again { step, .. } if self.has_patience(job, step) => continue,
                Next::Again { reason, .. } => Outcome::Failed { reason },
                Next::Result(outcome) => outcome,
            };
            self.record(&Line::Result { job, run, outcome: outcome.clone(), time: now() })?;
            self.clock.done(self.plan, job);
            if let Some(decision) = self.standing.take(job, outcome).cloned() {
                self.record(&Line::Decided { decision, time: now() })?;
            }
        }
        Ok(())
    }

    /// Whether a run that was killed at `step` is taken up again.
    fn has_patience(&mut self, job: Job, step: u64) -> bool {
        let (last, times) = self.killed.entry(job).or_insert((step, 0));
        *times = if *last == step { *times + 1 } else { 1 };
        *last = step;
        *times <= PATIENCE
    }

    fn ask_all(&self, signal: Signal) {
        self.running.iter().for_each(|running| running.ask(self.place, signal));
    }

    /// A line in the record, before anything follows from it.
    fn record(&mut self, line: &Line) -> Result<(), String> {
        self.recorder
            .append(line)
            .map_err(|error| format!("{}: it cannot be written ({error}).", self.place.record().display()))?;
        self.teller.tell(line);
        Ok(())
    }

    /// A last line, for which nothing waits.
    fn write(&mut self, line: &Line) {
        if let Err(error) = self.recorder.append(line) {
            complain(&format!("warning: {}: it cannot be written ({error}).", self.place.record().display()));
        }
        self.teller.tell(line);
    }

    fn introduce(&self) {
        let plan = self.plan;
        let (trials, runs) = (plan.trials.len(), plan.runs());
        let s = |count: usize| if count == 1 { "" } else { "s" };
        let left = runs.saturating_sub(self.standing.open().len());
        let onward = if self.standing.rung() > 0 || left > 0 { ", going on" } else { "" };
        self.teller.say(&format!(
            "{}: {trials} trial{} with {runs} run{} in {}{onward}",
            plan.spec.name,
            s(trials),
            s(runs),
            self.place.path().display()
        ));
    }

    fn progress(&self) {
        let runs: Vec<String> = self.running.iter().map(|running| running.run.clone()).collect();
        let (share, left) =
            self.clock.estimate(self.plan, &self.standing, self.begun.elapsed().as_secs_f64());
        self.teller.progress(&self.standing, &runs, share, left);
    }

    fn finish(mut self) -> Exit {
        let rows = table::rows(self.plan, &self.standing);
        let best = rows.first().filter(|row| row.state == State::Completed).map(|row| row.index);
        if let Some(best) = best {
            match self.best(best) {
                Ok(text) => {
                    if let Err(error) = atomic::write(&self.place.best(), text.as_bytes()) {
                        complain(&format!("warning: {error}"));
                    }
                }
                Err(clause) => complain(&format!("warning: the best recipe cannot be written ({clause}).")),
            }
        }
        self.write(&Line::Finished { best, time: now() });
        self.report()
    }

    /// The table, and where the best recipe is.
    pub(super) fn report(self) -> Exit {
        self.teller.table(&self.standing, self.place, "completed", self.begun.elapsed().as_secs_f64());
        let best = self.place.best();
        if !best.is_file() {
            complain("error: no trial was trained to its end.");
            return Exit::FAILED;
        }
        self.teller.say(&format!("best recipe: {}", best.display()));
        Exit::FINE
    }

    /// The recipe of a trial as a file that says where it is from.
    fn best(&self, trial: usize) -> Result<String, String> {
        let name = self.plan.name(trial);
        let (sweep, measure) = (&self.plan.spec.name, self.plan.spec.search.measure);
        let head = format!(
            "# {name} of the sweep {sweep}, the best by {measure}: {}\n",
            described(&self.plan.trials[trial].values)
        );
        Ok(head + &self.plan.recipe(trial, 0).to_toml()?)
    }
}
