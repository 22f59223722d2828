//! Decoded images in a file, so that neither the next epoch nor the next start decodes them again.
//!
//! A file is found by a hash of the names, sizes and times of all the files it was made from. It holds the pixels, then
//! for each image its digest, its place and its size, then a hash of all of these: a torn file is no file, and an image
//! is compared with its digest when it is first read. Every file may be deleted at any time; those unused for longest are, where all
//! together would take too much.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::data::digest::{BYTES as DIGEST, Digest};
use crate::data::error::{DataError, unusable};
use crate::data::images::ImageStore;
use crate::data::keep::{Keep, Kept};
use crate::data::size::Size;

/// Says what wrote a file; changes whenever pictures are decoded or resized to other pixels.
const FORMAT: &str = "densenet-tui pixels 2";
/// Most bytes that all files take together.
const MOST_BYTES: u64 = 64 << 30;
/// The ending of a file.
const ENDING: &str = "pixels";

/// Bytes of what is known of an image: its digest, its place, its width and its height.
const RECORD: usize = DIGEST + 16;

/// What is known of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Record {
    digest: Digest,
    /// The first of its bytes.
    begin: u64,
    size: Size,
}

impl Record {
    fn to_bytes(self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[..DIGEST].copy_from_slice(&self.digest.to_bytes());
        bytes[DIGEST..][..8].copy_from_slice(&self.begin.to_le_bytes());
        bytes[DIGEST + 8..][..4].copy_from_slice(&(self.size.width as u32).to_le_bytes());
        bytes[DIGEST + 12..].copy_from_slice(&(self.size.height as u32).to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD]) -> Self {
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&bytes[..DIGEST]);
        let number = |at: usize, length: usize| {
            bytes[DIGEST + at..][..length].iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
        };
        let size = Size { width: number(8, 4) as usize, height: number(12, 4) as usize };
        Self { digest: Digest::from_bytes(&digest), begin: number(0, 8), size }
    }

    /// The byte behind its last.
    fn end(&self) -> u64 {
        let bytes = (self.size.width as u64).saturating_mul(3 * self.size.height as u64);
        self.begin.saturating_add(bytes)
    }
}

/// The images of a file.
#[derive(Debug)]
pub(crate) struct CachedImages {
    path: PathBuf,
    file: Mutex<File>,
    records: Vec<Record>,
    /// Whether each image has been compared with its digest.
    checked: Vec<AtomicBool>,
}

/// The name of the file for what is kept of the pictures `files`. None where one of them cannot be looked at.
pub(crate) fn key(files: &[PathBuf], keep: Keep) -> Option<String> {
    let mut hasher = Sha256::new();
    hasher.update(format!("{FORMAT} {keep:?} {}\n", files.len()));
    for file in files {
        let found = file.metadata().ok()?;
        let path = std::path::absolute(file).ok()?;
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(format!("\n{} {:?} {:?}\n", found.len(), found.modified().ok()?, identity(&found)));
    }
    let mut name = String::with_capacity(40);
    for byte in &hasher.finalize()[..16] {
        _ = write!(name, "{byte:02x}");
    }
    Some(format!("{name}.{ENDING}"))
}

/// What else changes when another file takes a file's place, or its content with its time set back.
#[cfg(unix)]
fn identity(found: &Metadata) -> [i64; 3] {
    use std::os::unix::fs::MetadataExt;
    [found.ino() as i64, found.ctime(), found.ctime_nsec()]
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> [i64; 3] {
    [0; 3]
}

impl CachedImages {
    /// The images of the file `name` in `dir`, `count` of them; `None` where it is absent, torn or another.
    pub(crate) fn open(dir: &Path, name: &str, count: usize) -> Option<Self> {
        let path = dir.join(name);
        let mut file = File::open(&path).ok()?;
        let tail = count * RECORD + 32;
        let pixels = file.metadata().ok()?.len().checked_sub(tail as u64)?;
        let mut bytes = vec![0; tail];
        file.seek(SeekFrom::Start(pixels)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        let (records, hash) = bytes.split_at(tail - 32);
        if seal(records) != hash {
            return None;
        }
        let records: Vec<Record> = records.as_chunks().0.iter().map(Record::from_bytes).collect();
        if records.iter().map(Record::end).max().unwrap_or(0) != pixels {
            return None;
        }
        // What was used last is deleted last.
        _ = File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(Self::over(path, file, records))
    }

    fn over(path: PathBuf, file: File, records: Vec<Record>) -> Self {
        let checked = records.iter().map(|_| AtomicBool::new(false)).collect();
        Self { path, file: Mutex::new(file), records, checked }
    }

    /// The images that could not be decoded when the file was made.
    pub(crate) fn broken(&self) -> impl Iterator<Item = usize> {
        self.records
            .iter()
            .enumerate()
            .filter(|(_, record)| record.digest == Digest::default())
            .map(|(i, _)| i)
    }

    fn pixels(&self, record: &Record) -> io::Result<Vec<u8>> {
        let mut pixels = vec![0; 3 * record.size.pixels()];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(record.begin))?;
        file.read_exact(&mut pixels)?;
        Ok(pixels)
    }
}

impl ImageStore for CachedImages {
    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        let damaged = |what: String| {
            unusable(format!(
                "the cache {} is damaged ({what}); it was made from the pictures and may be deleted.",
                self.path.display()
            ))
        };
        let record = &self.records[index];
        let pixels = match self.pixels(record) {
            Ok(pixels) => pixels,
            Err(error) => return damaged(error.to_string()),
        };
        if !self.checked[index].load(Ordering::Relaxed) {
            if Digest::of(record.size, &pixels) != record.digest {
                // Not found by the next start, which makes it again.
                _ = fs::remove_file(&self.path);
                return damaged(format!("image {index} is not what was written"));
            }
            self.checked[index].store(true, Ordering::Relaxed);
        }
        Ok(pixels.into())
    }

    fn size(&self, index: usize) -> Size {
        self.records[index].size
    }

    fn digest(&self, index: usize) -> Digest {
        self.records[index].digest
    }
}

/// The hash behind the records.
fn seal(records: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(format!("{FORMAT}\n"));
    hasher.update(records);
    hasher.finalize().into()
}

/// A file while it is made, under another name.
#[derive(Debug)]
pub(crate) struct Writing {
    file: File,
    part: PathBuf,
    path: PathBuf,
    records: Vec<Record>,
    /// Bytes written.
    end: u64,
    /// Bytes that it may take.
    room: u64,
}

impl Writing {
    /// Begins the file `name` in `dir` for `count` images of about `image_bytes`; the error is a clause.
    pub(crate) fn begin(dir: &Path, name: &str, count: usize, image_bytes: usize) -> Result<Self, String> {
        let bytes = count as u64 * (image_bytes + RECORD) as u64;
        if bytes > MOST_BYTES {
            return Err(format!("{} GiB are more than the cache may take", bytes >> 30));
        }
        let make = || {
            fs::create_dir_all(dir)?;
            make_room(dir, MOST_BYTES - bytes)?;
            let part = dir.join(format!(".{name}.{}.part", std::process::id()));
            let file = File::options().read(true).write(true).create(true).truncate(true).open(&part)?;
            // Held until it is complete: see `make_room`. Some file systems have no locks.
            _ = file.try_lock();
            Ok::<_, io::Error>((file, part))
        };
        let (file, part) =
            make().map_err(|error| format!("{} cannot be written ({error})", dir.display()))?;
        // Half of what is free stays free.
        let free = free_bytes(dir);
        let room = free.map_or(MOST_BYTES, |free| MOST_BYTES.min(free / 2));
        let records = vec![Record::default(); count];
        let writing = Self { file, part, path: dir.join(name), records, end: 0, room };
        match free {
            Some(free) if bytes > room => {
                Err(format!("{} MiB are needed and {} MiB are free on its disk", bytes >> 20, free >> 20))
            }
            _ => Ok(writing),
        }
    }

    /// Writes image `index`.
    pub(crate) fn write(&mut self, index: usize, digest: Digest, kept: &Kept) -> io::Result<()> {
        let record = Record { digest, begin: self.end, size: kept.size };
        let tail = (self.records.len() * RECORD) as u64;
        if record.end() + tail > self.room {
            let words = format!("there is no room for more than {} MiB", self.room >> 20);
            return Err(io::Error::other(words));
        }
        self.file.write_all(&kept.planes)?;
        self.end = record.end();
        self.records[index] = record;
        Ok(())
    }

    /// Completes the file.
    pub(crate) fn finish(mut self) -> io::Result<CachedImages> {
        let file = self.seal()?;
        Ok(CachedImages::over(self.path.clone(), file, std::mem::take(&mut self.records)))
    }

    fn seal(&mut self) -> io::Result<File> {
        let mut bytes = Vec::with_capacity(self.records.len() * RECORD);
        for record in &self.records {
            bytes.extend(record.to_bytes());
        }
        self.file.write_all(&bytes)?;
        self.file.write_all(&seal(&bytes))?;
        fs::rename(&self.part, &self.path)?;
        _ = self.file.unlock();
        self.file.try_clone()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // Gone already where it was completed.
        _ = fs::remove_file(&self.part);
    }
}

/// Deletes those files of `dir` that were unused for longest, until the others take at most `most` bytes; and the
/// unfinished ones of processes that are gone.
fn make_room(dir: &Path, most: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in dir.read_dir()? {
        let (path, found) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        let age = found.modified()?.elapsed().unwrap_or_default();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            files.push((age, found.len(), path));
        } else if path.extension().is_some_and(|ending| ending == "part")
            && File::options().write(true).open(&path).is_ok_and(|file| file.try_lock().is_ok())
        {
            // Whoever wrote it is gone.
            _ = fs::remove_file(path);
        }
    }
    files.sort();
    let mut sum = 0;
    for (_, bytes, path) in files {
        sum += bytes;
        if sum > most {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn free_bytes(dir: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(dir).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests;
