//! Where the images of a run are: kept as an absolute path, so that a resume finds them from anywhere.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::data::{self, Dataset};
use crate::engine::failure::Failure;
use crate::recipe::Recipe;
use crate::recipe::layered::text;

static CACHE: OnceLock<PathBuf> = OnceLock::new();

/// From now on decoded pictures are kept in `dir`, so that they are decoded once. The first call holds.
pub fn keep_images(dir: PathBuf) {
    let _ = CACHE.set(dir);
}

/// The directory for decoded pictures, if there is one.
pub(super) fn cache() -> Option<PathBuf> {
    CACHE.get().cloned()
}

/// Refuses images whose path a recipe cannot hold, before anything is loaded or made. Whether they are there, the load
/// finds out.
pub(super) fn check(recipe: &Recipe) -> Result<(), Failure> {
    recipe.data_dir.as_deref().map_or(Ok(()), as_text)?;
    data::dir(recipe).as_deref().map_or(Ok(()), as_text)
}

/// Keeps the absolute path of the images in the recipe.
pub(super) fn remember(recipe: &mut Recipe, dataset: &Dataset) -> Result<(), Failure> {
    let Some(dir) = &dataset.dir else { return Ok(()) };
    as_text(dir)?;
    match recipe.data.path_mut() {
        Some(path) => path.clone_from(dir),
        None => recipe.data_dir = Some(dir.clone()),
    }
    Ok(())
}

fn as_text(path: &Path) -> Result<(), Failure> {
    text(path).map(|_| ()).map_err(|clause| Failure::Input(format!("{clause}.")))
}
