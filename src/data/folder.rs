//! A folder of images: one directory per class, inside `train`, `val` and `test` or on its own.

mod decode;
mod entries;
mod listing;

use std::path::{Path, PathBuf};

use crate::data::error::DataError;
use crate::data::folder::entries::Passed;
use crate::data::folder::listing::{Listing, Tree};
use crate::data::images::Images;
use crate::data::report::Report;
use crate::data::source::{Parts, Source};
use crate::data::split;
use crate::recipe::Recipe;
use crate::recipe::datasets::FOLDER;

pub(crate) struct Folder<'a>(pub(crate) &'a Path);

impl Source for Folder<'_> {
    fn load(&self, recipe: &Recipe, report: &mut Report) -> Result<Parts, DataError> {
        let mut notes = Vec::new();
        let (folder, elsewhere) = locate(self.0, recipe.data_dir.as_deref());
        notes.extend(elsewhere);

        let mut passed = Passed::default();
        let tree = Tree::read(&folder, &mut passed)?;
        let classes = tree.classes()?;
        let train = Listing::read(&tree.train, &classes, &mut passed, report)?;
        train.has_every_class(&tree.train, &classes)?;
        let held = tree.listing(tree.validation.as_deref(), &classes, &mut passed, report)?;
        let test = tree.listing(tree.test.as_deref(), &classes, &mut passed, report)?;
        notes.extend(passed.notes());

        // The labels are known from the directories: what is not used is not decoded either.
        let all: Vec<usize> = (0..train.labels.len()).collect();
        let (kept, validation) = if let Some(held) = &held {
            let kept = split::limit(&train.labels, all, recipe)?;
            (kept, split::held_out(&held.labels, recipe)?)
        } else {
            let split = split::split(&train.labels, recipe, &FOLDER)?;
            (split.train, split.validation)
        };
        let tested: Vec<usize> = (0..test.as_ref().map_or(0, |test| test.labels.len())).collect();

        let (side, total) = (recipe.input_size, kept.len() + validation.len() + tested.len());
        report.check_room(total, side, "give a smaller `input_size` or a `train_limit`")?;
        report.expect(total)?;
        let mut read = |listing: &Listing, indices: &[usize]| -> Result<Images, DataError> {
            let mut images = Images::with_room(side, indices.len(), "give a smaller `input_size`")?;
            for &i in indices {
                images.push(&decode::read(&listing.files[i], side)?, listing.labels[i]);
                report.add(1)?;
            }
            Ok(images)
        };
        Ok(Parts {
            train: read(&train, &kept)?,
            validation: read(held.as_ref().unwrap_or(&train), &validation)?,
            test: match &test {
                Some(test) => read(test, &tested)?,
                None => Images::with_room(side, 0, "")?,
            },
            classes: classes.iter().map(|name| name.to_string_lossy().into()).collect(),
            flips: true,
            dir: Some(absolute(&folder)),
            notes,
        })
    }

    fn classes(&self, recipe: &Recipe) -> Result<Vec<String>, DataError> {
        let (folder, _) = locate(self.0, recipe.data_dir.as_deref());
        let classes = Tree::read(&folder, &mut Passed::default())?.classes()?;
        Ok(classes.iter().map(|name| name.to_string_lossy().into()).collect())
    }

    fn dir(&self, recipe: &Recipe) -> Option<PathBuf> {
        Some(absolute(&locate(self.0, recipe.data_dir.as_deref()).0))
    }
}

/// Where the folder `path` is. With a `data_dir`: that very directory if it has the folder's name, or
/// the folder inside it, or `path` from here (with a note), or the directory whatever its name.
fn locate(path: &Path, data_dir: Option<&Path>) -> (PathBuf, Option<String>) {
    let Some(dir) = data_dir else {
        return (path.to_owned(), None);
    };
    let name = path.file_name();
    if dir.is_dir() && (name.is_none() || name == dir.file_name()) {
        return (dir.to_owned(), None);
    }
    let inside = [Some(dir.join(path)), name.map(|name| dir.join(name))];
    let inside = inside.into_iter().flatten().find(|folder| folder.starts_with(dir) && folder.is_dir());
    if let Some(folder) = inside {
        return (folder, None);
    }
    if path.is_dir() {
        let note =
            format!("`{}` is not in the data directory `{}`; read from here", path.display(), dir.display());
        return (path.to_owned(), Some(note));
    }
    (dir.to_owned(), None)
}

/// `folder` from the root, under the name it was found by where it has one.
fn absolute(folder: &Path) -> PathBuf {
    let absolute = match folder.file_name() {
        Some(_) => std::path::absolute(folder),
        None => folder.canonicalize(),
    };
    absolute.unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests;
