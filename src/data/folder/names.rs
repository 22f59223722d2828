//! Names of directories: of parts in any capitalisation, of classes however their accents are encoded.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use unicode_normalization::UnicodeNormalization;

use crate::data::error::{DataError, unusable};

pub(crate) const TRAIN: &[&str] = &["train"];
pub(crate) const VALIDATION: &[&str] = &["val", "valid", "validation"];
pub(crate) const TEST: &[&str] = &["test"];

/// Names of a directory that holds images of no class.
const FLAT: &[&str] = &["image", "images", "img", "imgs", "jpegimages", "photos", "pictures"];

/// Whether `name` is one of `names`, capitals or not.
pub(crate) fn is_one(name: &OsStr, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a directory of this name holds images of no class, unless it is one.
pub(crate) fn is_flat(name: &OsStr) -> bool {
    is_one(name, FLAT)
}

/// The name of a class as text, composed: one system writes an accent as a part of its letter, another behind it.
pub(crate) fn text(name: &OsStr) -> String {
    name.to_string_lossy().nfc().collect()
}

/// The names of `classes` as text.
pub(crate) fn texts(classes: &[OsString]) -> Vec<String> {
    classes.iter().map(|name| text(name)).collect()
}

/// The class directories of `part` by their names as text, which must differ: a checkpoint knows them by these.
pub(crate) fn by_text(
    part: &Path,
    directories: Vec<OsString>,
) -> Result<BTreeMap<String, OsString>, DataError> {
    let mut found: BTreeMap<String, OsString> = BTreeMap::new();
    for name in directories {
        let text = text(&name);
        if let Some(other) = found.get(&text) {
            let why = if name.to_str().is_some() && other.to_str().is_some() {
                "whose names differ only in how accents are encoded and"
            } else {
                "whose names are no text in UTF-8 and"
            };
            return unusable(format!(
                "{} has two class directories {why} would both be called `{text}`; rename one.",
                part.display()
            ));
        }
        found.insert(text, name);
    }
    Ok(found)
}
