//! What every command that needs a network begins with: the recipe is checked, the network made.

use candle_core::Device;

use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::model::{DenseNet, Implementation};
use crate::ops::loss::Loss;
use crate::protocol::{Event, Options};
use crate::recipe::{ClassWeights, Recipe};

/// A network for `recipe` on `device`, freshly drawn.
pub(super) fn new_net(
    recipe: &Recipe,
    classes: usize,
    device: &Device,
    requested: Implementation,
) -> Result<DenseNet, Failure> {
    let net = DenseNet::new(&recipe.arch(classes), recipe.init, recipe.seed, device)?;
    let net = net.with_dropout_places(recipe.dropout_places).with_precision(recipe.precision);
    let net = net.with_parts(recipe.trains_in_parts());
    Ok(placed(net.with_implementation(requested)))
}

/// The network; in tests of a GPU's kernels, one that they compute on the host.
pub(super) fn placed(net: DenseNet) -> DenseNet {
    #[cfg(all(test, any(feature = "cuda", feature = "host-kernels")))]
    let net = crate::engine::trainer::tests::placed(net);
    net
}

/// The implementation that `options` request.
pub(super) fn requested(options: &Options) -> Implementation {
    if options.reference { Implementation::Reference } else { Implementation::Fused }
}

/// The warning where the fused version is requested and `net` has none.
pub(super) fn no_fused_version(net: &DenseNet, requested: Implementation) -> Option<Event> {
    let what = net.no_fused_version().filter(|_| requested == Implementation::Fused)?;
    let message = format!("{what} has no fused version; candle's layers are used.");
    Some(Event::Warning { message })
}

/// Warns where the fused version is requested and `net` has none.
pub(super) fn warn_no_fused_version(net: &DenseNet, requested: Implementation, report: &mut Report) {
    if let Some(warning) = no_fused_version(net, requested) {
        report.emit(warning);
    }
}

/// The problems of a recipe as one failure.
pub(super) fn check(recipe: &Recipe) -> Result<(), Failure> {
    recipe.validate().map_err(|problems| {
        let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::Input(sentences.join(" "))
    })
}

/// The loss of a recipe for training images, `counts` of each class. Balanced, each class weighs as much as any other:
/// `images / (classes · images of the class)`, whose mean over the images is 1.
pub(super) fn loss_of(recipe: &Recipe, counts: &[usize]) -> Loss {
    let (images, classes) = (counts.iter().sum::<usize>() as f32, counts.len() as f32);
    let weight = |&count: &usize| images / (classes * count.max(1) as f32);
    let class_weights = match recipe.class_weights {
        ClassWeights::None => Vec::new(),
        ClassWeights::Balanced => counts.iter().map(weight).collect(),
    };
    Loss { smoothing: recipe.label_smoothing, class_weights }
}
