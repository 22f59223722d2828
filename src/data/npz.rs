//! A file of NumPy arrays: `train_images`, `train_labels`, `val_…` and `test_…`, as MedMNIST has them, or `images` and
//! `labels` alone.

mod arrays;
mod npy;

use std::path::{Path, PathBuf};

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Luma, Rgb};

use crate::data::error::DataError;
use crate::data::fault::Fault;
use crate::data::images::Images;
use crate::data::npz::arrays::{Arrays, Shape};
use crate::data::report::Report;
use crate::data::source::{Parts, Source};
use crate::data::split;
use crate::recipe::datasets::NPZ;
use crate::recipe::{Augment, Recipe};

/// Advice where memory is short.
const ROOM: &str = "give a smaller `input_size` or a `train_limit`";

pub(crate) struct Npz<'a>(pub(crate) &'a Path);

/// Images with their labels.
struct Set {
    images: &'static str,
    shape: Shape,
    labels: Vec<u32>,
}

/// An open file, whose labels are read.
struct Open {
    arrays: Arrays,
    train: Set,
    validation: Option<Set>,
    test: Option<Set>,
    classes: Vec<String>,
}

impl Source for Npz<'_> {
    fn load(&self, recipe: &Recipe, report: &mut Report) -> Result<Parts, DataError> {
        let (path, note) = locate(self.0, recipe.data_dir.as_deref());
        let mut notes: Vec<String> = note.into_iter().collect();
        let mut open = Open::read(&path)?;
        let labels = &open.train.labels;
        let (kept, drawn) = if let Some(held) = &open.validation {
            let kept = split::limit(labels, (0..labels.len()).collect(), recipe)?;
            (kept, split::held_out(&held.labels, recipe)?)
        } else {
            let split = split::split(labels, recipe, &NPZ)?;
            (split.train, split.validation)
        };
        let tested: Vec<usize> = (0..open.test.as_ref().map_or(0, |test| test.labels.len())).collect();

        let (own, total) = (open.train.shape.side, kept.len() + drawn.len() + tested.len());
        // Resized once and for all, unless random parts of them are shown or their margin is cut off.
        let is_once = recipe.augment != Augment::Imagenet && recipe.resized() == recipe.input_size;
        let side = if is_once { recipe.input_size } else { own };
        if own != side {
            notes.push(format!(
                "images of {own}x{own} are resized to {side}x{side}, the recipe's `input_size`"
            ));
        }
        report.check_room(total, side, ROOM)?;
        report.expect(total)?;
        let room = |indices: &[usize]| Images::with_room(side, indices.len(), ROOM);
        let (mut train, mut validation, mut test) = (room(&kept)?, room(&drawn)?, room(&tested)?);
        let of_train = [(&kept[..], &mut train)];
        let of_held = [(&drawn[..], &mut validation)];
        if let Some(held) = &open.validation {
            fill(&mut open.arrays, &open.train, side, of_train, report)
                .and_then(|()| fill(&mut open.arrays, held, side, of_held, report))
        } else {
            fill(&mut open.arrays, &open.train, side, of_train.into_iter().chain(of_held), report)
        }
        .and_then(|()| match &open.test {
            Some(set) => fill(&mut open.arrays, set, side, [(&tested[..], &mut test)], report),
            None => Ok(()),
        })
        .map_err(|fault| sentence(&path, fault))?;
        let (classes, dir) = (open.classes, Some(absolute(&path)));
        Ok(Parts { classes, train, validation, test, flips: true, dir, notes })
    }

    fn classes(&self, recipe: &Recipe) -> Result<Vec<String>, DataError> {
        Open::read(&locate(self.0, recipe.data_dir.as_deref()).0).map(|open| open.classes)
    }

    fn dir(&self, recipe: &Recipe) -> Option<PathBuf> {
        Some(absolute(&locate(self.0, recipe.data_dir.as_deref()).0))
    }
}

impl Open {
    /// Opens the file at `path` and reads every label of it.
    fn read(path: &Path) -> Result<Self, DataError> {
        Self::read_labels(path).map_err(|fault| sentence(path, fault))
    }

    fn read_labels(path: &Path) -> Result<Self, Fault> {
        let mut arrays = Arrays::open(path)?;
        let mut set = |images: &'static str, labels: &str| -> Result<Option<Set>, Fault> {
            if !arrays.has(images) && !arrays.has(labels) {
                return Ok(None);
            }
            for (there, missing) in [(images, labels), (labels, images)] {
                if !arrays.has(missing) {
                    return Err(Fault::Wrong(format!("it has `{there}`, but no `{missing}`")));
                }
            }
            let shape = arrays.shape(images)?;
            Ok(Some(Set { images, shape, labels: arrays.labels(labels, shape.images)? }))
        };
        let (train, whole) = (set("train_images", "train_labels")?, set("images", "labels")?);
        let (validation, test) = (set("val_images", "val_labels")?, set("test_images", "test_labels")?);
        let Some(train) = train.or(whole).filter(|set| !set.labels.is_empty()) else {
            let there = arrays.names();
            return Err(Fault::Wrong(format!(
                "it has no images in `train_images` and `train_labels`, nor in `images` and `labels`; its arrays are {there}"
            )));
        };
        let names = if arrays.has("class_names") { Some(arrays.texts("class_names")?) } else { None };
        let classes = classes(&train, [&validation, &test], names)?;
        let [validation, test] = [validation, test].map(|set| set.filter(|set| !set.labels.is_empty()));
        Ok(Self { arrays, train, validation, test, classes })
    }
}

/// The names of the classes: `names`, or the numbers of those that have images.
fn classes(train: &Set, others: [&Option<Set>; 2], names: Option<Vec<String>>) -> Result<Vec<String>, Fault> {
    let sets = || [train].into_iter().chain(others.into_iter().flatten());
    let last = sets().flat_map(|set| &set.labels).max().copied().unwrap_or(0);
    if let Some(names) = names {
        if last as usize >= names.len() {
            let what = format!("it has the label {last}, but `class_names` ends at {} classes", names.len());
            return Err(Fault::Wrong(what));
        }
        return Ok(names);
    }
    // Also so that no single label makes millions of classes.
    let mut labels = train.labels.clone();
    labels.sort_unstable();
    labels.dedup();
    match (0..=last)
        .zip(labels.iter().map(Some).chain(std::iter::repeat(None)))
        .find(|(i, at)| *at != Some(i))
    {
        None => Ok((0..=last).map(|class| class.to_string()).collect()),
        Some((class, _)) => Err(Fault::Wrong(format!(
            "it has the label {last}, but no training image of label {class}; labels go from 0 without a gap, unless there are `class_names`"
        ))),
    }
}

/// Reads the images of `set` at the ascending indices of each part into it, of height and width `side`.
fn fill<'a>(
    arrays: &mut Arrays,
    set: &Set,
    side: usize,
    parts: impl IntoIterator<Item = (&'a [usize], &'a mut Images)>,
    report: &mut Report,
) -> Result<(), Fault> {
    let mut parts: Vec<_> = parts.into_iter().collect();
    arrays.images(set.images, set.shape, |i, pixels| {
        for (indices, images) in &mut parts {
            if let Some((_, rest)) = indices.split_first().filter(|(first, _)| **first == i) {
                *indices = rest;
                images.push(&planes(pixels, set.shape, side), set.labels[i]);
                return report.add(1);
            }
        }
        report.tick()
    })
}

/// An image, grey or of interleaved pixels, as three planes of `side` x `side`; resized by a triangle filter where it
/// is another size.
fn planes(pixels: &[u8], shape: Shape, side: usize) -> Vec<u8> {
    let (own, wanted) = (shape.side as u32, side as u32);
    let resized = match (own == wanted, shape.channels) {
        (true, _) => None,
        (false, 1) => ImageBuffer::<Luma<u8>, _>::from_raw(own, own, pixels)
            .map(|image| imageops::resize(&image, wanted, wanted, FilterType::Triangle).into_raw()),
        (false, _) => ImageBuffer::<Rgb<u8>, _>::from_raw(own, own, pixels)
            .map(|image| imageops::resize(&image, wanted, wanted, FilterType::Triangle).into_raw()),
    };
    let pixels = resized.as_deref().unwrap_or(pixels);
    if shape.channels == 1 {
        return pixels.repeat(3);
    }
    (0..3).flat_map(|channel| pixels.iter().copied().skip(channel).step_by(3)).collect()
}

/// Where the file `path` is. With a `data_dir`: the file of that name in there, or that very file, or `path` from here
/// (with a note).
fn locate(path: &Path, data_dir: Option<&Path>) -> (PathBuf, Option<String>) {
    let Some(dir) = data_dir else {
        return (path.to_owned(), None);
    };
    if dir.is_file() && dir.file_name() == path.file_name() {
        return (dir.to_owned(), None);
    }
    let inside = [Some(dir.join(path)), path.file_name().map(|name| dir.join(name))];
    let inside = inside.into_iter().flatten().filter(|file| file.starts_with(dir));
    let mut inside: Vec<PathBuf> = inside.collect();
    if let Some(at) = inside.iter().position(|file| file.is_file()) {
        return (inside.swap_remove(at), None);
    }
    if path.is_file() {
        let note =
            format!("`{}` is not in the data directory `{}`; read from here", path.display(), dir.display());
        return (path.to_owned(), Some(note));
    }
    (inside.pop().unwrap_or_else(|| path.to_owned()), None)
}

/// `file` from the root, under the name it was found by.
fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

/// What is wrong with `path`, and what to do.
fn sentence(path: &Path, fault: Fault) -> DataError {
    let path = path.display();
    DataError::Unusable(match fault {
        Fault::Interrupted => return DataError::Interrupted,
        Fault::Missing => {
            format!("{path} is not there; name another file behind `npz:`, or its place with --data-dir.")
        }
        Fault::Io(error) => format!("{path} cannot be read ({error}); make it readable, or name another."),
        Fault::Wrong(what) => {
            format!("{path} cannot be trained on: {what}; write it again with numpy.savez.")
        }
    })
}

#[cfg(test)]
mod tests;
