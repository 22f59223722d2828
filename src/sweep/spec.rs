//! What the file of a sweep says.
//!
//! It is read as text with the place of every key, so that a sentence about one names its line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use toml::{Spanned, Table, Value};

use crate::recipe::layered::{check, excerpt};
use crate::sweep::measure::Measure;
use crate::sweep::values::{Distribution, Written};

/// What is wrong with a file, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {sentence}")]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub sentence: String,
}

/// A sweep as its file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Its name, which is that of its directory.
    pub name: String,
    /// What all trials have in common.
    pub base: Base,
    /// Keys of which every combination of values is tried, in the order of the file.
    pub grid: Vec<(String, Vec<Value>)>,
    /// Keys whose values are drawn, in the order of the file.
    pub random: Vec<(String, Distribution)>,
    /// How it is searched.
    pub search: Search,
    /// The lines of the keys in `grid` and `random`, and of what else a sentence may be about.
    lines: BTreeMap<String, usize>,
}

/// The recipe that all trials share.
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// A recipe's file.
    File(PathBuf),
    /// Keys in the sweep's own file.
    Keys(Table),
}

/// How the combinations are searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Trials, where values are drawn.
    pub trials: Option<usize>,
    /// What they are compared by.
    pub measure: Measure,
    /// Runs of each trial, with seeds that follow the recipe's.
    pub seeds: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Whether the worst are stopped early.
    pub halving: Option<Halving>,
    /// Runs at a time.
    pub parallel: usize,
}

/// Successive halving (Jamieson, Talwalkar: "Non-stochastic Best Arm Identification", AISTATS 2016).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// Epochs of the first rung.
    pub from: usize,
    /// How many times as many epochs the next rung has, and what share of the trials reaches it.
    pub factor: usize,
}

/// The most runs at a time.
const MOST_PARALLEL: usize = 256;
/// The most seeds.
const MOST_SEEDS: usize = 1000;

type Keys<T> = BTreeMap<Spanned<String>, Spanned<T>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    recipe: Option<Spanned<Value>>,
    grid: Option<Spanned<Keys<Value>>>,
    random: Option<Spanned<Keys<Value>>>,
    #[serde(default)]
    search: Searched,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Searched {
    trials: Option<Spanned<usize>>,
    measure: Option<Spanned<String>>,
    seeds: Option<Spanned<usize>>,
    seed: Option<Spanned<u32>>,
    halving: Option<Spanned<Halving>>,
    parallel: Option<Spanned<usize>>,
}

/// Numbers the lines of a text.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn of(&self, span: &Range<usize>) -> usize {
        self.0.get(..span.start).unwrap_or_default().matches('\n').count() + 1
    }

    fn problem(&self, span: &Range<usize>, sentence: impl Into<String>) -> Problem {
        Problem { line: self.of(span), sentence: sentence.into() }
    }
}

impl Spec {
    /// Reads the text of a file.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let lines = Lines(text);
        let file: File = toml::from_str(text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            lines.problem(
                &error.span().unwrap_or(0..0),
                format!("{}.", excerpt(message.trim_end_matches('.'))),
            )
        })?;
        let mut known = BTreeMap::from([("name".to_owned(), lines.of(&file.name.span()))]);
        let base = base(file.recipe, &lines, &mut known)?;
        let grid = in_order(file.grid, "grid", &lines, &mut known)?;
        let grid = grid.into_iter().map(|(key, value)| Ok((key.clone(), list(&key, value, &lines)?)));
        let grid = grid.collect::<Result<Vec<_>, Problem>>()?;
        let random = in_order(file.random, "random", &lines, &mut known)?;
        let random = random.into_iter().map(|(key, value)| Ok((key.clone(), drawn(&key, value, &lines)?)));
        let random = random.collect::<Result<Vec<_>, Problem>>()?;
        let search = search(file.search, &lines, &mut known)?;
        let spec = Self { name: file.name.into_inner(), base, grid, random, search, lines: known };
        spec.check()?;
        Ok(spec)
    }

    /// The problem with one of its keys.
    pub fn problem(&self, key: &str, sentence: impl Into<String>) -> Problem {
        Problem { line: self.lines.get(key).copied().unwrap_or(1), sentence: sentence.into() }
    }

    /// Everything that does not depend on the recipe.
    fn check(&self) -> Result<(), Problem> {
        crate::store::run::check_name(&self.name).map_err(|clause| {
            self.problem("name", format!("{}.", clause.replace("the run's name", "the name")))
        })?;
        if self.grid.is_empty() && self.random.is_empty() {
            return Err(self.problem(
                "name",
                "there is nothing to try: give keys of the recipe in [grid] or in [random].",
            ));
        }
        let keys = self.grid.iter().map(|(key, _)| key).chain(self.random.iter().map(|(key, _)| key));
        for (index, key) in keys.clone().enumerate() {
            if keys.clone().take(index).any(|before| before == key) {
                return Err(self.problem(
                    key,
                    format!("`{key}` is in [grid] and in [random]; it has its values from one of them."),
                ));
            }
            let halving = self.search.halving.is_some();
            let sentence = match key.as_str() {
                "seed" if self.search.seeds > 1 => {
                    "`seed` is what `seeds` counts up; leave one of the two out."
                }
                "epochs" | "steps" if halving => {
                    "halving compares trials after the same epochs, so they must all have the same number in the end."
                }
                _ => continue,
            };
            return Err(self.problem(key, format!("`{key}`: {sentence}")));
        }
        for (key, values) in &self.grid {
            self.check_values(key, values)?;
        }
        for (key, distribution) in &self.random {
            self.check_values(key, &distribution.probes())?;
        }
        if !self.random.is_empty() && self.search.trials.is_none() {
            let (key, _) = &self.random[0];
            return Err(self.problem(key, "values are drawn for [search] `trials`, and there is none."));
        }
        let combinations = self.combinations();
        if let Some(trials) = self.search.trials.filter(|trials| (*trials as u128) < combinations) {
            return Err(self.problem(
                "trials",
                format!(
                    "`trials` = {trials}: [grid] alone has {combinations} combinations, and each is tried."
                ),
            ));
        }
        Ok(())
    }

    fn check_values(&self, key: &str, values: &[Value]) -> Result<(), Problem> {
        // Where a path belongs it would depend on where the sweep is continued from.
        if matches!(key, "data" | "data_dir" | "weights") {
            return Err(self.problem(
                key,
                format!("`{key}` belongs in the recipe; give each data set a sweep of its own."),
            ));
        }
        if key == "depth" {
            return Ok(());
        }
        for value in values {
            check(key, value).map_err(|sentence| self.problem(key, sentence))?;
        }
        Ok(())
    }

    /// Combinations of the values in `grid`; 1 without one.
    pub fn combinations(&self) -> u128 {
        self.grid.iter().fold(1, |count: u128, (_, values)| count.saturating_mul(values.len() as u128))
    }

    /// Trials in all.
    pub fn trials(&self) -> u128 {
        if self.random.is_empty() { self.combinations() } else { self.search.trials.unwrap_or(1) as u128 }
    }
}

fn base(
    recipe: Option<Spanned<Value>>,
    lines: &Lines,
    known: &mut BTreeMap<String, usize>,
) -> Result<Base, Problem> {
    let Some(recipe) = recipe else { return Ok(Base::Keys(Table::new())) };
    known.insert("recipe".into(), lines.of(&recipe.span()));
    match recipe.get_ref() {
        Value::String(path) if !path.is_empty() => Ok(Base::File(path.into())),
        Value::Table(table) => Ok(Base::Keys(table.clone())),
        _ => Err(lines
            .problem(&recipe.span(), "`recipe` must be the path of a recipe's file, or a table [recipe].")),
    }
}

/// The keys of a table in the order of the file.
fn in_order<T>(
    table: Option<Spanned<Keys<T>>>,
    name: &str,
    lines: &Lines,
    known: &mut BTreeMap<String, usize>,
) -> Result<Vec<(String, Spanned<T>)>, Problem> {
    let Some(table) = table else { return Ok(Vec::new()) };
    let span = table.span();
    let mut keys: Vec<_> = table.into_inner().into_iter().collect();
    if keys.is_empty() {
        return Err(lines
            .problem(&span, format!("[{name}] is empty; give keys of the recipe in it, or leave it out.")));
    }
    keys.sort_by_key(|(key, _)| key.span().start);
    Ok(keys
        .into_iter()
        .map(|(key, value)| {
            known.insert(key.get_ref().clone(), lines.of(&key.span()));
            (key.into_inner(), value)
        })
        .collect())
}

fn list(key: &str, value: Spanned<Value>, lines: &Lines) -> Result<Vec<Value>, Problem> {
    let span = value.span();
    let wrong = |sentence: String| Err(lines.problem(&span, sentence));
    let values = match value.into_inner() {
        Value::Array(values) => values,
        // As W&B writes it.
        Value::Table(mut table) if table.len() == 1 && table.contains_key("values") => {
            match table.remove("values") {
                Some(Value::Array(values)) => values,
                _ => return wrong(format!("`{key}`: `values` must be a list.")),
            }
        }
        other => {
            return wrong(format!(
                "`{key}` = {}: give a list of the values to try.",
                excerpt(&other.to_string())
            ));
        }
    };
    if values.is_empty() {
        return wrong(format!("`{key}`: the list is empty; give the values to try."));
    }
    for (index, value) in values.iter().enumerate() {
        if values[..index].contains(value) {
            return wrong(format!("`{key}`: {} is there twice.", excerpt(&value.to_string())));
        }
    }
    Ok(values)
}

fn drawn(key: &str, value: Spanned<Value>, lines: &Lines) -> Result<Distribution, Problem> {
    let span = value.span();
    let wrong =
        |clause: &str| lines.problem(&span, format!("`{key}`: {}.", excerpt(clause.trim_end_matches('.'))));
    match value.into_inner() {
        Value::Table(table) => {
            let written: Written = table.try_into().map_err(|error: toml::de::Error| {
                wrong(error.message().lines().next().unwrap_or_default())
            })?;
            written.read().map_err(|clause| wrong(&clause))
        }
        _ => Err(wrong("give what to draw from, as in { log = [0.01, 0.5] }")),
    }
}

fn search(searched: Searched, lines: &Lines, known: &mut BTreeMap<String, usize>) -> Result<Search, Problem> {
    let Searched { trials, measure, seeds, seed, halving, parallel } = searched;
    if let Some(trials) = &trials {
        known.insert("trials".into(), lines.of(&trials.span()));
    }
    if let Some(halving) = &halving {
        known.insert("halving".into(), lines.of(&halving.span()));
        let Halving { from, factor } = *halving.get_ref();
        if from == 0 || factor < 2 {
            let sentence = "`halving`: `from` must be at least 1 epoch, and `factor` at least 2.";
            return Err(lines.problem(&halving.span(), sentence));
        }
    }
    let known_measure = match &measure {
        Some(word) => {
            known.insert("measure".into(), lines.of(&word.span()));
            word.get_ref().parse().map_err(|clause| {
                let word = excerpt(word.get_ref());
                lines.problem(
                    &measure.as_ref().map_or(0..0, Spanned::span),
                    format!("`measure` = \"{word}\": {clause}."),
                )
            })?
        }
        None => Measure::default(),
    };
    let count = |name: &str, number: Option<Spanned<usize>>, most: usize| match number {
        Some(number) if !(1..=most).contains(number.get_ref()) => Err(lines.problem(
            &number.span(),
            format!("`{name}` = {}: it must be from 1 to {most}.", number.get_ref()),
        )),
        Some(number) => Ok(number.into_inner()),
        None => Ok(1),
    };
    Ok(Search {
        trials: trials.map(|number| count("trials", Some(number), usize::MAX)).transpose()?,
        measure: known_measure,
        seeds: count("seeds", seeds, MOST_SEEDS)?,
        seed: seed.map_or(0, |seed| u64::from(seed.into_inner())),
        halving: halving.map(Spanned::into_inner),
        parallel: count("parallel", parallel, MOST_PARALLEL)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"name = "which-k"
recipe = "base.toml"
[grid]
growth_rate = [8, 12, 24]
connectivity = ["plain", "residual", "dense"]
[random]
lr = { log = [0.01, 0.5] }
[search]
trials = 32
measure = "validation.accuracy"
seeds = 3
halving = { from = 4, factor = 3 }
parallel = 1
"#;

    #[test]
    fn a_file_says_what_is_tried_and_how() {
        let spec = Spec::read(GOOD).unwrap();
        assert_eq!((spec.name.as_str(), &spec.base), ("which-k", &Base::File("base.toml".into())));
        let keys: Vec<&str> = spec.grid.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!((keys, spec.combinations(), spec.trials()), (vec!["growth_rate", "connectivity"], 9, 32));
        assert_eq!(spec.random, [("lr".to_owned(), Distribution::Log(0.01, 0.5))]);
        let Search { trials, measure, seeds, seed, halving, parallel } = spec.search;
        assert_eq!((trials, measure, seeds, seed), (Some(32), Measure::ValidationAccuracy, 3, 0));
        assert_eq!((halving, parallel), (Some(Halving { from: 4, factor: 3 }), 1));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_line() {
        let wrong = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            Spec::read(&GOOD.replace(from, to)).unwrap_err()
        };
        for (from, to, line, part) in [
            ("parallel = 1", "paralel = 1", 13, "unknown field `paralel`"),
            ("[grid]", "[gird]", 3, "unknown field `gird`"),
            ("growth_rate = [8, 12, 24]", "groth_rate = [8]", 4, "`groth_rate` is no key of a recipe"),
            ("growth_rate = [8, 12, 24]", "growth_rate = []", 4, "the list is empty"),
            ("growth_rate = [8, 12, 24]", "growth_rate = [8, 8]", 4, "8 is there twice"),
            ("growth_rate = [8, 12, 24]", "growth_rate = 8", 4, "give a list"),
            ("growth_rate = [8, 12, 24]", "growth_rate = [\"8\"]", 4, "`growth_rate` = \"8\""),
            ("growth_rate = [8, 12, 24]", "lr = [0.1]", 7, "is in [grid] and in [random]"),
            ("growth_rate = [8, 12, 24]", "seed = [1]", 4, "`seeds` counts up"),
            ("growth_rate = [8, 12, 24]", "epochs = [1]", 4, "after the same epochs"),
            ("growth_rate = [8, 12, 24]", "data = [\"shapes\"]", 4, "belongs in the recipe"),
            ("{ log = [0.01, 0.5] }", "{ lag = [0.01, 0.5] }", 7, "unknown field `lag`"),
            ("{ log = [0.01, 0.5] }", "[0.01, 0.5]", 7, "give what to draw from"),
            ("trials = 32", "trials = 8", 9, "[grid] alone has 9 combinations"),
            ("trials = 32", "trials = 0", 9, "it must be from 1"),
            ("trials = 32\n", "", 7, "`trials`, and there is none"),
            ("\"validation.accuracy\"", "\"speed\"", 10, "it must be one of"),
            ("seeds = 3", "seeds = 0", 11, "it must be from 1 to 1000"),
            ("from = 4", "from = 0", 12, "at least 1 epoch"),
            ("factor = 3", "factor = 1", 12, "`factor` at least 2"),
            ("parallel = 1", "parallel = -1", 13, "invalid value"),
            ("\"which-k\"", "\"a/k\"", 1, "path separator"),
            ("\"base.toml\"", "7", 2, "must be the path of a recipe's file"),
            ("seeds = 3", "seeds = = 3", 11, ""),
        ] {
            let problem = wrong(from, to);
            assert_eq!(problem.line, line, "{to}: {problem}");
            assert!(problem.sentence.contains(part), "{to}: {problem}");
        }
        assert!(Spec::read("name = \"a\"").unwrap_err().sentence.contains("nothing to try"));
        assert!(
            Spec::read("name = \"a\"\n[grid]")
                .unwrap_err()
                .to_string()
                .starts_with("line 2: [grid] is empty")
        );
        assert!(Spec::read("").unwrap_err().to_string().contains("missing field `name`"));
    }
}
