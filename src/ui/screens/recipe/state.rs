//! The recipe: a form over its keys, and the network it makes.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::arch::plan::{Kind, Plan};
use crate::arch::problem::Problem;
use crate::paths;
use crate::recipe::Recipe;
use crate::recipe::layered::{Layer, assemble, preset_table};
use crate::recipe::presets::PRESETS;

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

/// Which half has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Form,
    Tree,
}

/// The form's state. What a person set is a table of keys; the rest are the defaults of its data.
#[derive(Clone, Debug)]
pub(crate) struct RecipeScreen {
    own: Table,
    /// The recipe that results, while it can be put together.
    pub(crate) recipe: Recipe,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
    pub(crate) pane: Pane,
    /// Row of the form.
    pub(crate) row: usize,
    /// Row of the visible tree.
    pub(crate) tree_row: usize,
    /// Blocks whose layers are hidden, from 1.
    pub(crate) closed: BTreeSet<usize>,
}

/// A line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TreeLine {
    /// A dense block: its number, layers, parameters, multiply-accumulates, bytes.
    Block { block: usize, layers: usize, parameters: u64, macs: u64, bytes: u64, output: [usize; 3] },
    /// A row of the plan, by its place.
    Row(usize),
}

impl RecipeScreen {
    pub(crate) fn new(recipe: &Recipe) -> Self {
        let mut own = Table::new();
        let table = |recipe: &Recipe| Table::try_from(recipe).unwrap_or_default();
        let defaults = table(&Recipe::defaults(recipe.data.clone()));
        for (key, value) in table(recipe) {
            if key == "data" || defaults.get(&key) != Some(&value) {
                own.insert(key, value);
            }
        }
        let mut screen = Self {
            own,
            recipe: recipe.clone(),
            problems: Vec::new(),
            pane: Pane::Form,
            row: 0,
            tree_row: 0,
            closed: BTreeSet::new(),
        };
        screen.problems = recipe.validate().err().unwrap_or_default();
        screen
    }

    /// The field under the cursor.
    pub(crate) fn field(&self) -> Field {
        FIELDS[self.row.min(FIELDS.len() - 1)]
    }

    /// A key's value as it is typed; empty where it is left to the program.
    pub(crate) fn text(&self, key: &str) -> String {
        Table::try_from(&self.recipe).ok().and_then(|table| table.get(key).map(text_of)).unwrap_or_default()
    }

    /// Whether a person set it.
    pub(crate) fn is_own(&self, key: &str) -> bool {
        self.own.contains_key(key)
    }

    /// What is wrong with a key.
    pub(crate) fn problem(&self, key: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == key).map(|problem| problem.sentence.as_str())
    }

    /// Takes a value as typed; the error is a sentence, and then nothing has changed.
    pub(crate) fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
        let mut own = self.own.clone();
        let text = text.trim();
        if text.is_empty() || text == "auto" && key != "stem" {
            own.remove(key);
        } else {
            own.insert(key.to_owned(), value_of(key, text));
        }
        let mut layer = Layer { source: "the form".into(), table: own };
        layer.settle_paths(&paths::meant).map_err(|error| error.sentence)?;
        self.take(layer.table)
    }

    /// Back to the default.
    pub(crate) fn reset(&mut self) {
        let mut own = self.own.clone();
        own.remove(self.field().key);
        // A default always fits.
        _ = self.take(own);
    }

    /// What would be wrong with a key if it had this value; `None` where all is well.
    pub(crate) fn would_be_wrong(&self, key: &str, text: &str) -> Option<String> {
        let mut probe = self.clone();
        match probe.set(key, text) {
            Err(sentence) => Some(sentence),
            Ok(()) => probe.problem(key).map(str::to_owned),
        }
    }

    /// The next of the values that the field under the cursor can have; whether it has such.
    pub(crate) fn next_choice(&mut self, forward: bool) -> bool {
        let field = self.field();
        let Some(last) = field.choices.len().checked_sub(1) else {
            return false;
        };
        let text = self.text(field.key);
        let next = match field.choices.iter().position(|choice| *choice == text) {
            None => 0,
            Some(place) if forward => {
                if place == last {
                    0
                } else {
                    place + 1
                }
            }
            Some(place) => place.checked_sub(1).unwrap_or(last),
        };
        // A choice is always understood; whether it goes with the others is told below it.
        _ = self.set(field.key, field.choices[next]);
        true
    }

    /// The default of a key for these data, as it is typed.
    pub(crate) fn default_text(&self, key: &str) -> String {
        let table = Table::try_from(Recipe::defaults(self.recipe.data.clone())).unwrap_or_default();
        table.get(key).map_or_else(|| "auto".into(), text_of)
    }

    /// The network of a preset, by its place; returns its name.
    pub(crate) fn take_preset(&mut self, place: usize) -> &'static str {
        let preset = &PRESETS[place.min(PRESETS.len() - 1)];
        let mut own = self.own.clone();
        own.extend(preset_table(preset));
        // A preset always fits.
        _ = self.take(own);
        preset.name
    }

    /// Learning rate over epochs, as the schedule has it.
    pub(crate) fn rates(&self) -> Vec<(f64, f64)> {
        // The shape of the curve is the same with any number of steps in an epoch.
        const POINTS: u64 = 400;
        let epochs = self.recipe.epochs.max(1) as u64;
        let per_epoch = POINTS.div_ceil(epochs).max(2);
        let (total, every) = (epochs * per_epoch, (epochs * per_epoch / POINTS).max(1));
        (0..total)
            .step_by(every as usize)
            .map(|step| (step as f64 / per_epoch as f64, self.recipe.learning_rate(step, per_epoch)))
            .collect()
    }

    fn take(&mut self, own: Table) -> Result<(), String> {
        let layer = Layer { source: "the form".into(), table: own.clone() };
        self.recipe = assemble(&[layer]).map_err(|error| error.sentence)?;
        self.own = own;
        self.problems = self.recipe.validate().err().unwrap_or_default();
        Ok(())
    }

    pub(crate) fn classes(&self) -> usize {
        self.recipe.data.classes().unwrap_or(10)
    }

    pub(crate) fn plan(&self) -> Result<Plan, Problem> {
        self.recipe.arch(self.classes()).plan()
    }

    /// The visible lines of the tree of `plan`.
    pub(crate) fn tree(&self, plan: &Plan) -> Vec<TreeLine> {
        let mut lines = Vec::new();
        for (place, row) in plan.rows.iter().enumerate() {
            let Kind::DenseLayer { block, layer } = row.kind else {
                lines.push(TreeLine::Row(place));
                continue;
            };
            if layer == 1 {
                let rows = plan.rows.iter().filter(
                    |row| matches!(row.kind, Kind::DenseLayer { block: other, .. } if other == block),
                );
                let (mut layers, mut parameters, mut macs, mut bytes, mut output) = (0, 0, 0, 0, row.output);
                for row in rows {
                    layers += 1;
                    parameters += row.parameter_count();
                    macs += row.macs;
                    bytes += row.activation_bytes;
                    output = row.output;
                }
                lines.push(TreeLine::Block { block, layers, parameters, macs, bytes, output });
            }
            if !self.closed.contains(&block) {
                lines.push(TreeLine::Row(place));
            }
        }
        lines
    }

    /// Closes all blocks, or opens them where all are closed.
    pub(crate) fn toggle_all(&mut self) {
        let all: BTreeSet<usize> = (1..=self.recipe.layers.len()).collect();
        self.closed = if self.closed == all { BTreeSet::new() } else { all };
        self.tree_row = 0;
    }

    /// Opens or closes the block under the cursor; whether there was one.
    pub(crate) fn toggle(&mut self, plan: &Plan) -> bool {
        let block = match self.tree(plan).get(self.tree_row) {
            Some(TreeLine::Block { block, .. }) => *block,
            Some(TreeLine::Row(place)) => match plan.rows[*place].kind {
                Kind::DenseLayer { block, .. } => block,
                _ => return false,
            },
            None => return false,
        };
        if !self.closed.remove(&block) {
            self.closed.insert(block);
            let lines = self.tree(plan);
            let head = |line: &TreeLine| matches!(line, TreeLine::Block { block: b, .. } if *b == block);
            self.tree_row = lines.iter().position(head).unwrap_or(0);
        }
        true
    }
}

/// A value as it is typed.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(","),
        Value::Boolean(yes) => if *yes { "yes" } else { "no" }.into(),
        other => other.to_string(),
    }
}

/// What was typed as a value: a list of layers, a number, yes or no, else a word.
fn value_of(key: &str, text: &str) -> Value {
    if key == "data_dir" {
        // A directory may be called 2024, or yes.
        return Value::String(text.into());
    }
    if key == "layers" {
        let items: Result<Vec<i64>, _> = text.split(',').map(|item| item.trim().parse::<i64>()).collect();
        return items.map_or_else(
            |_| Value::String(text.into()),
            |items| Value::Array(items.into_iter().map(Value::Integer).collect()),
        );
    }
    match text {
        "yes" | "true" => Value::Boolean(true),
        "no" | "false" => Value::Boolean(false),
        _ => {
            let number = text.parse::<i64>().map(Value::Integer).or_else(|_| text.parse().map(Value::Float));
            number.unwrap_or_else(|_| Value::String(text.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;

    fn screen() -> RecipeScreen {
        RecipeScreen::new(&Recipe::defaults(Data::Shapes))
    }

    #[test]
    fn every_field_of_the_form_is_a_key_and_takes_its_own_text() {
        let mut screen = screen();
        for field in FIELDS {
            let text = screen.text(field.key);
            assert_eq!(screen.set(field.key, &text), Ok(()), "{}", field.key);
            assert_eq!(screen.text(field.key), text, "{}", field.key);
        }
        assert_eq!(screen.recipe, Recipe::defaults(Data::Shapes));
    }

    #[test]
    fn what_was_not_set_follows_the_defaults_of_the_data() {
        let mut screen = screen();
        screen.set("growth_rate", "24").unwrap();
        screen.set("data", "cifar10").unwrap();
        assert_eq!(screen.recipe.epochs, 300);
        assert_eq!(screen.recipe.growth_rate, 24);
        screen.row = FIELDS.iter().position(|field| field.key == "growth_rate").unwrap();
        screen.reset();
        assert_eq!(screen.recipe.growth_rate, 12);
        assert!(!screen.is_own("growth_rate"));
    }

    #[test]
    fn a_word_where_a_number_belongs_is_refused_and_a_number_out_of_range_is_told_at_its_field() {
        let mut screen = screen();
        let before = screen.recipe.clone();
        assert!(screen.set("epochs", "many").unwrap_err().contains("`epochs`"));
        assert_eq!(screen.recipe, before);
        screen.set("dropout", "2").unwrap();
        assert!(screen.problem("dropout").unwrap().contains("below 1"));
        assert_eq!(screen.problem("lr"), None);
    }

    #[test]
    fn a_closed_block_hides_its_layers() {
        let mut screen = screen();
        screen.set("layers", "3,2").unwrap();
        let plan = screen.plan().unwrap();
        let open = screen.tree(&plan).len();
        assert_eq!(open, plan.rows.len() + 2);
        screen.tree_row = 1;
        assert!(screen.toggle(&plan));
        assert_eq!(screen.tree(&plan).len(), open - 3);
        assert!(screen.toggle(&plan));
        assert_eq!(screen.tree(&plan).len(), open);
    }
}
