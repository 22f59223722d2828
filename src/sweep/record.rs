//! The record of a sweep: one line of JSON for everything that happened, in the order in which it did.
//!
//! Every line is on the disk before what follows from it begins, so a sweep that was killed at any moment knows all
//! that it had decided, and repeats nothing that has a result.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::files;
use crate::sweep::place::Place;
use crate::sweep::plan::Plan;
use crate::sweep::spec::Spec;
use crate::sweep::standing::{Decision, Job, Outcome, Standing};

/// The longest record that is read: some ten thousand trials with a thousand characters each.
const LARGEST: u64 = 256 << 20;

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line {
    /// The sweep began.
    Begun {
        /// Its name.
        sweep: String,
        /// What all recipes have in common.
        base: Table,
        /// How many trials it has.
        trials: usize,
        /// How many runs of each.
        seeds: usize,
        /// Epochs of each rung.
        rungs: Vec<usize>,
        /// In seconds since 1970, UTC.
        time: f64,
    },
    /// It was taken up again.
    Continued {
        /// In seconds since 1970, UTC.
        time: f64,
    },
    /// A run was started, or resumed.
    Started {
        /// Which.
        #[serde(flatten)]
        job: Job,
        /// Its name.
        run: String,
        /// In seconds since 1970, UTC.
        time: f64,
    },
    /// A run came to the end of a rung, or to its own.
    Result {
        /// Which.
        #[serde(flatten)]
        job: Job,
        /// Its name.
        run: String,
        /// How.
        #[serde(flatten)]
        outcome: Outcome,
        /// In seconds since 1970, UTC.
        time: f64,
    },
    /// A rung was decided. For people: it follows from the results.
    Decided {
        /// How.
        #[serde(flatten)]
        decision: Decision,
        /// In seconds since 1970, UTC.
        time: f64,
    },
    /// The sweep was asked to stop, and goes on from here.
    Stopped {
        /// In seconds since 1970, UTC.
        time: f64,
    },
    /// Nothing is left to run.
    Finished {
        /// The best trial, from 0.
        best: Option<usize>,
        /// In seconds since 1970, UTC.
        time: f64,
    },
}

/// A sweep as its record tells it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What it is.
    pub plan: Plan,
    /// How far it is.
    pub standing: Standing,
    /// Every line.
    pub lines: Vec<Line>,
}

impl Record {
    /// Whether the record at `place` has a beginning: one that was killed at its very start has none.
    pub fn has_begun(place: &Place) -> bool {
        files::read(&place.record(), LARGEST).is_ok_and(|bytes| !whole(&bytes).is_empty())
    }

    /// Reads the sweep at `place`; the error is a sentence.
    pub fn read(place: &Place) -> Result<Self, String> {
        let damaged =
            |path: &Path, why: &str| format!("{}: the sweep cannot be read ({why}).", path.display());
        let text =
            files::read_text(&place.file()).map_err(|error| damaged(&place.file(), &error.to_string()))?;
        let spec = Spec::read(&text).map_err(|problem| damaged(&place.file(), &problem.to_string()))?;
        let path = place.record();
        let bytes = files::read(&path, LARGEST).map_err(|error| damaged(&path, &error.to_string()))?;
        let lines: Vec<Line> = whole(&bytes)
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(serde_json::from_slice)
            .collect::<Result<_, _>>()
            .map_err(|error| damaged(&path, &error.to_string()))?;
        let Some(Line::Begun { base, .. }) = lines.first() else {
            return Err(damaged(&path, "it has no beginning"));
        };
        let plan =
            Plan::of(spec, base.clone()).map_err(|problem| damaged(&place.file(), &problem.to_string()))?;
        let mut standing = Standing::new(&plan);
        for line in &lines {
            if let Line::Result { job, outcome, .. } = line {
                standing.take(*job, outcome.clone());
            }
        }
        Ok(Self { plan, standing, lines })
    }

    /// Whether it has come to its end.
    pub fn is_finished(&self) -> bool {
        matches!(self.lines.last(), Some(Line::Finished { .. }))
    }
}

/// As much of a record as consists of whole lines: what follows was not written to its end.
fn whole(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    &bytes[..end]
}

/// Writes a record.
#[derive(Debug)]
pub struct Recorder {
    file: File,
}

impl Recorder {
    /// Opens the record at `place`, creates it where there is none, and cuts off a torn last line.
    pub fn open(place: &Place) -> io::Result<Self> {
        let mut file =
            files::open_with(File::options().read(true).append(true).create(true), &place.record())?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        Read::by_ref(&mut file).take(LARGEST).read_to_end(&mut bytes)?;
        file.set_len(whole(&bytes).len() as u64)?;
        Ok(Self { file })
    }

    /// Appends a line, and returns once it is on the disk.
    pub fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let length = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(&text) {
            // Where even this fails, the line is cut off when the record is opened again.
            _ = self.file.set_len(length);
            return Err(error);
        }
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sweep::measure::Score;
    use crate::sweep::plan::tests::plan;

    const TEXT: &str = "name = \"a\"\n[grid]\nlr = [0.1, 0.2]";

    fn begun() -> (tempfile::TempDir, Place, Recorder) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path(), "a");
        place.make().unwrap();
        fs::write(place.file(), TEXT).unwrap();
        let mut recorder = Recorder::open(&place).unwrap();
        let plan = plan(TEXT).unwrap();
        let (trials, rungs) = (plan.trials.len(), plan.rungs.clone());
        recorder
            .append(&Line::Begun { sweep: "a".into(), base: plan.base, trials, seeds: 1, rungs, time: 1.0 })
            .unwrap();
        (folder, place, recorder)
    }

    fn result(trial: usize, value: f64) -> Line {
        let score = Score { value: Some(value), reached: None };
        let job = Job { rung: 0, trial, seed: 0 };
        let outcome = Outcome::Scored { score, test: None, seconds: 1.0 };
        Line::Result { job, run: format!("t{}", trial + 1), outcome, time: 2.0 }
    }

    #[test]
    fn a_record_tells_how_far_a_sweep_is_and_what_was_decided() {
        let (_folder, place, mut recorder) = begun();
        let failed = Outcome::Failed { reason: "it diverged.".into() };
        let job = Job { rung: 0, trial: 0, seed: 0 };
        recorder.append(&Line::Result { job, run: "t1".into(), outcome: failed, time: 2.0 }).unwrap();
        let record = Record::read(&place).unwrap();
        assert_eq!(record.standing.open(), [Job { rung: 0, trial: 1, seed: 0 }]);
        recorder.append(&result(1, 0.75)).unwrap();
        let record = Record::read(&place).unwrap();
        assert_eq!(record.standing.ranking(), [1, 0]);
        assert_eq!(record.lines[2], result(1, 0.75));
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_a_damaged_one_is_a_sentence() {
        let (_folder, place, mut recorder) = begun();
        recorder.append(&result(0, 0.5)).unwrap();
        let good = fs::read(place.record()).unwrap();
        fs::write(place.record(), [&good[..], b"{\"event\":\"resu"].concat()).unwrap();
        assert_eq!(Record::read(&place).unwrap().lines.len(), 2);
        Recorder::open(&place).unwrap().append(&result(1, 0.6)).unwrap();
        assert_eq!(Record::read(&place).unwrap().lines.len(), 3);
        fs::write(place.record(), [&good[..], b"noise\n"].concat()).unwrap();
        assert!(Record::read(&place).unwrap_err().contains("the sweep cannot be read"));
    }
}
