//! The journal: one event in JSON on one line. A past run is a replay of it.
//!
//! Lines are not synced one by one: a power cut may cost the last ones, and the checkpoints do not depend
//! on them.

mod lines;
mod replay;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::OFlags;

use crate::files;
use crate::protocol::Stamped;
use crate::store::error::StoreError;
use crate::store::journal::lines::{LARGEST, LONGEST_LINE, read_lines};
use crate::store::layout::JOURNAL;
use crate::store::run::hold::Hold;

pub use replay::{Replay, effective};

/// How much is read at once when looking for the last whole line.
const CHUNK: u64 = 64 * 1024;

/// A journal that is being written. The run's lock keeps it to one writer.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// Bytes of its whole lines.
    length: u64,
    /// Whether something torn lies behind them.
    torn: bool,
    hold: Arc<Hold>,
}

impl Journal {
    /// Opens the journal of a run behind its last whole line; what a kill tore is cut off.
    pub(crate) fn of(hold: &Arc<Hold>) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
        hold.check()?;
        let mut file = files::open_inside(hold.directory(), JOURNAL.as_ref(), flags)?;
        let length = whole_lines(&mut file)?;
        file.set_len(length)?;
        Ok(Self { file, length, torn: false, hold: Arc::clone(hold) })
    }

    /// Whether it is still the journal of the run in `hold`, and not a file that was removed there.
    pub fn is_of(&self, hold: &Hold) -> bool {
        let id = |file: &File| file.metadata().map(|about| (about.dev(), about.ino())).ok();
        let there = files::open_inside(hold.directory(), JOURNAL.as_ref(), OFlags::RDONLY);
        there.is_ok_and(|there| id(&there) == id(&self.file))
    }

    /// Begins this journal, which is empty, with what `earlier` holds, for a run that was created again. What can no
    /// longer be read is left out.
    pub fn begin_with(&mut self, earlier: &Self) -> io::Result<()> {
        let copied = (&earlier.file).seek(SeekFrom::Start(0)).and_then(|_| {
            io::copy(&mut Read::by_ref(&mut &earlier.file).take(earlier.length), &mut self.file)
        });
        self.length = match copied {
            Ok(length) if length == earlier.length => length,
            _ => 0,
        };
        self.file.set_len(self.length)
    }

    /// Appends `event` as a line with one write. Where that fails (a full disk), what was written of
    /// the line is cut off again, so that later lines are whole.
    pub fn append(&mut self, event: &Stamped) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.hold.check()?;
        self.mend()?;
        if let Err(error) = self.file.write_all(&line) {
            self.torn = true;
            // Where even this fails, the next line tries again before it is written.
            let _ = self.mend();
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }

    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        Ok(())
    }
}

/// Bytes up to and with the last line feed.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut chunk = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(start))?;
        chunk.clear();
        Read::by_ref(file).take(end - start).read_to_end(&mut chunk)?;
        if let Some(index) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + index as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The events in the journal at `path` and how many damaged lines were passed over. A last line without
/// its end is being written, or was torn by a kill: it counts as neither. No file is no events.
pub fn read(path: &Path) -> Result<(Vec<Stamped>, usize), StoreError> {
    match files::open_up_to(path, LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((Vec::new(), 0)),
        file => file
            .and_then(|file| read_lines(BufReader::new(file.take(LARGEST)), LONGEST_LINE))
            .map_err(|error| StoreError::unreadable(path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::path::PathBuf;

    use super::*;
    use crate::protocol::Event;
    use crate::protocol::event::Started;
    use crate::store::run::hold::hold_to_delete;

    /// A directory that is held, its journal's path, and the journal, as often as it is wanted.
    fn held() -> (tempfile::TempDir, PathBuf, impl Fn() -> Journal) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let hold = Arc::new(hold_to_delete(folder.path()).unwrap().unwrap());
        (folder, path, move || Journal::of(&hold).unwrap())
    }

    fn paused(step: u64) -> Stamped {
        Stamped { event: Event::Paused { step }, time: 0.1 + step as f64 }
    }

    fn started(step: u64) -> Stamped {
        Stamped { event: Event::Started(Box::new(Started { step, ..Started::example() })), time: 1.0 }
    }

    #[test]
    fn what_is_appended_is_read_over_several_openings() {
        let (_folder, path, journal) = held();
        journal().append(&started(0)).unwrap();
        let mut journal = journal();
        journal.append(&paused(1)).unwrap();
        journal.append(&paused(2)).unwrap();
        let expected = vec![started(0), paused(1), paused(2)];
        assert_eq!(read(&path).unwrap(), (expected, 0));
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_next_one_is_whole() {
        let (_folder, path, journal) = held();
        // Longer than a chunk, so that the search goes back more than once.
        for torn in [r#"{"event":"pau"#.to_owned(), "x".repeat(3 * CHUNK as usize)] {
            fs::remove_file(&path).ok();
            journal().append(&paused(1)).unwrap();
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(torn.as_bytes()).unwrap();
            assert_eq!(read(&path).unwrap(), (vec![paused(1)], 0));
            journal().append(&paused(2)).unwrap();
            assert_eq!(read(&path).unwrap(), (vec![paused(1), paused(2)], 0));
        }
    }

    #[test]
    fn a_line_whose_write_failed_is_cut_off_before_the_next() {
        let (_folder, path, journal) = held();
        let mut journal = journal();
        journal.append(&paused(1)).unwrap();
        // A handle that cannot write stands for the full disk; the torn half for what went through.
        let good = std::mem::replace(&mut journal.file, File::open(&path).unwrap());
        journal.append(&paused(2)).unwrap_err();
        (&good).write_all(b"{\"event\":").unwrap();
        journal.file = good;
        journal.append(&paused(3)).unwrap();
        assert_eq!(read(&path).unwrap(), (vec![paused(1), paused(3)], 0));
    }

    #[test]
    fn a_journal_that_was_deleted_goes_on_in_a_new_one_with_all_of_its_past() {
        let (_folder, path, open) = held();
        let mut old = open();
        old.append(&started(0)).unwrap();
        old.append(&paused(1)).unwrap();
        assert!(old.is_of(&old.hold));
        fs::remove_file(&path).unwrap();
        assert!(!old.is_of(&old.hold));
        let mut new = open();
        assert!(!old.is_of(&old.hold) && new.is_of(&new.hold));
        new.begin_with(&old).unwrap();
        new.append(&paused(2)).unwrap();
        assert_eq!(read(&path).unwrap(), (vec![started(0), paused(1), paused(2)], 0));
    }

    #[test]
    fn a_past_that_cannot_be_read_is_left_out_and_the_new_journal_begins_clean() {
        let (_folder, path, open) = held();
        let mut old = open();
        old.append(&paused(1)).unwrap();
        // A handle that cannot read stands for a file that another machine has deleted.
        old.file = OpenOptions::new().append(true).open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let mut new = open();
        new.begin_with(&old).unwrap();
        new.append(&started(2)).unwrap();
        assert_eq!(read(&path).unwrap(), (vec![started(2)], 0));
    }

    #[test]
    fn damaged_lines_are_passed_over_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        assert_eq!(read(&path).unwrap(), (vec![], 0));
        fs::write(
            &path,
            b"\0\0\0\n{\"event\":\"paused\",\"step\":4,\"time\":4.1}\n{\"event\":\"later\"}\n\xff\n",
        )
        .unwrap();
        assert_eq!(read(&path).unwrap(), (vec![paused(4)], 3));
    }
}
