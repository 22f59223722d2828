//! All pictures of a folder, decoded once by all threads: into memory where they are few, into the cache where it has
//! room, and otherwise again whenever they are used.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::data::cache::{self, CachedImages, Writing};
use crate::data::digest::Digest;
use crate::data::error::{DataError, unusable};
use crate::data::folder::decode;
use crate::data::images::ImageStore;
use crate::data::report::Report;

/// How often a load that waits for a picture looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// Pictures by number, each of them an image of one size, or broken.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) store: Arc<dyn ImageStore>,
    /// Those that are broken, by ascending numbers.
    pub(crate) broken: Vec<Broken>,
    /// Why they are not in the cache, where that costs time.
    pub(crate) note: Option<String>,
}

/// A picture that cannot be used.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) number: usize,
    pub(crate) path: PathBuf,
    /// What is wrong with it.
    pub(crate) clause: String,
}

/// Decodes `files` to images of height and width `side`.
pub(crate) fn collect(files: Vec<PathBuf>, side: usize, report: &mut Report) -> Result<Collected, DataError> {
    let (count, image_bytes) = (files.len(), 3 * side * side);
    let cache = report.settings().cache.clone();
    let name = cache.as_ref().and_then(|_| cache::key(&files, side));
    let place = cache.as_deref().zip(name.as_deref());
    if let Some((dir, name)) = place
        && let Some(cached) = CachedImages::open(dir, name, count, image_bytes)
    {
        let broken = |number: usize| {
            let clause = decode::read(&files[number], side).err()?;
            Some(Broken { number, path: files[number].clone(), clause })
        };
        // Where one can be read after all, what kept it from that has passed, and all are decoded again.
        if let Some(broken) = cached.broken().map(broken).collect() {
            report.add(count)?;
            return Ok(Collected { store: Arc::new(cached), broken, note: None });
        }
    }
    let in_memory = count as u64 * image_bytes as u64 <= report.settings().most_in_memory;
    let (mut writing, mut note) = match place.map(|(dir, name)| Writing::begin(dir, name, count, image_bytes))
    {
        Some(Ok(writing)) => (Some(writing), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let mut memory = vec![0; if in_memory && writing.is_none() { count * image_bytes } else { 0 }];
    let (mut digests, mut broken) = (vec![Digest::default(); count], Vec::new());
    decode_all(&files, side, report, &mut |index, decoded| match decoded {
        Ok(pixels) => {
            digests[index] = Digest::of(&pixels);
            if let Some(to) = memory.get_mut(index * image_bytes..(index + 1) * image_bytes) {
                to.copy_from_slice(&pixels);
            }
            if let Some(Err(error)) = writing.as_mut().map(|writing| writing.write(index, &pixels)) {
                note = Some(error.to_string());
                writing = None;
            }
        }
        Err(clause) => broken.push(Broken { number: index, path: files[index].clone(), clause }),
    })?;
    broken.sort_by_key(|one| one.number);
    let undecoded = |digests| -> Arc<dyn ImageStore> { Arc::new(Undecoded { files, side, digests }) };
    let finished = match writing {
        Some(writing) => Ok(writing.finish(digests)),
        None => Err(digests),
    };
    let store: Arc<dyn ImageStore> = match finished {
        Err(digests) if memory.is_empty() => undecoded(digests),
        Err(digests) => Arc::new(InMemory { pixels: memory, image_bytes, digests }),
        Ok(Ok(cached)) => Arc::new(cached),
        Ok(Err((error, digests))) => {
            note = Some(error.to_string());
            undecoded(digests)
        }
    };
    let note = note.filter(|_| !in_memory);
    let note = note.map(|why| format!("the pictures are decoded again in every epoch: in the cache {why}"));
    Ok(Collected { store, broken, note })
}

/// Decodes every file in as many threads as compute; `each` gets the results as they come.
fn decode_all(
    files: &[PathBuf],
    side: usize,
    report: &mut Report,
    each: &mut dyn FnMut(usize, Result<Vec<u8>, String>),
) -> Result<(), DataError> {
    let threads = rayon::current_num_threads().clamp(1, files.len().max(1));
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, receiver) = crossbeam_channel::bounded(2 * threads);
    std::thread::scope(|scope| {
        for number in 0..threads {
            let (sender, next, over) = (sender.clone(), &next, &over);
            let work = move || {
                while !over.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { return };
                    if sender.send((index, decode::read(file, side))).is_err() {
                        return;
                    }
                }
            };
            let thread = std::thread::Builder::new().name(format!("decode {number}"));
            if let Err(error) = thread.spawn_scoped(scope, work) {
                // The others do its work.
                if number == 0 {
                    return unusable(format!("no thread can be started to decode pictures ({error})."));
                }
            }
        }
        drop(sender);
        let mut receive = || loop {
            match receiver.recv_timeout(LOOK) {
                Ok((index, decoded)) => {
                    each(index, decoded);
                    report.add(1)?;
                }
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => report.tick()?,
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => return Ok(()),
            }
        };
        let done = receive();
        over.store(true, Ordering::Relaxed);
        // A thread that waits to hand over a picture ends.
        drop(receiver);
        done
    })
}

/// Few images, in memory.
struct InMemory {
    pixels: Vec<u8>,
    image_bytes: usize,
    digests: Vec<Digest>,
}

impl std::fmt::Debug for InMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} images in memory", self.digests.len())
    }
}

impl ImageStore for InMemory {
    fn read(&self, index: usize) -> Result<Vec<u8>, DataError> {
        Ok(self.pixels[index * self.image_bytes..][..self.image_bytes].to_vec())
    }

    fn digest(&self, index: usize) -> Digest {
        self.digests[index]
    }
}

/// Pictures that are decoded whenever they are used.
#[derive(Debug)]
struct Undecoded {
    files: Vec<PathBuf>,
    side: usize,
    digests: Vec<Digest>,
}

impl ImageStore for Undecoded {
    fn read(&self, index: usize) -> Result<Vec<u8>, DataError> {
        let path = &self.files[index];
        match decode::read(path, self.side) {
            Ok(pixels) if Digest::of(&pixels) == self.digests[index] => Ok(pixels),
            Ok(_) => unusable(format!(
                "{} has changed since the start; resume the run to read it again.",
                path.display()
            )),
            Err(clause) => {
                unusable(format!("{}: {clause} now, but could be read at the start.", path.display()))
            }
        }
    }

    fn digest(&self, index: usize) -> Digest {
        self.digests[index]
    }
}
