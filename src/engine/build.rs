//! What every command that needs a network begins with: the recipe is checked, the network made.

use candle_core::Device;

use crate::engine::failure::Failure;
use crate::engine::report::Report;
use crate::model::{Arithmetic, DenseNet};
use crate::protocol::{Event, Options};
use crate::recipe::Recipe;

/// A network for `recipe` on `device`, freshly drawn.
pub(super) fn new_net(
    recipe: &Recipe,
    classes: usize,
    device: &Device,
    requested: Arithmetic,
) -> Result<DenseNet, Failure> {
    let net = DenseNet::new(&recipe.arch(classes), recipe.init, recipe.seed, device)?;
    let net = net.with_dropout_places(recipe.dropout_places).with_precision(recipe.precision);
    Ok(placed(net.with_arithmetic(requested)))
}

/// The network; in tests of a GPU's kernels, one that they compute on the host.
pub(super) fn placed(net: DenseNet) -> DenseNet {
    #[cfg(all(test, any(feature = "cuda", feature = "host-kernels")))]
    let net = crate::engine::trainer::tests::placed(net);
    net
}

/// The implementation that `options` request.
pub(super) fn requested(options: &Options) -> Arithmetic {
    if options.reference { Arithmetic::Reference } else { Arithmetic::Fast }
}

/// The warning where the fast version is requested and `net` has none.
pub(super) fn no_fast_path(net: &DenseNet, requested: Arithmetic) -> Option<Event> {
    let what = net.without_fast().filter(|_| requested == Arithmetic::Fast)?;
    let message = format!("{what} has no fast version; candle's layers are used.");
    Some(Event::Warning { message })
}

/// Warns where the fast version is requested and `net` has none.
pub(super) fn warn_no_fast_path(net: &DenseNet, requested: Arithmetic, report: &mut Report) {
    if let Some(warning) = no_fast_path(net, requested) {
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
