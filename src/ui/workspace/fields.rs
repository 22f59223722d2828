//! The fields of the form, one a key of the recipe.

/// A field of the form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// The recipe's key.
    pub(crate) key: &'static str,
    pub(crate) group: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) help: &'static str,
    /// The values it can have, where they are few.
    pub(crate) choices: &'static [&'static str],
}

const fn field(group: &'static str, key: &'static str, unit: &'static str, help: &'static str) -> Field {
    Field { key, group, unit, help, choices: &[] }
}

impl Field {
    const fn of(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }
}

const YES_OR_NO: &[&str] = &["yes", "no"];

/// The form, row by row.
#[rustfmt::skip]
pub(crate) const FIELDS: &[Field] = &[
    field("network", "layers", "per block", "dense layers in each dense block, as in 16,16,16"),
    field("network", "growth_rate", "maps", "feature maps that each dense layer adds (k)"),
    field("network", "bottleneck", "", "a 1x1 convolution to 4k channels before each 3x3 (DenseNet-B)").of(YES_OR_NO),
    field("network", "compression", "0..1", "share of channels that a transition keeps (theta; DenseNet-C below 1)"),
    field("network", "stem", "channels", "of the first convolution; auto: 2k with bottleneck, else 16"),
    field("network", "dropout", "0..1", "share of a convolution's outputs set to 0 in training"),
    field("data", "data", "", "shapes, cifar10, cifar100 or folder:PATH"),
    field("data", "data_dir", "path", "where the data folder is"),
    field("data", "input_size", "pixels", "height and width of the images"),
    field("data", "augment", "", "standard (random crop and flip) or none").of(&["standard", "none"]),
    field("data", "validation", "images", "kept from training; auto: 5,000 for CIFAR, else 10 %"),
    field("data", "train_limit", "images", "training images used; auto: all"),
    field("optimisation", "batch_size", "images", "images in a step"),
    field("optimisation", "optimizer", "", "sgd, adam or adamw").of(&["sgd", "adam", "adamw"]),
    field("optimisation", "lr", "above 0", "learning rate before the schedule"),
    field("optimisation", "momentum", "0..1", "of SGD"),
    field("optimisation", "nesterov", "", "Nesterov's momentum").of(YES_OR_NO),
    field("optimisation", "weight_decay", "0 or more", "on every parameter"),
    field("optimisation", "label_smoothing", "0..1", "share of the target spread over all classes"),
    field("schedule", "epochs", "epochs", "passes over the training images"),
    field("schedule", "schedule", "", "as in step:0.5,0.75:0.1, cosine or constant"),
    field("schedule", "warmup", "epochs", "over which the learning rate rises from 0"),
    field("schedule", "steps", "steps", "ends the run early; auto: all epochs"),
    field("run", "seed", "whole", "of every random draw"),
    field("run", "precision", "", "of products on a CUDA card; sums and weights stay f32, a CPU computes in f32").of(&["f32", "tf32", "bf16"]),
];
