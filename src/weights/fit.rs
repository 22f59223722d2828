//! Whether the tensors of a file are those of a network, and what differs.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::arch::plan::{Plan, Row, STATISTICS};
use crate::recipe::Recipe;
use crate::weights::{Header, guess};

/// Tensors that a sentence names, of those with the same thing wrong.
const NAMED: usize = 3;
/// The tensors of the last layer, which depend on the classes.
const CLASSIFIER: [&str; 2] = ["classifier.weight", "classifier.bias"];

/// What a network takes from a file that fits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Convolutions and linear layers.
    pub layers: usize,
    /// The classes of the file, where they are so many that its classifier stays out.
    pub other_classes: Option<usize>,
}

/// Compares a file with the network of `recipe` for `classes` classes. Where their number is not known yet, any
/// classifier fits. The error is a clause with everything that is wrong.
pub fn fit(header: &Header, recipe: &Recipe, classes: Option<usize>) -> Result<Fit, String> {
    let theirs = header.shape(CLASSIFIER[0]).and_then(|shape| shape.first().copied());
    let network = classes.or(theirs).unwrap_or(1);
    let plan = recipe.arch(network).plan().map_err(|problem| problem.to_string())?;
    let other_classes = theirs.filter(|theirs| *theirs != network);
    let wanted = wanted(&plan, other_classes);
    let wrong = differences(header, &wanted);
    if wrong.is_empty() {
        let convolutions =
            wanted.iter().filter(|(name, shape)| shape.len() == 4 && header.shape(name).is_some());
        let layers = convolutions.count() + usize::from(other_classes.is_none());
        return Ok(Fit { layers, other_classes });
    }
    let hint = guess::options(header).map_or_else(
        || "it fits no network of this program, or it has other names".to_owned(),
        |options| format!("it is the network of {options}"),
    );
    Err(format!("it does not fit the network: {}; {hint}", wrong.join("; ")))
}

/// Whether a file has every tensor of a row of a network.
pub fn has_row(header: &Header, row: &Row) -> bool {
    let parameters = row.parameters.iter().map(|of| (of.name.as_str(), of.shape.as_slice()));
    header.has(parameters)
        && row.norms.iter().all(|(norm, channels)| {
            STATISTICS.iter().all(|(name, _)| header.shape(&format!("{norm}.{name}")) == Some(&[*channels]))
        })
}

/// The tensors that a file must have: those of the network, whose classifier may be of `other_classes`.
fn wanted(plan: &Plan, other_classes: Option<usize>) -> BTreeMap<String, Vec<usize>> {
    let mut wanted = plan.tensors();
    if let Some(theirs) = other_classes {
        for name in CLASSIFIER {
            if let Some(rows) = wanted.get_mut(name).and_then(|shape| shape.first_mut()) {
                *rows = theirs;
            }
        }
    }
    wanted
}

/// What is missing, of another shape, and too much: a clause each.
fn differences(header: &Header, wanted: &BTreeMap<String, Vec<usize>>) -> Vec<String> {
    let quoted = |name: &str| format!("`{name}`");
    let missing = wanted.keys().filter(|name| header.shape(name).is_none()).map(|name| quoted(name));
    let others = wanted.iter().filter_map(|(name, shape)| {
        let theirs = header.shape(name).filter(|theirs| theirs != shape)?;
        Some(format!("`{name}` is {} and not {}", by(theirs), by(shape)))
    });
    let more = header.names().filter(|name| !wanted.contains_key(*name)).map(quoted);
    let clauses = [listed("it lacks", missing), listed("of it", others), listed("the network has no", more)];
    clauses.into_iter().flatten().collect()
}

/// The first few of `items` behind `title`, and how many more there are; nothing where there is none.
fn listed(title: &str, items: impl Iterator<Item = String>) -> Option<String> {
    let items: Vec<String> = items.collect();
    let (named, more) = items.split_at(NAMED.min(items.len()));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    (!named.is_empty()).then(|| format!("{title} {}{more}", named.join(", ")))
}

/// A shape as people write it.
fn by<T: Debug>(shape: &[T]) -> String {
    let sides: Vec<String> = shape.iter().map(|n| format!("{n:?}")).collect();
    if sides.is_empty() { "a single number".into() } else { sides.join("x") }
}
