//! Where a file comes from: a URL, or a path.

use std::fmt;
use std::io::{Seek, SeekFrom};
use std::path::PathBuf;

use crate::fetch::http;
use crate::fetch::news::Failure;
use crate::fetch::reply::{Reply, Trouble};
use crate::files;
use crate::paths;

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Web(String),
    File(PathBuf),
}

impl Source {
    /// The source that a person means by `word`.
    pub(crate) fn of(word: &str) -> Result<Self, Failure> {
        if word.starts_with("http://") || word.starts_with("https://") {
            return Ok(Self::Web(word.to_owned()));
        }
        let path = match word.strip_prefix("file://") {
            // The host is this one.
            Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
            None => word.strip_prefix("file:").unwrap_or(word),
        };
        match word.split_once("://") {
            Some((scheme, _)) if scheme != "file" => Err(Failure::Sentence(format!(
                "--from {word}: {scheme} is not spoken; give an http:, https: or file: URL, or a path."
            ))),
            _ => match paths::meant(path.as_ref()) {
                Ok(path) => Ok(Self::File(path)),
                Err(clause) => Err(Failure::Sentence(format!("--from {clause}."))),
            },
        }
    }

    /// Whether `word` is the path of a directory here.
    pub(crate) fn is_directory(word: &str) -> bool {
        matches!(Self::of(word), Ok(Self::File(path)) if path.is_dir())
    }

    /// Opens it, from byte `at` on if it can.
    pub(crate) fn open(&self, at: u64) -> Result<Reply, Trouble> {
        match self {
            Self::Web(url) => http::get(url, at),
            Self::File(path) => {
                let lasting = |error: std::io::Error| Trouble::Lasting(error.to_string());
                let mut file = files::open(path).map_err(lasting)?;
                let total = file.metadata().map_err(lasting)?.len();
                file.seek(SeekFrom::Start(at)).map_err(lasting)?;
                Ok(Reply { at, total: Some(total), body: Box::new(file) })
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => f.write_str(url),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}
