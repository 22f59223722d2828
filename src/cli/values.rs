//! Parsers of option values that are or contain a path.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PathBufValueParser, TypedValueParser};

use crate::paths;
use crate::recipe::Data;
use crate::recipe::layered::text;

/// A path, with the home directory for `~`, which a shell leaves alone behind `=`.
pub(super) fn a_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| paths::meant(&path))
}

/// A data set; `~` in a path behind its word is the home directory, too.
pub(super) fn some_data() -> impl TypedValueParser<Value = Data> {
    OsStringValueParser::new().try_map(|word| {
        let mut data: Data = text(word.as_ref())?.parse()?;
        if let Some(path) = data.path_mut() {
            *path = paths::meant(path)?;
        }
        Ok::<_, String>(data)
    })
}
