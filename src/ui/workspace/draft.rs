//! The recipe in the form: a table of the keys that a person set, over the defaults that go with them.

use toml::{Table, Value};

use crate::arch::plan::Plan;
use crate::arch::problem::Problem;
use crate::paths;
use crate::recipe::Recipe;
use crate::recipe::keys::{self, Key, Kind};
use crate::recipe::layered::{ConfigLayer, preset_table, resolve};
use crate::recipe::presets::Preset;

#[derive(Clone, Debug)]
pub(crate) struct Draft {
    own: Table,
    /// The recipe that results.
    pub(crate) recipe: Recipe,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
}

impl Draft {
    pub(crate) fn new(recipe: &Recipe) -> Self {
        let mut own = Table::new();
        let defaults = Recipe::defaults_on(recipe.data.clone(), recipe.basis()).to_table();
        for (key, value) in recipe.to_table() {
            if key == "data" || defaults.get(&key) != Some(&value) {
                own.insert(key, value);
            }
        }
        let problems = recipe.validate().err().unwrap_or_default();
        Self { own, recipe: recipe.clone(), problems }
    }

    /// A key's value as it is typed; empty where it is left to the program.
    pub(crate) fn text(&self, key: &str) -> String {
        self.recipe.text(key).unwrap_or_default()
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
        if text.is_empty() || text == "auto" && !["stem", "width"].contains(&key) {
            own.remove(key);
        } else {
            own.insert(key.to_owned(), value_of(key, text));
        }
        let mut layer = ConfigLayer { source: "the form".into(), table: own };
        layer.settle_paths(&paths::meant).map_err(|error| error.sentence)?;
        self.take(layer.table)
    }

    /// Gives a key its default.
    pub(crate) fn reset(&mut self, key: &str) {
        let mut own = self.own.clone();
        own.remove(key);
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

    /// Gives a field the next of its choices; whether it has such.
    pub(crate) fn next_choice(&mut self, field: Key, forward: bool) -> bool {
        let (choices, text) = (field.choices(), self.text(field.name));
        if choices.is_empty() {
            return false;
        }
        let next = match choices.iter().position(|choice| *choice == text) {
            None => 0,
            Some(index) if forward => (index + 1) % choices.len(),
            Some(index) => (index + choices.len() - 1) % choices.len(),
        };
        // A choice always parses; whether it fits the others is shown below it.
        _ = self.set(field.name, choices[next]);
        true
    }

    /// The default of a key for these data, this stem and these weights, as it is typed.
    pub(crate) fn default_text(&self, key: &str) -> String {
        match keys::find(key).map_or("", |key| key.default) {
            "" => {
                let defaults = Recipe::defaults_on(self.recipe.data.clone(), self.recipe.basis());
                defaults.text(key).unwrap_or_else(|| "auto".into())
            }
            note => note.into(),
        }
    }

    /// Takes the network of a preset.
    pub(crate) fn take_preset(&mut self, preset: &Preset) {
        let mut own = self.own.clone();
        own.extend(preset_table(preset));
        // A preset always fits.
        _ = self.take(own);
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
        let layer = ConfigLayer { source: "the form".into(), table: own.clone() };
        self.recipe = resolve(&[layer]).map_err(|error| error.sentence)?;
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
}

/// What was typed as a value: a list of layers, a number, yes or no, else a word.
fn value_of(key: &str, text: &str) -> Value {
    let whole = |text: &str| text.parse().ok().map(Value::Integer);
    let value = match (keys::find(key).map(|key| key.kind), text) {
        // A directory may be called 2024, or yes.
        (Some(Kind::Path), _) => None,
        (Some(Kind::List), _) => {
            text.split(',').map(|item| whole(item.trim())).collect::<Option<_>>().map(Value::Array)
        }
        (_, "yes" | "true") => Some(Value::Boolean(true)),
        (_, "no" | "false") => Some(Value::Boolean(false)),
        _ => whole(text).or_else(|| text.parse().ok().map(Value::Float)),
    };
    value.unwrap_or_else(|| Value::String(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::keys::FORM;
    use crate::recipe::{Augment, Data};

    fn draft() -> Draft {
        Draft::new(&Recipe::defaults(Data::Shapes))
    }

    #[test]
    fn every_field_of_the_form_is_a_key_and_takes_its_own_text() {
        let mut draft = draft();
        for field in FORM {
            let text = draft.text(field.name);
            assert_eq!(draft.set(field.name, &text), Ok(()), "{}", field.name);
            assert_eq!(draft.text(field.name), text, "{}", field.name);
        }
        assert_eq!(draft.recipe, Recipe::defaults(Data::Shapes));
    }

    #[test]
    fn what_was_not_set_follows_the_defaults_of_the_data() {
        let mut draft = draft();
        draft.set("growth_rate", "24").unwrap();
        draft.set("data", "cifar10").unwrap();
        assert_eq!(draft.recipe.epochs, 300);
        assert_eq!(draft.recipe.growth_rate, 24);
        draft.reset("growth_rate");
        assert_eq!(draft.recipe.growth_rate, 12);
        assert!(!draft.is_own("growth_rate"));
    }

    #[test]
    fn a_preset_of_imagenet_brings_its_training_until_another_is_taken() {
        let mut draft = draft();
        draft.set("epochs", "20").unwrap();
        draft.take_preset(Preset::named("densenet121").unwrap());
        let recipe = &draft.recipe;
        assert_eq!((recipe.input_size, recipe.augment, recipe.epochs), (224, Augment::Imagenet, 20));
        assert_eq!((draft.is_own("input_size"), draft.default_text("batch_size")), (false, "256".into()));
        // As it is remembered and taken up again.
        let again = Draft::new(recipe);
        assert_eq!((&again.recipe, again.is_own("input_size")), (recipe, false));
        draft.take_preset(Preset::named("bc-40-12").unwrap());
        assert_eq!((draft.recipe.input_size, draft.recipe.augment), (32, Augment::None));
    }

    #[test]
    fn a_word_where_a_number_belongs_is_refused_and_a_number_out_of_range_is_told_at_its_field() {
        let mut draft = draft();
        let before = draft.recipe.clone();
        assert!(draft.set("epochs", "many").unwrap_err().contains("`epochs`"));
        assert_eq!(draft.recipe, before);
        draft.set("dropout", "2").unwrap();
        assert!(draft.problem("dropout").unwrap().contains("below 1"));
        assert_eq!(draft.problem("lr"), None);
    }
}
