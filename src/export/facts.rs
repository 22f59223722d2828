//! What travels with a model, as keys and texts: classes, what is done with the pixels, and where it comes from.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::format::hex;
use crate::protocol::question::Around;
use crate::recipe::{Data, Normalization, Recipe};
use crate::store::checkpoint::Meta;

/// How a picture becomes what the network sees, besides the normalisation.
pub const INTERPOLATION: &str = "bilinear";

/// The program and its version.
pub const VERSION: &str = concat!("densenet-tui ", env!("CARGO_PKG_VERSION"));

/// The entries that both formats have, in their order. Values that are not texts are JSON.
pub fn facts(meta: &Meta) -> Vec<(&'static str, String)> {
    let recipe = shipped(&meta.recipe);
    let [mean, std] = normalisation(meta);
    let side = recipe.input_size;
    vec![
        ("architecture", architecture(meta).to_string()),
        ("class_names", json!(meta.classes).to_string()),
        ("input_size", json!([3, side, side]).to_string()),
        ("resize", recipe.resized().to_string()),
        ("crop", "center".into()),
        ("interpolation", INTERPOLATION.into()),
        ("mean", json!(mean).to_string()),
        ("std", json!(std).to_string()),
        ("run", meta.run.clone()),
        ("figures", figures(meta).to_string()),
        ("data", recipe.data.to_string()),
        ("data_fingerprints", json!(meta.fingerprints).to_string()),
        ("recipe_sha256", digest(&recipe)),
        ("version", VERSION.into()),
    ]
}

/// The entries that an ONNX file has besides.
pub(super) fn of_onnx(meta: &Meta, around: Around) -> Vec<(&'static str, String)> {
    let range = if around.raw {
        Some("NominalRange_0_255")
    } else {
        // Any other normalisation has no name there.
        (meta.recipe.normalization == Normalization::Unit).then_some("Normalized_0_1")
    };
    let input = if around.raw { "pixels from 0 to 255" } else { "(pixels / 255 - mean) / std" };
    let mut facts = vec![
        ("names", python_names(&meta.classes)),
        ("input", input.into()),
        ("output", around.output().into()),
        ("Image.BitmapPixelFormat", "Rgb8".into()),
        ("Image.ColorSpaceGamma", "SRGB".into()),
    ];
    facts.extend(range.map(|range| ("Image.NominalPixelRange", range.to_owned())));
    facts
}

/// Mean and deviation that pixels from 0 to 1 are normalised by.
pub(super) fn normalisation(meta: &Meta) -> [[f64; 3]; 2] {
    meta.recipe.normalization.by(meta.moments).map(|numbers| numbers.map(|number| number / 255.0))
}

/// The network in the words of a recipe.
pub(super) fn architecture(meta: &Meta) -> serde_json::Value {
    let arch = meta.recipe.arch(meta.classes.len());
    json!({
        "family": "DenseNet",
        "layers": arch.layers,
        "growth_rate": arch.growth_rate,
        "bottleneck": arch.bottleneck,
        "compression": arch.compression,
        "stem": arch.stem,
        "stem_kind": arch.stem_kind,
        "classes": arch.classes,
        "input_size": arch.input_size,
    })
}

/// What the run knows of these weights: where in it they are from, and its figures then.
fn figures(meta: &Meta) -> serde_json::Value {
    let progress = &meta.progress;
    json!({
        "step": progress.step,
        "epochs": progress.closed_epochs,
        "best": progress.best,
        "test": progress.test,
    })
}

/// The recipe without what is only true of the machine that it was trained on: of a path, its last part is left.
pub(super) fn shipped(recipe: &Recipe) -> Recipe {
    let mut recipe = Recipe { data_dir: None, ..recipe.clone() };
    let last = |path: &Path| path.file_name().map_or_else(|| path.to_owned(), PathBuf::from);
    match &mut recipe.data {
        Data::Folder(path) | Data::Npz(path) => *path = last(path),
        Data::Cifar10 | Data::Cifar100 | Data::Svhn | Data::Shapes => {}
    }
    recipe.weights = recipe.weights.as_deref().map(last);
    recipe
}

/// SHA-256 of a shipped recipe's TOML.
fn digest(recipe: &Recipe) -> String {
    hex(&Sha256::digest(recipe.to_toml().unwrap_or_default()))
}

/// The classes as ultralytics writes them: a dictionary in Python's words.
fn python_names(classes: &[String]) -> String {
    let names: Vec<String> =
        classes.iter().enumerate().map(|(index, name)| format!("{index}: {}", python_text(name))).collect();
    format!("{{{}}}", names.join(", "))
}

/// A text as Python reads it.
pub(super) fn python_text(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => _ = write!(quoted, "\\u{:04x}", c as u32),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checkpoint::example;

    fn fact(meta: &Meta, key: &str) -> String {
        facts(meta).into_iter().find(|(name, _)| *name == key).unwrap().1
    }

    #[test]
    fn names_are_a_dictionary_that_python_reads_whatever_is_in_them() {
        let classes = ["cat", "don't", "a\\b\n", "bär"].map(String::from);
        assert_eq!(python_names(&classes), r"{0: 'cat', 1: 'don\'t', 2: 'a\\b\u000a', 3: 'bär'}");
    }

    #[test]
    fn mean_and_deviation_are_those_of_pixels_from_0_to_1_that_the_recipe_normalises_by() {
        let mut meta = example(7).meta;
        meta.moments = [[51.0, 102.0, 153.0], [25.5, 0.0, 255.0]];
        meta.recipe.normalization = Normalization::Dataset;
        assert_eq!(fact(&meta, "mean"), "[0.2,0.4,0.6]");
        // A constant channel is divided by 1 of 255.
        assert_eq!(fact(&meta, "std"), format!("[0.1,{},1.0]", 1.0 / 255.0));
        meta.recipe.normalization = Normalization::Unit;
        assert_eq!([fact(&meta, "mean"), fact(&meta, "std")], ["[0.0,0.0,0.0]", "[1.0,1.0,1.0]"]);
    }

    #[test]
    fn the_range_of_the_pixels_is_said_where_it_has_a_name() {
        let range = |normalization, raw| {
            let mut meta = example(7).meta;
            meta.recipe.normalization = normalization;
            let facts = of_onnx(&meta, Around { raw, softmax: false });
            facts.into_iter().find(|(key, _)| *key == "Image.NominalPixelRange").map(|(_, range)| range)
        };
        assert_eq!(range(Normalization::Dataset, true).as_deref(), Some("NominalRange_0_255"));
        assert_eq!(range(Normalization::Unit, false).as_deref(), Some("Normalized_0_1"));
        assert_eq!(range(Normalization::Dataset, false), None);
    }

    #[test]
    fn a_recipe_is_shipped_without_the_folders_of_the_machine_and_its_digest_does_not_know_them() {
        let mut meta = example(7).meta;
        meta.recipe.data = Data::Folder("/home/somebody/photos".into());
        meta.recipe.data_dir = Some("/home/somebody".into());
        assert_eq!(fact(&meta, "data"), "folder:photos");
        let here = fact(&meta, "recipe_sha256");
        meta.recipe.data = Data::Folder("/data/photos".into());
        meta.recipe.data_dir = None;
        assert_eq!(fact(&meta, "recipe_sha256"), here);
        meta.recipe.seed += 1;
        assert_ne!(fact(&meta, "recipe_sha256"), here);
        assert!(facts(&meta).iter().all(|(_, value)| !value.contains("/data")));
    }
}
