//! `--continue`: the same command line begins a run, resumes it, or finds it complete.
//!
//! Options on the command line are compared with the recipe that the run began with, key by key; options that are not
//! given keep the run's values. A value that can no longer change is refused, never ignored.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::Cli;
use crate::data;
use crate::files;
use crate::headless::answers::complain;
use crate::headless::{print_json, print_line};
use crate::monitor::{Exit, Monitor, lines};
use crate::protocol::{Event, Outcome, Overrides, Stamped};
use crate::recipe::Recipe;
use crate::recipe::keys::KEYS;
use crate::recipe::layered::{ConfigLayer, resolve};
use crate::store::checkpoint::Meta;
use crate::store::{State, Summary, catalog, run};

/// What `--continue` does next.
pub(crate) enum Next {
    /// There is no such run.
    Begin,
    /// Resume the run in this directory.
    Resume(PathBuf, Overrides),
    /// There is nothing left to train.
    Ended(Box<Summary>),
}

/// A run and the command line that is compared with it.
struct Case<'a> {
    name: &'a str,
    /// The recipe it began with.
    begun: Recipe,
    /// The recipe of its newest checkpoint, with all changes since.
    now: Recipe,
    /// The options of the command line over `begun`.
    asked: Recipe,
    diverged: bool,
}

/// Decides what the command line means for the run `name`; the error is a sentence.
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
    case.warn_about_changes(cli);
    let longer = (overrides.epochs, overrides.steps) != (None, None);
    match summary {
        Some(summary) if case.diverged && overrides.lr.is_none() => Ok(Next::Ended(Box::new(summary))),
        // Where the last checkpoint is damaged, the end is trained again.
        Some(summary) if is_complete(&summary) && summary.step == progress.step && !longer => {
            Ok(Next::Ended(Box::new(summary)))
        }
        _ => Ok(Next::Resume(path, overrides)),
    }
}

/// Whether a path that was typed means the file that was remembered. A relative one means what it meant at the start,
/// wherever that was.
fn is_same_file(remembered: Option<&Path>, typed: Option<&Path>) -> bool {
    let (Some(remembered), Some(typed)) = (remembered, typed) else { return false };
    let same = std::path::absolute(typed).is_ok_and(|typed| typed == remembered);
    let below = typed.strip_prefix(".").unwrap_or(typed);
    same || below.is_relative() && remembered.ends_with(below)
}

fn is_complete(summary: &Summary) -> bool {
    summary.state == State::Completed
}

/// Reports the end of the run `name` from its `summary`, as its last line did.
pub(crate) fn report_end(name: &str, summary: &Summary, json: bool) -> Exit {
    let completed = is_complete(summary);
    let outcome = if completed { Outcome::Completed } else { Outcome::Diverged };
    let (best, test, step) = (summary.best, summary.test, summary.step);
    let event = Event::Finished { outcome, reason: None, best, test, step };
    let end = lines::of(&event, &Monitor::default()).join("");
    if json && let Ok(line) = serde_json::to_string(&Stamped { event, time: summary.updated }) {
        print_json(&line);
    }
    if !completed {
        let why = summary.message.clone().unwrap_or_else(|| "resume it with a lower --lr.".into());
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

/// The options of the command line over the recipe that the run began with.
fn asked(cli: &Cli, begun: &Recipe) -> Result<Recipe, String> {
    let run = ConfigLayer { source: "the run".into(), table: begun.to_table() };
    let layers = cli.recipe.layers(Some(run)).map_err(|error| error.to_string())?;
    resolve(&layers).map_err(|error| error.to_string())
}

impl Case<'_> {
    /// The values that change on resuming; the error names one that cannot.
    fn overrides(&self) -> Result<Overrides, String> {
        let Self { begun, now, asked, .. } = self;
        let mut overrides = Overrides::default();
        for (key, [begun, now, asked]) in self.keys() {
            if asked == begun || asked == now {
                continue;
            }
            match key {
                "epochs" | "steps" | "data" | "data_dir" => {}
                // A run that has begun needs its file no more.
                "weights" if is_same_file(self.begun.weights.as_deref(), self.asked.weights.as_deref()) => {}
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
            // As with --resume: a limit of an earlier part must not hide the epochs now asked for.
            (true, false) => None,
        };
        if (epochs, steps) != (now.epochs, now.steps) {
            (overrides.epochs, overrides.steps) = (Some(epochs), steps);
        }
        overrides.data_dir = self.moved()?;
        Ok(overrides)
    }

    /// Warns where the command line repeats a value that the run began with but has changed since.
    fn warn_about_changes(&self, cli: &Cli) {
        let typed = cli.recipe.overrides();
        let typed = [
            ("epochs", typed.epochs.is_some()),
            ("steps", typed.steps.is_some()),
            ("lr", typed.lr.is_some()),
        ];
        for (key, [begun, now, asked]) in self.keys() {
            if typed.contains(&(key, true)) && asked == begun && asked != now {
                let [was, is] =
                    [begun, now].map(|value| value.map_or("no limit".into(), |value| value.to_string()));
                complain(&format!(
                    "warning: the run `{}` was begun with `{key}` = {was}, but that has been changed to {is} since; it continues with {is}.",
                    self.name
                ));
            }
        }
    }

    /// Each key of the recipes with its three values.
    fn keys(&self) -> Vec<(&'static str, [Option<toml::Value>; 3])> {
        let tables = [&self.begun, &self.now, &self.asked].map(Recipe::to_table);
        let values = |name| tables.each_ref().map(|table| table.get(name).cloned());
        KEYS.iter().map(|key| (key.name, values(key.name))).collect()
    }

    /// Where the images are now, if the command line names another existing place for the same ones. A relative path
    /// means what it meant at the start, so one that leads nowhere from here means the remembered place.
    fn moved(&self) -> Result<Option<PathBuf>, String> {
        let Self { begun, asked, .. } = self;
        if begun.data.set().word != asked.data.set().word {
            let problem = format!("with `data` = {}, not {}", begun.data, asked.data);
            return Err(self.differs("--data", &problem));
        }
        if (&begun.data, &begun.data_dir) == (&asked.data, &asked.data_dir) {
            return Ok(None);
        }
        let real = |recipe: &Recipe| data::dir(recipe).and_then(|dir| fs::canonicalize(dir).ok());
        let Some(dir) = data::dir(asked).filter(|dir| dir.exists()) else { return Ok(None) };
        if real(asked) == real(&self.now) {
            return Ok(None);
        }
        if let (Some(was), Some(name)) = (self.now.data.path(), dir.file_name())
            && was.file_name() != Some(name)
        {
            let problem = format!("with `data` = {}, not {}", begun.data, asked.data);
            return Err(self.differs("--data", &problem));
        }
        Ok(Some(dir))
    }

    /// The error for an option whose value cannot change.
    fn differs(&self, option: &str, how: &str) -> String {
        let name = self.name;
        format!(
            "{option}: the run `{name}` was begun {how}, and continues that way; leave {option} as it was, or choose another --name."
        )
    }
}
