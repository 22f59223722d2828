//! All pictures of a folder, decoded once by all threads: into memory where they are few, into the cache where it has
//! room, and otherwise again whenever they are used.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::data::cache::{self, CachedImages, Writing};
use crate::data::digest::Digest;
use crate::data::error::{DataError, unusable};
use crate::data::folder::decode;
use crate::data::images::ImageStore;
use crate::data::keep::{Keep, Kept};
use crate::data::report::Report;
use crate::data::size::Size;

/// How often a load that waits for a picture looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// Pictures by number, each of them an image, or broken.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) store: Arc<dyn ImageStore>,
    /// Bytes of all images, where they are few enough to be kept in memory.
    pub(crate) few: Option<u64>,
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

/// Decodes `files` to what is kept of them, of which `most` bytes may be in memory.
pub(crate) fn collect(
    files: Vec<PathBuf>,
    keep: Keep,
    most: u64,
    report: &mut Report,
) -> Result<Collected, DataError> {
    let count = files.len();
    let cache = report.settings().cache.clone().filter(|_| count > 0);
    let name = cache.as_ref().and_then(|_| cache::key(&files, keep));
    let place = cache.as_deref().zip(name.as_deref());
    if let Some((dir, name)) = place
        && let Some(cached) = CachedImages::open(dir, name, count)
    {
        let broken = |number: usize| {
            let clause = decode::read(&files[number], keep).err()?;
            Some(Broken { number, path: files[number].clone(), clause })
        };
        // Where one can be read after all, what kept it from that has passed, and all are decoded again.
        if let Some(broken) = cached.broken().map(broken).collect() {
            report.add(count)?;
            let few = Some(bytes_of(&cached, count)).filter(|bytes| *bytes <= most);
            return Ok(Collected { store: Arc::new(cached), few, broken, note: None });
        }
    }
    let (mut writing, mut note) =
        match place.map(|(dir, name)| Writing::begin(dir, name, count, keep.bytes())) {
            Some(Ok(writing)) => (Some(writing), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
    let mut memory = writing.is_none().then(|| vec![Box::default(); count]);
    let (mut known, mut bytes, mut broken) = (vec![Known::default(); count], 0, Vec::new());
    decode_all(&files, keep, report, &mut |index, decoded| match decoded {
        Ok(kept) => {
            let digest = Digest::of(kept.size, &kept.planes);
            known[index] = Known { digest, size: kept.size };
            bytes += kept.planes.len() as u64;
            if let Some(Err(error)) = writing.as_mut().map(|writing| writing.write(index, digest, &kept)) {
                note = Some(error.to_string());
                writing = None;
            }
            if bytes > most {
                memory = None;
            }
            if let Some(memory) = &mut memory {
                memory[index] = kept.planes.into_boxed_slice();
            }
        }
        Err(clause) => broken.push(Broken { number: index, path: files[index].clone(), clause }),
    })?;
    broken.sort_by_key(|one| one.number);
    let cached =
        writing.and_then(|writing| writing.finish().map_err(|error| note = Some(error.to_string())).ok());
    let store: Arc<dyn ImageStore> = match (cached, memory) {
        (Some(cached), _) => Arc::new(cached),
        (None, Some(pixels)) => Arc::new(InMemory { pixels, known }),
        (None, None) => Arc::new(Undecoded { files, keep, known }),
    };
    let few = Some(bytes).filter(|bytes| *bytes <= most);
    let note = note.filter(|_| few.is_none());
    let note = note.map(|why| format!("the pictures are decoded again in every epoch: in the cache {why}"));
    Ok(Collected { store, few, broken, note })
}

impl Collected {
    /// The same images in memory, where they are few and can all be read. `broken` are left out.
    pub(crate) fn in_memory(self, count: usize) -> Self {
        if self.few.is_none() || self.store.is_memory() {
            return self;
        }
        let whole = |number: &usize| self.broken.binary_search_by_key(number, |one| one.number).is_err();
        let one = |number: usize| {
            let known = Known { digest: self.store.digest(number), size: self.store.size(number) };
            let pixels = if whole(&number) { self.store.read(number)?.into() } else { Box::default() };
            Ok::<(Box<[u8]>, Known), DataError>((pixels, known))
        };
        match (0..count).map(one).collect::<Result<Vec<_>, _>>() {
            Ok(all) => {
                let (pixels, known) = all.into_iter().unzip();
                Self { store: Arc::new(InMemory { pixels, known }), ..self }
            }
            Err(_) => self,
        }
    }
}

/// Bytes of the first `count` images of `store`.
fn bytes_of(store: &dyn ImageStore, count: usize) -> u64 {
    (0..count).map(|index| 3 * store.size(index).pixels() as u64).sum()
}

/// Decodes every file in as many threads as compute; `each` gets the results as they come.
fn decode_all(
    files: &[PathBuf],
    keep: Keep,
    report: &mut Report,
    each: &mut dyn FnMut(usize, Result<Kept, String>),
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
                    if sender.send((index, decode::read(file, keep))).is_err() {
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

/// What is known of an image without its pixels.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    digest: Digest,
    size: Size,
}

/// Few images, in memory.
struct InMemory {
    pixels: Vec<Box<[u8]>>,
    known: Vec<Known>,
}

impl std::fmt::Debug for InMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} images in memory", self.known.len())
    }
}

impl ImageStore for InMemory {
    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        Ok(Cow::Borrowed(&self.pixels[index]))
    }

    fn size(&self, index: usize) -> Size {
        self.known[index].size
    }

    fn is_memory(&self) -> bool {
        true
    }

    fn digest(&self, index: usize) -> Digest {
        self.known[index].digest
    }
}

/// Pictures that are decoded whenever they are used.
#[derive(Debug)]
struct Undecoded {
    files: Vec<PathBuf>,
    keep: Keep,
    known: Vec<Known>,
}

impl ImageStore for Undecoded {
    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        let path = &self.files[index];
        match decode::read(path, self.keep) {
            Ok(Kept { size, planes }) if Digest::of(size, &planes) == self.known[index].digest => {
                Ok(planes.into())
            }
            Ok(_) => unusable(format!(
                "{} has changed since the start; resume the run to read it again.",
                path.display()
            )),
            Err(clause) => {
                unusable(format!("{}: {clause} now, but could be read at the start.", path.display()))
            }
        }
    }

    fn size(&self, index: usize) -> Size {
        self.known[index].size
    }

    fn digest(&self, index: usize) -> Digest {
        self.known[index].digest
    }
}
