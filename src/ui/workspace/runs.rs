//! The runs on disk, their order and filter, which of them is under the cursor, and which are drawn together.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Table;

use crate::recipe::keys::{KEYS, text_of};
use crate::store::catalog::filter::Filter;
use crate::store::catalog::{Entry, Summary};
use crate::ui::curves::Curves;
use crate::ui::saved_state::Order;
use crate::ui::workspace::groups::{Groups, SEED};

/// Curves that are kept at most, beside those in the chart.
const KEPT: usize = 32;

/// Runs in a chart of groups at most, where none are marked.
pub(crate) const GROUPED: usize = 100;

/// Journals that are read at a time.
const AT_A_TIME: usize = 8;

/// What is derived from the rows, their order and the filter is kept until one of them changes, so that a frame of
/// thousands of runs costs what is in view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    rows: Vec<Row>,
    /// Where in the rows the run of a directory is.
    places: HashMap<PathBuf, usize>,
    /// The catalogue was read at least once.
    pub(crate) known: bool,
    order: Order,
    filter: Filter,
    /// Whether runs in the archive are shown too.
    archived_too: bool,
    /// Places of the rows that pass the filter, in order.
    shown: Vec<usize>,
    differences: Vec<Difference>,
    /// The key that the runs are grouped by, and the groups of those that are shown.
    group: Option<&'static str>,
    groups: Groups,
    /// The row under the cursor, among those shown.
    pub(crate) row: usize,
    /// Directories of the runs in the chart, in the order they were marked.
    pub(crate) marked: Vec<PathBuf>,
    /// Curves that were read, by directory; or what is wrong with the journal.
    pub(crate) curves: BTreeMap<PathBuf, Result<Curves, String>>,
    /// Directories whose journals are being read.
    reading: BTreeSet<PathBuf>,
}

/// A run in the table, with its recipe by key.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    entry: Arc<Entry>,
    recipe: Option<Table>,
    /// Counted when they are asked for.
    macs: OnceCell<Option<u64>>,
}

/// A key in which recipes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) key: &'static str,
    /// Letters of the longest value that is shown.
    pub(crate) width: usize,
}

impl Row {
    fn new(entry: Arc<Entry>) -> Self {
        let recipe = entry.summary().map(|summary| summary.recipe.to_table());
        Self { entry, recipe, macs: OnceCell::new() }
    }

    /// The value of a key of its recipe, as it is typed.
    pub(crate) fn value(&self, key: &str) -> String {
        self.recipe.as_ref().and_then(|recipe| recipe.get(key)).map_or_else(|| "auto".into(), text_of)
    }

    /// Multiply-adds of its network for an image; where the classes are not known, for ten.
    pub(crate) fn macs(&self) -> Option<u64> {
        *self.macs.get_or_init(|| {
            let recipe = &self.summary()?.recipe;
            recipe.arch(recipe.data.classes().unwrap_or(10)).plan().ok().map(|plan| plan.macs())
        })
    }
}

impl Deref for Row {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

impl Runs {
    pub(crate) fn in_order(order: Order) -> Self {
        Self { order, ..Self::default() }
    }

    /// Whether `rows` say nothing new.
    pub(crate) fn has(&self, rows: &[Arc<Entry>]) -> bool {
        let same = |(row, new): (&Row, &Arc<Entry>)| Arc::ptr_eq(&row.entry, new) || *row.entry == **new;
        self.known && self.rows.len() == rows.len() && self.rows.iter().zip(rows).all(same)
    }

    /// The run in this directory, whatever the filter.
    pub(crate) fn find(&self, path: &Path) -> Option<&Entry> {
        self.places.get(path).map(|&place| &*self.rows[place])
    }

    /// Takes over what is on disk; the cursor stays on its run.
    pub(crate) fn take(&mut self, rows: &[Arc<Entry>]) {
        if self.has(rows) {
            return;
        }
        let mut before: Vec<Option<Row>> = std::mem::take(&mut self.rows).into_iter().map(Some).collect();
        let here =
            self.shown.get(self.row).and_then(|&place| before[place].as_ref()).map(|row| row.path.clone());
        let row = |new: &Arc<Entry>| {
            let old = self.places.get(&new.path).and_then(|&place| before[place].take());
            old.filter(|old| Arc::ptr_eq(&old.entry, new)).unwrap_or_else(|| Row::new(Arc::clone(new)))
        };
        self.rows = rows.iter().map(row).collect();
        self.places = rows.iter().enumerate().map(|(place, row)| (row.path.clone(), place)).collect();
        self.known = true;
        self.marked.retain(|path| self.places.contains_key(path));
        self.curves.retain(|path, _| self.places.contains_key(path));
        self.reading.retain(|path| self.places.contains_key(path));
        self.arrange();
        if let Some(path) = here {
            self.point_at(&path);
        }
    }

    /// Runs on disk, whatever the filter.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// How many of them are in the archive.
    pub(crate) fn archived(&self) -> usize {
        self.rows.iter().filter(|row| row.labels.archived).count()
    }

    /// Whether runs in the archive are shown, as far as they pass the filter.
    pub(crate) fn shows_archived(&self) -> bool {
        self.archived_too || self.filter.is_about_the_archive()
    }

    /// Shows the runs in the archive too, or no more; the cursor stays on its run.
    pub(crate) fn toggle_archived(&mut self) {
        let here = self.current().map(|row| row.path.clone());
        self.archived_too = !self.archived_too;
        self.arrange();
        here.map(|path| self.point_at(&path));
    }

    pub(crate) fn order(&self) -> Order {
        self.order
    }

    pub(crate) fn sort_by(&mut self, order: Order) {
        self.order = order;
        self.arrange();
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Shows the runs that pass, with the cursor on the first.
    pub(crate) fn filter_by(&mut self, filter: Filter) {
        (self.filter, self.row) = (filter, 0);
        self.arrange();
    }

    /// The rows that pass the filter, in order; those with a star before the others.
    pub(crate) fn shown(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.shown.iter().map(|&place| &self.rows[place])
    }

    /// Puts the rows that pass the filter in order.
    fn arrange(&mut self) {
        let rows = &self.rows;
        let archived_too = self.shows_archived();
        let listed = rows.iter().filter(|row| archived_too || !row.labels.archived);
        let mut differences: Vec<Difference> =
            differing(listed).into_iter().map(|key| Difference { key, width: 0 }).collect();
        let passes = |&place: &usize| {
            let row = &rows[place];
            (archived_too || !row.labels.archived) && self.filter.passes_with(row, row.recipe.as_ref())
        };
        let mut shown: Vec<usize> = (0..rows.len()).filter(passes).collect();
        let mut descending = |figure: fn(&Summary) -> Option<f64>| {
            let figure = |place: &usize| rows[*place].summary().and_then(figure).unwrap_or(f64::NEG_INFINITY);
            shown.sort_by(|a, b| figure(b).total_cmp(&figure(a)));
        };
        match self.order {
            Order::Newest => descending(|of| Some(of.created)),
            Order::Best => descending(|of| Some(of.best?.accuracy)),
            Order::Test => descending(|of| Some(of.test?.accuracy)),
            Order::Largest => descending(|of| Some(of.parameters as f64)),
            Order::Name => shown.sort_by(|a, b| rows[*a].name.cmp(&rows[*b].name)),
        }
        shown.sort_by_key(|&place| !rows[place].labels.star);
        self.row = self.row.min(shown.len().saturating_sub(1));
        let width = |key| shown.iter().map(|&place| rows[place].value(key).chars().count()).max();
        for difference in &mut differences {
            difference.width = width(difference.key).unwrap_or(0);
        }
        self.differences = differences;
        self.shown = shown;
        self.assign();
    }

    /// Assigns the runs that are shown to their groups.
    fn assign(&mut self) {
        let Some(key) = self.group else {
            self.groups = Groups::default();
            return;
        };
        let shown = || self.shown.iter().filter(|&&place| self.rows[place].recipe.is_some());
        let others: Vec<&str> = differing(self.shown()).into_iter().filter(|other| *other != SEED).collect();
        let name = |row: &Row| match (key, &others[..]) {
            (SEED, []) => "all".to_owned(),
            (SEED, others) => {
                let part = |key: &&str| format!("{key}={}", row.value(key));
                others.iter().map(part).collect::<Vec<_>>().join(" ")
            }
            _ => row.value(key),
        };
        self.groups = Groups::new(shown().map(|&place| (place, name(&self.rows[place]))));
    }

    /// The key that the runs are grouped by.
    pub(crate) fn group(&self) -> Option<&'static str> {
        self.group
    }

    pub(crate) fn group_by(&mut self, key: Option<&'static str>) {
        self.group = key;
        self.assign();
    }

    /// The groups of the runs that are shown.
    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The number of the group of the run in this directory, where it is shown and has one.
    pub(crate) fn group_of(&self, path: &Path) -> Option<usize> {
        self.groups.of(*self.places.get(path)?)
    }

    /// Moves the cursor to the run in this directory, if it is shown.
    pub(crate) fn point_at(&mut self, path: &Path) -> bool {
        let place = self.places.get(path);
        let row = place.and_then(|place| self.shown.iter().position(|shown| shown == place));
        self.row = row.unwrap_or(self.row);
        row.is_some()
    }

    /// Directories whose curves are in the chart: the marked runs; or else, in groups, those that are shown, otherwise
    /// the one under the cursor.
    pub(crate) fn drawn(&self) -> Vec<PathBuf> {
        let paths = |rows: &[usize]| rows.iter().map(|&place| self.rows[place].path.clone()).collect();
        match (&self.marked[..], self.group) {
            ([], Some(_)) => paths(&self.shown[..self.shown.len().min(GROUPED)]),
            ([], None) => paths(self.shown.get(self.row..=self.row).unwrap_or_default()),
            (marked, _) => marked.to_vec(),
        }
    }

    /// Journals to read now: of those in the chart, some that are not known, or that grow.
    pub(crate) fn wanted(&mut self) -> Vec<PathBuf> {
        let grows = |path: &Path| self.find(path).is_some_and(|row| row.live);
        let mut wanted = self.drawn();
        wanted
            .retain(|path| !self.reading.contains(path) && (!self.curves.contains_key(path) || grows(path)));
        wanted.truncate(AT_A_TIME.saturating_sub(self.reading.len()));
        self.reading.extend(wanted.iter().cloned());
        wanted
    }

    /// Keeps the curves of a journal; of many, those in the chart.
    pub(crate) fn keep(&mut self, path: PathBuf, curves: Result<Curves, String>) {
        self.reading.remove(&path);
        if self.curves.len() >= KEPT {
            let drawn: BTreeSet<PathBuf> = self.drawn().into_iter().collect();
            self.curves.retain(|path, _| drawn.contains(path));
        }
        self.curves.insert(path, curves);
    }

    pub(crate) fn current(&self) -> Option<&Row> {
        self.shown.get(self.row).map(|&place| &self.rows[place])
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

    /// Keys in which the recipes of the runs differ, whatever the filter.
    pub(crate) fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// The runs to compare: those that are marked, or the marked one and that under the cursor.
    pub(crate) fn compared(&self) -> Vec<&Row> {
        let mut places: Vec<usize> =
            self.marked.iter().filter_map(|path| self.places.get(path).copied()).collect();
        if let ([one], Some(&here)) = (&places[..], self.shown.get(self.row))
            && *one != here
        {
            places.push(here);
        }
        places.into_iter().map(|place| &self.rows[place]).collect()
    }
}

/// Keys in which the recipes of these runs differ; where the data lies is no difference.
pub(crate) fn differing<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<&'static str> {
    let recipes: Vec<&Table> = rows.filter_map(|row| row.recipe.as_ref()).collect();
    let differs = |key: &str| recipes.iter().any(|recipe| recipe.get(key) != recipes[0].get(key));
    KEYS.iter().map(|key| key.name).filter(|key| *key != "data_dir" && differs(key)).collect()
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

    fn take(runs: &mut Runs, rows: Vec<Entry>) {
        runs.take(&rows.into_iter().map(Arc::new).collect::<Vec<_>>());
    }

    #[test]
    fn the_cursor_stays_on_its_run_when_another_appears() {
        let mut runs = Runs::default();
        take(&mut runs, vec![row("a", 1.0, 0.5, 8), row("b", 2.0, 0.4, 8)]);
        runs.row = 1;
        assert_eq!(runs.current().unwrap().name, "a");
        take(&mut runs, vec![row("a", 1.0, 0.5, 8), row("b", 2.0, 0.4, 8), row("c", 3.0, 0.1, 8)]);
        assert_eq!(runs.current().unwrap().name, "a");
        runs.sort_by(Order::Best);
        assert_eq!(runs.shown().next().unwrap().name, "a");
    }

    #[test]
    fn only_hyperparameters_that_differ_are_named() {
        let mut runs = Runs::default();
        take(&mut runs, vec![row("a", 1.0, 0.5, 8), row("b", 2.0, 0.4, 12)]);
        assert_eq!(runs.differences(), [Difference { key: "growth_rate", width: 2 }]);
        assert_eq!(runs.current().unwrap().value("growth_rate"), "12");
    }

    #[test]
    fn the_chart_has_the_marked_runs_or_else_the_one_under_the_cursor() {
        let mut runs = Runs::default();
        take(&mut runs, vec![row("a", 1.0, 0.5, 8), row("b", 2.0, 0.4, 8)]);
        assert_eq!(runs.wanted(), [PathBuf::from("b")]);
        assert!(runs.wanted().is_empty(), "it is being read");
        runs.keep("b".into(), Ok(Curves::default()));
        assert!(runs.wanted().is_empty());
        runs.row = 1;
        runs.mark();
        runs.row = 0;
        assert_eq!(runs.drawn(), [PathBuf::from("a")]);
        take(&mut runs, vec![]);
        assert!(runs.marked.is_empty() && runs.curves.is_empty() && runs.drawn().is_empty());
    }

    #[test]
    fn the_journal_of_a_run_that_grows_is_read_again() {
        let mut runs = Runs::default();
        take(&mut runs, vec![Entry { live: true, ..row("a", 1.0, 0.5, 8) }]);
        runs.curves.insert("a".into(), Ok(Curves::default()));
        assert_eq!(runs.wanted(), [PathBuf::from("a")]);
    }

    #[test]
    fn only_runs_that_pass_the_filter_are_shown() {
        let mut runs = Runs::default();
        take(&mut runs, vec![row("apple", 1.0, 0.5, 8), row("pear", 2.0, 0.4, 12)]);
        runs.filter_by(Filter::read("growth_rate>8").unwrap());
        assert_eq!(runs.shown().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["pear"]);
    }

    #[test]
    fn many_journals_are_read_a_few_at_a_time() {
        let mut runs = Runs::default();
        let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        take(&mut runs, names.iter().map(|name| row(name, 1.0, 0.5, 8)).collect());
        runs.marked = names.iter().map(PathBuf::from).collect();
        assert_eq!((runs.wanted().len(), runs.wanted().len()), (AT_A_TIME, 0));
        runs.keep("0".into(), Ok(Curves::default()));
        assert_eq!(runs.wanted(), [PathBuf::from("8")]);
    }

    #[test]
    fn what_the_same_list_says_again_changes_nothing_and_a_changed_row_everything() {
        let mut runs = Runs::default();
        let first: Vec<Arc<Entry>> = ["a", "b"].map(|name| Arc::new(row(name, 1.0, 0.5, 8))).to_vec();
        runs.take(&first);
        assert!(runs.has(&first) && runs.differences().is_empty());
        let second = [Arc::clone(&first[0]), Arc::new(row("b", 1.0, 0.5, 24))];
        assert!(!runs.has(&second));
        runs.take(&second);
        assert_eq!(runs.shown().map(|row| row.value("growth_rate")).collect::<Vec<_>>(), ["8", "24"]);
        assert_eq!(runs.differences(), [Difference { key: "growth_rate", width: 2 }]);
    }

    /// The names of the runs that are shown.
    fn names(runs: &Runs) -> Vec<&str> {
        runs.shown().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn runs_with_a_star_come_first_in_every_order() {
        let mut runs = Runs::default();
        let mut starred = row("a", 1.0, 0.1, 8);
        starred.labels.star = true;
        take(&mut runs, vec![starred, row("b", 2.0, 0.4, 8), row("c", 3.0, 0.3, 8)]);
        assert_eq!(names(&runs), ["a", "c", "b"]);
        runs.sort_by(Order::Best);
        assert_eq!(names(&runs), ["a", "b", "c"]);
    }

    #[test]
    fn runs_in_the_archive_are_shown_on_request() {
        let mut runs = Runs::default();
        let mut archived = row("b", 2.0, 0.4, 12);
        archived.labels.archived = true;
        take(&mut runs, vec![row("a", 1.0, 0.5, 8), archived, row("c", 3.0, 0.3, 8)]);
        assert_eq!((names(&runs), runs.count(), runs.archived()), (vec!["c", "a"], 3, 1));
        assert!(runs.differences().is_empty(), "what nobody sees is no difference");
        runs.row = 1;
        runs.toggle_archived();
        assert_eq!(runs.differences().len(), 1);
        assert_eq!((names(&runs), runs.current().unwrap().name.as_str()), (vec!["c", "b", "a"], "a"));
        runs.toggle_archived();
        runs.filter_by(Filter::read("archived").unwrap());
        assert_eq!(names(&runs), ["b"]);
    }

    /// A run of this growth rate and seed.
    fn seeded(name: &str, growth_rate: usize, seed: u64) -> Entry {
        let mut entry = row(name, 1.0, 0.5, growth_rate);
        if let Ok(summary) = &mut entry.summary {
            summary.recipe.seed = seed;
            summary.recipe.data_dir = Some(name.into());
        }
        entry
    }

    #[test]
    fn runs_that_differ_in_the_seed_alone_are_one_group() {
        let mut runs = Runs::default();
        let damaged = Entry { summary: Err("it is damaged.".into()), ..row("e", 1.0, 0.5, 8) };
        let rows =
            vec![seeded("a", 8, 1), seeded("b", 8, 2), seeded("c", 12, 1), seeded("d", 12, 2), damaged];
        take(&mut runs, rows);
        runs.group_by(Some("seed"));
        assert_eq!(runs.groups().names(), ["growth_rate=8", "growth_rate=12"]);
        let group = |runs: &Runs, name: &str| runs.group_of(Path::new(name));
        assert_eq!(["a", "b", "c", "e"].map(|name| group(&runs, name)), [Some(0), Some(0), Some(1), None]);
        runs.filter_by(Filter::read("k=8").unwrap());
        assert_eq!((runs.groups().names(), group(&runs, "c")), (&["all".to_owned()][..], None));
        runs.group_by(Some("growth_rate"));
        runs.filter_by(Filter::default());
        assert_eq!(runs.groups().names(), ["8", "12"]);
        runs.group_by(None);
        assert!(runs.groups().names().is_empty());
    }

    #[test]
    fn the_chart_of_groups_has_the_runs_that_are_shown_where_none_are_marked() {
        let mut runs = Runs::default();
        take(&mut runs, vec![seeded("a", 8, 1), seeded("b", 8, 2), seeded("c", 12, 1)]);
        runs.group_by(Some("growth_rate"));
        runs.filter_by(Filter::read("seed=1").unwrap());
        assert_eq!(runs.drawn(), [PathBuf::from("a"), PathBuf::from("c")]);
        runs.mark();
        assert_eq!(runs.drawn(), [PathBuf::from("a")]);
    }

    #[test]
    fn two_runs_are_compared_by_a_mark_and_the_cursor_and_more_by_marks() {
        let mut runs = Runs::default();
        take(&mut runs, vec![seeded("a", 8, 1), seeded("b", 8, 2), seeded("c", 12, 1)]);
        let compared = |runs: &Runs| runs.compared().iter().map(|row| row.name.clone()).collect::<Vec<_>>();
        assert!(compared(&runs).is_empty());
        runs.mark();
        assert_eq!(compared(&runs), ["a"]);
        runs.row = 1;
        assert_eq!(compared(&runs), ["a", "b"]);
        assert_eq!(differing(runs.compared().into_iter()), ["seed"]);
        runs.row = 2;
        runs.mark();
        runs.row = 1;
        assert_eq!(compared(&runs), ["a", "c"]);
    }
}
