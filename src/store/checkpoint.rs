//! A checkpoint: everything a run needs to resume bit for bit, in one safetensors file.

#[cfg(test)]
mod example;
pub(in crate::store) mod format;
pub(in crate::store) mod numbers;
mod state;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::files;
use crate::store::checkpoint::format::{CHECKPOINT, Kind, Refusal};
use crate::store::error::StoreError;
use crate::store::{atomic, layout};

#[cfg(test)]
pub(crate) use example::example;
pub(crate) use format::OTHER_VERSION;
pub use state::{Array, Checkpoint, Meta, Progress};

impl Checkpoint {
    /// Replaces the file at `path`, or leaves it as it was. A state with a number that is not finite
    /// is refused, by name, before the disk is touched.
    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        atomic::write(path, &self.encode(path)?)
    }

    /// What is written at `path`.
    pub(crate) fn encode(&self, path: &Path) -> Result<Vec<u8>, StoreError> {
        format::encode(self).map_err(|problem| StoreError::Unwritable { path: path.to_owned(), problem })
    }

    /// Reads and verifies the file at `path`: nothing in it is believed before its hash.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        read(path, &CHECKPOINT).map(|(meta, tensors)| Self { meta, tensors })
    }

    /// The checkpoint in `bytes`, which were read from `path`; verified like those of [`Self::read`].
    pub fn of_bytes(path: &Path, bytes: &[u8]) -> Result<Self, StoreError> {
        format::check_head(format::head(bytes), bytes.len() as u64, &CHECKPOINT)
            .and_then(|()| format::decode(bytes, &CHECKPOINT))
            .map(|(meta, tensors)| Self { meta, tensors })
            .map_err(|refusal| refused(path, refusal))
    }

    /// Whether a safetensors file whose first bytes are `head` is meant to be one.
    pub fn begins(head: &[u8]) -> bool {
        format::recognise(head, &CHECKPOINT).is_ok()
    }

    /// Reads the metadata alone, without the hash, which only the whole file can have: for choosing
    /// between files, never for training.
    pub fn read_meta(path: &Path) -> Result<Meta, StoreError> {
        let (_, head) = open(path, &CHECKPOINT)?;
        format::meta(&head, &CHECKPOINT).map_err(|refusal| refused(path, refusal))
    }
}

/// Reads and verifies a file of this kind.
pub(in crate::store) fn read(
    path: &Path,
    kind: &Kind,
) -> Result<(Meta, BTreeMap<String, Array>), StoreError> {
    let (mut file, head) = open(path, kind)?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    // What is not even as large as it says is not read any further.
    format::check_head(&head, length, kind).map_err(|refusal| refused(path, refusal))?;
    let whole = || {
        let mut bytes = files::room(length)?;
        bytes.extend(head);
        // What is appended meanwhile is another file's: the hash refuses it.
        file.by_ref().take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes: Vec<u8> = whole().map_err(|error| StoreError::unreadable(path, &error))?;
    format::decode(&bytes, kind).map_err(|refusal| refused(path, refusal))
}

/// Opens a file of this kind and reads its head; a file that never was one goes no further.
pub(in crate::store) fn open(path: &Path, kind: &Kind) -> Result<(File, Vec<u8>), StoreError> {
    let unreadable = |error| StoreError::unreadable(path, &error);
    let mut file = files::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    let mut head = Vec::new();
    file.by_ref().take(format::LENGTH_BYTES).read_to_end(&mut head).map_err(unreadable)?;
    // Never more than the file has, whatever the length says.
    let rest = format::header_length(&head).unwrap_or(0).min(about.len() as usize);
    file.by_ref().take(rest as u64).read_to_end(&mut head).map_err(unreadable)?;
    format::recognise(&head, kind).map_err(|refusal| refused(path, refusal))?;
    Ok((file, head))
}

/// The error about the file at `path`.
fn refused(path: &Path, refusal: Refusal) -> StoreError {
    let another = || match another_beside(path) {
        Some(name) => format!("use another one beside it, as {name}"),
        None => "there is no other one beside it, so use a copy or train anew".into(),
    };
    StoreError::unusable(path, refusal.problem, refusal.advice.map_or_else(another, str::to_owned))
}

/// The newest other checkpoint beside the file at `path`, by name: one that begins as it should, for reading all of
/// each takes long.
fn another_beside(path: &Path) -> Option<String> {
    let beside = layout::beside(path).into_iter().rev().map(|(_, other)| other);
    let mut others = beside.filter(|other| other.file_name() != path.file_name());
    let other = others.find(|other| {
        open(other, &CHECKPOINT).is_ok_and(|(_, head)| format::meta(&head, &CHECKPOINT).is_ok())
    })?;
    Some(other.file_name()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::protocol::Figures;
    use crate::recipe::Stem;

    fn folder_and_path() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("step-00000001.safetensors");
        (folder, path)
    }

    #[test]
    fn a_checkpoint_comes_back_as_it_was_and_its_head_alone_tells_the_rest() {
        let (_folder, path) = folder_and_path();
        let checkpoint = example(7);
        checkpoint.write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint);
        assert_eq!(Checkpoint::read_meta(&path).unwrap(), checkpoint.meta);
    }

    #[test]
    fn the_same_state_gives_the_same_file() {
        let (_folder, path) = folder_and_path();
        example(7).write(&path).unwrap();
        let first = fs::read(&path).unwrap();
        Checkpoint::read(&path).unwrap().write(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
    }

    #[test]
    fn any_reader_of_safetensors_opens_it() {
        let (_folder, path) = folder_and_path();
        example(7).write(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.len(), example(7).tensors.len());
        assert_eq!(file.tensor("classifier.weight").unwrap().shape(), [2, 3]);
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_by_name_and_the_old_file_stays() {
        type Spoil = fn(&mut Checkpoint);
        let cases: [(&str, Spoil); 4] = [
            ("classifier.weight", |c| {
                c.tensors.get_mut("classifier.weight").unwrap().data[3] = f32::NAN;
            }),
            ("loss_sum", |c| c.meta.progress.loss_sum = f64::INFINITY),
            ("moments", |c| c.meta.moments[1][2] = f64::NAN),
            ("recipe", |c| c.meta.recipe.lr = f64::NAN),
        ];
        let (_folder, path) = folder_and_path();
        example(7).write(&path).unwrap();
        for (name, spoil) in cases {
            let mut checkpoint = example(7);
            spoil(&mut checkpoint);
            let error = checkpoint.write(&path).unwrap_err();
            assert!(!error.is_input() && error.to_string().contains(name), "{name}: {error}");
            assert_eq!(Checkpoint::read(&path).unwrap(), example(7));
        }
    }

    #[test]
    fn figures_that_are_not_finite_do_not_keep_a_run_from_being_saved() {
        let (_folder, path) = folder_and_path();
        let mut checkpoint = example(7);
        checkpoint.meta.progress.test = Some(Figures { loss: f64::INFINITY, accuracy: 0.5 });
        checkpoint.write(&path).unwrap();
        let test = Checkpoint::read(&path).unwrap().meta.progress.test.unwrap();
        assert!(test.loss.is_nan() && test.accuracy.to_bits() == 0.5f64.to_bits());
    }

    #[test]
    fn tensors_that_are_not_those_of_the_recipe_are_refused_before_a_network_is_made_for_them() {
        type Spoil = fn(&mut Checkpoint);
        let cases: [(&str, Spoil); 5] = [
            ("the tensor `classifier.weight` has the shape [2, 3], this network needs [2, 9002]", |c| {
                c.meta.recipe.layers = vec![9_000];
            }),
            ("the tensor `classifier.bias` has the shape [2], this network needs [60000]", |c| {
                c.meta.classes = vec![String::new(); 60_000];
            }),
            ("the tensor `classifier.weight` has the shape [2, 3], this network needs [2, 60001]", |c| {
                c.meta.recipe.stem = Stem::Channels(60_000);
            }),
            ("the tensor `features.more` is not one of this network", |c| {
                let array = c.tensors["classifier.bias"].clone();
                c.tensors.insert("features.more".into(), array);
            }),
            ("`layers`: more than 10000 dense layers", |c| c.meta.recipe.layers = vec![usize::MAX, 1]),
        ];
        let (_folder, path) = folder_and_path();
        for (reason, spoil) in cases {
            let mut checkpoint = example(7);
            spoil(&mut checkpoint);
            checkpoint.write(&path).unwrap();
            let error = Checkpoint::read(&path).unwrap_err();
            assert!(error.is_input() && error.to_string().contains(reason), "{reason}: {error}");
        }
    }

    #[test]
    fn a_file_that_is_not_as_large_as_its_header_says_is_not_read() {
        let (_folder, path) = folder_and_path();
        example(7).write(&path).unwrap();
        // More than any machine would read in the time of a test.
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(1 << 40).unwrap();
        let sentence = Checkpoint::read(&path).unwrap_err().to_string();
        let sizes = format!("it has {} bytes and its header says {length}", 1u64 << 40);
        assert!(sentence.contains(&sizes), "{sentence}");
    }

    #[test]
    fn progress_that_no_run_makes_is_refused() {
        let at = |step, closed_epochs| Progress { step, closed_epochs, ..Progress::default() };
        for fine in [at(0, 0), at(4, 0), at(4, 1), at(7, 1), at(8, 2)] {
            assert_eq!(fine.check(4, 60), Ok(()), "{fine:?}");
        }
        for wrong in [
            at(9, 1),
            at(3, 1),
            at(u64::MAX, 0),
            at(0, usize::MAX),
            Progress { optimizer_steps: 5, ..at(4, 1) },
            Progress { images: 61, ..at(4, 1) },
            Progress { images: 9, correct: 10, ..at(4, 1) },
        ] {
            assert!(wrong.check(4, 60).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn another_checkpoint_is_to_be_used_only_where_there_is_one() {
        let (folder, path) = folder_and_path();
        example(1).write(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.pop();
        fs::write(&path, bytes).unwrap();
        let advice = || Checkpoint::read(&path).unwrap_err().to_string();
        assert!(
            advice().ends_with("; there is no other one beside it, so use a copy or train anew."),
            "{}",
            advice()
        );
        let other = folder.path().join("step-00000002.safetensors");
        fs::write(&other, "no checkpoint either").unwrap();
        assert!(advice().ends_with("so use a copy or train anew."), "{}", advice());
        example(2).write(&other).unwrap();
        assert!(
            advice().ends_with("; use another one beside it, as step-00000002.safetensors."),
            "{}",
            advice()
        );
    }

    #[test]
    fn what_is_no_checkpoint_is_refused_by_name_with_the_reason() {
        let (folder, path) = folder_and_path();
        let foreign = safetensors::serialize(
            [("w", safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &[0; 4]).unwrap())],
            None,
        )
        .unwrap();
        let mut hostile = u64::MAX.to_le_bytes().to_vec();
        hostile.extend(b"{\"__metadata__\":{}}");
        let cases: [(&[u8], &str); 5] = [
            (&foreign, "not a checkpoint of densenet-tui"),
            (b"", "it is empty"),
            (b"PK\x03\x04 an archive", "not a safetensors file"),
            (&hostile, "not a safetensors file"),
            (&[255; 4], "not a safetensors file"),
        ];
        for (bytes, reason) in cases {
            fs::write(&path, bytes).unwrap();
            for error in [Checkpoint::read(&path).unwrap_err(), Checkpoint::read_meta(&path).unwrap_err()] {
                let sentence = error.to_string();
                assert!(error.is_input());
                assert!(sentence.contains("step-00000001.safetensors"), "{sentence}");
                assert!(sentence.contains(reason), "{reason}: {sentence}");
            }
        }
        let directory = Checkpoint::read(folder.path()).unwrap_err();
        assert!(directory.to_string().contains("it is a directory, not a file"), "{directory}");
        let missing = Checkpoint::read(&folder.path().join("x")).unwrap_err();
        assert!(missing.to_string().contains("does not exist"), "{missing}");
    }
}
