//! Where published data sets are looked for, and what to do where one is not there.

use std::path::{Path, PathBuf};

use crate::paths::Paths;
use crate::recipe::Recipe;
use crate::recipe::datasets::DataSet;

/// Directories to search: the recipe's, or the usual ones, also of torchvision, and this program's own.
pub(crate) fn roots(recipe: &Recipe) -> Vec<PathBuf> {
    if let Some(dir) = &recipe.data_dir {
        return vec![dir.clone()];
    }
    let usual = [".", "data", "../data"].map(PathBuf::from);
    usual.into_iter().chain([Paths::of_this_user().datasets()]).collect()
}

/// The sentence for a data set none of whose `folders` was found in `roots`.
pub(crate) fn absent(set: &DataSet, folders: &[&str], roots: &[PathBuf], recipe: &Recipe) -> String {
    let looked: Vec<String> = roots.iter().map(|root| format!("`{}`", root.display())).collect();
    let folders: Vec<String> = folders.iter().map(|folder| format!("`{folder}`")).collect();
    let remedy = match &recipe.data_dir {
        Some(dir) if !dir.is_dir() => "there is no such directory; name another with --data-dir, or",
        Some(_) => "name another place with --data-dir, or",
        None => "name its place with --data-dir, or",
    };
    let from = set.archives.first().map_or_else(String::new, |archive| {
        let verb = if archive.unpacked > 0 { "unpack" } else { "put" };
        format!("{verb} {} ({}) there", archive.url, archive.sum)
    });
    format!(
        "{} is not in {} (no {} there): {remedy} {from}; `densenet-tui fetch {}` downloads it.",
        set.title,
        looked.join(", "),
        folders.join(" or "),
        set.word,
    )
}

/// `folder` from the root: without links where that is text, which is what a recipe holds.
pub(crate) fn absolute(folder: &Path) -> PathBuf {
    let real = folder.canonicalize().ok().filter(|path| path.to_str().is_some());
    real.or_else(|| std::path::absolute(folder).ok()).unwrap_or_else(|| folder.to_owned())
}
