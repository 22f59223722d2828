//! `config.json` beside a safetensors file, in the layout of timm.

use serde_json::{Value, json};

use crate::arch::plan::Arch;
use crate::arch::words::{Connectivity, StemKind};
use crate::export::facts::{INTERPOLATION, VERSION, architecture, normalisation};
use crate::recipe::presets::PRESETS;
use crate::store::checkpoint::Meta;

/// The presets that timm has under the same name.
const TIMMS: [&str; 4] = ["densenet121", "densenet161", "densenet169", "densenet201"];

/// The name of the file.
pub const CONFIG: &str = "config.json";

/// The text of the file that describes the network of `meta` in `file`.
pub fn config(meta: &Meta, file: &str) -> String {
    let arch = meta.recipe.arch(meta.classes.len());
    let plan = arch.plan().ok();
    let [mean, std] = normalisation(meta);
    let side = arch.input_size;
    let features = plan.as_ref().and_then(|plan| plan.rows.last()).map_or(0, |row| row.c_in);
    let smallest = plan.map_or(0, |plan| plan.smallest_map);
    let (name, args) = name(&arch);
    let mut config = json!({
        "architecture": name,
        "num_classes": arch.classes,
        "num_features": features,
        "global_pool": "avg",
        "pretrained_cfg": {
            "tag": meta.run,
            "custom_load": false,
            "input_size": [3, side, side],
            "fixed_input_size": false,
            "interpolation": INTERPOLATION,
            "crop_pct": side as f64 / meta.recipe.resized() as f64,
            "crop_mode": "center",
            "mean": mean,
            "std": std,
            "num_classes": arch.classes,
            "pool_size": [smallest, smallest],
            "first_conv": "features.conv0",
            "classifier": "classifier",
            "label_names": meta.classes,
        },
        "densenet_tui": {
            "file": file,
            "run": meta.run,
            "step": meta.progress.step,
            "version": VERSION,
            "architecture": architecture(meta),
        },
    });
    if let Some(args) = args {
        config["model_args"] = args;
    }
    let mut text = serde_json::to_string_pretty(&config).unwrap_or_default();
    text.push('\n');
    text
}

/// The file that a `config.json` of this program describes; none where another program wrote it.
pub fn described(text: &[u8]) -> Option<String> {
    let config: Value = serde_json::from_slice(text).ok()?;
    Some(config["densenet_tui"]["file"].as_str()?.to_owned())
}

/// The model of timm that `arch` is, and the arguments that make it so, where its own do not. What timm has no model
/// for is `densenet`, with the words of a recipe.
fn name(arch: &Arch) -> (String, Option<Value>) {
    let is_timms = arch.stem_kind == StemKind::Imagenet
        && arch.connectivity == Connectivity::Dense
        && arch.bottleneck
        && arch.compression == 0.5
        && arch.stem == 2 * arch.growth_rate;
    if !is_timms {
        let args = json!({
            "growth_rate": arch.growth_rate,
            "connectivity": arch.connectivity,
            "width": arch.width,
            "block_config": arch.layers,
            "num_init_features": arch.stem,
            "bottleneck": arch.bottleneck,
            "compression": arch.compression,
            "stem_kind": arch.stem_kind,
        });
        return ("densenet".into(), Some(args));
    }
    let preset = PRESETS.iter().find(|preset| {
        TIMMS.contains(&preset.name)
            && preset.layers == arch.layers.as_slice()
            && preset.growth_rate == arch.growth_rate
    });
    if let Some(preset) = preset {
        return (preset.name.into(), None);
    }
    let args = json!({ "growth_rate": arch.growth_rate, "block_config": arch.layers });
    ("densenet121".into(), Some(args))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Data, Recipe, Stem};
    use crate::store::checkpoint::example;

    fn config_of(recipe: Recipe) -> Value {
        let meta = Meta { recipe, ..example(7).meta };
        serde_json::from_str(&config(&meta, "a.safetensors")).unwrap()
    }

    fn densenet121() -> Recipe {
        Recipe {
            layers: vec![6, 12, 24, 16],
            growth_rate: 32,
            bottleneck: true,
            compression: 0.5,
            stem: Stem::Auto,
            stem_kind: StemKind::Imagenet,
            input_size: 224,
            resize: Some(256),
            ..Recipe::defaults(Data::Folder("x".into()))
        }
    }

    #[test]
    fn a_network_of_timm_has_its_name_there() {
        let config = config_of(densenet121());
        assert_eq!((&config["architecture"], &config["num_features"]), (&json!("densenet121"), &json!(1024)));
        assert_eq!(config["model_args"], Value::Null);
        assert_eq!(config["pretrained_cfg"]["crop_pct"], json!(0.875));
        assert_eq!(config["pretrained_cfg"]["pool_size"], json!([7, 7]));
        assert_eq!(config["pretrained_cfg"]["label_names"], json!(example(7).meta.classes));
    }

    #[test]
    fn a_network_of_its_kind_in_other_sizes_is_one_of_it_with_arguments() {
        let config = config_of(Recipe { layers: vec![1, 2], growth_rate: 4, ..densenet121() });
        assert_eq!(config["architecture"], "densenet121");
        assert_eq!(config["model_args"], json!({ "growth_rate": 4, "block_config": [1, 2] }));
        let config = config_of(Recipe { layers: vec![6, 12, 64, 48], ..densenet121() });
        assert_eq!(config["architecture"], "densenet121");
    }

    #[test]
    fn a_network_that_timm_has_not_is_not_called_one_that_it_has() {
        for recipe in [
            Recipe { stem_kind: StemKind::Cifar, ..densenet121() },
            Recipe { bottleneck: false, stem: Stem::Channels(64), ..densenet121() },
            Recipe { compression: 0.7, ..densenet121() },
            Recipe { stem: Stem::Channels(32), ..densenet121() },
        ] {
            assert_eq!(config_of(recipe)["architecture"], "densenet");
        }
    }

    #[test]
    fn a_file_of_this_program_is_told_from_that_of_another() {
        let text = config(&example(7).meta, "a.safetensors");
        assert_eq!(described(text.as_bytes()).as_deref(), Some("a.safetensors"));
        assert_eq!(described(br#"{"architecture":"resnet18"}"#), None);
        assert_eq!(described(b"not JSON"), None);
    }
}
