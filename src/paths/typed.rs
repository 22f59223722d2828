//! Paths as people write them: `~` is the home directory, wherever a path is taken.

use std::path::{Component, Path, PathBuf};

use directories::BaseDirs;

/// The path that is meant by `path`: `~` and `~/…` are the home directory and what is in it. `~NAME` is refused
/// (whose home that is only a shell knows); a directory that is really called so is reached by `./~NAME`.
pub fn meant(path: &Path) -> Result<PathBuf, String> {
    at_home(path, || BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()))
}

/// The same for a path that stands in a file of `directory`: a relative one is relative to that.
pub fn meant_in(directory: &Path, path: &Path) -> Result<PathBuf, String> {
    meant(path).map(|path| directory.join(path))
}

fn at_home(path: &Path, home: impl FnOnce() -> Option<PathBuf>) -> Result<PathBuf, String> {
    let mut parts = path.components();
    let Some(Component::Normal(first)) = parts.next() else {
        return Ok(path.to_owned());
    };
    if first == "~" {
        return match home() {
            Some(home) if parts.as_path().as_os_str().is_empty() => Ok(home),
            Some(home) => Ok(home.join(parts.as_path())),
            None => Err(format!(
                "{}: there is no home directory to stand for `~`; set HOME, or write the whole path",
                path.display()
            )),
        };
    }
    if first.as_encoded_bytes().starts_with(b"~") {
        return Err(format!(
            "{}: of home directories only one's own is known, as `~`; write the whole path, or ./{} for a directory of this name",
            path.display(),
            path.display()
        ));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_home(path: &str) -> Result<PathBuf, String> {
        at_home(Path::new(path), || Some("/home/ada".into()))
    }

    #[test]
    fn a_tilde_alone_or_before_a_slash_is_the_home_directory() {
        for (written, meant) in [
            ("~", "/home/ada"),
            ("~/", "/home/ada"),
            ("~/pics/a", "/home/ada/pics/a"),
            ("./~", "./~"),
            ("./~/x", "./~/x"),
            ("a/~", "a/~"),
            ("/~/x", "/~/x"),
            ("a~", "a~"),
            ("..", ".."),
            ("", ""),
        ] {
            assert_eq!(with_home(written), Ok(meant.into()), "{written}");
        }
    }

    #[test]
    fn the_home_of_somebody_else_and_no_home_at_all_are_sentences() {
        assert!(with_home("~bob/x").unwrap_err().contains("write the whole path, or ./~bob/x"));
        let homeless = at_home(Path::new("~/x"), || None).unwrap_err();
        assert!(homeless.starts_with("~/x: there is no home directory"), "{homeless}");
        assert_eq!(at_home(Path::new("x"), || None), Ok("x".into()));
    }

    #[test]
    fn a_relative_path_in_a_file_is_relative_to_that_file() {
        let meant = |path| meant_in(Path::new("/etc/x"), Path::new(path)).unwrap();
        assert_eq!(meant("data"), Path::new("/etc/x/data"));
        assert_eq!(meant("/data"), Path::new("/data"));
    }
}
