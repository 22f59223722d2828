//! A recipe: everything that determines a run, as plain data.
//!
//! The same recipe, seed, build and instruction set give the same weights, bit for bit. This room
//! knows no tensor, no file and no clock: values, arithmetic and sentences about what is wrong.

mod auto;
pub mod choices;
pub mod datasets;
pub mod defaults;
pub mod freeze;
pub mod jump;
pub mod keys;
pub mod layered;
pub mod presets;
pub mod published;
pub mod schedule;
pub mod width;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::arch::Arch;
use crate::arch::problem::Problem;
use crate::arch::words::{Connectivity, DropoutPlaces, Init, Precision, StemKind};
pub use choices::{Augment, ClassWeights, DropCounting, Normalization, Optimizer, Pad, Stem};
pub use datasets::Data;
pub use freeze::Freeze;
pub use schedule::Schedule;
pub use width::Width;

/// Largest side that images are resized to before their middle is cut out.
const MOST_RESIZED: usize = 8192;

/// Everything that determines a run. Flat, because its keys are the keys of a recipe file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Dense layers in each dense block.
    pub layers: Vec<usize>,
    /// Feature maps that each dense layer adds (*k*).
    pub growth_rate: usize,
    /// Whether each dense layer starts with a 1x1 convolution to 4k channels (DenseNet-B).
    pub bottleneck: bool,
    /// Share of channels that a transition keeps (*θ*; DenseNet-C below 1).
    pub compression: f64,
    /// What a layer reads of those before it. Absent in files from before there was a choice: all.
    #[serde(default)]
    pub connectivity: Connectivity,
    /// Maps of each layer of the first block of a residual or plain network.
    #[serde(default)]
    pub width: Width,
    /// Channels of the first convolution.
    pub stem: Stem,
    /// Shape of the first convolution: 3x3, or the paper's ImageNet stem.
    pub stem_kind: StemKind,
    /// Share of a convolution's outputs that training sets to 0.
    pub dropout: f64,
    /// Which convolutions dropout follows.
    pub dropout_places: DropoutPlaces,
    /// Fan of the convolutions' initial standard deviation.
    pub init: Init,
    /// The file of the first weights, or the name of published ones; absent: all are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,

    /// The images.
    pub data: Data,
    /// Where the data folder is: its parent, or the folder itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Height and width of what the network sees of an image, in pixels.
    pub input_size: usize,
    /// Training images kept for validation; absent: 5,000 for CIFAR, 6,000 for SVHN, 10 % otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<usize>,
    /// Training images used, of those that validation left; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_limit: Option<usize>,
    /// Random crops and flips of the training images.
    pub augment: Augment,
    /// What the shorter side of an image becomes before its middle is evaluated; absent: see [`Recipe::resized`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<usize>,
    /// Smallest share of an image that a random crop of `augment = "imagenet"` shows.
    #[serde(default = "defaults::crop_scale")]
    pub crop_scale: f64,
    /// Padding of a crop outside the image.
    pub pad: Pad,
    /// Normalisation of the pixels.
    pub normalization: Normalization,

    /// Passes over the training images.
    pub epochs: usize,
    /// Ends the run after this many steps in all, without changing the schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Images in a step.
    pub batch_size: usize,
    /// The rule that turns gradients into weights.
    pub optimizer: Optimizer,
    /// Initial learning rate.
    pub lr: f64,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
    /// Weight decay, on every parameter.
    pub weight_decay: f64,
    /// Learning rate over the epochs.
    pub schedule: Schedule,
    /// Whether a drop at epoch E comes after E full epochs, or before epoch number E.
    pub drop_counting: DropCounting,
    /// Epochs over which the learning rate rises from 0.
    pub warmup: f64,
    /// Share of the target probability spread over all classes.
    pub label_smoothing: f64,
    /// Weights of the classes in the loss. Absent in files from before there was a choice: none.
    #[serde(default)]
    pub class_weights: ClassWeights,
    /// The beginning of the network that is not trained.
    #[serde(default)]
    pub freeze: Freeze,
    /// For how many epochs; 0: for all.
    #[serde(default)]
    pub freeze_epochs: usize,
    /// What the classifier's learning rate is multiplied by.
    #[serde(default = "defaults::head_lr")]
    pub head_lr: f64,
    /// Seed of every random draw.
    pub seed: u64,
    /// Arithmetic of products on a CUDA GPU. Absent in files from before there was a choice: f32.
    #[serde(default = "Precision::unsaid")]
    pub precision: Precision,
}

impl Recipe {
    /// The kind of network by the paper's letters: B for its bottlenecks, C for its compression.
    pub fn variant(&self) -> &'static str {
        match (self.bottleneck, self.compression < 1.0) {
            (true, true) => "BC",
            (true, false) => "B",
            (false, true) => "C",
            (false, false) => "",
        }
    }

    /// What its network is called, as in `DenseNet-BC` or `residual network`.
    pub fn family(&self) -> String {
        match self.connectivity {
            Connectivity::Dense => ["DenseNet", self.variant()].join("-").trim_end_matches('-').into(),
            other => format!("{other} network"),
        }
    }

    /// The network of this recipe for `classes` classes.
    pub fn arch(&self, classes: usize) -> Arch {
        let dense = self.dense_arch(classes);
        if self.connectivity == Connectivity::Dense {
            return dense;
        }
        let arch = Arch { connectivity: self.connectivity, ..dense };
        let width = match self.width {
            Width::Maps(maps) => maps,
            // What cannot be is told of the network itself.
            Width::Auto => arch.equal_width().unwrap_or(1),
        };
        let stem = match self.stem {
            Stem::Auto => width,
            Stem::Channels(channels) => channels,
        };
        Arch { stem, ..arch.of_width(width) }
    }

    /// The dense network of the same layers, growth rate and compression.
    pub fn dense_arch(&self, classes: usize) -> Arch {
        Arch {
            layers: self.layers.clone(),
            connectivity: Connectivity::Dense,
            width: 0,
            growth_rate: self.growth_rate,
            bottleneck: self.bottleneck,
            compression: self.compression,
            stem: self.stem.channels(self.growth_rate, self.bottleneck),
            stem_kind: self.stem_kind,
            classes,
            input_size: self.input_size,
        }
    }

    /// What the shorter side of an image becomes before its middle is evaluated: `resize`, or else 256 for 224 with the
    /// augmentation of ImageNet and the size of the input with any other.
    pub fn resized(&self) -> usize {
        self.resize.unwrap_or(match self.augment {
            Augment::Imagenet => (self.input_size.saturating_mul(256) + 112) / 224,
            Augment::Standard | Augment::None => self.input_size,
        })
    }

    /// Steps in an epoch of `images` training images; the last one may be smaller.
    pub fn steps_per_epoch(&self, images: usize) -> u64 {
        images.div_ceil(self.batch_size) as u64
    }

    /// Steps after which a run over `images` training images is complete.
    pub fn total_steps(&self, images: usize) -> u64 {
        let all = self.epochs as u64 * self.steps_per_epoch(images);
        self.steps.map_or(all, |steps| steps.min(all))
    }

    /// The learning rate of step `step` (from 0) with `per_epoch` steps in an epoch.
    pub fn learning_rate(&self, step: u64, per_epoch: u64) -> f64 {
        let total = self.epochs as f64 * per_epoch as f64;
        let warmup = self.warmup * per_epoch as f64;
        let rising = if (step as f64) < warmup { (step + 1) as f64 / warmup } else { 1.0 };
        let epoch = (step / per_epoch) as usize;
        self.lr
            * rising.min(1.0)
            * self.schedule.factor(step as f64, warmup, total, epoch, self.epochs, self.drop_counting)
    }

    /// How many blocks are not trained in `epoch` (from 1), the stem with them.
    pub fn frozen_blocks(&self, epoch: u64) -> usize {
        let over = self.freeze_epochs > 0 && epoch > self.freeze_epochs as u64;
        if over { 0 } else { self.freeze.blocks(self.layers.len()) }
    }

    /// Whether parts of the network are trained in ways of their own.
    pub fn trains_in_parts(&self) -> bool {
        self.freeze != Freeze::None || self.head_lr != 1.0
    }

    /// Everything that is wrong with the recipe itself, before any data is read.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut check = |field: &'static str, fine: bool, sentence: String| {
            if !fine {
                problems.push(Problem::new(field, sentence));
            }
        };
        let Self { batch_size: n, epochs, momentum, lr, weight_decay: decay, warmup, seed, .. } = *self;
        check("batch_size", (1..=65_536).contains(&n), format!("{n} images; it must be from 1 to 65536."));
        check(
            "epochs",
            (1..=1_000_000).contains(&epochs),
            format!("{epochs}; it must be from 1 to 1000000."),
        );
        check(
            "steps",
            self.steps != Some(0),
            "0; leave it out to train all epochs, or give at least 1.".into(),
        );
        let smoothing = ("label_smoothing", self.label_smoothing);
        for (field, x) in [("dropout", self.dropout), ("momentum", momentum), smoothing] {
            check(field, (0.0..1.0).contains(&x), format!("{x}; it must be at least 0 and below 1."));
        }
        check(
            "lr",
            lr > 0.0 && lr.is_finite(),
            format!("{lr}; the learning rate must be above 0 and finite."),
        );
        check(
            "nesterov",
            self.optimizer != Optimizer::Sgd || !self.nesterov || momentum > 0.0,
            "Nesterov's momentum needs a momentum above 0; give one, or --no-nesterov.".into(),
        );
        check("weight_decay", (0.0..=1.0).contains(&decay), format!("{decay}; it must be from 0 to 1."));
        check(
            "warmup",
            (0.0..=epochs as f64).contains(&warmup),
            format!("{warmup} epochs; it must be from 0 to the run's {epochs} epochs."),
        );
        check(
            "freeze",
            !matches!(self.freeze, Freeze::Blocks(blocks) if blocks > self.layers.len()),
            format!("{}; the network has {} blocks.", self.freeze, self.layers.len()),
        );
        check(
            "head_lr",
            self.head_lr > 0.0 && self.head_lr <= 1e6,
            format!("{}; it must be above 0 and at most 1000000.", self.head_lr),
        );
        let below = i64::try_from(seed).is_ok();
        check("seed", below, format!("{seed}; it must be below 2^63, as TOML has it."));
        let limited = self.train_limit != Some(0);
        check("train_limit", limited, "0; leave it out to train on all images, or give at least 1.".into());
        if let Err(problem) = self.schedule.validate(self.epochs) {
            problems.push(problem);
        }
        let (scale, resized) = (self.crop_scale, self.resized());
        if !(scale > 0.0 && scale <= 1.0) {
            problems.push(Problem::new("crop_scale", format!("{scale}; it must be above 0 and at most 1.")));
        }
        if resized < self.input_size || resized > MOST_RESIZED {
            problems.push(Problem::new(
                "resize",
                format!(
                    "{resized} pixels; it must be from the input size, {}, to {MOST_RESIZED}.",
                    self.input_size
                ),
            ));
        }
        if let Err(problem) = self.arch(2).plan() {
            problems.push(problem);
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_every_data_set_are_valid() {
        for data in [
            Data::Cifar10,
            Data::Cifar100,
            Data::Svhn,
            Data::Shapes,
            Data::Folder("x".into()),
            Data::Npz("x".into()),
        ] {
            assert_eq!(Recipe::defaults(data).validate(), Ok(()));
        }
    }

    #[test]
    fn svhn_is_trained_by_the_papers_rules_for_it() {
        let recipe = Recipe::defaults(Data::Svhn);
        assert_eq!((recipe.normalization, recipe.augment), (Normalization::Unit, Augment::None));
        assert_eq!((recipe.epochs, recipe.dropout, recipe.validation), (40, 0.2, None));
        assert_eq!(recipe.data.set().validation_of(604_388), 6_000);
    }

    #[test]
    fn every_value_out_of_range_is_named_with_its_field() {
        type Spoil = fn(&mut Recipe);
        let cases: [(&str, Spoil); 19] = [
            ("batch_size", |r| r.batch_size = 0),
            ("epochs", |r| r.epochs = 0),
            ("steps", |r| r.steps = Some(0)),
            ("dropout", |r| r.dropout = 1.0),
            ("lr", |r| r.lr = f64::NAN),
            ("momentum", |r| r.momentum = 1.5),
            ("nesterov", |r| r.momentum = 0.0),
            ("weight_decay", |r| r.weight_decay = -1e-4),
            ("warmup", |r| r.warmup = 301.0),
            ("label_smoothing", |r| r.label_smoothing = 1.0),
            ("seed", |r| r.seed = u64::MAX),
            ("train_limit", |r| r.train_limit = Some(0)),
            ("input_size", |r| r.input_size = 0),
            ("crop_scale", |r| r.crop_scale = 0.0),
            ("resize", |r| r.resize = Some(31)),
            ("layers", |r| r.layers = vec![]),
            ("growth_rate", |r| r.growth_rate = 0),
            ("compression", |r| r.compression = 0.0),
            ("stem", |r| r.stem = Stem::Channels(0)),
        ];
        for (field, spoil) in cases {
            let mut recipe = Recipe::defaults(Data::Cifar10);
            spoil(&mut recipe);
            let problems = recipe.validate().expect_err(field);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].field, field);
        }
    }

    #[test]
    fn the_last_step_of_an_epoch_may_be_partial_and_steps_only_ends_a_run_earlier() {
        let mut recipe = Recipe { batch_size: 64, epochs: 2, ..Recipe::defaults(Data::Cifar10) };
        assert_eq!(recipe.steps_per_epoch(130), 3);
        assert_eq!(recipe.total_steps(130), 6);
        recipe.steps = Some(4);
        assert_eq!(recipe.total_steps(130), 4);
        recipe.steps = Some(40);
        assert_eq!(recipe.total_steps(130), 6);
    }
}
