//! A checkpoint's network and the images it is tried on, apart from any run in hand.

use std::sync::Arc;

use candle_core::Tensor;

use crate::data::prepare::Prepare;
use crate::data::{ChannelStats, Dataset, Images};
use crate::engine::build::{check, new_net, requested, warn_no_fused_version};
use crate::engine::control::Control;
use crate::engine::device;
use crate::engine::evaluate::{Found, sum_up, walk};
use crate::engine::failure::Failure;
use crate::engine::memory::{Mode, Wanted};
use crate::engine::report::Report;
use crate::engine::worker::Worker;
use crate::model::DenseNet;
use crate::protocol::command::Split;
use crate::protocol::event::Phase;
use crate::protocol::{CheckpointQuery, Figures};
use crate::recipe::Recipe;
use crate::store::checkpoint::{Checkpoint, Meta};
use crate::store::run::{self, Target};

/// A checkpoint's network and the images it is tried on.
pub(super) struct LoadedCheckpoint {
    pub(super) recipe: Recipe,
    pub(super) net: Arc<DenseNet>,
    pub(super) dataset: Dataset,
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
        let dataset = control.load(&recipe, options.skip_broken || skip_broken, report)?;
        if dataset.classes.len() != classes.len() {
            return Err(Failure::Input(format!(
                "{} has {} classes, but `{}` has {}.",
                file.display(),
                classes.len(),
                recipe.data,
                dataset.classes.len()
            )));
        }
        let (wanted, requested) = (recipe.clone(), requested(options));
        let revived = control.attended(report, move || {
            let net = new_net(&wanted, classes.len(), &device, requested)?;
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
        let prepare = Prepare::new(&recipe, ChannelStats { mean, std }, dataset.flips);
        let worker = Worker::start()?;
        let loaded = Self { recipe, net, dataset, prepare, split: *split, step: progress.step, worker };
        if loaded.images().is_empty() {
            let word = format!("{split:?}").to_lowercase();
            return Err(Failure::Input(format!("`{}` has no {word} images.", loaded.recipe.data)));
        }
        Ok(loaded)
    }

    /// The images of the split.
    pub(super) fn images(&self) -> &Images {
        match self.split {
            Split::Train => &self.dataset.train,
            Split::Validation => &self.dataset.validation,
            Split::Test => &self.dataset.test,
        }
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
        walk(&self.net, self.images(), &self.prepare, self.recipe.batch_size, &self.worker, each)
    }

    /// Loss and accuracy over the split.
    pub(super) fn evaluate(&self, control: &mut Control, report: &mut Report) -> Result<Figures, Failure> {
        let (images, classes) = (self.images(), self.dataset.classes.len());
        let found = sum_up(control, report, self.phase(), images, classes, |each| {
            self.walk(&mut |begin, found| Ok(each(begin, found.as_ref().map(|found| &found.outcome))))
        })?;
        found.map(|evaluation| evaluation.figures).ok_or_else(|| control.interrupted())
    }
}
