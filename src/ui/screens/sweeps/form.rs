//! The form of a new sweep: lines of text, and the file that they make.

use crate::recipe::Recipe;
use crate::recipe::keys::KEYS;
use crate::sweep::{Plan, Problem, Spec};

/// A line of the form.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
}

const fn field(name: &'static str, help: &'static str) -> Field {
    Field { name, help }
}

#[rustfmt::skip]
pub(crate) const FIELDS: [Field; 9] = [
    field("name", "that of its directory"),
    field("grid", "every combination, as in growth_rate=8,12,24 connectivity=plain,dense"),
    field("random", "drawn, as in lr=log:0.01..0.5 dropout=0..0.3 growth_rate=8..24"),
    field("trials", "how many, where values are drawn"),
    field("measure", "validation.accuracy, validation.loss, train.accuracy, train.loss or seconds to 0.9"),
    field("seeds", "runs of each trial"),
    field("first rung", "epochs after which the worst are dropped; empty: none are"),
    field("factor", "how many times as long the next rung is, and how many are dropped for each that goes on"),
    field("parallel", "runs at a time"),
];

#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) texts: [String; 9],
    pub(crate) row: usize,
}

impl Default for Form {
    fn default() -> Self {
        let texts = ["sweep", "growth_rate=8,12", "", "", "validation.accuracy", "1", "", "3", "1"];
        Self { texts: texts.map(str::to_owned), row: 0 }
    }
}

/// Value words between blanks: `key=value`; the error is a sentence.
fn pairs(text: &str) -> Result<Vec<(&str, &str)>, String> {
    text.split_whitespace()
        .map(|word| {
            word.split_once('=').ok_or_else(|| format!("`{word}`: write key=value, and no blanks within."))
        })
        .collect()
}

/// A value as TOML has it: a number, a truth value, or a text in quotation marks.
fn literal(word: &str) -> String {
    match word {
        "yes" => "true".into(),
        "no" => "false".into(),
        _ if word.parse::<i64>().is_ok() || word == "true" || word == "false" => word.into(),
        _ => match word.parse::<f64>() {
            Ok(number) if number.is_finite() => format!("{number:?}"),
            _ => toml::Value::String(word.into()).to_string(),
        },
    }
}

/// Values between commas; those of a list (`layers`) have `x` or `-` within, as in 4-4-4.
fn list(key: &str, values: &str) -> String {
    let is_list =
        KEYS.iter().any(|known| known.name == key && matches!(known.kind, crate::recipe::keys::Kind::List));
    let value = |word: &str| {
        if is_list { format!("[{}]", word.replace(['-', 'x'], ", ")) } else { literal(word) }
    };
    values.split(',').filter(|word| !word.is_empty()).map(value).collect::<Vec<_>>().join(", ")
}

/// What values are drawn from: `log:a..b`, `a..b`, or values between commas.
fn distribution(key: &str, words: &str) -> String {
    let range = words.strip_prefix("log:").unwrap_or(words).split_once("..");
    match (range, words.starts_with("log:")) {
        (Some((low, high)), true) => format!("{{ log = [{}, {}] }}", real(low), real(high)),
        (Some((low, high)), false) => format!("{{ min = {}, max = {} }}", literal(low), literal(high)),
        (None, _) => format!("{{ values = [{}] }}", list(key, words)),
    }
}

fn real(word: &str) -> String {
    word.parse::<f64>().map_or_else(|_| literal(word), |number| format!("{number:?}"))
}

impl Form {
    /// The file of the sweep, over `recipe`; the error is a sentence.
    pub(crate) fn file(&self, recipe: &Recipe) -> Result<String, String> {
        let [name, grid, random, trials, measure, seeds, from, factor, parallel] =
            self.texts.each_ref().map(|text| text.trim());
        let mut recipe = recipe.clone();
        recipe.anchor_paths();
        let quoted = |text: &str| toml::Value::String(text.into()).to_string();
        let mut lines = vec![format!("name = {}", quoted(name)), "\n[recipe]".into()];
        lines.push(recipe.to_toml().map_err(|clause| format!("{clause}."))?);
        let every = |(key, words): (&str, &str)| format!("{key} = [{}]", list(key, words));
        let drawn = |(key, words): (&str, &str)| format!("{key} = {}", distribution(key, words));
        let tables: [(&str, Vec<String>); 2] = [
            ("grid", pairs(grid)?.into_iter().map(every).collect()),
            ("random", pairs(random)?.into_iter().map(drawn).collect()),
        ];
        for (table, keys) in tables {
            if !keys.is_empty() {
                lines.push(format!("[{table}]"));
                lines.extend(keys);
                lines.push(String::new());
            }
        }
        lines.push("[search]".into());
        if !trials.is_empty() {
            lines.push(format!("trials = {trials}"));
        }
        lines.extend([format!("measure = {}", quoted(measure)), format!("seeds = {seeds}")]);
        if !from.is_empty() {
            lines.push(format!("halving = {{ from = {from}, factor = {factor} }}"));
        }
        lines.push(format!("parallel = {parallel}\n"));
        Ok(lines.join("\n"))
    }

    /// The trials that it means, and its file; the error is a sentence.
    pub(crate) fn plan(&self, recipe: &Recipe) -> Result<(Plan, String), String> {
        let text = self.file(recipe)?;
        let wrong = |problem: Problem| problem.sentence;
        let spec = Spec::read(&text).map_err(wrong)?;
        if spec.trials() > crate::sweep::plan::MANY {
            return Err(format!(
                "{} trials are more than a form is for; write a file and add --yes.",
                spec.trials()
            ));
        }
        let table = match &spec.base {
            crate::sweep::spec::Base::Keys(table) => table.clone(),
            crate::sweep::spec::Base::File(_) => toml::Table::new(),
        };
        Plan::of(spec, table).map(|plan| (plan, text)).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;

    fn with(row: usize, text: &str) -> Form {
        let mut form = Form::default();
        form.texts[row] = text.into();
        form
    }

    #[test]
    fn words_make_a_file_and_its_trials() {
        let recipe = Recipe::defaults(Data::Shapes);
        let mut form = with(1, "growth_rate=8,12 connectivity=plain,dense bottleneck=yes layers=1-1,2-2");
        let (plan, text) = form.plan(&recipe).unwrap();
        assert_eq!(plan.trials.len(), 8);
        assert!(text.contains("layers = [[1, 1], [2, 2]]") && text.contains("bottleneck = [true]"), "{text}");
        form = with(2, "lr=log:0.01..0.5 dropout=0..0.3 batch_size=16..64");
        form.texts[3] = "4".into();
        let (plan, text) = form.plan(&recipe).unwrap();
        assert_eq!(plan.trials.len(), 4);
        assert!(
            text.contains("lr = { log = [0.01, 0.5] }")
                && text.contains("batch_size = { min = 16, max = 64 }")
        );
    }

    #[test]
    fn what_cannot_be_is_a_sentence() {
        let recipe = Recipe::defaults(Data::Shapes);
        for (row, text, part) in [
            (1, "growth_rate", "write key=value"),
            (1, "groth_rate=8", "is no key of a recipe"),
            (1, "", "nothing to try"),
            (0, "a/b", "path separator"),
            (2, "lr=log:0.01..0.5", "`trials`, and there is none"),
            (4, "speed", "it must be one of"),
            (6, "1000", "the first rung is at 1000 epochs"),
        ] {
            let sentence = with(row, text).plan(&recipe).unwrap_err();
            assert!(sentence.contains(part), "{text}: {sentence}");
        }
    }
}
