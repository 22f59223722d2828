//! `summary`: a recipe's network, layer by layer.

use serde_json::{Value, json};

use crate::arch::Arch;
use crate::arch::plan::{Kind, Plan, Row};
use crate::cli::RecipeArgs;
use crate::commands::{Context, one_line, usage_error};
use crate::data;
use crate::format::grouped;
use crate::headless::{print_json, print_line};
use crate::monitor::Exit;
use crate::recipe::presets::PRESETS;
use crate::recipe::{Recipe, Stem};

/// Prints the network of the recipe on the command line.
pub(crate) fn summary(context: &Context, typed: &RecipeArgs, json: bool) -> Exit {
    let recipe = match context.recipe(typed) {
        Ok(recipe) => recipe,
        Err(sentences) => return usage_error(&sentences),
    };
    let classes = match recipe.data.classes() {
        Some(classes) => classes,
        None => match data::classes(&recipe) {
            Ok(classes) => classes.len(),
            Err(error) => return usage_error(&one_line(error)),
        },
    };
    let arch = recipe.arch(classes);
    let plan = match arch.plan() {
        Ok(plan) => plan,
        Err(problem) => return usage_error(&one_line(problem)),
    };
    if json {
        print_json(&to_json(&recipe, &arch, &plan).to_string());
    } else {
        for line in to_lines(&recipe, &arch, &plan) {
            print_line(&line);
        }
    }
    Exit::FINE
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Stem => "stem",
        Kind::DenseLayer { .. } => "dense_layer",
        Kind::Transition { .. } => "transition",
        Kind::Head => "head",
        Kind::Classifier => "classifier",
    }
}

fn to_json(recipe: &Recipe, arch: &Arch, plan: &Plan) -> Value {
    let layers: Vec<Value> = plan
        .rows
        .iter()
        .map(|row| {
            json!({
                "name": title(row), "kind": kind_word(row.kind), "channels_in": row.c_in, "output": row.output,
                "parameters": row.parameter_count(), "macs": row.macs, "activation_bytes": row.activation_bytes,
            })
        })
        .collect();
    json!({
        "parameters": plan.parameters(), "macs": plan.macs(), "activation_bytes": plan.activation_bytes(),
        "classes": arch.classes, "layers": layers, "recipe": recipe,
    })
}

/// The name of a row after those of its tensors.
fn title(row: &Row) -> &str {
    match row.kind {
        Kind::Stem => "conv0",
        Kind::Head => "norm5, average",
        _ => row.name.trim_start_matches("features."),
    }
}

fn table_line(cells: [&str; 5]) -> String {
    let [name, output, parameters, macs, activation] = cells;
    format!("{name:<26} {output:>12} {parameters:>12} {macs:>9} {activation:>11}")
}

fn to_lines(recipe: &Recipe, arch: &Arch, plan: &Plan) -> Vec<String> {
    let numbers = |parameters: u64, macs: u64, bytes: u64| {
        (grouped(parameters), format!("{:.2}", macs as f64 / 1e6), format!("{:.1}", bytes as f64 / 1024.0))
    };
    let mut lines = vec![table_line(["layer", "output", "parameters", "MMAC", "written KiB"])];
    for row in &plan.rows {
        let [c, h, w] = row.output;
        let (parameters, macs, bytes) = numbers(row.parameter_count(), row.macs, row.activation_bytes);
        lines.push(table_line([title(row), &format!("{c}x{h}x{w}"), &parameters, &macs, &bytes]));
    }
    let (parameters, macs, bytes) = numbers(plan.parameters(), plan.macs(), plan.activation_bytes());
    lines.push(table_line(["an image", &format!("{} classes", arch.classes), &parameters, &macs, &bytes]));
    let preset = PRESETS.iter().find(|preset| {
        arch.layers == preset.layers
            && arch.stem_kind == preset.stem_kind
            && arch.growth_rate == preset.growth_rate
            && arch.bottleneck == preset.bc
            && arch.stem == Stem::Auto.channels(preset.growth_rate, preset.bc)
            && recipe.compression.to_bits() == preset.compression().to_bits()
    });
    if let Some(preset) = preset {
        let errors = preset.errors;
        let published: Vec<String> = [
            ("C10", errors.c10),
            ("C10+", errors.c10_plus),
            ("C100", errors.c100),
            ("C100+", errors.c100_plus),
            ("ImageNet", errors.imagenet),
        ]
        .iter()
        .filter_map(|(name, error)| error.map(|error| format!("{name} {error:.2} %")))
        .collect();
        let published = if published.is_empty() { "none".into() } else { published.join(", ") };
        lines.push(format!("preset {}; published test errors: {published}", preset.name));
    }
    lines
}
