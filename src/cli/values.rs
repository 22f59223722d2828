//! Parsers of option values: paths, and data sets with and without one.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PathBufValueParser, PossibleValuesParser, TypedValueParser};

use crate::paths;
use crate::recipe::Data;
use crate::recipe::layered::text;
use crate::recipe::published::Download;

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

/// The word of data or weights that are published.
pub(super) fn a_download() -> impl TypedValueParser<Value = Download> {
    PossibleValuesParser::new(Download::all().map(Download::word)).try_map(|word| {
        // The parser has let no other word through.
        Download::all().find(|one| one.word() == word).ok_or_else(|| format!("`{word}` is not published."))
    })
}
