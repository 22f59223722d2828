//! The runs on disk, their order and filter, which of them is under the cursor, and which are drawn together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::recipe::keys::{KEYS, text_of};
use crate::store::catalog::filter::Filter;
use crate::store::catalog::{Entry, Summary};
use crate::ui::curves::Curves;
use crate::ui::saved_state::Order;

/// Curves that are kept at most, beside those in the chart.
const KEPT: usize = 32;

#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    rows: Vec<Entry>,
    /// The catalogue was read at least once.
    pub(crate) known: bool,
    pub(crate) order: Order,
    pub(crate) filter: Filter,
    /// The row under the cursor, among those shown.
    pub(crate) row: usize,
    /// Directories of the runs in the chart, in the order they were marked.
    pub(crate) marked: Vec<PathBuf>,
    /// Curves that were read, by directory; or what is wrong with the journal.
    pub(crate) curves: BTreeMap<PathBuf, Result<Curves, String>>,
}

impl Runs {
    pub(crate) fn in_order(order: Order) -> Self {
        Self { order, ..Self::default() }
    }

    /// Whether `rows` say nothing new.
    pub(crate) fn has(&self, rows: &[Entry]) -> bool {
        self.known && self.rows == rows
    }

    /// The run in this directory, whatever the filter.
    pub(crate) fn find(&self, path: &Path) -> Option<&Entry> {
        self.rows.iter().find(|row| row.path == path)
    }

    /// Takes over what is on disk; the cursor stays on its run.
    pub(crate) fn take(&mut self, rows: Vec<Entry>) {
        let here = self.current().map(|row| row.path.clone());
        (self.rows, self.known) = (rows, true);
        let there = |path: &PathBuf| self.rows.iter().any(|row| row.path == *path);
        self.marked.retain(there);
        self.curves.retain(|path, _| there(path));
        let index = here.and_then(|path| self.shown().iter().position(|row| row.path == path));
        self.row = index.unwrap_or(self.row).min(self.shown().len().saturating_sub(1));
    }

    /// Runs on disk, whatever the filter.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// The rows that pass the filter, in order.
    pub(crate) fn shown(&self) -> Vec<&Entry> {
        let mut rows: Vec<&Entry> = self.rows.iter().filter(|row| self.filter.passes(row)).collect();
        let descending = |a: &Entry, b: &Entry, figure: fn(&Summary) -> Option<f64>| {
            let [a, b] = [a, b].map(|row| row.summary().and_then(figure).unwrap_or(f64::NEG_INFINITY));
            b.total_cmp(&a)
        };
        match self.order {
            Order::Newest => rows.sort_by(|a, b| descending(a, b, |of| Some(of.created))),
            Order::Best => rows.sort_by(|a, b| descending(a, b, |of| Some(of.best?.accuracy))),
            Order::Test => rows.sort_by(|a, b| descending(a, b, |of| Some(of.test?.accuracy))),
            Order::Largest => rows.sort_by(|a, b| descending(a, b, |of| Some(of.parameters as f64))),
            Order::Name => rows.sort_by(|a, b| a.name.cmp(&b.name)),
        }
        rows
    }

    /// Directories whose curves are in the chart: the marked runs, or else the one under the cursor.
    pub(crate) fn drawn(&self) -> Vec<PathBuf> {
        if self.marked.is_empty() {
            self.current().map(|row| row.path.clone()).into_iter().collect()
        } else {
            self.marked.clone()
        }
    }

    /// Journals to read: those in the chart that are not known, or that grow.
    pub(crate) fn wanted(&self) -> Vec<PathBuf> {
        let grows = |path: &PathBuf| self.rows.iter().any(|row| row.path == *path && row.live);
        self.drawn().into_iter().filter(|path| !self.curves.contains_key(path) || grows(path)).collect()
    }

    /// Keeps the curves of a journal; of many, those in the chart.
    pub(crate) fn keep(&mut self, path: PathBuf, curves: Result<Curves, String>) {
        if self.curves.len() >= KEPT {
            let drawn = self.drawn();
            self.curves.retain(|path, _| drawn.contains(path));
        }
        self.curves.insert(path, curves);
    }

    pub(crate) fn current(&self) -> Option<&Entry> {
        self.shown().get(self.row).copied()
    }

    /// Marks or unmarks the current run for the chart.
    pub(crate) fn mark(&mut self) {
        if let Some(path) = self.current().map(|row| row.path.clone()) {
            match self.marked.iter().position(|marked| *marked == path) {
                Some(index) => _ = self.marked.remove(index),
                None => self.marked.push(path),
            }
        }
    }

    /// Keys in which the recipes of the shown runs differ, with each run's value.
    pub(crate) fn differences(&self) -> Vec<String> {
        let tables: Vec<toml::Table> = self.rows.iter().filter_map(table).collect();
        let differs = |name: &str| tables.iter().any(|table| table.get(name) != tables[0].get(name));
        let names = KEYS.iter().map(|key| key.name);
        names.filter(|name| *name != "data_dir" && differs(name)).map(str::to_owned).collect()
    }
}

/// A key of a run's recipe, as it is typed.
pub(crate) fn value(row: &Entry, key: &str) -> String {
    table(row).as_ref().and_then(|table| table.get(key)).map_or_else(|| "auto".into(), text_of)
}

fn table(row: &Entry) -> Option<toml::Table> {
    row.summary().map(|summary| summary.recipe.to_table())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Best;
    use crate::recipe::{Data, Recipe};
    use crate::store::Labels;
    use crate::store::catalog::State;

    fn row(name: &str, created: f64, accuracy: f64, growth_rate: usize) -> Entry {
        let summary = Summary {
            run: name.into(),
            state: State::Completed,
            message: None,
            network: "DenseNet-BC".into(),
            parameters: 1,
            step: 1,
            total_steps: 1,
            epoch: 1,
            created,
            updated: created,
            seconds: 1.0,
            best: Some(Best { epoch: 1, step: 1, loss: 1.0, accuracy }),
            last: None,
            test: None,
            parent: None,
            recipe: Recipe { growth_rate, ..Recipe::defaults(Data::Shapes) },
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

    #[test]
    fn the_cursor_stays_on_its_run_when_another_appears() {
        let mut runs = Runs::default();
        runs.take(vec![row("a", 1.0, 0.5, 8), row("b", 2.0, 0.4, 8)]);
        runs.row = 1;
        assert_eq!(runs.current().unwrap().name, "a");
        runs.take(vec![row("a", 1.0, 0.5, 8), row("b", 2.0, 0.4, 8), row("c", 3.0, 0.1, 8)]);
        assert_eq!(runs.current().unwrap().name, "a");
        runs.order = Order::Best;
        assert_eq!(runs.shown()[0].name, "a");
    }

    #[test]
    fn only_hyperparameters_that_differ_are_named() {
        let mut runs = Runs::default();
        runs.take(vec![row("a", 1.0, 0.5, 8), row("b", 2.0, 0.4, 12)]);
        assert_eq!(runs.differences(), ["growth_rate"]);
        assert_eq!(value(runs.current().unwrap(), "growth_rate"), "12");
    }

    #[test]
    fn the_chart_has_the_marked_runs_or_else_the_one_under_the_cursor() {
        let mut runs = Runs::default();
        runs.take(vec![row("a", 1.0, 0.5, 8), row("b", 2.0, 0.4, 8)]);
        assert_eq!(runs.wanted(), [PathBuf::from("b")]);
        runs.curves.insert("b".into(), Ok(Curves::default()));
        assert!(runs.wanted().is_empty());
        runs.row = 1;
        runs.mark();
        runs.row = 0;
        assert_eq!(runs.drawn(), [PathBuf::from("a")]);
        runs.take(Vec::new());
        assert!(runs.marked.is_empty() && runs.curves.is_empty() && runs.drawn().is_empty());
    }

    #[test]
    fn the_journal_of_a_run_that_grows_is_read_again() {
        let mut runs = Runs::default();
        runs.take(vec![Entry { live: true, ..row("a", 1.0, 0.5, 8) }]);
        runs.curves.insert("a".into(), Ok(Curves::default()));
        assert_eq!(runs.wanted(), [PathBuf::from("a")]);
    }

    #[test]
    fn only_runs_that_pass_the_filter_are_shown() {
        let mut runs = Runs::default();
        runs.take(vec![row("apple", 1.0, 0.5, 8), row("pear", 2.0, 0.4, 12)]);
        runs.filter = Filter::read("growth_rate>8").unwrap();
        assert_eq!(runs.shown().iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["pear"]);
    }
}
