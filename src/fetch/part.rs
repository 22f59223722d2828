//! A file while it is being downloaded: `NAME.part`, which is kept when the download ends early, and which one process
//! holds at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use md5::Md5;
use sha2::Sha256;
use sha2::digest::DynDigest;

use crate::fetch::news::{Failure, Tell, progress};
use crate::fetch::source::Source;
use crate::files;
use crate::format;
use crate::recipe::datasets::{Archive, Sum};

/// Bytes between two reports.
pub(crate) const PIECE: usize = 256 << 10;

/// A held `.part`.
#[derive(Debug)]
pub(crate) struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    /// Opens or creates the part of `name` in `folder`.
    pub(crate) fn take(folder: &Path, name: &str) -> Result<Self, Failure> {
        let path = folder.join(format!("{name}.part"));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = files::open_with(&mut options, &path)
            .map_err(|error| Failure::at(&path, "cannot be opened", &error))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Failure::Sentence(format!(
                "{} is being downloaded by another process; let it finish.",
                path.display()
            ))),
            // Where files cannot be locked, two at a time are found by their check sum.
            _ => Ok(Self { path, file }),
        }
    }

    /// Bytes that have arrived.
    pub(crate) fn len(&self) -> u64 {
        self.file.metadata().map_or(0, |found| found.len())
    }

    /// Begins again.
    pub(crate) fn clear(&mut self) -> Result<(), Failure> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(|error| self.failed(&error))
    }

    /// Adds bytes at the end.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.seek(SeekFrom::End(0)).and_then(|_| self.file.write_all(bytes));
        written.map_err(|error| self.failed(&error))
    }

    /// The file, from its beginning.
    pub(crate) fn read(&mut self) -> Result<&mut File, Failure> {
        self.file.rewind().map_err(|error| Failure::at(&self.path, "cannot be read", &error))?;
        Ok(&mut self.file)
    }

    /// Compares the check sum with the published one; what differs is deleted.
    pub(crate) fn check(&mut self, source: &Source, archive: &Archive, tell: Tell) -> Result<(), Failure> {
        let (mut sum, published): (Box<dyn DynDigest>, _) = match archive.sum {
            Sum::Md5(published) => (Box::new(Md5::default()), published),
            Sum::Sha256(published) => (Box::new(Sha256::default()), published),
        };
        let (mut block, mut done) = (vec![0; PIECE], 0);
        let path = self.path.clone();
        let file = self.read()?;
        loop {
            let n = file.read(&mut block).map_err(|error| Failure::at(&path, "cannot be read", &error))?;
            if n == 0 {
                break;
            }
            sum.update(&block[..n]);
            done += n as u64;
            progress(tell, "checking", archive.file(), done, archive.bytes)?;
        }
        let sum = format::hex(&sum.finalize());
        if sum.starts_with(published) {
            return Ok(());
        }
        self.remove()?;
        Err(Failure::Sentence(format!(
            "{source} has the {}: it is not the published file, or was damaged on the way, and was deleted; try again, or another copy with --from.",
            archive.sum.unlike(&sum)
        )))
    }

    /// Makes it the file `place`.
    pub(crate) fn rename(&self, place: &Path) -> Result<(), Failure> {
        let synced = self.file.sync_all().and_then(|()| fs::rename(&self.path, place));
        synced
            .and_then(|()| sync_above(place))
            .map_err(|error| Failure::at(place, "cannot be written", &error))
    }

    pub(crate) fn remove(&self) -> Result<(), Failure> {
        fs::remove_file(&self.path).map_err(|error| Failure::at(&self.path, "cannot be deleted", &error))
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::at(&self.path, "cannot be written", error)
    }
}

/// Makes sure that the name of `path` outlasts a crash.
pub(crate) fn sync_above(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
