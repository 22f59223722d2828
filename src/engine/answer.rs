//! Questions that need no run: answered when the engine is idle, or between two steps of a run.

use crate::data::prepare::Prepare;
use crate::data::{Dataset, Images, Moments};
use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::engine::session::{check, new_net, tell_arithmetic, wish};
use crate::engine::{device, inspect, verify};
use crate::model::DenseNet;
use crate::ops::batch_norm::Rules;
use crate::protocol::command::{EvaluateFile, Split};
use crate::protocol::event::{Inspection, Phase};
use crate::protocol::{Command, Event, StopReason};
use crate::recipe::Recipe;
use crate::store::checkpoint::{Checkpoint, Meta};
use crate::store::run::{self, Target};

/// Answers `question` with an event.
pub(super) fn answer(question: Command, control: &mut Control, report: &mut Report) -> Result<(), Failure> {
    match question {
        Command::Preview { recipe, count } => {
            check(&recipe)?;
            let dataset = control.load(&recipe, report)?;
            report.emit(Event::Previewed(Box::new(inspect::preview(&recipe, &dataset, count))));
        }
        Command::EvaluateFile(question) => {
            let subject = Subject::load(&question, control, report)?;
            let (split, images, step) = (subject.split, subject.images().len(), subject.step);
            let figures = subject.inspect(control, report)?.figures;
            report.emit(Event::Evaluated { split, images, figures, step });
        }
        Command::Inspect(question) => {
            let inspection = Subject::load(&question, control, report)?.inspect(control, report)?;
            report.emit(Event::Inspected(Box::new(inspection)));
        }
        Command::Verify { path, options } => {
            let (device, _) = device::choose(options.device)?;
            report.emit(Event::Phase { phase: Phase::Verifying, done: 0, total: 0 });
            let wish = wish(&options);
            let mut tell = |net: &DenseNet| tell_arithmetic(net, wish, report);
            let verification = verify::run(&path, Rules::default(), wish, &device, &mut tell)?;
            report.emit(Event::Verified(Box::new(verification)));
        }
        _ => {}
    }
    Ok(())
}

/// A checkpoint's network and the images it is tried on.
struct Subject {
    recipe: Recipe,
    net: DenseNet,
    dataset: Dataset,
    prepare: Prepare,
    split: Split,
    step: u64,
}

impl Subject {
    fn load(question: &EvaluateFile, control: &mut Control, report: &mut Report) -> Result<Self, Failure> {
        let EvaluateFile { target, data, data_dir, split, options } = question;
        let file = match run::find(&options.runs_dir, target)? {
            Target::Run(path) => run::best_checkpoint(&path)?,
            Target::File(file) => file,
        };
        let checkpoint = Checkpoint::read(&file)?;
        let Meta { mut recipe, classes, moments, progress, .. } = checkpoint.meta.clone();
        if let Some(data) = data {
            // Where the checkpoint's own images were, and how many were used, says nothing of others.
            recipe.data = data.clone();
            (recipe.data_dir, recipe.validation, recipe.train_limit) = (None, None, None);
        }
        if data_dir.is_some() {
            recipe.data_dir.clone_from(data_dir);
        }
        check(&recipe)?;
        let dataset = control.load(&recipe, report)?;
        if dataset.classes.len() != classes.len() {
            return Err(Failure::Input(format!(
                "{} tells {} classes apart, but `{}` has {}.",
                file.display(),
                classes.len(),
                recipe.data,
                dataset.classes.len()
            )));
        }
        let (device, _) = device::choose(options.device)?;
        let net = new_net(&recipe, classes.len(), &device, wish(options))?;
        tell_arithmetic(&net, wish(options), report);
        let weights = checkpoint.tensors.into_iter().filter(|(name, _)| !name.starts_with("optimizer."));
        let weights = weights
            .map(|(name, array)| Ok((name, candle_core::Tensor::from_vec(array.data, array.shape, &device)?)))
            .collect::<candle_core::Result<_>>()?;
        net.load(&weights).map_err(|why| Failure::Input(format!("{}: {why}.", file.display())))?;
        // The network sees other images as it saw its own: by the moments it was trained with.
        let [mean, deviation] = moments;
        let prepare = Prepare::new(&recipe, Moments { mean, deviation }, dataset.flips);
        let subject = Self { recipe, net, dataset, prepare, split: *split, step: progress.step };
        if subject.images().is_empty() {
            let word = format!("{split:?}").to_lowercase();
            return Err(Failure::Input(format!("`{}` has no {word} images.", subject.recipe.data)));
        }
        Ok(subject)
    }

    fn images(&self) -> &Images {
        match self.split {
            Split::Train => &self.dataset.train,
            Split::Validation => &self.dataset.validation,
            Split::Test => &self.dataset.test,
        }
    }

    /// What the network does with every image of the split.
    fn inspect(&self, control: &mut Control, report: &mut Report) -> Result<Inspection, Failure> {
        let phase = if self.split == Split::Test { Phase::Testing } else { Phase::Validating };
        let mut go_on = |done, total| {
            report.phase(phase, done, total);
            control.go_on(report)
        };
        let inspection = inspect::inspect(
            &self.net,
            self.images(),
            &self.dataset.classes,
            self.split,
            &self.prepare,
            self.recipe.batch_size,
            &mut go_on,
        )?;
        inspection.ok_or_else(|| Failure::Interrupted(control.stop.unwrap_or(StopReason::Asked)))
    }
}
