//! The options of a recipe, and the layers they make.

use std::path::{Path, PathBuf};

use clap::Args;
use toml::{Table, Value};

use crate::arch::words::Precision;
use crate::cli::values::{a_path, some_data};
use crate::paths;
use crate::recipe::layered::{Layer, LayerError, preset_table, text};
use crate::recipe::presets::Preset;
use crate::recipe::{Augment, Data, Optimizer, Schedule, Stem};

/// The name of the strongest layer, in messages.
const TYPED: &str = "the command line";

/// What to train. Everything left out comes from the config file or the defaults.
#[derive(Debug, Default, Args)]
pub struct RecipeArgs {
    /// A TOML file of recipe keys
    #[arg(long, value_name = "FILE", value_parser = a_path(), help_heading = "Recipe")]
    pub recipe: Option<PathBuf>,
    /// Any recipe key, as in --set pad=black
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Recipe")]
    set: Vec<String>,
    /// Seed of every random draw
    #[arg(long, value_name = "N", help_heading = "Recipe")]
    seed: Option<u64>,

    /// A network by name, as in bc-100-12 or 40-12
    #[arg(long, value_name = "NAME", help_heading = "Network")]
    preset: Option<String>,
    /// Dense layers in each block, as in 6,6,6
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        conflicts_with = "depth",
        help_heading = "Network"
    )]
    layers: Option<Vec<u32>>,
    /// The paper's depth: three equal blocks
    #[arg(long, value_name = "L", help_heading = "Network")]
    depth: Option<u32>,
    /// Feature maps that each layer adds (k)
    #[arg(long, value_name = "K", help_heading = "Network")]
    growth_rate: Option<u32>,
    /// 1x1 convolution to 4k channels in front of each 3x3
    #[arg(long, overrides_with = "no_bottleneck", help_heading = "Network")]
    bottleneck: bool,
    /// No bottleneck
    #[arg(long, overrides_with = "bottleneck", help_heading = "Network")]
    no_bottleneck: bool,
    /// Share of channels that a transition keeps
    #[arg(long, value_name = "THETA", help_heading = "Network")]
    compression: Option<f64>,
    /// Channels of the first convolution: auto (2k with bottleneck, else 16) or a number
    #[arg(long, value_name = "auto|N", help_heading = "Network")]
    stem: Option<Stem>,
    /// Share of a convolution's outputs that training drops
    #[arg(long, value_name = "RATE", help_heading = "Network")]
    dropout: Option<f64>,

    /// cifar10, cifar100, folder:PATH or shapes (built in)
    #[arg(long, value_parser = some_data(), help_heading = "Data")]
    data: Option<Data>,
    /// Parent of the data folder, or the folder itself
    #[arg(long, value_name = "DIR", value_parser = a_path(), help_heading = "Data")]
    data_dir: Option<PathBuf>,
    /// Height and width of the images of a folder
    #[arg(long, value_name = "PIXELS", help_heading = "Data")]
    input_size: Option<u32>,
    /// Training images kept for validation [default: 5000 for CIFAR, else 10 %]
    #[arg(long, value_name = "N", help_heading = "Data")]
    validation: Option<u32>,
    /// Training images used, of those that validation left
    #[arg(long, value_name = "N", help_heading = "Data")]
    train_limit: Option<u32>,
    /// Random crops and flips: standard or none
    #[arg(long, help_heading = "Data")]
    augment: Option<Augment>,

    /// Passes over the training images
    #[arg(long, value_name = "N", help_heading = "Training")]
    epochs: Option<u32>,
    /// End after so many steps in all
    #[arg(long, value_name = "N", help_heading = "Training")]
    steps: Option<u32>,
    /// Images in a step
    #[arg(long, value_name = "N", help_heading = "Training")]
    batch_size: Option<u32>,
    /// sgd, adam or adamw
    #[arg(long, help_heading = "Training")]
    optimizer: Option<Optimizer>,
    /// Learning rate [default: 0.1; 0.001 for adam and adamw]
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    lr: Option<f64>,
    /// Momentum of SGD
    #[arg(long, value_name = "MU", help_heading = "Training")]
    momentum: Option<f64>,
    /// Nesterov's momentum
    #[arg(long, overrides_with = "no_nesterov", help_heading = "Training")]
    nesterov: bool,
    /// Plain momentum
    #[arg(long, overrides_with = "nesterov", help_heading = "Training")]
    no_nesterov: bool,
    /// Weight decay, on every parameter
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    weight_decay: Option<f64>,
    /// step, step:LIST (epochs or percents), cosine or constant
    #[arg(long, help_heading = "Training")]
    schedule: Option<Schedule>,
    /// Epochs over which the learning rate rises
    #[arg(long, value_name = "EPOCHS", help_heading = "Training")]
    warmup: Option<f64>,
    /// Share of the target spread over all classes
    #[arg(long, value_name = "SHARE", help_heading = "Training")]
    label_smoothing: Option<f64>,
    /// Products on a CUDA card: f32, tf32 or bf16. Elsewhere and in sums it is f32 [default: f32]
    #[arg(long, value_name = "TYPE", help_heading = "Training")]
    precision: Option<Precision>,
}

impl RecipeArgs {
    /// The layers of a recipe, weakest first: the config file's, the recipe file's, the preset's, the flags'.
    pub fn layers(&self, config: Option<Layer>) -> Result<Vec<Layer>, LayerError> {
        let mut layers: Vec<Layer> = config.into_iter().collect();
        if let Some(file) = &self.recipe {
            let source = file.display().to_string();
            let text = crate::files::read_text(file).map_err(|error| LayerError {
                source_name: source.clone(),
                sentence: format!("it cannot be read ({error})."),
            })?;
            let mut layer = Layer::parse(source, &text)?;
            let directory = file.parent().unwrap_or(Path::new(""));
            layer.settle_paths(&|path| paths::meant_in(directory, path))?;
            layers.push(layer);
        }
        if let Some(name) = &self.preset {
            let preset = Preset::named(name)
                .map_err(|sentence| LayerError { source_name: "--preset".into(), sentence })?;
            layers.push(Layer { source: format!("the preset {name}"), table: preset_table(preset) });
        }
        let mut flags = Layer { source: TYPED.into(), table: self.flags()? };
        flags.settle_paths(&paths::meant)?;
        layers.push(flags);
        Ok(layers)
    }

    /// Epochs, steps and learning rate, and where the data is: what may differ when a run goes on.
    pub fn overrides(&self) -> crate::protocol::Overrides {
        crate::protocol::Overrides {
            data_dir: self.data_dir.clone(),
            epochs: self.epochs.map(|n| n as usize),
            steps: self.steps.map(u64::from),
            lr: self.lr,
        }
    }

    /// Steps that were typed.
    pub fn steps(&self) -> Option<usize> {
        self.steps.map(|n| n as usize)
    }

    fn flags(&self) -> Result<Table, LayerError> {
        let mut table = Table::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                table.insert(key.to_owned(), value);
            }
        };
        let whole = |n: Option<u32>| n.map(|n| Value::Integer(n.into()));
        let real = |x: Option<f64>| x.map(Value::Float);
        let switch = |on: bool, off: bool| (on || off).then_some(Value::Boolean(on));
        let list =
            |layers: &Vec<u32>| Value::Array(layers.iter().map(|&n| Value::Integer(n.into())).collect());
        put("layers", self.layers.as_ref().map(list));
        put("depth", whole(self.depth));
        put("growth_rate", whole(self.growth_rate));
        put("bottleneck", switch(self.bottleneck, self.no_bottleneck));
        put("compression", real(self.compression));
        put(
            "stem",
            self.stem.map(|stem| match stem {
                Stem::Channels(n) => Value::Integer(n as i64),
                Stem::Auto => Value::String("auto".into()),
            }),
        );
        put("dropout", real(self.dropout));
        if let Some(Data::Folder(path)) = &self.data {
            // The word of a path that is no text would be another path.
            text(path).map_err(|clause| typed(format!("--data: {clause}.")))?;
        }
        put("data", self.data.as_ref().map(|data| Value::String(data.to_string())));
        let dir = self.data_dir.as_deref().map(text).transpose();
        put("data_dir", dir.map_err(|clause| typed(format!("--data-dir: {clause}.")))?.map(Into::into));
        put("input_size", whole(self.input_size));
        put("validation", whole(self.validation));
        put("train_limit", whole(self.train_limit));
        put("augment", self.augment.map(|word| Value::String(word.to_string())));
        put("epochs", whole(self.epochs));
        put("steps", whole(self.steps));
        put("batch_size", whole(self.batch_size));
        put("optimizer", self.optimizer.map(|word| Value::String(word.to_string())));
        put("lr", real(self.lr));
        put("momentum", real(self.momentum));
        put("nesterov", switch(self.nesterov, self.no_nesterov));
        put("weight_decay", real(self.weight_decay));
        put("schedule", self.schedule.as_ref().map(|schedule| Value::String(schedule.to_string())));
        put("warmup", real(self.warmup));
        put("label_smoothing", real(self.label_smoothing));
        put("precision", self.precision.map(|word| Value::String(word.to_string())));
        let seed = self.seed.map(|seed| {
            i64::try_from(seed)
                .map(Value::Integer)
                .map_err(|_| typed(format!("--seed {seed} must be below 2^63.")))
        });
        put("seed", seed.transpose()?);
        for item in &self.set {
            let (key, value) = item.split_once('=').ok_or_else(|| {
                typed(format!("--set {item}: it must be KEY=VALUE, as in --set pad=black."))
            })?;
            let (key, text) = (key.trim(), value.trim());
            let value = typed_value(text);
            // A directory may be called 2024, or true.
            let value = if key == "data_dir" && !value.is_str() { Value::String(text.into()) } else { value };
            table.insert(key.to_owned(), value);
        }
        Ok(table)
    }
}

fn typed(sentence: String) -> LayerError {
    LayerError { source_name: TYPED.into(), sentence }
}

/// A value as TOML reads it, or else the word itself.
fn typed_value(text: &str) -> Value {
    let table = format!("value = {text}").parse::<Table>();
    table.ok().and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::arch::words::Precision;
    use crate::cli::Cli;
    use crate::recipe::layered::assemble;
    use crate::recipe::{Pad, Recipe, Stem};

    fn recipe(args: &[&str]) -> Result<Recipe, String> {
        let cli =
            Cli::try_parse_from(["densenet-tui", "--no-ui"].iter().chain(args)).map_err(|e| e.to_string())?;
        let layers = cli.recipe.layers(None).map_err(|e| e.to_string())?;
        assemble(&layers).map_err(|e| e.to_string())
    }

    #[test]
    fn flags_beat_the_preset_wherever_they_stand() {
        let recipe =
            recipe(&["--growth-rate", "16", "--preset", "bc-40-12", "--set", "pad=black", "--set", "stem=9"])
                .unwrap();
        assert_eq!((recipe.growth_rate, recipe.layers), (16, vec![6, 6, 6]));
        assert_eq!((recipe.pad, recipe.stem), (Pad::Black, Stem::Channels(9)));
    }

    #[test]
    fn the_precision_is_one_of_three_words() {
        assert_eq!(recipe(&[]).unwrap().precision, Precision::F32);
        assert_eq!(recipe(&["--precision", "bf16"]).unwrap().precision, Precision::Bf16);
        assert!(recipe(&["--precision", "f16"]).unwrap_err().contains("f32, tf32, bf16"));
    }

    #[test]
    fn wrong_usage_is_answered_with_the_option() {
        assert!(recipe(&["--layers", "2,2", "--depth", "40"]).unwrap_err().contains("--depth"));
        assert!(recipe(&["--preset", "bc-1"]).unwrap_err().contains("the presets are bc-22-12"));
        assert!(recipe(&["--depth", "41"]).unwrap_err().contains("40 or 46"));
        assert!(recipe(&["--set", "pad"]).unwrap_err().contains("KEY=VALUE"));
        assert!(recipe(&["--set", "pads=1"]).unwrap_err().contains("`pads` is no key of a recipe"));
        assert!(recipe(&["--epochs", "many"]).unwrap_err().contains("--epochs"));
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
