//! Valid names of a run: one directory, also on another machine; and valid paths.

use std::path::Path;

use crate::recipe::layered::text;
use crate::store::error::StoreError;

/// Longest name in bytes; file systems allow 255, and names made from it grow by a number.
const LONGEST: usize = 100;

/// Whether a run may be called `name`; the error is a clause that says why not.
pub fn check(name: &str) -> Result<(), String> {
    let problem = if name.is_empty() {
        "is empty"
    } else if name.len() > LONGEST {
        return Err(format!(
            "the run's name is {} bytes long where at most {LONGEST} are allowed",
            name.len()
        ));
    } else if name.starts_with('.') {
        "begins with a dot, and dot-files are no runs"
    } else if name.contains(['/', '\\']) {
        "contains a path separator, and a run lies directly in its runs directory"
    } else if name.chars().any(char::is_control) {
        "contains a control character"
    } else if name.trim() != name {
        "begins or ends with a space"
    } else {
        return Ok(());
    };
    Err(format!("the run's name {name:?} {problem}"))
}

/// Refuses a path that is no text: journal, summary and JSON could not name what lies there.
pub fn check_text(path: &Path) -> Result<(), StoreError> {
    let absolute = std::path::absolute(path).map_err(|error| StoreError::unreadable(path, &error))?;
    text(&absolute).map(|_| ()).map_err(|_| {
        StoreError::unusable(
            &absolute,
            "journals and JSON are text, and this path is not UTF-8",
            "use another --runs-dir, rename it, or give a link to it whose path is",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_directory() {
        for fine in ["a", "2026-11-23-201530-shapes", "Versuch 3 (größer)", "a.b"] {
            assert_eq!(check(fine), Ok(()));
        }
        let long = "x".repeat(101);
        for (name, reason) in [
            ("", "is empty"),
            (".hidden", "dot"),
            ("..", "dot"),
            ("a/b", "separator"),
            ("a\\b", "separator"),
            ("a\nb", "control"),
            ("a ", "space"),
            (&long, "101 bytes"),
        ] {
            let problem = check(name).unwrap_err();
            assert!(problem.contains(reason), "{problem}");
            assert!(!problem.contains('\n'));
        }
    }
}
