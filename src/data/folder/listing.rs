//! The images of a folder and the classes they belong to, by name alone.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::arch::plan::MAX_CLASSES;
use crate::data::error::{DataError, unusable};
use crate::data::folder::below;
use crate::data::folder::decode::EXTENSIONS;
use crate::data::folder::entries::{Entries, Passed};
use crate::data::folder::names::{self, TEST, TRAIN, VALIDATION};
use crate::data::report::Report;

/// The directories that hold classes.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) train: PathBuf,
    pub(crate) validation: Option<PathBuf>,
    pub(crate) test: Option<PathBuf>,
}

/// The images of one part: class by class, each class by path.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) labels: Vec<u32>,
}

impl Tree {
    /// The parts of `folder`. It is divided if it has a directory `train` and either that has
    /// directories itself, or `folder` has none but those of parts: so a class may be called train.
    pub(crate) fn read(folder: &Path, passed: &mut Passed, report: &mut Report) -> Result<Self, DataError> {
        let entries = Entries::read(folder, report)?;
        let called = |kind: &[&str]| -> Vec<&OsString> {
            entries.directories.iter().filter(|name| names::is_one(name, kind)).collect()
        };
        let trains = called(TRAIN);
        let parts = trains.len() + called(VALIDATION).len() + called(TEST).len();
        let others = entries.directories.len() - parts;
        let mut divided = !trains.is_empty() && others == 0;
        for train in &trains {
            divided = divided || !Entries::read(&folder.join(train), report)?.directories.is_empty();
        }
        if !divided {
            return Ok(Self { train: folder.to_owned(), validation: None, test: None });
        }
        let part = |kind| match called(kind).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(folder.join(one))),
            [one, another, ..] => unusable(format!(
                "{} has both `{}` and `{}`; put them together or take one away.",
                folder.display(),
                one.display(),
                another.display()
            )),
        };
        let tree = Self {
            train: part(TRAIN)?.unwrap_or_else(|| folder.to_owned()),
            validation: part(VALIDATION)?,
            test: part(TEST)?,
        };
        passed.directories += others;
        passed.outside += entries.images.len();
        passed.count(entries.others);
        Ok(tree)
    }

    /// The class directories of the training part, in byte order of their names as text.
    pub(crate) fn classes(&self, report: &mut Report) -> Result<Vec<OsString>, DataError> {
        let classes = names::by_text(&self.train, Entries::read(&self.train, report)?.directories)?;
        let classes: Vec<OsString> = classes.into_values().collect();
        let train = self.train.display();
        match classes.as_slice() {
            [] => unusable(format!("{train} has no directories; make one for each class, with its images.")),
            [one] => unusable(format!(
                "{train} has only one class directory, `{}`; a classifier needs at least two.",
                one.display()
            )),
            many if many.len() > MAX_CLASSES => unusable(format!(
                "{train} has {} class directories; at most {MAX_CLASSES} are possible.",
                many.len()
            )),
            _ => Ok(classes),
        }
    }

    /// The images of a part that may be absent, but not empty, nor have classes of its own.
    pub(crate) fn listing(
        &self,
        part: Option<&Path>,
        classes: &[OsString],
        passed: &mut Passed,
        report: &mut Report,
    ) -> Result<Option<Listing>, DataError> {
        let Some(part) = part else { return Ok(None) };
        let known: BTreeSet<String> = names::texts(classes).into_iter().collect();
        let found = Entries::read(part, report)?;
        let mut unknown = found.directories.iter().filter(|name| !known.contains(&names::text(name)));
        let of_classes = found.directories.len() - unknown.clone().count();
        if of_classes == 0 {
            let mut flat = found.images.len();
            for name in unknown.clone().filter(|name| names::is_flat(name)) {
                flat += Entries::read(&part.join(name), report)?.images.len();
            }
            if flat > 0 {
                return unusable(self.flat(part, flat));
            }
        }
        if let Some(unknown) = unknown.next() {
            return unusable(format!(
                "{} is a class that {} lacks; add it there or take it away.",
                part.join(unknown).display(),
                self.train.display()
            ));
        }
        let listing = Listing::read(part, classes, passed, report)?;
        if listing.files.is_empty() {
            return unusable(format!("{} has no images; fill it or take it away.", part.display()));
        }
        Ok(Some(listing))
    }

    /// The sentence about a part with `images` images of no class.
    fn flat(&self, part: &Path, images: usize) -> String {
        let list = list_in(part).map(|name| format!(" (perhaps `{name}` says which is which)"));
        format!(
            "{} is flat: {} not in one directory for each class, as those of {} are; sort them into such{}, or take it away.",
            part.display(),
            if images == 1 { "its image is".into() } else { format!("its {images} images are") },
            self.train.display(),
            list.unwrap_or_default()
        )
    }
}

/// The first file in `part`, by name, that may list the classes of its images.
fn list_in(part: &Path) -> Option<String> {
    let names = part.read_dir().ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_list = |name: &String| {
        let ending = Path::new(name).extension().unwrap_or_default();
        !name.starts_with('.') && names::is_one(ending, &["txt", "csv", "tsv", "json"])
    };
    names.filter(is_list).min()
}

impl Listing {
    /// The images under `part` of those `classes` that it has.
    pub(crate) fn read(
        part: &Path,
        classes: &[OsString],
        passed: &mut Passed,
        report: &mut Report,
    ) -> Result<Self, DataError> {
        let beside = Entries::read(part, report)?;
        passed.outside += beside.images.len();
        passed.count(beside.others);
        let directories = names::by_text(part, beside.directories)?;
        let mut listing = Self::default();
        for (label, class) in classes.iter().enumerate() {
            report.tick()?;
            let Some(directory) = directories.get(&names::text(class)) else { continue };
            let images = below::images(part, &part.join(directory), passed, report)?;
            report.found(images.len())?;
            listing.labels.resize(listing.labels.len() + images.len(), label as u32);
            listing.files.extend(images);
        }
        Ok(listing)
    }

    /// Whether each of `classes` has an image.
    pub(crate) fn has_every_class(&self, part: &Path, classes: &[OsString]) -> Result<(), DataError> {
        // Labels come in order, so a class that is missing is a gap.
        match (0..classes.len()).find(|&label| self.labels.binary_search(&(label as u32)).is_err()) {
            None => Ok(()),
            Some(label) => unusable(format!(
                "{} has no images ({}); add some or take it away.",
                part.join(&classes[label]).display(),
                EXTENSIONS.join(", ")
            )),
        }
    }
}
