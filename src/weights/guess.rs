//! The network that a file of weights belongs to, by its names and shapes.

use crate::arch::words::StemKind;
use crate::recipe::layered::preset_table;
use crate::recipe::presets::PRESETS;
use crate::recipe::{Data, Recipe, Stem};
use crate::weights::Header;

/// Height of the 7x7 stem's kernel.
const LARGE: usize = 7;
/// A size of images that every number of blocks in use divides.
const SIDE: usize = 224;

/// The options for the network that a file belongs to, as in `--preset densenet161`; none where there is no network that
/// has its tensors.
pub(super) fn options(header: &Header) -> Option<String> {
    let guess = recipe(header)?;
    let classes = header.shape("classifier.weight")?.first().copied()?;
    let fits = |recipe: &Recipe| {
        let tensors = recipe.arch(classes).plan().ok()?.tensors();
        let all = tensors.iter().map(|(name, shape)| (name.as_str(), shape.as_slice()));
        (tensors.len() == header.names().count() && header.has(all)).then_some(())
    };
    fits(&guess)?;
    let preset = PRESETS.iter().find(|preset| {
        let mut table = Recipe::defaults(Data::Shapes).to_table();
        table.extend(preset_table(preset));
        table.try_into::<Recipe>().is_ok_and(|recipe| fits(&Recipe { input_size: SIDE, ..recipe }).is_some())
    });
    if let Some(preset) = preset {
        return Some(format!("--preset {}", preset.name));
    }
    let layers: Vec<String> = guess.layers.iter().map(ToString::to_string).collect();
    let bottleneck = if guess.bottleneck { "--bottleneck" } else { "--no-bottleneck" };
    Some(format!(
        "--layers {} --growth-rate {} {bottleneck} --compression {} --stem {} --set stem_kind={}",
        layers.join(","),
        guess.growth_rate,
        guess.compression,
        guess.stem,
        guess.stem_kind,
    ))
}

/// The recipe whose network a file may belong to.
fn recipe(header: &Header) -> Option<Recipe> {
    let convolution =
        |name: &str| header.shape(&format!("features.{name}.weight")).filter(|shape| shape.len() == 4);
    let stem = convolution("conv0")?;
    let layer = |block: usize, layer: usize, conv: usize| {
        convolution(&format!("denseblock{block}.denselayer{layer}.conv{conv}"))
    };
    let most = header.names().count();
    let count = |block: usize| (1..=most).take_while(|at| layer(block, *at, 1).is_some()).count();
    let layers: Vec<usize> = (1..=most).map(count).take_while(|layers| *layers > 0).collect();
    let bottleneck = layer(1, 1, 2).is_some();
    let growth_rate = layer(1, 1, if bottleneck { 2 } else { 1 })?[0];
    // Of what a transition keeps, the simplest share that explains it.
    let compression = convolution("transition1.conv").map_or(0.5, |shape| {
        let (kept, of) = (shape[0], shape[1]);
        let explains = |share: &f64| (of as f64 * share).floor() as usize == kept;
        [0.5, 1.0].into_iter().find(explains).unwrap_or(kept as f64 / of as f64)
    });
    Some(Recipe {
        layers,
        growth_rate,
        bottleneck,
        compression,
        stem: Stem::Channels(stem[0]),
        stem_kind: if stem[2] == LARGE { StemKind::Imagenet } else { StemKind::Cifar },
        input_size: SIDE,
        ..Recipe::defaults(Data::Folder("x".into()))
    })
}
