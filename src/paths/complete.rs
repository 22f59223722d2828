//! Paths that begin with what was typed.

use std::path::Path;

use crate::paths::typed::meant;

/// Paths at most: more than one looks through.
const MOST: usize = 200;

/// The entries that a typed path may become, in byte order, with a slash behind directories; hidden ones only where
/// their dot is typed. None where there is no such directory.
pub fn complete(typed: &str) -> Vec<String> {
    let (directory, begin) = typed.rfind('/').map_or(("", typed), |slash| typed.split_at(slash + 1));
    let place = if directory.is_empty() { Ok(".".into()) } else { meant(Path::new(directory)) };
    let Some(entries) = place.ok().and_then(|place| place.read_dir().ok()) else { return Vec::new() };
    let path = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let fits = name.starts_with(begin) && (begin.starts_with('.') || !name.starts_with('.'));
        let slash = if fits && entry.path().is_dir() { "/" } else { "" };
        fits.then(|| format!("{directory}{name}{slash}"))
    };
    let mut paths: Vec<String> = entries.flatten().filter_map(path).collect();
    paths.sort();
    paths.truncate(MOST);
    paths
}

/// What all of `paths` begin with.
pub fn common(paths: &[String]) -> &str {
    let Some(first) = paths.first() else { return "" };
    let length = paths.iter().fold(first.len(), |length, path| {
        let same = first.bytes().zip(path.bytes()).take(length).take_while(|(a, b)| a == b).count();
        same.min(length)
    });
    let whole = (0..=length).rev().find(|&end| first.is_char_boundary(end)).unwrap_or(0);
    &first[..whole]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_begins_as_typed_is_listed_and_directories_end_with_a_slash() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| format!("{}/{name}", folder.path().display());
        fs::create_dir(at("cats")).unwrap();
        for name in ["cat.png", "dog.png", ".cache", "cats/a.png"] {
            fs::write(at(name), "").unwrap();
        }
        assert_eq!(complete(&at("ca")), [at("cat.png"), at("cats/")]);
        assert_eq!(complete(&at("")), [at("cat.png"), at("cats/"), at("dog.png")]);
        assert_eq!(complete(&at("cats/")), [at("cats/a.png")]);
        assert_eq!(complete(&at(".")), [at(".cache")]);
        assert!(complete(&at("none/x")).is_empty() && complete(&at("x")).is_empty());
    }

    #[test]
    fn what_paths_have_in_common_ends_between_two_letters() {
        let common =
            |paths: &[&str]| common(&paths.iter().map(|&p| p.to_owned()).collect::<Vec<_>>()).to_owned();
        assert_eq!(common(&["a/cat.png", "a/cats/"]), "a/cat");
        // é and è begin with the same byte.
        assert_eq!(common(&["aé", "aè"]), "a");
        assert_eq!(common(&["one"]), "one");
        assert_eq!(common(&[]), "");
    }
}
