//! `--continue`: the same command line begins a run, goes on with it, or finds it complete.
//!
//! What was typed is compared with the recipe the run was begun with, key by key, and only what was typed: the run
//! remembers the rest. What cannot change any more is refused, nothing is passed over.

use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

use crate::cli::Cli;
use crate::data;
use crate::files;
use crate::headless::answers::complain;
use crate::headless::{print_json, print_line};
use crate::monitor::{Exit, Monitor, lines};
use crate::protocol::{Event, Outcome, Overrides, Stamped};
use crate::recipe::layered::{Layer, assemble};
use crate::recipe::{Data, Recipe};
use crate::store::checkpoint::Meta;
use crate::store::{State, Summary, catalog, run};

/// What is to be done.
pub(crate) enum Next {
    /// There is no such run.
    Begin,
    /// Go on with the run in this directory.
    GoOn(PathBuf, Overrides),
    /// There is nothing left to train.
    Ended(Box<Summary>),
}

/// What a run and a command line say of it.
struct Case<'a> {
    name: &'a str,
    /// The recipe it was begun with.
    begun: Recipe,
    /// The recipe of its newest checkpoint, with all changes since.
    now: Recipe,
    /// What was typed, on top of what it was begun with.
    asked: Recipe,
    diverged: bool,
}

/// Finds out what the command line means for the run `name`; the error is a sentence.
pub(crate) fn next(cli: &Cli, runs_dir: &Path, name: &str) -> Result<Next, String> {
    run::check_name(name).map_err(|problem| format!("{problem}; choose another --name."))?;
    let path = runs_dir.join(name);
    if run::checkpoints(&path).is_empty() {
        return Ok(Next::Begin);
    }
    if run::held(&path) {
        return Err(format!(
            "{}: another process is training in it; wait for it to end, or start another run.",
            path.display()
        ));
    }
    let (_, checkpoint, _) = run::newest_good(&path).map_err(|error| error.to_string())?;
    let Meta { recipe: now, no_test, reference, progress, .. } = checkpoint.meta;
    let begun = files::read_text(&path.join(run::RECIPE)).ok().and_then(|text| Recipe::from_toml(&text).ok());
    let begun = begun.unwrap_or_else(|| now.clone());
    let asked = asked(cli, &begun)?;
    let summary = catalog::read_summary(&path).ok();
    let is = |state| summary.as_ref().is_some_and(|summary| summary.state == state);
    let case = Case { name, begun, now, asked, diverged: is(State::Diverged) };
    for (option, typed, remembered) in
        [("--no-test", cli.run.no_test, no_test), ("--reference", cli.run.compute.reference, reference)]
    {
        if typed && !remembered {
            return Err(case.differs(option, &format!("without {option}")));
        }
    }
    let overrides = case.overrides()?;
    case.tell_changes(cli);
    let longer = (overrides.epochs, overrides.steps) != (None, None);
    match summary {
        Some(summary) if case.diverged && overrides.lr.is_none() => Ok(Next::Ended(Box::new(summary))),
        // Where the last checkpoint is damaged, the end is trained again.
        Some(summary) if is_complete(&summary) && summary.step == progress.step && !longer => {
            Ok(Next::Ended(Box::new(summary)))
        }
        _ => Ok(Next::GoOn(path, overrides)),
    }
}

fn is_complete(summary: &Summary) -> bool {
    summary.state == State::Completed
}

/// Tells that the run `name` has ended as `summary` says, as its last line did.
pub(crate) fn tell_end(name: &str, summary: &Summary, json: bool) -> Exit {
    let completed = is_complete(summary);
    let outcome = if completed { Outcome::Completed } else { Outcome::Diverged };
    let (best, test, step) = (summary.best, summary.test, summary.step);
    let event = Event::Finished { outcome, reason: None, best, test, step };
    let end = lines::of(&event, &Monitor::default()).join("");
    if json && let Ok(line) = serde_json::to_string(&Stamped { event, time: summary.updated }) {
        print_json(&line);
    }
    if !completed {
        let why = summary.message.clone().unwrap_or_else(|| "go on with a lower --lr.".into());
        complain(&format!("error: {name} has {end}: {why}"));
        return Exit::DIVERGED;
    }
    let line = format!("{name} is complete: {end}");
    if json {
        complain(&line);
    } else {
        print_line(&line);
    }
    Exit::FINE
}

/// What was typed, on top of the recipe of the run: what was not typed is as it was begun.
fn asked(cli: &Cli, begun: &Recipe) -> Result<Recipe, String> {
    let table = Table::try_from(begun).map_err(|error| error.to_string())?;
    let run = Layer { source: "the run".into(), table };
    let layers = cli.recipe.layers(Some(run)).map_err(|error| error.to_string())?;
    assemble(&layers).map_err(|error| error.to_string())
}

impl Case<'_> {
    /// What goes on otherwise than it was; the error names what cannot.
    fn overrides(&self) -> Result<Overrides, String> {
        let Self { begun, now, asked, .. } = self;
        let mut overrides = Overrides::default();
        for (key, [begun, now, asked]) in self.keys() {
            if asked == begun || asked == now {
                continue;
            }
            match key.as_str() {
                "epochs" | "steps" | "data" | "data_dir" => {}
                "lr" if self.diverged => overrides.lr = Some(self.asked.lr),
                _ => {
                    let [was, is] =
                        [begun, asked].map(|value| value.map_or("nothing".into(), |value| value.to_string()));
                    let option = format!("--{}", key.replace('_', "-"));
                    return Err(self.differs(&option, &format!("with `{key}` = {was}, not {is}")));
                }
            }
        }
        let epochs = if asked.epochs == begun.epochs { now.epochs } else { asked.epochs };
        let steps = match (asked.steps == begun.steps, epochs == now.epochs) {
            (false, _) => asked.steps,
            (true, true) => now.steps,
            // As beside --resume: a limit of an earlier part must not hide the epochs now asked for.
            (true, false) => None,
        };
        if (epochs, steps) != (now.epochs, now.steps) {
            (overrides.epochs, overrides.steps) = (Some(epochs), steps);
        }
        overrides.data_dir = self.moved()?;
        Ok(overrides)
    }

    /// Tells where the run has another value by now than it was begun with, though the latter was typed once more.
    fn tell_changes(&self, cli: &Cli) {
        let typed = cli.recipe.overrides();
        let typed = [
            ("epochs", typed.epochs.is_some()),
            ("steps", typed.steps.is_some()),
            ("lr", typed.lr.is_some()),
        ];
        for (key, [begun, now, asked]) in self.keys() {
            if typed.contains(&(&key, true)) && asked == begun && asked != now {
                let [was, is] =
                    [begun, now].map(|value| value.map_or("no limit".into(), |value| value.to_string()));
                complain(&format!(
                    "warning: the run `{}` was begun with `{key}` = {was}, but that was changed to {is} since, and it goes on so.",
                    self.name
                ));
            }
        }
    }

    /// Each key of the recipes with its three values.
    fn keys(&self) -> Vec<(String, [Option<toml::Value>; 3])> {
        let tables =
            [&self.begun, &self.now, &self.asked].map(|recipe| Table::try_from(recipe).unwrap_or_default());
        let mut keys: Vec<&String> = tables.iter().flat_map(Table::keys).collect();
        keys.sort();
        keys.dedup();
        let values = |key: &String| tables.each_ref().map(|table| table.get(key).cloned());
        keys.into_iter().map(|key| (key.clone(), values(key))).collect()
    }

    /// Where the images are now, if the command line has another place for the same ones that is there. A relative
    /// path means what it meant at the start, so one that leads nowhere from here leads to the remembered place.
    fn moved(&self) -> Result<Option<PathBuf>, String> {
        let Self { begun, asked, .. } = self;
        let same_kind = match (&begun.data, &asked.data) {
            (Data::Folder(_), Data::Folder(_)) => true,
            (begun, asked) => begun == asked,
        };
        if !same_kind {
            let problem = format!("with `data` = {}, not {}", begun.data, asked.data);
            return Err(self.differs("--data", &problem));
        }
        if (&begun.data, &begun.data_dir) == (&asked.data, &asked.data_dir) {
            return Ok(None);
        }
        let real = |recipe: &Recipe| data::place(recipe).and_then(|place| fs::canonicalize(place).ok());
        let Some(place) = data::place(asked).filter(|place| place.is_dir()) else { return Ok(None) };
        if real(asked) == real(&self.now) {
            return Ok(None);
        }
        if let (Data::Folder(was), Some(name)) = (&self.now.data, place.file_name())
            && was.file_name() != Some(name)
        {
            let problem = format!("with `data` = {}, not {}", begun.data, asked.data);
            return Err(self.differs("--data", &problem));
        }
        Ok(Some(place))
    }

    /// The sentence about an option that cannot be what it was typed as.
    fn differs(&self, option: &str, how: &str) -> String {
        let name = self.name;
        format!(
            "{option}: the run `{name}` was begun {how}, and goes on so; leave {option} as it was, or choose another --name."
        )
    }
}
