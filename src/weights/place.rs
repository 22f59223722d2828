//! Where the weights are that a recipe names: a published name, or a path.

use std::path::{Path, PathBuf};

use crate::paths::Paths;
use crate::recipe::published;

/// The file of `weights`; the error is a sentence about published ones that are not there.
pub fn file(weights: &Path) -> Result<PathBuf, String> {
    find(weights, &Paths::of_this_user().weights())
}

fn find(weights: &Path, fetched: &Path) -> Result<PathBuf, String> {
    let Some(published) = published::of_path(weights) else { return Ok(weights.to_owned()) };
    let file = fetched.join(published.archive.file());
    if file.is_file() {
        return Ok(file);
    }
    Err(format!(
        "the weights {name} are not in {}: `densenet-tui fetch {name}` downloads them; or give a file.",
        fetched.display(),
        name = published.name,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_name_is_the_fetched_file_once_it_is_there_and_anything_else_is_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let name = Path::new("densenet121");
        let sentence = find(name, folder.path()).unwrap_err();
        assert!(sentence.contains("`densenet-tui fetch densenet121` downloads them"), "{sentence}");
        let file = folder.path().join("densenet121-a639ec97.pth");
        std::fs::write(&file, "").unwrap();
        assert_eq!(find(name, folder.path()), Ok(file));
        for path in ["./densenet121", "densenet121.pth", "/a/densenet121"] {
            assert_eq!(find(Path::new(path), folder.path()), Ok(path.into()));
        }
    }
}
