//! Pictures as people have them, apart from any data set: found, and read ahead as an evaluation sees them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::data::error::{DataError, Progress, unusable};
use crate::data::folder::below;
use crate::data::folder::decode;
use crate::data::folder::entries::Passed;
use crate::data::keep::Keep;
use crate::data::report::Report;
use crate::data::size::{Area, Size};
use crate::recipe::Recipe;

/// A picture that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its file.
    pub path: PathBuf,
    /// Its path from the directory that was given; its name where it was given itself.
    pub below: PathBuf,
}

/// The pictures that `given` names: files as they are, and those in and below directories in byte order of their
/// paths. A directory without any is an error.
pub fn find(given: &[PathBuf], progress: Progress) -> Result<Vec<Found>, DataError> {
    let report = &mut Report::new(progress);
    let mut found = Vec::new();
    for path in given {
        if !path.is_dir() {
            found.push(Found { path: path.clone(), below: path.file_name().unwrap_or_default().into() });
            continue;
        }
        let pictures = below::images(path, path, &mut Passed::default(), report)?;
        if pictures.is_empty() {
            return unusable(format!(
                "{} has no pictures in BMP, GIF, JPEG, PNG, PNM, TIFF or WebP; name one that has some.",
                path.display()
            ));
        }
        report.found(pictures.len())?;
        found.extend(pictures.into_iter().map(|picture| {
            let below = picture.strip_prefix(path).unwrap_or(&picture).to_owned();
            Found { path: picture, below }
        }));
    }
    Ok(found)
}

/// The bytes `[3, side, side]` of a picture as an evaluation of `recipe` sees it, or what is wrong with it: a clause
/// about "it".
pub fn read(path: &Path, recipe: &Recipe) -> Result<Vec<u8>, String> {
    let [_, keep] = Keep::of(recipe, false);
    decode::read(path, keep).map(|kept| kept.planes)
}

/// A picture as a person sees it.
#[derive(Debug)]
pub struct Whole {
    /// Its size.
    pub size: Size,
    /// Its pixels row by row, three bytes each.
    pub rgb: Vec<u8>,
    /// Left, top, width and height of what an evaluation shows a network of it, in its pixels.
    pub shown: [f64; 4],
}

/// The whole picture at `path`, turned as it is to be seen, and what of it an evaluation of `recipe` shows.
pub fn whole(path: &Path, recipe: &Recipe) -> Result<Whole, String> {
    let (size, rgb) = decode::upright(path)?;
    let to = size.with_shorter(recipe.resized());
    let Area { left, top, size: part } = Area::middle(to, Size::square(recipe.input_size));
    let x = |pixels: usize| pixels as f64 * size.width as f64 / to.width as f64;
    let y = |pixels: usize| pixels as f64 * size.height as f64 / to.height as f64;
    Ok(Whole { size, rgb, shown: [x(left), y(top), x(part.width), y(part.height)] })
}

/// Pictures that are decoded by threads of their own, a few ahead of whoever takes them.
#[derive(Debug)]
pub struct Reading {
    decoded: Receiver<(usize, Result<Vec<u8>, String>)>,
    /// Those that are there before their turn.
    early: BTreeMap<usize, Result<Vec<u8>, String>>,
    next: usize,
    count: usize,
}

impl Reading {
    /// Begins to read `files` as an evaluation of `recipe` sees them, by up to `threads` threads. They end with this.
    pub fn begin(files: &Arc<[PathBuf]>, recipe: &Recipe, threads: usize) -> Result<Self, DataError> {
        let [_, keep] = Keep::of(recipe, false);
        let threads = threads.clamp(1, files.len().max(1));
        let (sender, decoded) = bounded(2 * threads);
        let next = Arc::new(AtomicUsize::new(0));
        for number in 0..threads {
            let (files, sender, next) = (files.clone(), sender.clone(), next.clone());
            let thread = thread::Builder::new().name(format!("decode {number}"));
            let started = thread.spawn(move || decode_all(&files, keep, &next, &sender));
            // The others do the work of one that cannot be started.
            if let (Err(error), 0) = (started, number) {
                return unusable(format!("no thread can be started to decode pictures ({error})."));
            }
        }
        Ok(Self { decoded, early: BTreeMap::new(), next: 0, count: files.len() })
    }

    /// Whether all were taken.
    pub fn is_over(&self) -> bool {
        self.next == self.count
    }

    /// The next picture in order, if it is there within `wait`.
    pub fn take(&mut self, wait: Duration) -> Option<Result<Vec<u8>, String>> {
        while !self.early.contains_key(&self.next) {
            match self.decoded.recv_timeout(wait) {
                Ok((index, picture)) => _ = self.early.insert(index, picture),
                Err(RecvTimeoutError::Timeout) => return None,
                // A decoder that panicked.
                Err(RecvTimeoutError::Disconnected) => {
                    _ = self.early.insert(self.next, Err("it cannot be decoded".into()));
                }
            }
        }
        let picture = self.early.remove(&self.next)?;
        self.next += 1;
        Some(picture)
    }
}

fn decode_all(
    files: &[PathBuf],
    keep: Keep,
    next: &AtomicUsize,
    sender: &Sender<(usize, Result<Vec<u8>, String>)>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(file) = files.get(index) else { return };
        if sender.send((index, decode::read(file, keep).map(|kept| kept.planes))).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::ops::ControlFlow;

    use image::RgbImage;

    use super::*;
    use crate::recipe::Data;

    fn recipe() -> Recipe {
        Recipe { input_size: 8, ..Recipe::defaults(Data::Shapes) }
    }

    fn found(given: &[PathBuf]) -> Result<Vec<Found>, DataError> {
        find(given, &mut |_, _| ControlFlow::Continue(()))
    }

    fn grey(path: &Path, width: u32, height: u32, value: u8) {
        RgbImage::from_pixel(width, height, image::Rgb([value; 3])).save(path).unwrap();
    }

    #[test]
    fn files_are_taken_as_they_are_and_directories_give_the_pictures_below_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::create_dir(at("empty")).unwrap();
        for name in ["a/2.png", "a/b/1.JPG", "a/notes.txt", "a/.hidden.png", "other"] {
            fs::write(at(name), "").unwrap();
        }
        let pictures = found(&[at("other"), at("a"), at("none.png")]).unwrap();
        let below: Vec<&str> = pictures.iter().map(|found| found.below.to_str().unwrap()).collect();
        assert_eq!(below, ["other", "2.png", "b/1.JPG", "none.png"]);
        assert_eq!(pictures[2].path, at("a/b/1.JPG"));
        let sentence = found(&[at("a"), at("empty")]).unwrap_err().to_string();
        assert!(sentence.contains("empty has no pictures"), "{sentence}");
    }

    #[test]
    fn pictures_come_in_order_and_a_broken_one_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..40).map(|i| folder.path().join(format!("{i}.png"))).collect();
        for (i, file) in files.iter().enumerate() {
            match i {
                7 => fs::write(file, "no picture").unwrap(),
                9 => {}
                _ => grey(file, 8 + i as u32, 8, i as u8),
            }
        }
        let mut reading = Reading::begin(&files.into(), &recipe(), 3).unwrap();
        for i in 0..40 {
            let picture = loop {
                if let Some(picture) = reading.take(Duration::from_millis(100)) {
                    break picture;
                }
            };
            match (i, picture) {
                (7, picture) => assert!(picture.unwrap_err().contains("no picture in BMP")),
                (9, picture) => assert!(picture.unwrap_err().contains("does not exist")),
                (i, picture) => assert_eq!(picture.unwrap(), [i as u8; 192]),
            }
        }
        assert!(reading.is_over());
    }

    #[test]
    fn what_is_shown_of_a_picture_is_the_middle_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        grey(&path, 40, 20, 9);
        let picture = whole(&path, &recipe()).unwrap();
        assert_eq!((picture.size, picture.rgb.len()), (Size { width: 40, height: 20 }, 2400));
        assert_eq!(picture.shown, [10.0, 0.0, 20.0, 20.0]);
        let resized = Recipe { resize: Some(10), ..recipe() };
        assert_eq!(whole(&path, &resized).unwrap().shown, [12.0, 2.0, 16.0, 16.0]);
    }
}
