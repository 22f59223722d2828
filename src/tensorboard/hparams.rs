//! The recipe as hyperparameters, for TensorBoard's table of runs.

use toml::{Table, Value};

use crate::protocol::Outcome;
use crate::recipe::Recipe;
use crate::recipe::keys::{KEYS, Key, Kind, text_of};
use crate::scalars::Scalar;
use crate::tensorboard::message::metadata;
use crate::wire::Message;

/// The name of the plugin.
const PLUGIN: &str = "hparams";
/// The figures in the table.
const METRICS: [Scalar; 6] = [
    Scalar::ValidationAccuracy,
    Scalar::ValidationLoss,
    Scalar::EpochTrainAccuracy,
    Scalar::EpochTrainLoss,
    Scalar::TestAccuracy,
    Scalar::TestLoss,
];

/// The types of a hyperparameter in the plugin.
#[derive(Clone, Copy)]
enum Type {
    Text = 1,
    Switch = 2,
    Number = 3,
}

impl Type {
    const fn of(key: &Key) -> Self {
        match key.kind {
            Kind::Whole(_) | Kind::Real => Self::Number,
            Kind::Switch(_) => Self::Switch,
            Kind::List | Kind::Word(_) | Kind::Text(_) | Kind::Path | Kind::Data => Self::Text,
        }
    }
}

/// The keys of the table; where the images are makes no difference to a run.
fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(|key| key.name != "data_dir")
}

/// The columns of the table: the same for every run, so that it does not matter whose is read.
pub(super) fn experiment(time: f64) -> Message {
    let hparams = keys().map(|key| Message::new().string(1, key.name).varint(4, Type::of(key) as u64));
    let metrics = METRICS.map(|scalar| Message::new().message(1, &Message::new().string(2, scalar.tag())));
    let experiment = Message::new().double(3, time).messages(4, hparams).messages(5, metrics);
    data(time, "experiment", 2, &experiment)
}

/// A run begins with this recipe.
pub(super) fn session_start(time: f64, recipe: &Recipe) -> Message {
    let table = recipe.to_table();
    let hparams = keys().filter_map(|key| {
        let value = value(key, &table)?;
        Some(Message::new().string(1, key.name).message(2, &value))
    });
    let session = Message::new().messages(1, hparams).double(5, time);
    data(time, "session_start_info", 3, &session)
}

/// A run is complete, or failed. One that was stopped can go on.
pub(super) fn session_end(time: f64, outcome: Outcome) -> Option<Message> {
    let status = match outcome {
        Outcome::Completed => 1,
        Outcome::Diverged => 2,
        Outcome::Stopped => return None,
    };
    Some(data(time, "session_end_info", 4, &Message::new().varint(1, status).double(2, time)))
}

/// The value of a key as the plugin's type for it; `None` where the recipe has none.
fn value(key: &Key, table: &Table) -> Option<Message> {
    let value = table.get(key.name)?;
    Some(match (Type::of(key), value) {
        (Type::Number, Value::Integer(number)) => Message::new().double(2, *number as f64),
        (Type::Number, Value::Float(number)) => Message::new().double(2, *number),
        (Type::Switch, Value::Boolean(yes)) => Message::new().varint(4, u64::from(*yes)),
        _ => Message::new().string(3, &text_of(value)),
    })
}

fn data(time: f64, tag: &str, field: u32, message: &Message) -> Message {
    let content = Message::new().varint(1, 0).message(field, message).into_bytes();
    metadata(time, &format!("_hparams_/{tag}"), PLUGIN, &content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;

    #[test]
    fn a_key_has_the_type_of_its_column_and_none_where_the_recipe_says_nothing() {
        let recipe = Recipe { layers: vec![2, 3], lr: 0.5, ..Recipe::defaults(Data::Shapes) };
        let table = recipe.to_table();
        let of = |name: &str| value(keys().find(|key| key.name == name).unwrap(), &table);
        assert_eq!(of("layers"), Some(Message::new().string(3, "2,3")));
        assert_eq!(of("lr"), Some(Message::new().double(2, 0.5)));
        assert_eq!(of("nesterov"), Some(Message::new().varint(4, 1)));
        assert_eq!(of("stem"), Some(Message::new().string(3, "auto")));
        assert_eq!(of("steps"), None);
        // Whatever a recipe holds is of the column's type.
        for key in keys() {
            let Some(value) = table.get(key.name) else { continue };
            let fits = match Type::of(key) {
                Type::Number => value.is_integer() || value.is_float(),
                Type::Switch => value.is_bool(),
                Type::Text => true,
            };
            assert!(fits, "{}: {value}", key.name);
        }
    }
}
