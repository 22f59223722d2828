//! A checkpoint's network and the images it is tried on, apart from any run in hand.

use crate::data::prepare::Prepare;
use crate::data::{self, Images};
use crate::engine::control::Control;
use crate::engine::evaluate::{Evaluation, Found, sum_up, walk};
use crate::engine::failure::Failure;
use crate::engine::network::{FoundModel, LoadedNetwork, some};
use crate::engine::report::Report;
use crate::protocol::command::Split;
use crate::protocol::event::Phase;
use crate::protocol::{CheckpointQuery, Event};
use crate::store::checkpoint::Meta;

/// A checkpoint's network and the images it is tried on.
pub(super) struct LoadedCheckpoint {
    pub(super) network: LoadedNetwork,
    pub(super) images: Images,
    pub(super) prepare: Prepare,
    pub(super) split: Split,
}

impl LoadedCheckpoint {
    /// The checkpoint and the images that `question` is about.
    pub(super) fn load(
        question: &CheckpointQuery,
        control: &mut Control,
        report: &mut Report,
    ) -> Result<Self, Failure> {
        let CheckpointQuery { target, data, data_dir, split, options } = question;
        let mut found = FoundModel::read(target, options, control, report)?;
        let recipe = &mut found.model.meta.recipe;
        if let Some(data) = data {
            // Where the checkpoint's own images were, and how many were used, says nothing of others.
            recipe.data = data.clone();
            (recipe.data_dir, recipe.validation, recipe.train_limit) = (None, None, None);
        }
        if data_dir.is_some() {
            recipe.data_dir.clone_from(data_dir);
        }
        found.check(options, found.model.meta.recipe.batch_size)?;
        let Meta { mut recipe, classes, skip_broken, .. } = found.model.meta.clone();
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
                found.file.display(),
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
        let network = found.network(options, control, report)?;
        let prepare = network.prepare(flips);
        Ok(Self { network, images, prepare, split: *split })
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
        let LoadedNetwork { net, recipe, worker, .. } = &self.network;
        walk(net, &self.images, &self.prepare, recipe.batch_size, worker, each)
    }

    /// Loss and accuracy over the split, and within each class.
    pub(super) fn evaluate(&self, control: &mut Control, report: &mut Report) -> Result<Evaluation, Failure> {
        let (images, classes) = (&self.images, self.network.classes.len());
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
