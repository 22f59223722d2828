//! The jobs of the interface: files and processes.

pub(crate) mod sweeps;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::files;
use crate::paths;
use crate::plain;
use crate::protocol::{Options, Stamped};
use crate::recipe::Recipe;
use crate::recipe::layered::{ConfigLayer, resolve};
use crate::remote;
use crate::store::catalog::{self, Entry, Reader};
use crate::store::{Labels, atomic, journal, run};
use crate::ui::effect::{Job, JobResult};
use crate::weights::{Header, place};

/// Does a job; errors are sentences. The runs are read with what `reader` remembers of them.
pub(crate) fn carry_out(job: Job, options: &Options, reader: &Mutex<Reader>) -> JobResult {
    let done = match job {
        Job::ListRuns => {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let runs = reader.list(&options.runs_dir).into_iter();
            return JobResult::Runs(runs.map(shown).collect());
        }
        Job::ReadJournal(path) => {
            let events = read_journal(&path);
            return JobResult::Journal(path, events);
        }
        Job::ReadCheckpoints(path) => {
            let rows = catalog::checkpoints(&path);
            return JobResult::Checkpoints(path, rows);
        }
        Job::ListSweeps => return JobResult::Sweeps(sweeps::list(&options.runs_dir)),
        Job::StartSweep { name, text } => sweeps::start(&name, &text, options).map(JobResult::SweepStarted),
        Job::CarryOnSweep(file) => sweeps::carry_on(&file, options).map(JobResult::SweepStarted),
        Job::StopSweep(path) => remote::take_back(&path).map(|()| JobResult::SweepStopped(path)),
        Job::Background(path) => return JobResult::Background(remote::resume_in_background(&path, options)),
        Job::ReadWeights(named) => {
            let found = place::file(&named).and_then(|file| Header::read(&file));
            return JobResult::WeightsRead(named, found);
        }
        Job::Complete(typed) => {
            let paths = paths::complete(&typed);
            return JobResult::Completed(typed, paths);
        }
        Job::Fetch(word) => return JobResult::Fetched(word, remote::fetch(word)),
        Job::ReadPast(path) => read_journal(&path).map(|(events, _)| JobResult::Past(events)),
        Job::Delete(path) => run::delete(&path).map(JobResult::Deleted),
        Job::Label(run, change) => {
            Labels::change(&run, &change).map(|()| JobResult::Labelled).map_err(|error| error.to_string())
        }
        Job::WriteRecipe { path, recipe } => {
            write_recipe(&path, *recipe).map(|()| JobResult::RecipeWritten(path))
        }
        Job::ReadRecipe(path) => read_recipe(&path).map(Box::new).map(JobResult::RecipeRead),
        Job::Remember(state, file) => state.write(&file).map(|()| JobResult::Remembered),
        Job::Export { from, to } => run::export(&from, &to).map(JobResult::Exported),
        Job::TakeBack(path) => remote::take_back(&path).map(|()| JobResult::TakenBack(path)),
    };
    done.unwrap_or_else(JobResult::Failed)
}

/// A run whose texts by people have no active characters.
fn shown(run: Arc<Entry>) -> Arc<Entry> {
    let texts = [&run.name, &run.labels.note].into_iter().chain(&run.labels.tags);
    if !texts.into_iter().any(|text| text.contains(plain::is_active)) {
        return run;
    }
    let run = Arc::unwrap_or_clone(run);
    let Labels { tags, note, .. } = run.labels;
    let tags = tags.into_iter().map(plain::kept).collect();
    let labels = Labels { tags, note: plain::kept(note), ..run.labels };
    Arc::new(Entry { name: plain::kept(run.name), labels, ..run })
}

/// The events of a run's journal, without those that a resume discarded, and how many of its lines are damaged.
fn read_journal(directory: &Path) -> Result<(Vec<Stamped>, usize), String> {
    let path = directory.join(run::JOURNAL);
    match journal::read(&path).map_err(|error| error.to_string())? {
        (events, damaged) if events.is_empty() && damaged > 0 => {
            Err(format!("{}: it is damaged, no line of it can be read.", path.display()))
        }
        (events, damaged) => Ok((journal::effective(events), damaged)),
    }
}

/// Writes a recipe's file, replacing an existing one. Relative paths are made absolute, because in the file they would
/// be relative to the file.
fn write_recipe(path: &Path, mut recipe: Recipe) -> Result<(), String> {
    recipe.anchor_paths();
    let text = recipe.to_toml().map_err(|clause| format!("{clause}."))?;
    files::check_replaceable(path).map_err(|error| {
        format!("{}: it cannot be written ({error}); choose another name.", path.display())
    })?;
    atomic::write(path, text.as_bytes()).map_err(|error| error.to_string())
}

fn read_recipe(path: &Path) -> Result<Recipe, String> {
    let text = files::read_text(path)
        .map_err(|error| format!("{}: it cannot be read ({error}).", path.display()))?;
    let mut layer =
        ConfigLayer::parse(path.display().to_string(), &text).map_err(|error| error.to_string())?;
    let directory = path.parent().unwrap_or(Path::new(""));
    layer.settle_paths(&|path| paths::meant_in(directory, path)).map_err(|error| error.to_string())?;
    resolve(&[layer]).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_damaged_journal_is_told_and_what_is_left_of_one_is_shown() {
        let run = tempfile::tempdir().unwrap();
        let file = run.path().join(run::JOURNAL);
        assert_eq!(read_journal(run.path()), Ok((Vec::new(), 0)));
        let good = r#"{"event":"paused","step":3,"time":1.0}"#;
        fs::write(&file, format!("{good}\nnoise\n{good}\n")).unwrap();
        let (events, damaged) = read_journal(run.path()).unwrap();
        assert_eq!((events.len(), damaged), (2, 1));
        fs::write(&file, "noise\nmore\n").unwrap();
        assert!(read_journal(run.path()).unwrap_err().contains("no line of it can be read"));
    }

    #[test]
    fn what_is_no_file_is_neither_read_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let what = "(it is a named pipe, not a file)";
        let recipe = Recipe::defaults(crate::recipe::Data::Shapes);
        for sentence in [read_recipe(&pipe).unwrap_err(), write_recipe(&pipe, recipe.clone()).unwrap_err()] {
            assert!(sentence.contains(what), "{sentence}");
        }
        assert!(write_recipe(Path::new("/dev/null"), recipe).unwrap_err().contains("it is a device"));
    }
}
