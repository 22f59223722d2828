//! A trained network, brought back from a file, and what is needed to show it a picture.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Tensor;

use crate::data::ChannelStats;
use crate::data::prepare::Prepare;
use crate::engine::build::{check, new_net, requested, warn_no_fused_version};
use crate::engine::control::Control;
use crate::engine::device;
use crate::engine::failure::Failure;
use crate::engine::memory::{Mode, Wanted};
use crate::engine::report::Report;
use crate::engine::worker::Worker;
use crate::model::DenseNet;
use crate::protocol::Options;
use crate::recipe::Recipe;
use crate::store::model::{self, Model};

/// A model that was found on disk.
pub(super) struct FoundModel {
    pub(super) file: PathBuf,
    pub(super) model: Model,
}

/// A trained network.
pub(super) struct LoadedNetwork {
    pub(super) recipe: Recipe,
    pub(super) net: Arc<DenseNet>,
    pub(super) classes: Vec<String>,
    /// Mean and standard deviation of each channel of the images that it was trained with.
    moments: [[f64; 3]; 2],
    /// The step of its run after which the weights were saved.
    pub(super) step: u64,
    /// The thread of its passes.
    pub(super) worker: Worker,
}

impl FoundModel {
    /// What `target` means: a run (its best checkpoint), a checkpoint or an exported file.
    pub(super) fn read(
        target: &Path,
        options: &Options,
        control: &mut Control,
        report: &mut Report,
    ) -> Result<Self, Failure> {
        let file = model::find(&options.runs_dir, target)?;
        let path = file.clone();
        let model = control.attended(report, move || Model::read(&path))??;
        Ok(Self { file, model })
    }

    /// Refuses a recipe that cannot be, and a network for which there is no memory with batches of `batch` images.
    pub(super) fn check(&self, options: &Options, batch: usize) -> Result<(), Failure> {
        let recipe = &self.model.meta.recipe;
        check(recipe)?;
        let (device, _) = device::choose(options.device)?;
        let (arch, mode) = (recipe.arch(self.model.meta.classes.len()), Mode::Evaluation);
        let wanted = Wanted { arch: &arch, requested: requested(options), device: &device, mode };
        wanted.check(batch)
    }

    /// Its network.
    pub(super) fn network(
        self,
        options: &Options,
        control: &mut Control,
        report: &mut Report,
    ) -> Result<LoadedNetwork, Failure> {
        let Self { file, model: Model { meta, tensors } } = self;
        let (device, _) = device::choose(options.device)?;
        let (recipe, classes, requested) = (meta.recipe.clone(), meta.classes.len(), requested(options));
        let revived = control.attended(report, move || {
            let net = new_net(&recipe, classes, &device, requested)?;
            let weights = tensors
                .into_iter()
                .map(|(name, array)| Ok((name, Tensor::from_vec(array.data, array.shape, &device)?)))
                .collect::<candle_core::Result<_>>()?;
            net.load(&weights).map_err(|why| Failure::Input(format!("{}: {why}.", file.display())))?;
            Ok::<_, Failure>(Arc::new(net))
        })?;
        let net = revived?;
        warn_no_fused_version(&net, requested, report);
        Ok(LoadedNetwork {
            recipe: meta.recipe,
            net,
            classes: meta.classes,
            moments: meta.moments,
            step: meta.progress.step,
            worker: Worker::start()?,
        })
    }
}

impl LoadedNetwork {
    /// How images are prepared for it: whichever they are, by the moments that it was trained with.
    pub(super) fn prepare(&self, flips: bool) -> Prepare {
        let [mean, std] = self.moments;
        Prepare::new(&self.recipe, ChannelStats { mean, std }, flips)
    }
}

/// Names for a sentence, not too many.
pub(super) fn some(names: &[String]) -> String {
    const NAMED: usize = 10;
    let mut text = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        _ = write!(text, " and {} more", names.len() - NAMED);
    }
    text
}
