//! The first weights of a run, where its recipe names a file of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use candle_core::Tensor;

use crate::engine::control::Control;
use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::model::DenseNet;
use crate::protocol::event::Origin;
use crate::recipe::layered::text;
use crate::recipe::{Recipe, published};
use crate::weights::fit::{Fit, fit};
use crate::weights::{self, Weights, place};

/// A file of weights, read whole before the images are.
pub(super) struct FirstWeights {
    path: PathBuf,
    weights: Weights,
}

/// Reads the file that `recipe` names, if it does, and keeps its absolute path there. What does not fit the network is
/// refused, as far as that is known without the classes.
pub(super) fn read(
    recipe: &mut Recipe,
    control: &mut Control,
    report: &mut Report,
) -> Result<Option<FirstWeights>, Failure> {
    let Some(named) = &recipe.weights else { return Ok(None) };
    let path = place::file(named).map_err(Failure::Input)?;
    let path = std::path::absolute(&path).unwrap_or(path);
    if published::of_path(named).is_none() {
        text(&path).map_err(|clause| Failure::Input(format!("{clause}.")))?;
        recipe.weights = Some(path.clone());
    }
    let file = path.clone();
    let weights = control.attended(report, move || Weights::read(&file))?.map_err(Failure::Input)?;
    let first = FirstWeights { path, weights };
    first.fit(recipe, recipe.data.classes())?;
    Ok(Some(first))
}

impl FirstWeights {
    /// Gives `net`, the network of `recipe`, its weights and running statistics; a classifier of other classes stays out.
    pub(super) fn give(self, net: &DenseNet, recipe: &Recipe) -> Result<Origin, Failure> {
        let Fit { layers, other_classes } = self.fit(recipe, Some(net.plan().classes()))?;
        let tensors = net.tensors().map(|(name, drawn)| {
            if other_classes.is_some() && name.starts_with("classifier.") {
                return Ok((name.to_owned(), drawn.copy()?));
            }
            let numbers = self.weights.numbers(name).map_err(|clause| self.unusable(&clause))?;
            Ok((name.to_owned(), Tensor::from_vec(numbers, drawn.shape(), net.device())?))
        });
        let tensors: BTreeMap<String, Tensor> = tensors.collect::<Result<_, Failure>>()?;
        net.load(&tensors).map_err(|clause| self.unusable(&clause))?;
        Ok(Origin { path: self.path, sha256: self.weights.sha256, layers, other_classes })
    }

    fn fit(&self, recipe: &Recipe, classes: Option<usize>) -> Result<Fit, Failure> {
        fit(self.weights.header(), recipe, classes).map_err(|clause| self.unusable(&clause))
    }

    fn unusable(&self, clause: &str) -> Failure {
        Failure::Input(weights::sentence(&self.path, clause))
    }
}
