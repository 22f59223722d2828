//! The words that choose runs in the catalogue: text, keys of the recipe, figures and labels.
//!
//! A filter is words between blanks, all of which must hold. It is read once, and what is wrong with it is a
//! sentence; whether a run passes is then a matter of its entry alone.

use std::cell::LazyCell;
use std::cmp::Ordering;
use std::path::Path;

use toml::{Table, Value};

use crate::recipe::datasets::DATASETS;
use crate::recipe::keys::{self, KEYS, Key, Kind, either, text_of};
use crate::store::catalog::Entry;

/// Which runs are wanted. The default wants all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    words: Vec<Word>,
}

/// A word of a filter, and whether it must not hold.
#[derive(Clone, Debug)]
struct Word {
    absent: bool,
    test: Test,
}

/// What a word asks of a run.
#[derive(Clone, Debug)]
enum Test {
    /// This text, in small letters, is in its name, state, network or data.
    Text(String),
    /// Its figure compares so with a number.
    Figure(fn(&Entry) -> Option<f64>, Comparison, Number),
    /// Its state is this word.
    State(String),
    /// The number under a key of its recipe compares so with another.
    Amount(&'static Key, Comparison, Number),
    /// The value of a key of its recipe is this, in small letters.
    Value(&'static Key, String),
    /// It has a star.
    Star,
    /// It has this tag.
    Tag(String),
    /// It is in the archive.
    Archived,
}

/// What an order must be for a comparison to hold.
type Comparison = fn(Ordering) -> bool;

/// The signs between a key and a value: whether the word negates, and the comparison. Longer ones come first.
const SIGNS: [(&str, bool, Comparison); 6] = [
    ("!=", true, Ordering::is_eq),
    (">=", false, Ordering::is_ge),
    ("<=", false, Ordering::is_le),
    ("=", false, Ordering::is_eq),
    (">", false, Ordering::is_gt),
    ("<", false, Ordering::is_lt),
];

/// A figure of a run.
struct Figure {
    name: &'static str,
    /// Whether it is from 0 to 1.
    share: bool,
    of: fn(&Entry) -> Option<f64>,
}

/// The figures, beside the state, by the names that filters have for them.
const FIGURES: [Figure; 7] = [
    figure("accuracy", true, |run| Some(run.summary()?.best?.accuracy)),
    figure("loss", false, |run| Some(run.summary()?.best?.loss)),
    figure("test", true, |run| Some(run.summary()?.test?.accuracy)),
    figure("epoch", false, |run| Some(run.summary()?.epoch as f64)),
    figure("step", false, |run| Some(run.summary()?.step as f64)),
    figure("parameters", false, |run| Some(run.summary()?.parameters as f64)),
    figure("seconds", false, |run| Some(run.summary()?.seconds)),
];

const fn figure(name: &'static str, share: bool, of: fn(&Entry) -> Option<f64>) -> Figure {
    Figure { name, share, of }
}

/// The key of a run's state.
const STATE: &str = "state";

/// The words of [`Entry::state`].
const STATES: [&str; 8] =
    ["running", "interrupted", "completed", "stopped", "diverged", "failed", "starting", "damaged"];

/// The word for runs with a star.
const STAR: &str = "star";

/// The word for runs in the archive.
const ARCHIVED: &str = "archived";

/// What is in front of a tag.
const TAG: &str = "tag:";

/// Other names of keys: those that the network's short name has.
const SHORT: [(&str, &str); 3] = [("k", "growth_rate"), ("θ", "compression"), ("theta", "compression")];

/// What people type for the value of a key that a recipe leaves to the data.
const AUTO: &str = "auto";

/// A number as it was typed. Whole ones keep every digit, as seeds need.
#[derive(Clone, Copy, Debug)]
struct Number {
    whole: Option<i64>,
    real: f64,
}

impl Number {
    fn read(text: &str) -> Option<Self> {
        let real = match text.strip_suffix('%') {
            Some(percent) => percent.parse::<f64>().ok()? / 100.0,
            None => text.parse().ok()?,
        };
        real.is_finite().then(|| Self { whole: text.parse().ok(), real })
    }

    /// How a value of a recipe stands to it; `None` where that is no number.
    fn order(self, value: &Value) -> Option<Ordering> {
        match (value, self.whole) {
            (Value::Integer(value), Some(whole)) => Some(value.cmp(&whole)),
            (Value::Integer(value), None) => (*value as f64).partial_cmp(&self.real),
            (Value::Float(value), _) => value.partial_cmp(&self.real),
            _ => None,
        }
    }
}

impl Filter {
    /// Reads a filter; the error is a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let (filter, problem) = Self::as_far_as_understood(text);
        problem.map_or(Ok(filter), Err)
    }

    /// The filter of the words that can be read, and what is wrong with the first of the others, in a sentence.
    pub fn as_far_as_understood(text: &str) -> (Self, Option<String>) {
        let (mut typed, mut words, mut problem) = (Vec::new(), Vec::new(), None);
        for word in text.split_whitespace() {
            match word_of(word) {
                Ok(None) => {}
                Ok(Some(read)) => {
                    typed.push(word);
                    words.push(read);
                }
                Err(sentence) => _ = problem.get_or_insert(sentence),
            }
        }
        (Self { words, text: typed.join(" ") }, problem)
    }

    /// What was typed, as far as it was understood.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether one of the words is about the archive, so that it is not left out.
    pub fn is_about_the_archive(&self) -> bool {
        self.words.iter().any(|word| matches!(word.test, Test::Archived))
    }

    /// Whether a run is wanted. One in the archive is only where a word is about that.
    pub fn passes(&self, run: &Entry) -> bool {
        let table = LazyCell::new(|| run.summary().map(|summary| summary.recipe.to_table()));
        (!run.labels.archived || self.is_about_the_archive()) && self.passes_by(run, &|| table.as_ref())
    }

    /// Whether the words hold for a run whose recipe is a table already, wherever it is.
    pub fn passes_with(&self, run: &Entry, recipe: Option<&Table>) -> bool {
        self.passes_by(run, &|| recipe)
    }

    fn passes_by<'a>(&self, run: &Entry, recipe: &dyn Fn() -> Option<&'a Table>) -> bool {
        self.words.iter().all(|word| word.absent != holds(&word.test, run, recipe))
    }
}

/// Whether what a word asks is so. A run without the figure or the recipe that is asked for is not what is wanted.
fn holds<'a>(test: &Test, run: &Entry, recipe: &dyn Fn() -> Option<&'a Table>) -> bool {
    match test {
        Test::Text(part) => {
            let (network, data) = run.summary().map_or_else(Default::default, |summary| {
                (summary.network.clone(), String::from(summary.recipe.data.clone()))
            });
            [&*run.name, run.state(), &*network, &*data]
                .iter()
                .any(|field| field.to_lowercase().contains(part))
        }
        Test::Star => run.labels.star,
        Test::Archived => run.labels.archived,
        Test::Tag(tag) => run.labels.has_tag(tag),
        Test::State(state) => run.state() == state,
        Test::Figure(of, comparison, number) => {
            of(run).and_then(|figure| figure.partial_cmp(&number.real)).is_some_and(comparison)
        }
        Test::Amount(key, comparison, number) => {
            let value = recipe().and_then(|recipe| recipe.get(key.name));
            value.and_then(|value| number.order(value)).is_some_and(comparison)
        }
        Test::Value(key, wanted) => recipe().is_some_and(|recipe| {
            let value = recipe.get(key.name).map_or_else(|| AUTO.into(), text_of);
            is_called(key, &value.to_lowercase(), wanted)
        }),
    }
}

/// Whether people call a value so: by all of it, a data set or a schedule also without what follows its `:`, and a file
/// also by its name alone.
fn is_called(key: &Key, value: &str, wanted: &str) -> bool {
    let short = match key.kind {
        Kind::Data | Kind::Text(_) => value.split_once(':').map(|(word, _)| word),
        Kind::Path => Path::new(value).file_name().and_then(|name| name.to_str()),
        _ => None,
    };
    value == wanted || short == Some(wanted)
}

/// Reads a word; one that is only begun asks nothing yet.
fn word_of(word: &str) -> Result<Option<Word>, String> {
    let (absent, rest) = match word.strip_prefix(['-', '!']) {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    if rest.is_empty() {
        return Ok(None);
    }
    if rest.starts_with('-') {
        return Err(format!("`{word}` is no option here, and one - is enough to leave a word out."));
    }
    if rest.eq_ignore_ascii_case(STAR) {
        return Ok(Some(Word { absent, test: Test::Star }));
    }
    if rest.eq_ignore_ascii_case(ARCHIVED) {
        return Ok(Some(Word { absent, test: Test::Archived }));
    }
    if let Some(tag) = rest.strip_prefix(TAG) {
        let named = (!tag.is_empty()).then(|| Word { absent, test: Test::Tag(tag.to_owned()) });
        return named.map(Some).ok_or_else(|| format!("`{word}` lacks the tag."));
    }
    let Some((key, (_, negates, comparison), value)) = compared(rest) else {
        return Ok(Some(Word { absent, test: Test::Text(rest.to_lowercase()) }));
    };
    if key.is_empty() {
        return Err(format!("`{word}` lacks the key in front."));
    }
    if value.is_empty() {
        return Err(format!("`{word}` lacks the value."));
    }
    let test = comparison_of(rest, key, comparison, &value.to_lowercase())?;
    Ok(Some(Word { absent: absent != negates, test }))
}

/// A word at its first sign.
fn compared(word: &str) -> Option<(&str, (&str, bool, Comparison), &str)> {
    word.char_indices().find_map(|(at, _)| {
        let sign = SIGNS.into_iter().find(|(sign, ..)| word[at..].starts_with(sign))?;
        Some((&word[..at], sign, &word[at + sign.0.len()..]))
    })
}

/// What `word` asks: to compare `key` with `value`.
fn comparison_of(word: &str, key: &str, comparison: Comparison, value: &str) -> Result<Test, String> {
    let name = key.to_lowercase().replace('-', "_");
    let name = SHORT.iter().find(|(short, _)| *short == name).map_or(&*name, |(_, long)| long);
    let number = || Number::read(value).ok_or_else(|| format!("`{word}`: {value} is no number."));
    let same = comparison(Ordering::Equal) && !comparison(Ordering::Less) && !comparison(Ordering::Greater);
    let unordered = || format!("`{word}`: {name} has no order; compare it with = or !=.");
    if let Some(figure) = FIGURES.iter().find(|figure| figure.name == name) {
        let number = number()?;
        if figure.share && number.real > 1.0 {
            return Err(format!("`{word}`: {name} is a share up to 1, or a percentage as 90%."));
        }
        return Ok(Test::Figure(figure.of, comparison, number));
    }
    if name == STATE {
        return match STATES.contains(&value) {
            _ if !same => Err(unordered()),
            true => Ok(Test::State(value.into())),
            false => Err(format!("`{word}`: a state is {}.", either(STATES))),
        };
    }
    let key = keys::find(name).ok_or_else(|| unknown(key, name))?;
    let is_number = matches!(key.kind, Kind::Whole(_) | Kind::Real);
    // The channels of a stem are a number where they are not a word.
    let may_be_number = matches!(key.kind, Kind::Text(_)) && Number::read(value).is_some();
    match key.kind {
        _ if is_number && value == AUTO && same => Ok(Test::Value(key, value.into())),
        _ if is_number || may_be_number => Ok(Test::Amount(key, comparison, number()?)),
        _ if !same => Err(unordered()),
        _ => value_of(word, key, value).map(|value| Test::Value(key, value)),
    }
}

/// A value of a key that is no number, as a recipe's text has it.
fn value_of(word: &str, key: &Key, value: &str) -> Result<String, String> {
    let value = match (key.kind, value) {
        (Kind::Switch(_), "true") => "yes",
        (Kind::Switch(_), "false") => "no",
        _ => value,
    };
    let sets = || DATASETS.iter().map(|set| set.word.trim_end_matches(':'));
    match key.kind {
        Kind::Data if sets().all(|set| Some(set) != value.split(':').next()) => {
            Err(format!("`{word}`: {} is {}.", key.name, either(sets())))
        }
        Kind::Switch(_) | Kind::Word(_) if !key.choices().contains(&value) => {
            Err(format!("`{word}`: {} is {}.", key.name, either(key.choices().iter().copied())))
        }
        _ => Ok(value.to_owned()),
    }
}

/// The sentence about a key that there is not.
fn unknown(typed: &str, name: &str) -> String {
    let all = KEYS.iter().map(|key| key.name).chain(FIGURES.iter().map(|figure| figure.name)).chain([STATE]);
    let mut near: Vec<(usize, &str)> = all
        .filter_map(|known| {
            let within = name.len() > 1 && known.contains(name) || known.len() > 2 && name.contains(known);
            let distance = if within { 1 } else { strsim::levenshtein(name, known) };
            (distance <= 1 + name.chars().count() / 4).then_some((distance, known))
        })
        .collect();
    near.sort_by_key(|(distance, known)| (*distance, known.len().abs_diff(name.len())));
    near.truncate(4);
    match &near[..] {
        [] => format!(
            "there is no key {typed}; give one of a recipe's, or {}.",
            either(FIGURES.map(|figure| figure.name).into_iter().chain([STATE]))
        ),
        near => {
            format!("there is no key {typed}; near it: {}.", either(near.iter().map(|(_, known)| *known)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Figures;
    use crate::protocol::event::Best;
    use crate::recipe::{Augment, Data, Recipe, Schedule};
    use crate::store::Labels;
    use crate::store::catalog::{State, Summary, network};

    fn run(name: &str, recipe: Recipe) -> Entry {
        let summary = Summary {
            run: name.into(),
            state: State::Completed,
            message: None,
            network: network(&recipe),
            parameters: 19_650,
            step: 423,
            total_steps: 423,
            epoch: 3,
            created: 0.0,
            updated: 0.0,
            seconds: 3.7,
            best: Some(Best { epoch: 3, step: 423, loss: 0.25, accuracy: 0.93 }),
            last: None,
            test: Some(Figures { loss: 0.3, accuracy: 0.9 }),
            parent: None,
            recipe,
        };
        Entry {
            name: name.into(),
            path: name.into(),
            summary: Ok(summary),
            labels: Labels::default(),
            live: false,
            bytes: 1,
        }
    }

    /// One on CIFAR-10 by the paper, a small one on pictures of its own, and one that cannot be read.
    fn runs() -> [Entry; 3] {
        let small = Recipe {
            layers: vec![2, 2],
            growth_rate: 8,
            bottleneck: false,
            lr: 0.01,
            augment: Augment::Standard,
            schedule: Schedule::Cosine,
            seed: i64::MAX as u64,
            weights: Some("/models/First.pth".into()),
            ..Recipe::defaults(Data::Folder("/pictures/Birds".into()))
        };
        let mut young = run("small", small);
        if let Ok(summary) = &mut young.summary {
            (summary.best, summary.test, summary.state) = (None, None, State::Stopped);
        }
        let damaged =
            Entry { summary: Err("it is damaged.".into()), ..run("torn", Recipe::defaults(Data::Shapes)) };
        young.labels = Labels { star: true, tags: vec!["Talk".into()], note: String::new(), archived: false };
        [run("paper", Recipe::defaults(Data::Cifar10)), young, damaged]
    }

    #[track_caller]
    fn chooses(text: &str, names: &[&str]) {
        let filter = Filter::read(text).unwrap();
        let runs = runs();
        let passing: Vec<&str> =
            runs.iter().filter(|run| filter.passes(run)).map(|run| run.name.as_str()).collect();
        assert_eq!(passing, names, "{text}");
    }

    #[track_caller]
    fn refused(text: &str, sentence: &str) {
        assert_eq!(Filter::read(text).unwrap_err(), sentence);
    }

    #[test]
    fn words_are_looked_for_in_name_state_network_and_data_and_all_must_be_there() {
        chooses("", &["paper", "small", "torn"]);
        chooses("PAP", &["paper"]);
        chooses("cifar", &["paper"]);
        chooses("birds", &["small"]);
        chooses("16,16,16 bc", &["paper"]);
        chooses("stopped", &["small"]);
        chooses("paper birds", &[]);
    }

    #[test]
    fn a_word_with_a_minus_must_not_hold_and_one_that_is_only_begun_asks_nothing() {
        chooses("-paper", &["small", "torn"]);
        chooses("!paper -torn", &["small"]);
        chooses("-lr=0.1", &["small", "torn"]);
        chooses("-lr!=0.1", &["paper"]);
        chooses("-", &["paper", "small", "torn"]);
    }

    #[test]
    fn numbers_of_a_recipe_are_compared_as_numbers_however_they_are_typed() {
        for one in ["lr=0.1", "lr=1e-1", "lr=10%", "LR>=0.10", "lr>0.01", "lr!=0.01 paper", "lr=.1"] {
            chooses(one, &["paper"]);
        }
        chooses("lr<=0.01", &["small"]);
        chooses("growth-rate>=8 k<12", &["small"]);
        chooses("compression=0.5", &["paper", "small"]);
    }

    #[test]
    fn a_seed_is_compared_to_its_last_digit() {
        chooses("seed=9223372036854775807", &["small"]);
        chooses("seed=9223372036854775806", &[]);
    }

    #[test]
    fn lists_words_and_switches_of_a_recipe_are_compared_whatever_the_case() {
        chooses("layers=16,16,16", &["paper"]);
        chooses("layers!=16,16,16", &["small", "torn"]);
        chooses("augment=STANDARD", &["small"]);
        chooses("bottleneck=yes", &["paper"]);
        chooses("bottleneck=false", &["small"]);
        chooses("stem=auto", &["paper", "small"]);
    }

    #[test]
    fn data_and_schedules_go_by_their_word_and_files_by_their_name_too() {
        chooses("data=folder", &["small"]);
        chooses("data=folder:/pictures/birds", &["small"]);
        chooses("data=cifar10", &["paper"]);
        chooses("schedule=step", &["paper"]);
        chooses("schedule=cosine", &["small"]);
        chooses("weights=first.pth", &["small"]);
        chooses("weights=auto", &["paper"]);
    }

    #[test]
    fn what_a_recipe_leaves_open_is_auto_and_no_number() {
        chooses("steps=auto", &["paper", "small"]);
        chooses("steps>=0", &[]);
    }

    #[test]
    fn figures_are_compared_and_a_run_without_one_is_not_what_is_wanted() {
        chooses("accuracy>=0.93", &["paper"]);
        chooses("accuracy>=93%", &["paper"]);
        chooses("accuracy<1", &["paper"]);
        chooses("-accuracy>0", &["small", "torn"]);
        chooses("test>0.9", &[]);
        chooses("loss<=0.25 epoch=3 step>422 parameters<2e4 seconds<4", &["paper"]);
        chooses("state=stopped", &["small"]);
        chooses("state!=damaged", &["paper", "small"]);
    }

    #[test]
    fn stars_and_tags_choose_runs() {
        chooses("star", &["small"]);
        chooses("-star", &["paper", "torn"]);
        chooses("tag:talk", &["small"]);
        chooses("-tag:talk paper", &["paper"]);
        refused("tag:", "`tag:` lacks the tag.");
    }

    #[test]
    fn a_run_in_the_archive_is_wanted_only_where_a_word_asks_for_it() {
        let [mut old, new, _] = runs();
        old.labels.archived = true;
        let chosen = |text: &str| {
            let filter = Filter::read(text).unwrap();
            [&old, &new].map(|run| filter.passes(run))
        };
        assert_eq!(chosen(""), [false, true]);
        assert_eq!(chosen("lr>0"), [false, true]);
        assert_eq!(chosen("Archived"), [true, false]);
        assert_eq!(chosen("-archived"), [false, true]);
        assert_eq!(chosen("archived lr=0.01"), [false, false]);
    }

    #[test]
    fn a_key_that_there_is_not_is_a_sentence_with_those_near_it() {
        refused("lrr=1", "there is no key lrr; near it: lr.");
        refused("accurcy>0.5", "there is no key accurcy; near it: accuracy.");
        refused("batch=64", "there is no key batch; near it: batch_size.");
        refused(
            "learning=1",
            "there is no key learning; give one of a recipe's, or accuracy, loss, test, epoch, step, parameters, seconds or state.",
        );
        refused("paper ep>3", "there is no key ep; near it: step, steps, epoch or epochs.");
    }

    #[test]
    fn what_is_not_understood_leaves_the_other_words_in_force() {
        let (filter, problem) = Filter::as_far_as_understood("paper  lrr>1 - k=12 other=2");
        assert_eq!(problem.as_deref(), Some("there is no key lrr; near it: lr."));
        assert_eq!(filter.text(), "paper k=12");
        assert!(filter.passes(&runs()[0]) && !filter.passes(&runs()[1]));
    }

    #[test]
    fn a_value_that_no_run_can_have_is_a_sentence_too() {
        refused("lr=fast", "`lr=fast`: fast is no number.");
        refused("lr<nan", "`lr<nan`: nan is no number.");
        refused("augment=some", "`augment=some`: augment is standard, imagenet or none.");
        refused("bottleneck=1", "`bottleneck=1`: bottleneck is yes or no.");
        refused("data=cifar", "`data=cifar`: data is cifar10, cifar100, svhn, folder, npz or shapes.");
        refused("augment>none", "`augment>none`: augment has no order; compare it with = or !=.");
        refused("accuracy>=90", "`accuracy>=90`: accuracy is a share up to 1, or a percentage as 90%.");
        refused(
            "-state=done",
            "`state=done`: a state is running, interrupted, completed, stopped, diverged, failed, starting or damaged.",
        );
        refused("lr=", "`lr=` lacks the value.");
        refused("<3", "`<3` lacks the key in front.");
        refused("--jsn", "`--jsn` is no option here, and one - is enough to leave a word out.");
    }

    #[test]
    fn every_state_of_a_run_can_be_asked_for() {
        for state in [State::Running, State::Completed, State::Stopped, State::Diverged, State::Failed] {
            assert!(STATES.contains(&state.word()), "{}", state.word());
        }
    }

    #[test]
    fn no_figure_has_the_name_of_a_key() {
        let clash =
            FIGURES.iter().map(|figure| figure.name).chain([STATE]).find(|name| keys::find(name).is_some());
        assert_eq!(clash, None);
    }
}
