//! The options of a recipe, and the layers they make.

use std::path::{Path, PathBuf};

use clap::builder::{TypedValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use toml::{Table, Value};

use crate::cli::values::{a_path, some_data};
use crate::paths;
use crate::recipe::keys::{self, FORM, Key, Kind, either};
use crate::recipe::layered::{ConfigLayer, LayerError, preset_table, text};
use crate::recipe::presets::Preset;

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

    /// A network by name, as in bc-100-12 or densenet121
    #[arg(long, value_name = "NAME", help_heading = "Network")]
    preset: Option<String>,
    /// The paper's depth: three equal blocks
    #[arg(long, value_name = "L", conflicts_with = "layers", help_heading = "Network")]
    depth: Option<u32>,
    #[command(flatten)]
    keys: KeyArgs,
}

/// The keys of [`FORM`] that were typed, each as an option.
#[derive(Debug, Default)]
struct KeyArgs(Table);

/// The options of a key.
fn options(key: &'static Key) -> Vec<Arg> {
    let heading = match key.group {
        "network" => "Network",
        "data" => "Data",
        _ => "Training",
    };
    let name = key.name.replace('_', "-");
    let arg = Arg::new(key.name).long(name.clone()).help_heading(heading).help(help(key));
    if let Kind::Switch(off_help) = key.kind {
        let off = format!("no_{}", key.name);
        let no = Arg::new(off.clone()).long(format!("no-{name}")).help_heading(heading).help(off_help);
        let switch = |arg: Arg, other: &str| arg.action(ArgAction::SetTrue).overrides_with(other.to_owned());
        return vec![switch(arg, &off), switch(no, key.name)];
    }
    let arg = arg.value_name(key.value_name).value_parser(parser(key.kind));
    vec![if let Kind::List = key.kind { arg.action(ArgAction::Append).value_delimiter(',') } else { arg }]
}

/// What `--help` says of a key.
fn help(key: &Key) -> String {
    let mut text = key.help().into_owned();
    text[..1].make_ascii_uppercase();
    if let Kind::Word(words) = key.kind {
        text = format!("{text}: {}", either(words.iter().copied()));
    }
    if key.default.is_empty() { text } else { format!("{text} [default: {}]", key.default) }
}

/// Reads the value of an option.
fn parser(kind: Kind) -> ValueParser {
    match kind {
        Kind::Whole(i64::MAX) => {
            let whole = |n: u64| i64::try_from(n).map(Value::Integer).map_err(|_| "it must be below 2^63.");
            value_parser!(u64).try_map(whole).into()
        }
        Kind::Whole(most) => value_parser!(i64).range(0..=most).map(Value::Integer).into(),
        Kind::List => value_parser!(i64).range(0..=i64::from(u32::MAX)).map(Value::Integer).into(),
        Kind::Real => ValueParser::new(|text: &str| text.parse().map(Value::Float)),
        Kind::Switch(_) => value_parser!(bool),
        Kind::Word(words) => ValueParser::new(move |word: &str| {
            let known = words.contains(&word).then(|| Value::from(word));
            known.ok_or_else(|| format!("`{word}` is not one of {}.", words.join(", ")))
        }),
        Kind::Text(read) => ValueParser::new(read),
        Kind::Path => a_path().try_map(|path| text(&path).map(Value::from)).into(),
        Kind::Data => some_data()
            .try_map(|data| {
                // The word of a path that is no text would be another path.
                data.path().map_or(Ok(""), |path| text(path))?;
                Ok::<_, String>(Value::String(data.to_string()))
            })
            .into(),
    }
}

impl Args for KeyArgs {
    fn augment_args(command: Command) -> Command {
        command.args(FORM.iter().flat_map(options))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for KeyArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let value = |key: &Key| match key.kind {
            Kind::Switch(_) => {
                let [on, off] = [key.name, &format!("no_{}", key.name)].map(|id| matches.get_flag(id));
                (on || off).then_some(Value::Boolean(on))
            }
            Kind::List => matches.get_many(key.name).map(|items| Value::Array(items.cloned().collect())),
            _ => matches.get_one(key.name).cloned(),
        };
        let keys = FORM.iter().filter_map(|key| Some((key.name.to_owned(), value(key)?)));
        Ok(Self(keys.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl RecipeArgs {
    /// The layers of a recipe, weakest first: the config file's, the recipe file's, the preset's, the flags'.
    pub fn layers(&self, config: Option<ConfigLayer>) -> Result<Vec<ConfigLayer>, LayerError> {
        let mut layers: Vec<ConfigLayer> = config.into_iter().collect();
        if let Some(file) = &self.recipe {
            let source = file.display().to_string();
            let text = crate::files::read_text(file).map_err(|error| LayerError {
                source_name: source.clone(),
                sentence: format!("it cannot be read ({error})."),
            })?;
            let mut layer = ConfigLayer::parse(source, &text)?;
            let directory = file.parent().unwrap_or(Path::new(""));
            layer.settle_paths(&|path| paths::meant_in(directory, path))?;
            layers.push(layer);
        }
        if let Some(name) = &self.preset {
            let preset = Preset::named(name)
                .map_err(|sentence| LayerError { source_name: "--preset".into(), sentence })?;
            layers.push(ConfigLayer { source: format!("the preset {name}"), table: preset_table(preset) });
        }
        let mut flags = ConfigLayer { source: TYPED.into(), table: self.flags()? };
        flags.settle_paths(&paths::meant)?;
        layers.push(flags);
        Ok(layers)
    }

    /// Epochs, steps and learning rate, and where the data is: what may change when a run is resumed.
    pub fn overrides(&self) -> crate::protocol::Overrides {
        let key = |name: &str| self.keys.0.get(name);
        crate::protocol::Overrides {
            data_dir: key("data_dir").and_then(Value::as_str).map(PathBuf::from),
            epochs: key("epochs").and_then(Value::as_integer).map(|n| n as usize),
            steps: self.steps().map(|steps| steps as u64),
            lr: key("lr").and_then(Value::as_float),
        }
    }

    /// Steps that were typed.
    pub fn steps(&self) -> Option<usize> {
        self.keys.0.get("steps").and_then(Value::as_integer).map(|n| n as usize)
    }

    fn flags(&self) -> Result<Table, LayerError> {
        let mut table = self.keys.0.clone();
        table.extend(self.depth.map(|depth| ("depth".to_owned(), Value::Integer(depth.into()))));
        for item in &self.set {
            let (key, value) = item.split_once('=').ok_or_else(|| {
                typed(format!("--set {item}: it must be KEY=VALUE, as in --set pad=black."))
            })?;
            let (key, text) = (key.trim(), value.trim());
            let value = typed_value(text);
            // A directory may be called 2024, or true.
            let value = match keys::find(key).map(|key| key.kind) {
                Some(Kind::Path) if !value.is_str() => Value::String(text.into()),
                _ => value,
            };
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
    use crate::recipe::layered::resolve;
    use crate::recipe::{Pad, Recipe, Stem};

    fn recipe(args: &[&str]) -> Result<Recipe, String> {
        let cli =
            Cli::try_parse_from(["densenet-tui", "--no-ui"].iter().chain(args)).map_err(|e| e.to_string())?;
        let layers = cli.recipe.layers(None).map_err(|e| e.to_string())?;
        resolve(&layers).map_err(|e| e.to_string())
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
