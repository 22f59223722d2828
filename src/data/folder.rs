//! A folder of images: one directory per class, inside `train`, `val` and `test` or on its own.

pub(crate) mod below;
mod collect;
pub(crate) mod decode;
pub(crate) mod entries;
mod listing;
mod names;
mod parts;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::data::error::{DataError, unusable};
use crate::data::folder::collect::Broken;
use crate::data::folder::entries::Passed;
use crate::data::folder::listing::{Listing, Tree};
use crate::data::folder::parts::Read;
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
        let tree = Tree::read(&folder, &mut passed, report)?;
        let classes = tree.classes(report)?;
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

        // Numbered as they are used: those that train, that validate, and that test.
        let mut pool = Pool::new(train);
        let training = pool.take(&kept);
        let validating = match held {
            Some(held) => Pool::new(held).take(&validation),
            None => pool.take(&validation),
        };
        drop(pool);
        let listings = [training, validating, test.unwrap_or_default()];
        let Read { images: [train, validation, test], broken, notes: more } =
            parts::read(listings, recipe, report)?;
        notes.extend(more);
        if !broken.is_empty() {
            if !report.settings().skip_broken {
                return unusable(sentence(&broken));
            }
            notes.push(format!("{} left out: {}", many(broken.len()), named(&broken)));
        }
        Ok(Parts {
            train,
            validation,
            test,
            classes: names::texts(&classes),
            flips: true,
            dir: Some(absolute(&folder)),
            notes,
        })
    }

    fn classes(&self, recipe: &Recipe) -> Result<Vec<String>, DataError> {
        let (folder, _) = locate(self.0, recipe.data_dir.as_deref());
        let mut on = |_, _| ControlFlow::Continue(());
        let report = &mut Report::new(&mut on);
        let classes = Tree::read(&folder, &mut Passed::default(), report)?.classes(report)?;
        Ok(names::texts(&classes))
    }

    fn dir(&self, recipe: &Recipe) -> Option<PathBuf> {
        Some(absolute(&locate(self.0, recipe.data_dir.as_deref()).0))
    }
}

/// The pictures of a listing, each of which is taken once at most: there may be millions of paths.
struct Pool {
    files: Vec<Option<PathBuf>>,
    labels: Vec<u32>,
}

impl Pool {
    fn new(listing: Listing) -> Self {
        Self { files: listing.files.into_iter().map(Some).collect(), labels: listing.labels }
    }

    /// The pictures at `indices`.
    fn take(&mut self, indices: &[usize]) -> Listing {
        let (files, labels) = (Vec::with_capacity(indices.len()), Vec::with_capacity(indices.len()));
        let mut taken = Listing { files, labels };
        for &i in indices {
            if let Some(file) = self.files[i].take() {
                taken.files.push(file);
                taken.labels.push(self.labels[i]);
            }
        }
        taken
    }
}

/// Pictures that are broken and named in one sentence.
const NAMED: usize = 10;

/// What is wrong with pictures that cannot be used, and what would help.
fn sentence(broken: &[Broken]) -> String {
    match broken {
        [one] => format!(
            "{}: {}; repair it, take it away, or leave it out with --skip-broken.",
            one.path.display(),
            one.clause
        ),
        _ => format!(
            "{} cannot be used: {}; repair them, take them away, or leave them out with --skip-broken.",
            many(broken.len()),
            named(broken)
        ),
    }
}

/// The first of the broken pictures with their faults, and the number of the others.
fn named(broken: &[Broken]) -> String {
    let one = |one: &Broken| format!("{} ({})", one.path.display(), one.clause);
    let mut all: Vec<String> = broken.iter().take(NAMED).map(one).collect();
    if broken.len() > NAMED {
        all.push(format!("and {} more", broken.len() - NAMED));
    }
    all.join(", ")
}

fn many(pictures: usize) -> String {
    if pictures == 1 { "1 picture".into() } else { format!("{pictures} pictures") }
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
