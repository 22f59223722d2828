//! Runs in groups, each with a name: those with one value of a recipe's key, or those that differ in the seed alone.

use std::cmp::Ordering;
use std::collections::HashMap;

/// The key that groups what differs in it and in nothing else.
pub(crate) const SEED: &str = "seed";

/// Groups of runs, which go by their places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    names: Vec<String>,
    of: HashMap<usize, usize>,
}

impl Groups {
    /// Groups places by their names, in the order of these.
    pub(crate) fn new(placed: impl Iterator<Item = (usize, String)>) -> Self {
        let placed: Vec<(usize, String)> = placed.collect();
        let mut names: Vec<String> = placed.iter().map(|(_, name)| name.clone()).collect();
        names.sort_by(|a, b| by_number(a, b));
        names.dedup();
        let index: HashMap<&str, usize> =
            names.iter().enumerate().map(|(number, name)| (name.as_str(), number)).collect();
        let of = placed.iter().map(|(place, name)| (*place, index[name.as_str()])).collect();
        Self { names, of }
    }

    /// The number of the group of a place.
    pub(crate) fn of(&self, place: usize) -> Option<usize> {
        self.of.get(&place).copied()
    }

    /// The names of the groups.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }
}

/// Word by word: numbers by their size, before words by their letters.
fn by_number(a: &str, b: &str) -> Ordering {
    let words = |text: &str| text.split([' ', '=']).map(str::to_owned).collect::<Vec<_>>();
    let word = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    };
    let unequal = words(a).iter().zip(&words(b)).map(word).find(|order| order.is_ne());
    unequal.unwrap_or_else(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_several_keys_are_in_the_order_of_each() {
        let names = ["lr=0.1 k=12", "lr=0.05 k=12", "lr=0.1 k=8"];
        let groups = Groups::new(names.iter().enumerate().map(|(place, name)| (place, (*name).to_owned())));
        assert_eq!(groups.names(), ["lr=0.05 k=12", "lr=0.1 k=8", "lr=0.1 k=12"]);
    }

    #[test]
    fn groups_are_in_the_order_of_their_numbers_and_words() {
        let names = ["24", "8", "auto", "12", "8"];
        let groups =
            Groups::new(names.iter().enumerate().map(|(place, name)| (place + 10, (*name).to_owned())));
        assert_eq!(groups.names(), ["8", "12", "24", "auto"]);
        assert_eq!(
            [10, 11, 12, 14, 9].map(|place| groups.of(place)),
            [Some(2), Some(0), Some(3), Some(0), None]
        );
    }
}
