//! A checkpoint's network and the images it is tried on, apart from any run in hand.

use std::fmt::Write;
use std::sync::Arc;

use candle_core::Tensor;

use crate::data::prepare::Prepare;
use crate::data::{self, ChannelStats, Images};
use crate::engine::build::{check, new_net, requested, warn_no_fused_version};
use crate::engine::control::Control;
use crate::engine::device;
use crate::engine::evaluate::{Evaluation, Found, sum_up, walk};
use crate::engine::failure::Failure;
use crate::engine::memory::{Mode, Wanted};
use crate::engine::report::Report;
use crate::engine::worker::Worker;
use crate::model::DenseNet;
use crate::protocol::command::Split;
use crate::protocol::event::Phase;
use crate::protocol::{CheckpointQuery, Event};
use crate::recipe::Recipe;
use crate::store::checkpoint::{Checkpoint, Meta};
use crate::store::run::{self, Target};

/// A checkpoint's network and the images it is tried on.
pub(super) struct LoadedCheckpoint {
    pub(super) recipe: Recipe,
    pub(super) net: Arc<DenseNet>,
    pub(super) classes: Vec<String>,
    pub(super) images: Images,
    pub(super) prepare: Prepare,
    pub(super) split: Split,
    /// The step of its run after which the weights were saved.
    pub(super) step: u64,
    /// The thread of its passes.
    worker: Worker,
}

impl LoadedCheckpoint {
    /// The checkpoint and the images that `question` is about.
    pub(super) fn load(
        question: &CheckpointQuery,
        control: &mut Control,
        report: &mut Report,
    ) -> Result<Self, Failure> {
        let CheckpointQuery { target, data, data_dir, split, options } = question;
        let file = match run::find(&options.runs_dir, target)? {
            Target::Run(path) => run::best_checkpoint(&path)?,
            Target::File(file) => file,
        };
        let path = file.clone();
        let checkpoint = control.attended(report, move || Checkpoint::read(&path))??;
        let Meta { mut recipe, classes, moments, progress, skip_broken, .. } = checkpoint.meta.clone();
        if let Some(data) = data {
            // Where the checkpoint's own images were, and how many were used, says nothing of others.
            recipe.data = data.clone();
            (recipe.data_dir, recipe.validation, recipe.train_limit) = (None, None, None);
        }
        if data_dir.is_some() {
            recipe.data_dir.clone_from(data_dir);
        }
        check(&recipe)?;
        let (device, _) = device::choose(options.device)?;
        let (arch, batch, mode) = (recipe.arch(classes.len()), recipe.batch_size, Mode::Evaluation);
        Wanted { arch: &arch, requested: requested(options), device: &device, mode }.check(batch)?;
        if *split == Split::All {
            (recipe.validation, recipe.train_limit) = (None, None);
        }
        let dataset = control.load(&recipe, options.skip_broken || skip_broken, false, report)?;
        for message in &dataset.notes {
            report.emit(Event::Warning { message: message.clone() });
        }
        let (labels, missing) = matched(&dataset.classes, &classes).map_err(|unknown| {
            Failure::Input(format!(
                "`{}` has the class `{unknown}`, which the network of {} does not know; it knows {}.",
                recipe.data,
                file.display(),
                some(&classes)
            ))
        })?;
        if !missing.is_empty() {
            let message = format!("`{}` has no images of {}.", recipe.data, some(&missing));
            report.emit(Event::Warning { message });
        }
        let flips = dataset.flips;
        let images = match split {
            Split::Train => dataset.train,
            Split::Validation => dataset.validation,
            Split::Test => dataset.test,
            Split::All => dataset.train.joined(dataset.validation).joined(dataset.test),
        };
        let images = images.relabelled(&labels);
        if images.is_empty() {
            return Err(Failure::Input(format!("`{}` has no {} images.", recipe.data, split.word())));
        }
        let of = classes.clone();
        let (wanted, requested) = (recipe.clone(), requested(options));
        let revived = control.attended(report, move || {
            let net = new_net(&wanted, of.len(), &device, requested)?;
            let weights = checkpoint.tensors.into_iter().filter(|(name, _)| !name.starts_with("optimizer."));
            let weights = weights
                .map(|(name, array)| Ok((name, Tensor::from_vec(array.data, array.shape, &device)?)))
                .collect::<candle_core::Result<_>>()?;
            net.load(&weights).map_err(|why| Failure::Input(format!("{}: {why}.", file.display())))?;
            Ok::<_, Failure>(Arc::new(net))
        })?;
        let net = revived?;
        warn_no_fused_version(&net, requested, report);
        // The network sees other images as it saw its own: by the moments it was trained with.
        let [mean, std] = moments;
        let prepare = Prepare::new(&recipe, ChannelStats { mean, std }, flips);
        let worker = Worker::start()?;
        Ok(Self { recipe, net, classes, images, prepare, split: *split, step: progress.step, worker })
    }

    /// The activity of evaluating the split.
    pub(super) fn phase(&self) -> Phase {
        if self.split == Split::Test { Phase::Testing } else { Phase::Validating }
    }

    /// Runs the network over the split; see [`walk`].
    pub(super) fn walk(
        &self,
        each: &mut dyn FnMut(usize, Option<Found>) -> candle_core::Result<bool>,
    ) -> candle_core::Result<()> {
        walk(&self.net, &self.images, &self.prepare, self.recipe.batch_size, &self.worker, each)
    }

    /// Loss and accuracy over the split, and within each class.
    pub(super) fn evaluate(&self, control: &mut Control, report: &mut Report) -> Result<Evaluation, Failure> {
        let (images, classes) = (&self.images, self.classes.len());
        let found = sum_up(control, report, self.phase(), images, classes, |each| {
            self.walk(&mut |begin, found| Ok(each(begin, found.as_ref().map(|found| &found.outcome))))
        })?;
        found.ok_or_else(|| control.interrupted())
    }
}

/// For each class of some data its number among those that a network knows, and those that the data lacks; the error
/// is a class that the network does not know. Names decide, and not their order.
fn matched(data: &[String], known: &[String]) -> Result<(Vec<u32>, Vec<String>), String> {
    let numbers = data.iter().map(|name| {
        let found = known.iter().position(|known| data::same_class(known, name));
        found.map(|number| number as u32).ok_or_else(|| name.clone())
    });
    let numbers: Vec<u32> = numbers.collect::<Result<_, _>>()?;
    let missing = (0..known.len() as u32).filter(|number| !numbers.contains(number));
    Ok((numbers.clone(), missing.map(|number| known[number as usize].clone()).collect()))
}

/// Names for a sentence, not too many.
fn some(names: &[String]) -> String {
    const NAMED: usize = 10;
    let mut text = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        _ = write!(text, " and {} more", names.len() - NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_matched_by_name_and_what_is_unknown_or_missing_is_named() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let known = names(&["cat", "dog", "fox"]);
        assert_eq!(matched(&known, &known), Ok((vec![0, 1, 2], vec![])));
        assert_eq!(matched(&names(&["fox", "cat"]), &known), Ok((vec![2, 0], names(&["dog"]))));
        assert_eq!(matched(&names(&["cat", "owl"]), &known), Err("owl".into()));
        assert_eq!(some(&names(&["a", "b"])), "`a`, `b`");
        assert!(some(&names(&["a"; 12])).ends_with("`a` and 2 more"));
    }
}
