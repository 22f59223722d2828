//! A recipe from layers of configuration: defaults < config file < recipe file < preset < flags.
//!
//! Each layer is a table of a recipe's keys; a later layer wins key by key, and what none of them says is left to the
//! defaults that go with the data, the stem and given weights. `depth` and `preset` are
//! shorthands that turn into the network's own keys here.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::arch::words::StemKind;
use crate::recipe::datasets::{FOLDER, NPZ};
use crate::recipe::defaults::Basis;
use crate::recipe::presets::{self, Preset};
use crate::recipe::published;
use crate::recipe::{Data, Optimizer, Recipe};

/// Characters of a file that a sentence repeats at most.
const LONGEST_EXCERPT: usize = 200;

/// A table of recipe keys and the name of where it came from, for messages.
#[derive(Clone, Debug)]
pub struct ConfigLayer {
    /// The file, or "the command line".
    pub source: String,
    /// Keys and values.
    pub table: Table,
}

/// Why a recipe could not be put together: a sentence with the source in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}: {sentence}")]
pub struct LayerError {
    /// The file, or "the command line".
    pub source_name: String,
    /// What is wrong.
    pub sentence: String,
}

impl ConfigLayer {
    /// A layer from the text of a TOML file.
    pub fn parse(source: impl Into<String>, text: &str) -> Result<Self, LayerError> {
        let source = source.into();
        match text.parse::<Table>() {
            Ok(table) => Ok(Self { source, table }),
            Err(error) => {
                let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
                let message = error.message().lines().collect::<Vec<_>>().join(", ");
                let sentence = format!("line {line}: {}.", excerpt(&message));
                Err(LayerError { source_name: source, sentence })
            }
        }
    }

    /// Replaces every path in it by the result of `settle`, whose error is a clause. A relative path
    /// of images stays so beside a `data_dir`, since it is looked for in there; so does the name of published weights.
    pub fn settle_paths(
        &mut self,
        settle: &dyn Fn(&Path) -> Result<PathBuf, String>,
    ) -> Result<(), LayerError> {
        for (key, before) in [("data_dir", ""), ("weights", ""), ("data", FOLDER.word), ("data", NPZ.word)] {
            let Some(Value::String(word)) = self.table.get(key) else { continue };
            let Some(path) = word.strip_prefix(before).filter(|path| !path.is_empty()) else { continue };
            let looked_for = key == "data" && self.table.contains_key("data_dir");
            if looked_for && Path::new(path).is_relative() && !path.starts_with('~') {
                continue;
            }
            if key == "weights" && published::find(path).is_some() {
                continue;
            }
            let settled = settle(Path::new(path)).and_then(|path| text(&path).map(str::to_owned));
            let settled = settled.map_err(|clause| self.error(format!("`{key}`: {clause}.")))?;
            self.table.insert(key.to_owned(), Value::String(format!("{before}{settled}")));
        }
        Ok(())
    }

    fn error(&self, sentence: impl Into<String>) -> LayerError {
        LayerError { source_name: self.source.clone(), sentence: sentence.into() }
    }
}

/// The keys that `preset` stands for.
pub fn preset_table(preset: &Preset) -> Table {
    let layers = preset.layers.iter().map(|&layers| Value::Integer(layers as i64));
    Table::from_iter([
        ("layers".to_owned(), Value::Array(layers.collect())),
        ("growth_rate".to_owned(), Value::Integer(preset.growth_rate as i64)),
        ("bottleneck".to_owned(), Value::Boolean(preset.bc)),
        ("compression".to_owned(), Value::Float(preset.compression())),
        ("stem".to_owned(), Value::String("auto".into())),
        ("stem_kind".to_owned(), Value::String(preset.stem_kind.word().into())),
    ])
}

/// The recipe that `layers`, weakest first, make. Types are checked, ranges are not
/// (see [`Recipe::validate`]).
pub fn resolve(layers: &[ConfigLayer]) -> Result<Recipe, LayerError> {
    let mut merged = Table::new();
    let mut depth: Option<(&ConfigLayer, usize)> = None;
    for layer in layers {
        if layer.table.contains_key("layers") && layer.table.contains_key("depth") {
            return Err(layer.error("give `layers` or `depth`, not both."));
        }
        for (key, value) in &layer.table {
            if key == "depth" {
                depth = Some((layer, whole(value).map_err(|sentence| layer.error(sentence))?));
                continue;
            }
            if key == "layers" {
                depth = None;
            }
            check(key, value).map_err(|sentence| layer.error(sentence))?;
            merged.insert(key.clone(), value.clone());
        }
    }
    let rate_is_given = merged.contains_key("lr");
    let weights = merged.contains_key("weights");
    let internal = |error: &dyn std::fmt::Display| LayerError {
        source_name: "the recipe".into(),
        sentence: format!("its parts do not fit together ({error})."),
    };
    let data = match merged.get("data") {
        Some(Value::String(word)) => word.parse().map_err(|error: String| internal(&error))?,
        _ => Data::Shapes,
    };
    let stem_kind = match merged.get("stem_kind") {
        Some(Value::String(word)) => word.parse().map_err(|error: String| internal(&error))?,
        _ => StemKind::Cifar,
    };
    let mut table = Recipe::defaults_on(data, Basis { stem_kind, weights }).to_table();
    table.extend(merged);
    let mut recipe: Recipe = table.try_into().map_err(|error: toml::de::Error| internal(&error.message()))?;
    if let Some((layer, depth)) = depth {
        recipe.layers = presets::layers_of_depth(depth, recipe.bottleneck)
            .map_err(|sentence| layer.error(format!("`depth`: {sentence}")))?;
    }
    if !rate_is_given && recipe.optimizer != Optimizer::Sgd {
        let rate = if weights { Optimizer::fine_tuning_lr } else { Optimizer::default_lr };
        recipe.lr = rate(recipe.optimizer);
    }
    Ok(recipe)
}

fn whole(value: &Value) -> Result<usize, String> {
    let number = value.as_integer().and_then(|depth| usize::try_from(depth).ok());
    number.ok_or_else(|| format!("`depth` = {}: it must be a whole number.", excerpt(&value.to_string())))
}

/// Tries one key on a good recipe, so that a message can name the key.
pub(crate) fn check(key: &str, value: &Value) -> Result<(), String> {
    let mut probe = Recipe::defaults(Data::Shapes).to_table();
    probe.insert(key.to_owned(), value.clone());
    let Err(error) = probe.try_into::<Recipe>() else {
        return Ok(());
    };
    let first = error.message().lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
    if first.starts_with("unknown field") {
        let key = excerpt(key);
        return Err(format!("`{key}` is no key of a recipe; `densenet-tui summary --json` prints them all."));
    }
    Err(format!("`{key}` = {}: {}.", excerpt(&value.to_string()), excerpt(&first)))
}

/// As much of `text`, which a file may have made long, as belongs in a sentence.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// `path` as the text that recipes, journals and JSON hold; the error is a clause that says what to do.
pub fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| {
        format!(
            "{}: recipes and journals are text, and this path is not UTF-8; rename it, or give a link to it whose path is",
            path.display()
        )
    })
}

impl Recipe {
    /// The recipe of a TOML text that holds every key (a run's own recipe).
    pub fn from_toml(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// The recipe as a TOML text with every key; the error is a clause about a path that is no text.
    pub fn to_toml(&self) -> Result<String, String> {
        // Its word would be another path.
        self.data.path().map_or(Ok(""), |path| text(path))?;
        self.data_dir.as_deref().map_or(Ok(""), text)?;
        self.weights.as_deref().map_or(Ok(""), text)?;
        toml::to_string(self).map_err(|error| error.to_string())
    }

    /// Makes the paths in it absolute, from the directory where the process is, where that is text.
    pub fn anchor_paths(&mut self) {
        let anchor = |path: &mut PathBuf| {
            if let Some(absolute) = std::path::absolute(&*path).ok().filter(|path| path.to_str().is_some()) {
                *path = absolute;
            }
        };
        if let Some(path) = self.weights.as_mut().filter(|path| published::of_path(path).is_none()) {
            anchor(path);
        }
        match (&mut self.data_dir, self.data.path_mut()) {
            // A relative path is looked for in there.
            (Some(dir), _) => anchor(dir),
            (None, Some(path)) => anchor(path),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::words::Precision;
    use crate::recipe::{Augment, Normalization};

    fn layer(source: &str, text: &str) -> ConfigLayer {
        ConfigLayer::parse(source, text).unwrap()
    }

    fn preset(name: &str) -> ConfigLayer {
        ConfigLayer { source: "the preset".into(), table: preset_table(Preset::named(name).unwrap()) }
    }

    #[test]
    fn a_later_layer_wins_key_by_key() {
        let file = layer("a.toml", "data = \"cifar10\"\nepochs = 30\nlr = 0.2\ngrowth_rate = 24");
        let flags = layer("the command line", "lr = 0.05\ngrowth_rate = 16");
        let recipe = resolve(&[file, preset("40-12"), flags]).unwrap();
        assert_eq!((recipe.epochs, recipe.lr, recipe.growth_rate), (30, 0.05, 16));
        assert_eq!((recipe.layers, recipe.bottleneck), (vec![12, 12, 12], false));
    }

    #[test]
    fn a_depth_replaces_the_layers_below_it_and_the_other_way_round() {
        let depth = layer("a", "depth = 40");
        let layers = layer("b", "layers = [2, 3]");
        assert_eq!(resolve(&[layers.clone(), depth.clone()]).unwrap().layers, [6, 6, 6]);
        assert_eq!(resolve(&[depth, layers]).unwrap().layers, [2, 3]);
        let both = resolve(&[layer("c", "depth = 40\nlayers = [2]")]).unwrap_err();
        assert_eq!(both.to_string(), "c: give `layers` or `depth`, not both.");
    }

    #[test]
    fn the_data_chooses_the_defaults_and_the_optimizer_its_learning_rate() {
        assert_eq!(resolve(&[]).unwrap(), Recipe::defaults(Data::Shapes));
        assert_eq!(resolve(&[layer("a", "data = \"cifar10\"")]).unwrap().epochs, 300);
        assert_eq!(resolve(&[layer("a", "optimizer = \"adam\"")]).unwrap().lr, 1e-3);
        assert_eq!(resolve(&[layer("a", "optimizer = \"adam\"\nlr = 0.5")]).unwrap().lr, 0.5);
    }

    #[test]
    fn a_preset_with_the_stem_of_imagenet_brings_its_training_where_nothing_else_is_said() {
        let recipe = resolve(&[layer("a", "data = \"folder:x\""), preset("densenet161")]).unwrap();
        assert_eq!((recipe.layers, recipe.growth_rate), (vec![6, 12, 36, 24], 48));
        assert_eq!((recipe.input_size, recipe.augment, recipe.epochs), (224, Augment::Imagenet, 90));
        let config = layer("config.toml", "epochs = 20\ninput_size = 96");
        let flags = layer("the command line", "augment = \"none\"");
        let recipe = resolve(&[config, preset("densenet121"), flags]).unwrap();
        assert_eq!((recipe.input_size, recipe.augment, recipe.epochs), (96, Augment::None, 20));
        assert_eq!((recipe.batch_size, recipe.validate()), (256, Ok(())));
        let other = resolve(&[preset("densenet121"), preset("bc-40-12")]).unwrap();
        assert_eq!((other.input_size, other.augment), (32, Augment::None));
    }

    #[test]
    fn given_weights_are_fine_tuned_where_nothing_else_is_said() {
        let weights = layer("a", "weights = \"x.pth\"");
        let recipe = resolve(&[preset("densenet121"), weights.clone()]).unwrap();
        assert_eq!((recipe.epochs, recipe.lr, recipe.normalization), (10, 0.01, Normalization::Imagenet));
        let flags = layer("b", "optimizer = \"adamw\"\nnormalization = \"dataset\"");
        let recipe = resolve(&[weights, flags]).unwrap();
        assert_eq!((recipe.lr, recipe.normalization), (1e-4, Normalization::Dataset));
    }

    #[test]
    fn a_wrong_key_type_or_word_is_blamed_on_its_source() {
        let blame =
            |text: &str| resolve(&[layer("a", "epochs = 3"), layer("b.toml", text)]).unwrap_err().to_string();
        assert_eq!(
            blame("epoch = 3"),
            "b.toml: `epoch` is no key of a recipe; `densenet-tui summary --json` prints them all."
        );
        assert_eq!(blame("pad = \"red\""), "b.toml: `pad` = \"red\": `red` is not one of normalised, black.");
        assert!(blame("epochs = \"many\"").starts_with("b.toml: `epochs` = \"many\": invalid type"));
        assert!(blame("data = \"mnist\"").contains("cifar10, cifar100, svhn, folder:PATH, npz:FILE, shapes"));
        assert!(blame(&format!("layers = [{}1.5]", "1, ".repeat(50_000))).len() < 600);
        let syntax = ConfigLayer::parse("c.toml", "epochs = 3\nlr = = 2\n").unwrap_err();
        assert!(syntax.to_string().starts_with("c.toml: line 2: "), "{syntax}");
    }

    #[test]
    fn a_recipe_reads_what_it_writes() {
        for data in [Data::Shapes, Data::Folder("a b/c".into()), Data::Npz("a b/c.npz".into())] {
            let recipe = Recipe { steps: Some(7), precision: Precision::Bf16, ..Recipe::defaults(data) };
            assert_eq!(Recipe::from_toml(&recipe.to_toml().unwrap()), Ok(recipe));
        }
    }

    #[test]
    fn a_recipe_from_before_there_was_a_choice_means_what_it_meant() {
        let recipe = Recipe::defaults(Data::Cifar10);
        let text = recipe.to_toml().unwrap();
        for line in ["precision = \"f32\"\n", "crop_scale = 0.08\n"] {
            let old = text.replace(line, "");
            assert_ne!(old, text);
            assert_eq!(Recipe::from_toml(&old).as_ref(), Ok(&recipe));
        }
        assert_eq!(recipe.resized(), recipe.input_size);
    }
}
