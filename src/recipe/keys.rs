//! The keys of a recipe: one row each, from which the options, the form and the documentation are made.

use std::borrow::Cow;
use std::str::FromStr;

use serde::Serialize;
use toml::{Table, Value};

use crate::arch::words::{Connectivity, DropoutPlaces, Init, Precision, StemKind};
use crate::recipe::choices::{Augment, ClassWeights, DropCounting, Normalization, Optimizer, Pad, Stem};
use crate::recipe::datasets::DATASETS;
use crate::recipe::{Freeze, Recipe, Schedule, Width};

/// A key of a recipe.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its part of the form.
    pub group: &'static str,
    /// Its name in files; that of its option has `-` for `_`.
    pub name: &'static str,
    /// The placeholder of its value in `--help`.
    pub value_name: &'static str,
    /// What its value counts, or its range.
    pub unit: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// Its default, where a recipe does not say it.
    pub default: &'static str,
    help: &'static str,
}

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A whole number from 0 up to this.
    Whole(i64),
    /// Whole numbers.
    List,
    /// A number.
    Real,
    /// Yes or no, with the help of the option for no.
    Switch(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Whatever this function parses.
    Text(fn(&str) -> Result<Value, String>),
    /// A file or a directory.
    Path,
    /// A data set.
    Data,
}

impl Key {
    /// Its description, in a clause.
    pub fn help(&self) -> Cow<'static, str> {
        let Kind::Data = self.kind else { return self.help.into() };
        let built_in = |set: &bool| if *set { " (built in)" } else { "" };
        let words = DATASETS.iter().map(|set| set.usage() + built_in(&set.built_in));
        format!("{}: {}", self.help, either(words)).into()
    }

    /// Its values, where they are few.
    pub const fn choices(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Switch(_) => &["yes", "no"],
            Kind::Word(words) => words,
            _ => &[],
        }
    }
}

/// The largest number of an option.
const MOST: i64 = u32::MAX as i64;

/// Every key. Those that follow one implementation or another come last: they have no option and are not in the form.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("network", "layers", "LIST", "per block", Kind::List, "", "dense layers in each dense block, as in 16,16,16"),
    key("network", "growth_rate", "K", "maps", Kind::Whole(MOST), "", "feature maps that each dense layer adds (k)"),
    key("network", "bottleneck", "", "", Kind::Switch("No bottleneck"), "", "1x1 convolution to 4k channels before each 3x3 (DenseNet-B)"),
    key("network", "compression", "THETA", "0..1", Kind::Real, "", "share of channels that a transition keeps (theta; DenseNet-C below 1)"),
    key("network", "stem", "auto|N", "channels", Kind::Text(read::<Stem>), "", "channels of the first convolution; auto: 2k with bottleneck, else 16"),
    key("network", "connectivity", "WORD", "", Kind::Word(Connectivity::WORDS), "", "what a layer reads: all before it, or the last one, and adds to it (residual) or not (plain)"),
    key("network", "width", "auto|N", "maps", Kind::Text(read::<Width>), "", "maps of a layer of the first block of a residual or plain network, which transitions double; auto: the most that the dense network's parameters allow"),
    key("network", "dropout", "RATE", "0..1", Kind::Real, "", "share of a convolution's outputs set to 0 in training"),
    key("network", "weights", "FILE", "file or name", Kind::Path, "drawn", "weights to start from, fine-tuned where nothing else is said: a .pth file, safetensors, a checkpoint, or densenet121, 161, 169 or 201 once fetched"),
    key("data", "data", "DATA", "", Kind::Data, "", "images"),
    key("data", "data_dir", "DIR", "path", Kind::Path, "", "parent of the data folder, or the folder itself"),
    key("data", "input_size", "PIXELS", "pixels", Kind::Whole(MOST), "", "height and width of what the network sees of an image"),
    key("data", "augment", "AUGMENT", "", Kind::Word(Augment::WORDS), "", "random crops and flips of the training images"),
    key("data", "resize", "PIXELS", "pixels", Kind::Whole(MOST), "`input_size`; 256 for 224 with `augment` = imagenet", "what the shorter side becomes before the middle is evaluated"),
    key("data", "crop_scale", "SHARE", "0..1", Kind::Real, "", "smallest share of an image in a random crop of imagenet"),
    key("data", "validation", "N", "images", Kind::Whole(MOST), "5000 for CIFAR, 6000 for SVHN, else 10 %", "training images kept for validation"),
    key("data", "train_limit", "N", "images", Kind::Whole(MOST), "all", "training images used, of those that validation left"),
    key("optimisation", "batch_size", "N", "images", Kind::Whole(MOST), "", "images in a step"),
    key("optimisation", "optimizer", "OPTIMIZER", "", Kind::Word(Optimizer::WORDS), "", "rule that turns gradients into weights"),
    key("optimisation", "lr", "RATE", "above 0", Kind::Real, "0.1; 0.001 for adam and adamw", "initial learning rate, before the schedule"),
    key("optimisation", "momentum", "MU", "0..1", Kind::Real, "", "momentum of SGD"),
    key("optimisation", "nesterov", "", "", Kind::Switch("Plain momentum"), "", "Nesterov's momentum"),
    key("optimisation", "weight_decay", "RATE", "0 or more", Kind::Real, "", "weight decay, on every parameter"),
    key("optimisation", "label_smoothing", "SHARE", "0..1", Kind::Real, "", "share of the target spread over all classes"),
    key("optimisation", "class_weights", "WEIGHTS", "", Kind::Word(ClassWeights::WORDS), "", "weights of the classes in the loss; balanced: each class as much as any other"),
    key("optimisation", "freeze", "PART", "none, features, block1, ...", Kind::Text(read::<Freeze>), "", "beginning of the network that is not trained: features (all but the classifier), or up to a block"),
    key("optimisation", "freeze_epochs", "N", "epochs", Kind::Whole(MOST), "", "epochs for which it is frozen; 0: all"),
    key("optimisation", "head_lr", "FACTOR", "above 0", Kind::Real, "", "what the classifier's learning rate is multiplied by"),
    key("schedule", "epochs", "N", "epochs", Kind::Whole(MOST), "", "passes over the training images"),
    key("schedule", "schedule", "SCHEDULE", "", Kind::Text(read::<Schedule>), "", "learning rate: step, step:LIST (epochs or percents), cosine or constant"),
    key("schedule", "warmup", "EPOCHS", "epochs", Kind::Real, "", "epochs over which the learning rate rises from 0"),
    key("schedule", "steps", "N", "steps", Kind::Whole(MOST), "all epochs", "end after so many steps in all"),
    key("run", "seed", "N", "whole", Kind::Whole(i64::MAX), "", "seed of every random draw"),
    key("run", "precision", "TYPE", "", Kind::Word(Precision::WORDS), "f32", "type of products on a CUDA GPU (f32 elsewhere and in sums)"),
    key("details", "stem_kind", "", "", Kind::Word(StemKind::WORDS), "", "first convolution: 3x3, or 7x7 of stride 2 and a max pool"),
    key("details", "dropout_places", "", "", Kind::Word(DropoutPlaces::WORDS), "", "convolutions that dropout follows: all but the first, or the last of each dense layer"),
    key("details", "init", "", "", Kind::Word(Init::WORDS), "", "fan of the convolutions' initial standard deviation"),
    key("details", "pad", "", "", Kind::Word(Pad::WORDS), "", "padding of a crop outside the image: the mean colour, or black"),
    key("details", "normalization", "", "", Kind::Word(Normalization::WORDS), "dataset; imagenet with `weights`", "pixels of mean 0 and standard deviation 1 (of the images, or of ImageNet), or from 0 to 1"),
    key("details", "drop_counting", "", "", Kind::Word(DropCounting::WORDS), "", "a drop at epoch E comes after E epochs, or after E - 1"),
];

const fn key(
    group: &'static str,
    name: &'static str,
    value_name: &'static str,
    unit: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> Key {
    Key { group, name, value_name, unit, kind, default, help }
}

/// The keys that have an option and are in the form.
pub const FORM: &[Key] = KEYS.split_at(KEYS.len() - 6).0;

/// The key of a name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Words as in `a, b or c`.
pub fn either(words: impl IntoIterator<Item = impl Into<String>>) -> String {
    let mut words: Vec<String> = words.into_iter().map(Into::into).collect();
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) }
}

fn read<T: FromStr<Err = String> + Serialize>(word: &str) -> Result<Value, String> {
    Value::try_from(word.parse::<T>()?).map_err(|error| error.to_string())
}

/// A value as people type it.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
        Value::Boolean(yes) => if *yes { "yes" } else { "no" }.into(),
        other => other.to_string(),
    }
}

impl Recipe {
    /// The keys that have a value, with their values.
    pub fn to_table(&self) -> Table {
        Table::try_from(self).unwrap_or_default()
    }

    /// The value of a key as people type it, if it has one.
    pub fn text(&self, key: &str) -> Option<String> {
        self.to_table().get(key).map(text_of)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write;

    use super::*;
    use crate::recipe::Data;

    #[test]
    fn every_key_of_a_recipe_has_one_row() {
        let mut recipe = Recipe { steps: Some(1), train_limit: Some(1), ..Recipe::defaults(Data::Cifar10) };
        (recipe.validation, recipe.data_dir) = (Some(1), Some("x".into()));
        (recipe.resize, recipe.weights) = (Some(1), Some("x".into()));
        let names: BTreeSet<String> = recipe.to_table().keys().cloned().collect();
        assert_eq!(KEYS.iter().map(|key| key.name.to_owned()).collect::<BTreeSet<_>>(), names);
        assert_eq!(KEYS.len(), names.len());
        assert!(FORM.iter().all(|key| key.group != "details"));
        assert!(KEYS[FORM.len()..].iter().all(|key| key.group == "details"));
    }

    #[test]
    fn every_choice_of_a_key_is_one_that_a_recipe_takes() {
        for key in KEYS {
            let Kind::Word(words) = key.kind else { continue };
            let mut table = Recipe::defaults(Data::Shapes).to_table();
            for word in words {
                table.insert(key.name.into(), Value::from(*word));
                assert_eq!(
                    table.clone().try_into::<Recipe>().unwrap().text(key.name).as_deref(),
                    Some(*word)
                );
            }
        }
    }

    #[test]
    fn the_documentation_has_the_table_of_keys() {
        let recipe = Recipe::defaults(Data::Cifar10);
        let mut table = String::from("| key | value | default | |\n|---|---|---|---|\n");
        for key in KEYS {
            // As files have it, not the form.
            let switch = matches!(key.kind, Kind::Switch(_));
            let value = match if switch { &["true", "false"] } else { key.choices() } {
                [] => key.unit.to_owned(),
                choices => choices.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            };
            let default = match (recipe.text(key.name), key.default) {
                (Some(text), "") if switch => format!("`{}`", text == "yes"),
                (Some(text), "") => format!("`{text}`"),
                (_, note) => note.to_owned(),
            };
            let help = key.help().replace('|', "\\|");
            writeln!(table, "| `{}` | {value} | {default} | {help} |", key.name).unwrap();
        }
        let table = table.replace("|  |", "| |").replace("|  |", "| |");
        let docs = include_str!("../../docs/recipes.md");
        assert!(docs.contains(&table), "docs/recipes.md lacks\n{table}");
    }
}
