//! Sweeps on disk, and the processes that carry them out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::plain;
use crate::protocol::Options;
use crate::remote;
use crate::store::catalog::read_summary;
use crate::store::{atomic, run};
use crate::sweep::{Place, Record};
use crate::ui::workspace::sweeps::SweepEntry;

/// All sweeps among the runs in `runs_dir`.
pub(crate) fn list(runs_dir: &Path) -> Vec<SweepEntry> {
    Place::all(runs_dir).into_iter().map(entry).collect()
}

/// What is known of the sweep at `place`.
pub(crate) fn entry(place: Place) -> SweepEntry {
    // The lock first: a sweep that ends in between is live for a moment, never paused.
    let live = run::held(place.path());
    let record = Record::read(&place).map_err(plain::kept);
    let mut entry = SweepEntry { place, record, live, epochs: BTreeMap::new() };
    for (_, name) in entry.running() {
        let summary = read_summary(&entry.place.run(&name));
        let epochs = summary.ok().and_then(|summary| summary.last).map_or(0, |last| last.epoch);
        entry.epochs.insert(name, epochs);
    }
    entry
}

/// Writes the file of a new sweep and starts it; returns its directory.
pub(crate) fn start(name: &str, text: &str, options: &Options) -> Result<PathBuf, String> {
    let sweeps = run::sweeps(&options.runs_dir);
    std::fs::create_dir_all(&sweeps)
        .map_err(|error| format!("{}: it cannot be made ({error}).", sweeps.display()))?;
    let file = sweeps.join(format!("{name}.toml"));
    atomic::write(&file, text.as_bytes()).map_err(|error| error.to_string())?;
    let place = Place::new(&options.runs_dir, name);
    remote::sweep_in_background(&file, place.path(), options).map(|()| place.path().to_owned())
}

/// Goes on with the sweep whose own file this is; returns its directory.
pub(crate) fn carry_on(file: &Path, options: &Options) -> Result<PathBuf, String> {
    let directory = file.parent().unwrap_or(Path::new("")).to_owned();
    remote::sweep_in_background(file, &directory, options).map(|()| directory)
}
