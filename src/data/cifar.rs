//! CIFAR-10 and CIFAR-100 from their published files, in the binary or the python layout.

mod binary;
mod files;
mod names;
mod python;

use std::path::{Path, PathBuf};

use crate::data::cifar::files::{Layout, SIDE};
use crate::data::error::{DataError, unusable};
use crate::data::fault::Fault;
use crate::data::fingerprint::check_sum;
use crate::data::images::Images;
use crate::data::places;
use crate::data::report::Report;
use crate::data::source::{Parts, Source};
use crate::data::split;
use crate::recipe::Recipe;
use crate::recipe::datasets::DataSet;

pub(crate) use files::{CIFAR10, CIFAR100, Variety};

/// Advice where memory is short and the number and size of the images are fixed.
const ROOM: &str = "free some memory";

/// Where a variety was found, and in which layout.
#[derive(Debug)]
struct Found {
    folder: PathBuf,
    layout: &'static Layout,
}

impl Source for Variety {
    fn load(&self, recipe: &Recipe, report: &mut Report) -> Result<Parts, DataError> {
        let roots = places::roots(recipe);
        let Some(found) = locate(self, &roots) else {
            let folders = self.layouts.each_ref().map(|layout| layout.archive.folder);
            return unusable(places::absent(&self.set, &folders, &roots, recipe));
        };
        let DataSet { train, test, .. } = self.set;
        report.expect(train + test)?;
        let classes = found.classes(self)?;
        report.check_room(train + test, SIDE, ROOM)?;
        let mut all = Images::with_room(SIDE, train, ROOM)?;
        let (mut notes, mut sums) = (Vec::new(), self.check_sums.iter());
        let mut compare = |file: &str, images: &Images, first: usize| -> Result<(), DataError> {
            let Some(published) = sums.next() else { return Ok(()) };
            if check_sum(images, first..images.len())? != *published {
                notes.push(format!(
                    "{} is not the published file: its images or their labels have another check sum.",
                    found.folder.join(file).display()
                ));
            }
            Ok(())
        };
        for file in found.layout.train {
            let first = all.len();
            found.read(self, file, train / found.layout.train.len(), &mut all, report)?;
            compare(file, &all, first)?;
        }
        let mut tested = Images::with_room(SIDE, test, ROOM)?;
        found.read(self, found.layout.test, test, &mut tested, report)?;
        compare(found.layout.test, &tested, 0)?;
        let (train, validation) = split::divide(all, recipe, &self.set)?;
        let dir = Some(places::absolute(&found.folder));
        Ok(Parts { classes, train, validation, test: tested, flips: true, dir, notes })
    }

    fn classes(&self, recipe: &Recipe) -> Result<Vec<String>, DataError> {
        match locate(self, &places::roots(recipe)) {
            Some(found) => found.classes(self),
            None => Ok(self.names()),
        }
    }

    fn dir(&self, recipe: &Recipe) -> Option<PathBuf> {
        locate(self, &places::roots(recipe)).map(|found| places::absolute(&found.folder))
    }
}

/// The first root that is the folder of `variety` or has it as a child.
fn locate(variety: &Variety, roots: &[PathBuf]) -> Option<Found> {
    for root in roots {
        for layout in variety.layouts {
            if layout.is(root) {
                return Some(Found { folder: root.clone(), layout });
            }
            let folder = root.join(layout.archive.folder);
            if folder.is_dir() {
                return Some(Found { folder, layout });
            }
        }
    }
    None
}

impl Found {
    /// Reads the `images` images of `file` into `into`.
    fn read(
        &self,
        variety: &Variety,
        file: &str,
        images: usize,
        into: &mut Images,
        report: &mut Report,
    ) -> Result<(), DataError> {
        let path = self.folder.join(file);
        match self.layout.labels {
            files::Labels::Bytes(n) => binary::read(&path, n, images, variety, into, report),
            files::Labels::Key(key) => python::read(&path, key, images, variety, into, report),
        }
        .map_err(|fault| self.sentence(&path, fault))
    }

    /// The class names in the file of names, or the published ones where that file is not there.
    fn classes(&self, variety: &Variety) -> Result<Vec<String>, DataError> {
        let path = self.folder.join(self.layout.names);
        let bytes = match files::read_small(&path) {
            Ok(bytes) => bytes,
            Err(Fault::Missing) => return Ok(variety.names()),
            Err(fault) => return Err(self.sentence(&path, fault)),
        };
        match self.layout.names_key {
            Some(key) => python::names(&bytes, key, variety.class_names.len()),
            None => binary::names(&bytes, variety.class_names.len()),
        }
        .map_err(|fault| self.sentence(&path, fault))
    }

    /// What is wrong with `path`, and what to do.
    fn sentence(&self, path: &Path, fault: Fault) -> DataError {
        let what = match fault {
            Fault::Interrupted => return DataError::Interrupted,
            Fault::Missing => "is missing".to_owned(),
            Fault::Io(error) => format!("cannot be read ({error})"),
            Fault::Wrong(what) => format!("is damaged: {what}"),
        };
        DataError::Unusable(format!(
            "{} {what}; unpack {} ({}) again.",
            path.display(),
            self.layout.archive.url,
            self.layout.archive.sum
        ))
    }
}

#[cfg(test)]
mod tests;
