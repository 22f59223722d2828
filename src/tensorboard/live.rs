//! A run's event file while it is trained.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::files;
use crate::protocol::{Event, Stamped};
use crate::store::StoreError;
use crate::tensorboard::log::Log;
use crate::tensorboard::place::file_name;

/// Writes a run's events as they happen, until that fails.
pub struct Live {
    directory: PathBuf,
    log: Log,
    file: Option<(PathBuf, File)>,
    /// Bytes of its whole records.
    length: u64,
    failed: bool,
}

impl Live {
    /// In the run's own directory in `directory`, which is made when the run begins.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, log: Log::default(), file: None, length: 0, failed: false }
    }

    /// Writes what `stamped` says; the error is a sentence. Nothing is written after it.
    pub fn apply(&mut self, stamped: &Stamped) -> Result<(), String> {
        self.write(Some(stamped))
    }

    /// Writes how the run ended.
    pub fn close(&mut self) -> Result<(), String> {
        self.write(None)
    }

    fn write(&mut self, stamped: Option<&Stamped>) -> Result<(), String> {
        if self.failed {
            return Ok(());
        }
        let mut records = Vec::new();
        match stamped {
            Some(stamped) => self.log.put(stamped, &mut records),
            None => self.log.close(&mut records),
        }
        let written = self.begin(stamped).and_then(|()| self.append(&records));
        self.failed = written.is_err();
        written.map_err(|error| error.to_string())
    }

    /// Opens the file when the run begins.
    fn begin(&mut self, stamped: Option<&Stamped>) -> Result<(), StoreError> {
        if let (None, Some(Stamped { event: Event::Started(started), time })) = (&self.file, stamped) {
            let directory = self.directory.join(&started.run);
            let name = format!("{}.{}", file_name(*time), std::process::id());
            let path = directory.join(name);
            let file = create(&directory, &path).map_err(|error| StoreError::failed(&path, error))?;
            self.file = Some((path, file));
        }
        Ok(())
    }

    fn append(&mut self, records: &[u8]) -> Result<(), StoreError> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        if records.is_empty() {
            return Ok(());
        }
        file.write_all(records).map_err(|error| {
            // A reader takes what is torn for the end, or for damage.
            _ = file.set_len(self.length);
            StoreError::failed(path, error)
        })?;
        self.length += records.len() as u64;
        Ok(())
    }
}

fn create(directory: &Path, path: &Path) -> std::io::Result<File> {
    fs::create_dir_all(directory)?;
    files::open_with(OpenOptions::new().write(true).create_new(true), path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Started;

    fn started(run: &str) -> Stamped {
        Stamped {
            event: Event::Started(Box::new(Started { run: run.into(), ..Started::example() })),
            time: 5.0,
        }
    }

    #[test]
    fn nothing_is_made_before_the_run_begins_and_one_failure_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("board");
        let mut live = Live::new(directory.clone());
        let warning = Stamped { event: Event::Warning { message: "early".into() }, time: 1.0 };
        live.apply(&warning).unwrap();
        assert!(!directory.exists());
        fs::write(&directory, "a file in its place").unwrap();
        let sentence = live.apply(&started("a")).unwrap_err();
        assert!(sentence.contains("events.out.tfevents.0000000005.densenet-tui"), "{sentence}");
        live.apply(&started("a")).unwrap();
        live.close().unwrap();
    }
}
