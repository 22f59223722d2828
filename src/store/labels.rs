//! What a person says of a run: a star, tags, a note, and whether it is in the archive.
//!
//! They are in a file of their own, which nothing that trains reads or writes. So they may be changed while another
//! process trains the run, and no figure depends on them; without the file, or where it is damaged, there are none.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files;
use crate::store::atomic;
use crate::store::error::StoreError;
use crate::store::layout::LABELS;

/// What a person says of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Labels {
    /// Whether it has a star.
    pub star: bool,
    /// Words, each once.
    pub tags: Vec<String>,
    /// A line of text.
    pub note: String,
    /// Whether it is in the archive: listed only where that is asked for.
    pub archived: bool,
}

/// A change of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// With a star, or without.
    Star(bool),
    /// Into the archive, or out of it.
    Archive(bool),
    /// Tags between blanks, instead of those before.
    Tags(String),
    /// The note, instead of that before.
    Note(String),
}

impl Labels {
    /// Those of the run at `run`.
    pub fn read(run: &Path) -> Self {
        let bytes = files::read(&run.join(LABELS), files::LARGEST_TEXT).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Changes one of those of the run at `run`; the others stay as they are on disk.
    pub fn change(run: &Path, change: &Change) -> Result<(), StoreError> {
        let path = run.join(LABELS);
        let unwritable =
            |problem: String| StoreError::Unwritable { path: path.clone(), problem: format!("it {problem}") };
        let labels = Self::read(run).with(change);
        let mut text = serde_json::to_string_pretty(&labels)
            .map_err(|error| unwritable(format!("cannot be put in words ({error})")))?;
        if text.len() as u64 >= files::LARGEST_TEXT {
            return Err(unwritable("would be too long".into()));
        }
        text.push('\n');
        atomic::write(&path, text.as_bytes())
    }

    fn with(mut self, change: &Change) -> Self {
        match change {
            Change::Star(star) => self.star = *star,
            Change::Archive(archived) => self.archived = *archived,
            Change::Note(note) => note.trim().clone_into(&mut self.note),
            Change::Tags(tags) => {
                self.tags.clear();
                for tag in tags.split_whitespace() {
                    if !self.has_tag(tag) {
                        self.tags.push(tag.to_owned());
                    }
                }
            }
        }
        self
    }

    /// Whether it is one of its tags, whatever the case.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|known| known.to_lowercase() == tag.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::recipe::{Data, Recipe};
    use crate::store::{RunDir, catalog};

    #[test]
    fn a_change_leaves_the_other_labels_as_they_are() {
        let run = tempfile::tempdir().unwrap();
        Labels::change(run.path(), &Change::Star(true)).unwrap();
        Labels::change(run.path(), &Change::Tags(" small  paper Small".into())).unwrap();
        Labels::change(run.path(), &Change::Note(" the one of the talk ".into())).unwrap();
        Labels::change(run.path(), &Change::Archive(true)).unwrap();
        let all = Labels {
            star: true,
            tags: vec!["small".into(), "paper".into()],
            note: "the one of the talk".into(),
            archived: true,
        };
        assert_eq!(Labels::read(run.path()), all);
        Labels::change(run.path(), &Change::Tags(String::new())).unwrap();
        assert_eq!(Labels::read(run.path()), Labels { tags: Vec::new(), ..all });
    }

    #[test]
    fn a_run_whose_labels_are_damaged_has_none_and_takes_new_ones() {
        let run = tempfile::tempdir().unwrap();
        for damaged in ["", "{\"star\": tr", "[1]", "\u{0}"] {
            fs::write(run.path().join(LABELS), damaged).unwrap();
            assert_eq!(Labels::read(run.path()), Labels::default(), "{damaged:?}");
        }
        Labels::change(run.path(), &Change::Star(true)).unwrap();
        assert!(Labels::read(run.path()).star);
    }

    #[test]
    fn a_run_that_is_held_takes_labels_and_the_catalogue_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::create(folder.path(), Some("a"), "", &Recipe::defaults(Data::Shapes)).unwrap();
        Labels::change(run.path(), &Change::Tags("live".into())).unwrap();
        let entry = catalog::entry(run.path().to_owned());
        assert!(entry.live && entry.labels.has_tag("LIVE"), "{entry:?}");
    }

    #[test]
    fn labels_of_a_run_that_is_gone_are_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let sentence =
            Labels::change(&folder.path().join("gone"), &Change::Star(true)).unwrap_err().to_string();
        assert!(sentence.contains("it could not be written because it does not exist"), "{sentence}");
    }
}
