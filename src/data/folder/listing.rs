//! The images of a folder and the classes they belong to, by name alone.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::arch::plan::MAX_CLASSES;
use crate::data::error::{DataError, unusable};
use crate::data::folder::decode::EXTENSIONS;
use crate::data::folder::entries::{Entries, Passed};
use crate::data::report::Report;

/// The directories that hold classes.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) train: PathBuf,
    pub(crate) validation: Option<PathBuf>,
    pub(crate) test: Option<PathBuf>,
}

/// The images of one part: class by class, each class by name.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) labels: Vec<u32>,
}

impl Tree {
    /// The parts of `folder`. It is divided if it has a directory `train` and either that has
    /// directories itself, or `folder` has none but train, val and test: so a class may be called train.
    pub(crate) fn read(folder: &Path, passed: &mut Passed) -> Result<Self, DataError> {
        let entries = Entries::read(folder)?;
        let part = |name: &str| {
            let found = entries.directories.iter().any(|directory| directory == name);
            found.then(|| folder.join(name))
        };
        let is_part = |name: &OsString| name == "train" || name == "val" || name == "test";
        let others = entries.directories.iter().filter(|name| !is_part(name)).count();
        if let Some(train) = part("train")
            && (others == 0 || !Entries::read(&train)?.directories.is_empty())
        {
            passed.directories += others;
            passed.count_files(&entries);
            return Ok(Self { train, validation: part("val"), test: part("test") });
        }
        Ok(Self { train: folder.to_owned(), validation: None, test: None })
    }

    /// The class directories of the training part, in byte order.
    pub(crate) fn classes(&self) -> Result<Vec<OsString>, DataError> {
        let classes = Entries::read(&self.train)?.directories;
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
            _ => match same_text(&classes) {
                None => Ok(classes),
                Some(name) => unusable(format!(
                    "{train} has two class directories whose names are no text in UTF-8 and would both be called `{name}`; rename one."
                )),
            },
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
        let found = Entries::read(part)?.directories;
        if let Some(unknown) = found.iter().find(|name| !classes.contains(name)) {
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
}

/// The name that two of `classes` would have as text, which is what a checkpoint knows them by.
fn same_text(classes: &[OsString]) -> Option<String> {
    let mut seen = BTreeSet::new();
    classes.iter().map(|name| name.to_string_lossy().into_owned()).find(|name| !seen.insert(name.clone()))
}

impl Listing {
    /// The images under `part` of those `classes` that it has.
    pub(crate) fn read(
        part: &Path,
        classes: &[OsString],
        passed: &mut Passed,
        report: &mut Report,
    ) -> Result<Self, DataError> {
        let beside = Entries::read(part)?;
        passed.count_files(&beside);
        let mut listing = Self::default();
        for (label, class) in classes.iter().enumerate() {
            report.tick()?;
            if !beside.directories.contains(class) {
                continue;
            }
            let directory = part.join(class);
            let entries = Entries::read(&directory)?;
            passed.extensions += entries.others;
            passed.directories += entries.directories.len();
            for image in &entries.images {
                listing.files.push(directory.join(image));
                listing.labels.push(label as u32);
            }
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
