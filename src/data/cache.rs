//! Decoded images in a file, so that neither the next epoch nor the next start decodes them again.
//!
//! A file is found by a hash of the names, sizes and times of all the files it was made from. It holds the pixels, then
//! a digest of each image, then a hash of the digests: a torn file is no file, and an image is compared with its
//! digest when it is first read. Every file may be deleted at any time; those unused for longest are, where all
//! together would take too much.

use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::data::digest::{BYTES, Digest};
use crate::data::error::{DataError, unusable};
use crate::data::images::ImageStore;

/// Says what wrote a file; changes whenever pictures are decoded or resized to other pixels.
const FORMAT: &str = "densenet-tui pixels 1";
/// Most bytes that all files take together.
const MOST_BYTES: u64 = 64 << 30;
/// The ending of a file.
const ENDING: &str = "pixels";

/// The images of a file.
#[derive(Debug)]
pub(crate) struct CachedImages {
    path: PathBuf,
    file: Mutex<File>,
    image_bytes: usize,
    digests: Vec<Digest>,
    /// Whether each image has been compared with its digest.
    checked: Vec<AtomicBool>,
}

/// The name of the file for pictures `files` of height and width `side`. None where one of them cannot be looked at.
pub(crate) fn key(files: &[PathBuf], side: usize) -> Option<String> {
    let mut hasher = Sha256::new();
    hasher.update(format!("{FORMAT} {side} {}\n", files.len()));
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
    /// The images of the file `name` in `dir`, `count` of `image_bytes` each; `None` where it is absent, torn or another.
    pub(crate) fn open(dir: &Path, name: &str, count: usize, image_bytes: usize) -> Option<Self> {
        let path = dir.join(name);
        let mut file = File::open(&path).ok()?;
        let pixels = count as u64 * image_bytes as u64;
        let tail = count * BYTES + 32;
        if file.metadata().ok()?.len() != pixels + tail as u64 {
            return None;
        }
        let mut bytes = vec![0; tail];
        file.seek(SeekFrom::Start(pixels)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        let (digests, hash) = bytes.split_at(tail - 32);
        if seal(digests, image_bytes) != hash {
            return None;
        }
        let digests = digests.as_chunks::<BYTES>().0.iter().map(Digest::from_bytes).collect();
        // What was used last is deleted last.
        _ = File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(Self::over(path, file, image_bytes, digests))
    }

    fn over(path: PathBuf, file: File, image_bytes: usize, digests: Vec<Digest>) -> Self {
        let checked = digests.iter().map(|_| AtomicBool::new(false)).collect();
        Self { path, file: Mutex::new(file), image_bytes, digests, checked }
    }

    /// The images that could not be decoded when the file was made.
    pub(crate) fn broken(&self) -> impl Iterator<Item = usize> {
        self.digests.iter().enumerate().filter(|(_, digest)| **digest == Digest::default()).map(|(i, _)| i)
    }

    fn pixels(&self, index: usize) -> io::Result<Vec<u8>> {
        let mut pixels = vec![0; self.image_bytes];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(index as u64 * self.image_bytes as u64))?;
        file.read_exact(&mut pixels)?;
        Ok(pixels)
    }
}

impl ImageStore for CachedImages {
    fn read(&self, index: usize) -> Result<Vec<u8>, DataError> {
        let damaged = |what: String| {
            unusable(format!(
                "the cache {} is damaged ({what}); it was made from the pictures and may be deleted.",
                self.path.display()
            ))
        };
        let pixels = match self.pixels(index) {
            Ok(pixels) => pixels,
            Err(error) => return damaged(error.to_string()),
        };
        if !self.checked[index].load(Ordering::Relaxed) {
            if Digest::of(&pixels) != self.digests[index] {
                // Not found by the next start, which makes it again.
                _ = fs::remove_file(&self.path);
                return damaged(format!("image {index} is not what was written"));
            }
            self.checked[index].store(true, Ordering::Relaxed);
        }
        Ok(pixels)
    }

    fn digest(&self, index: usize) -> Digest {
        self.digests[index]
    }
}

/// The hash behind the digests.
fn seal(digests: &[u8], image_bytes: usize) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(format!("{FORMAT} {image_bytes}\n"));
    hasher.update(digests);
    hasher.finalize().into()
}

/// A file while it is made, under another name.
#[derive(Debug)]
pub(crate) struct Writing {
    file: File,
    part: PathBuf,
    path: PathBuf,
    image_bytes: usize,
}

impl Writing {
    /// Begins the file `name` in `dir` for `count` images of `image_bytes`; the error is a clause.
    pub(crate) fn begin(dir: &Path, name: &str, count: usize, image_bytes: usize) -> Result<Self, String> {
        let bytes = count as u64 * (image_bytes + BYTES) as u64;
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
        let writing = Self { file, part, path: dir.join(name), image_bytes };
        match free_bytes(dir) {
            // Half of what is free stays free.
            Some(free) if bytes > free / 2 => {
                Err(format!("{} MiB are needed and {} MiB are free on its disk", bytes >> 20, free >> 20))
            }
            _ => Ok(writing),
        }
    }

    /// Writes image `index`.
    pub(crate) fn write(&mut self, index: usize, pixels: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(index as u64 * self.image_bytes as u64))?;
        self.file.write_all(pixels)
    }

    /// Completes the file with the digests of all images; gives them back where that fails.
    pub(crate) fn finish(mut self, digests: Vec<Digest>) -> Result<CachedImages, (io::Error, Vec<Digest>)> {
        match self.seal(&digests) {
            Ok(file) => Ok(CachedImages::over(self.path.clone(), file, self.image_bytes, digests)),
            Err(error) => Err((error, digests)),
        }
    }

    fn seal(&mut self, digests: &[Digest]) -> io::Result<File> {
        let mut bytes = Vec::with_capacity(digests.len() * BYTES);
        for digest in digests {
            bytes.extend(digest.to_bytes());
        }
        self.file.seek(SeekFrom::Start(digests.len() as u64 * self.image_bytes as u64))?;
        self.file.write_all(&bytes)?;
        self.file.write_all(&seal(&bytes, self.image_bytes))?;
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
