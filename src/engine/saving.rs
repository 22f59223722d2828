//! What a run writes: checkpoints when they are due, and the summary.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use candle_core::Tensor;

use crate::engine::failure::Failure;
use crate::engine::report::{Report, now};
use crate::engine::session::Session;
use crate::protocol::Event;
use crate::protocol::command::SaveEvery;
use crate::store::catalog::{self, State, Summary};
use crate::store::checkpoint::{Array, Checkpoint, Meta};
use crate::store::run::Settled;

/// A checkpoint is being written. One engine, one flag: for code that would end the whole program.
static UNDER_WAY: AtomicBool = AtomicBool::new(false);

/// Whether a checkpoint is being written, which deserves a little more time before the program is ended.
pub fn is_saving() -> bool {
    UNDER_WAY.load(Ordering::SeqCst)
}

fn array(tensor: &Tensor) -> candle_core::Result<Array> {
    Ok(Array { shape: tensor.dims().to_vec(), data: tensor.flatten_all()?.to_vec1()? })
}

impl Session {
    /// Whether `--save-every` has come round after `step`.
    pub(super) fn save_is_due_at(&self, step: u64) -> bool {
        match self.options.save_every {
            SaveEvery::Time(time) => self.last_save.elapsed() >= time,
            SaveEvery::Steps(steps) => step.is_multiple_of(steps),
        }
    }

    /// Writes a checkpoint of the state as it is, in a directory that is this process's: see [`RunDir::settle`](crate::store::RunDir::settle).
    pub(super) fn save(&mut self, report: &mut Report) -> Result<(), Failure> {
        self.last_save = Instant::now();
        UNDER_WAY.store(true, Ordering::SeqCst);
        let saved = self.save_once(report);
        // It may go away while it is written in: then once more, elsewhere.
        let saved = if saved.is_err() && !self.run.is_held() { self.save_once(report) } else { saved };
        UNDER_WAY.store(false, Ordering::SeqCst);
        let path = saved?;
        self.unsaved = false;
        self.kept = self.progress.clone();
        report.emit(Event::Saved { path, step: self.progress.step });
        Ok(())
    }

    fn save_once(&mut self, report: &mut Report) -> Result<PathBuf, Failure> {
        let before = self.run.path().to_owned();
        let settled = self.run.settle(&self.recipe)?;
        let is_new = settled == Settled::Anew;
        let path =
            self.checkpoint().and_then(|checkpoint| Ok(self.run.save(&checkpoint)?)).inspect_err(|_| {
                if is_new {
                    self.run.discard();
                }
            })?;
        if is_new {
            report.guard(&self.run);
        }
        let has_another_journal = report.follow(&self.run);
        if settled != Settled::Here || has_another_journal {
            // Every journal begins with the head of its run, and a front end learns where it is now.
            self.resumed_from = None;
            report.emit(self.started());
        }
        if is_new {
            let (step, now) = (self.progress.step, self.run.path());
            let message = if now == before {
                format!(
                    "the run's directory {} was created again, with the state after step {step}.",
                    now.display()
                )
            } else {
                let (before, now) = (before.display(), now.display());
                format!(
                    "{before} is no longer this run's directory; the run is {now} now, with the state after step {step}."
                )
            };
            report.emit(Event::Warning { message });
            self.summarise(State::Running, None, report);
        }
        Ok(path)
    }

    /// Opens the journal, in a directory that is still this process's after all that a start takes.
    pub(super) fn open_journal(&mut self, report: &mut Report) -> Result<(), Failure> {
        if self.run.settle(&self.recipe)? == Settled::Anew {
            self.unsaved = true;
            report.guard(&self.run);
        }
        report.keep(self.run.journal()?);
        Ok(())
    }

    /// The same where the run can go on without: a failure is a warning.
    pub(super) fn save_if_possible(&mut self, report: &mut Report) {
        if let Err(Failure::Input(message) | Failure::Failed(message)) = self.save(report) {
            report.emit(Event::Warning {
                message: format!("not saved after step {}: {message}", self.progress.step),
            });
        }
    }

    fn checkpoint(&self) -> Result<Checkpoint, Failure> {
        let weights = self.net.tensors().map(|(name, tensor)| Ok((name.to_owned(), array(tensor)?)));
        let optimizer = self.optimizer.lock();
        let state = optimizer.tensors().map(|(name, tensor)| Ok((name, array(tensor)?)));
        Ok(Checkpoint {
            tensors: weights.chain(state).collect::<candle_core::Result<_>>()?,
            meta: Meta {
                recipe: self.recipe.clone(),
                classes: self.classes.clone(),
                moments: [self.moments.mean, self.moments.std],
                progress: self.progress.clone(),
                parent: self.parent.clone(),
                weights: self.weights.clone(),
                run: self.run.name().to_owned(),
                no_test: self.options.no_test,
                reference: self.options.reference,
                skip_broken: self.options.skip_broken,
                fingerprints: self.fingerprints.to_vec(),
                saved_at: now(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        })
    }

    /// Replaces the summary. The catalogue can do without, so a failure is a warning.
    pub(super) fn summarise(&self, state: State, message: Option<String>, report: &mut Report) {
        let summary = Summary {
            run: self.run.name().to_owned(),
            state,
            message,
            network: catalog::network(&self.recipe),
            parameters: self.net.plan().parameters(),
            step: self.progress.step,
            total_steps: self.total_steps(),
            epoch: self.epoch(),
            created: self.created,
            updated: now(),
            seconds: self.progress.seconds,
            best: self.progress.best,
            last: self.last,
            test: self.progress.test,
            parent: self.parent.clone(),
            recipe: self.recipe.clone(),
        };
        // What became of a directory that is lost, the heartbeat has told.
        if !self.run.is_held() {
            return;
        }
        if let Err(error) = self.run.write_summary(&summary) {
            report.emit(Event::Warning { message: error.to_string() });
        }
    }
}
