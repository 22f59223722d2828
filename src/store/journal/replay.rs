//! A run told from its journal, each step once.
//!
//! A resumed run repeats the steps since the checkpoint that it goes on from; those count that came last. Which are
//! repeated is known once all of the journal was seen, so it is read twice and never kept.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use crate::files;
use crate::protocol::{Event, Stamped};
use crate::store::error::StoreError;
use crate::store::journal::lines::{LARGEST, LONGEST_LINE, Lines};

/// The events without what a resumed run repeated.
pub fn effective(events: Vec<Stamped>) -> Vec<Stamped> {
    let starts = events.iter().enumerate().filter_map(|(place, stamped)| Some((place, start(stamped)?)));
    let resumes = Resumes::of(starts.collect());
    let placed = events.into_iter().enumerate();
    placed.filter(|(place, stamped)| resumes.keep(*place, stamped)).map(|(_, stamped)| stamped).collect()
}

/// Where in a journal a run was started or resumed, with the smallest step from which it goes on there or later.
struct Resumes(Vec<(usize, u64)>);

impl Resumes {
    /// From the places and the steps of all starts, in their order.
    fn of(mut starts: Vec<(usize, u64)>) -> Self {
        let mut smallest = u64::MAX;
        for (_, step) in starts.iter_mut().rev() {
            smallest = smallest.min(*step);
            *step = smallest;
        }
        Self(starts)
    }

    /// Whether the event at `place` counts: where a run resumes from step s, what was told before about steps after s
    /// does not.
    fn keep(&self, place: usize, stamped: &Stamped) -> bool {
        let later = self.0.partition_point(|(start, _)| *start <= place);
        match (self.0.get(later), step(&stamped.event)) {
            (Some((_, from)), Some(step)) => step <= *from,
            _ => true,
        }
    }
}

/// The step from which a run begins or goes on, if it does.
fn start(stamped: &Stamped) -> Option<u64> {
    if let Event::Started(started) = &stamped.event { Some(started.step) } else { None }
}

/// The step of the run after which `event` happened; absent where it is about none.
fn step(event: &Event) -> Option<u64> {
    match event {
        Event::Started(started) => Some(started.step),
        Event::Step { step, .. }
        | Event::Epoch { step, .. }
        | Event::Saved { step, .. }
        | Event::Paused { step }
        | Event::Continued { step }
        | Event::Changed { step, .. }
        | Event::Evaluated { step, .. }
        | Event::Finished { step, .. } => Some(*step),
        Event::Phase { .. }
        | Event::Warning { .. }
        | Event::Answered { .. }
        | Event::Predicted(_)
        | Event::EarlierAnswer
        | Event::Refused { .. }
        | Event::Failed { .. } => None,
    }
}

/// The events of a journal in their order, without what a resumed run repeated and without damaged lines. Of a run
/// that is being trained it has what was there when it was opened.
pub struct Replay {
    path: PathBuf,
    resumes: Resumes,
    lines: Lines<BufReader<Take<File>>>,
    /// Bytes of the whole journal, when it was opened.
    length: u64,
    place: usize,
    damaged: usize,
}

impl Replay {
    /// Opens the journal at `path`. One of which no line can be read is an error.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let unreadable = |error: io::Error| StoreError::unreadable(path, &error);
        let file = files::open_up_to(path, LARGEST).map_err(|error| {
            let error = unreadable(error);
            if path.exists() { error } else { error.advising("without it the run has no curves") }
        })?;
        let length = file.metadata().map_err(unreadable)?.len();
        let mut lines = lines(file, length);
        let (mut starts, mut place, mut readable) = (Vec::new(), 0, false);
        while let Some(line) = lines.next().map_err(unreadable)? {
            // What is no start need not be understood yet, once there is something to tell.
            if !readable || line.has(b"\"started\"") {
                let event = line.event();
                readable |= event.is_some();
                starts.extend(event.and_then(|event| Some((place, start(&event)?))));
            }
            place += 1;
        }
        if place > 0 && !readable {
            let advice = "without it the run has no curves";
            return Err(StoreError::unusable(path, "it is damaged, as no line of it can be read", advice));
        }
        let (path, resumes) = (path.to_owned(), Resumes::of(starts));
        Self { path, resumes, lines, length, place, damaged: 0 }.again()
    }

    /// The same from the beginning.
    pub fn again(self) -> Result<Self, StoreError> {
        let mut file = self.lines.into_inner().into_inner().into_inner();
        match file.seek(SeekFrom::Start(0)) {
            Ok(_) => Ok(Self { lines: lines(file, self.length), place: 0, damaged: 0, ..self }),
            Err(error) => Err(StoreError::unreadable(&self.path, &error)),
        }
    }

    /// The journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Damaged lines that were passed over so far.
    pub fn damaged(&self) -> usize {
        self.damaged
    }
}

fn lines(file: File, length: u64) -> Lines<BufReader<Take<File>>> {
    Lines::of(BufReader::new(file.take(length)), LONGEST_LINE)
}

impl Iterator for Replay {
    type Item = Result<Stamped, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let event = match self.lines.next() {
                Ok(line) => line?.event(),
                Err(error) => return Some(Err(StoreError::unreadable(&self.path, &error))),
            };
            let place = self.place;
            self.place += 1;
            match event {
                Some(stamped) if self.resumes.keep(place, &stamped) => return Some(Ok(stamped)),
                Some(_) => {}
                None => self.damaged += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::protocol::event::Started;

    fn paused(step: u64) -> Stamped {
        Stamped { event: Event::Paused { step }, time: 0.1 + step as f64 }
    }

    fn started(step: u64) -> Stamped {
        Stamped { event: Event::Started(Box::new(Started { step, ..Started::example() })), time: 1.0 }
    }

    fn steps(events: &[Stamped]) -> Vec<u64> {
        events.iter().filter_map(|event| step(&event.event)).collect()
    }

    /// A run that was resumed twice, and a journal of it.
    fn resumed() -> (Vec<Stamped>, tempfile::TempDir, PathBuf) {
        let warning = Stamped { event: Event::Warning { message: "it \"started\" badly".into() }, time: 0.0 };
        let mut events = vec![started(0), paused(1), paused(2), paused(3), warning];
        events.extend([started(2), paused(3), paused(4), started(1), paused(2)]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let lines = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
        fs::write(&path, lines.collect::<String>()).unwrap();
        (events, folder, path)
    }

    #[test]
    fn steps_that_a_resumed_run_repeats_are_told_once() {
        let (events, ..) = resumed();
        let warning = events[4].clone();
        let told = effective(events);
        assert_eq!(steps(&told), [0, 1, 1, 2]);
        assert!(told.contains(&warning));
    }

    #[test]
    fn a_replay_tells_line_by_line_what_the_whole_journal_tells_and_can_do_so_again() {
        let (events, _folder, path) = resumed();
        let mut replay = Replay::open(&path).unwrap();
        let told: Vec<Stamped> = replay.by_ref().map(Result::unwrap).collect();
        assert_eq!(told, effective(events));
        let again: Vec<Stamped> = replay.again().unwrap().map(Result::unwrap).collect();
        assert_eq!(again, told);
    }

    #[test]
    fn damaged_lines_are_passed_over_in_their_place_and_what_is_written_meanwhile_is_left_for_later() {
        let (events, _folder, path) = resumed();
        let text = fs::read_to_string(&path).unwrap();
        let spoiled = text.replacen('\n', "\nnoise \"started\"\n", 3);
        fs::write(&path, format!("{spoiled}{{\"event\":\"pau")).unwrap();
        let mut replay = Replay::open(&path).unwrap();
        fs::write(&path, format!("{spoiled}{text}")).unwrap();
        let told: Vec<Stamped> = replay.by_ref().map(Result::unwrap).collect();
        assert_eq!((told, replay.damaged()), (effective(events), 3));
    }

    #[test]
    fn a_journal_that_is_not_there_or_has_no_line_to_read_is_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let refused = || {
            let error = Replay::open(&path).err().unwrap();
            assert!(error.is_input());
            error.to_string()
        };
        assert!(refused().ends_with("because it does not exist; without it the run has no curves."));
        fs::write(&path, "noise\nmore\n").unwrap();
        assert!(refused().contains("no line of it can be read"));
        fs::write(&path, "").unwrap();
        assert_eq!(Replay::open(&path).unwrap().count(), 0);
    }
}
