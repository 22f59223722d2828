//! A trained network: what a run, a checkpoint or an exported file has of it, without the state of an optimizer.

mod exported;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::files;
use crate::store::checkpoint::format::CHECKPOINT;
use crate::store::checkpoint::{self, Array, Meta};
use crate::store::error::StoreError;
use crate::store::model::exported::EXPORTED;
use crate::store::run::{self, Target};

/// What helps with a file that is none.
const ADVICE: &str = "give a run, a checkpoint or a file that `export --format safetensors` wrote";
/// Bytes by which a file is told that has no network of this program.
const FIRST: u64 = 512;

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its recipe, its classes and how it came about.
    pub meta: Meta,
    /// Weights and running statistics, and nothing else, under torchvision's names.
    pub tensors: BTreeMap<String, Array>,
}

/// The file of the model that `word` means: the best checkpoint of a run, or a file.
pub fn find(runs_dir: &Path, word: &Path) -> Result<PathBuf, StoreError> {
    match run::find(runs_dir, word)? {
        Target::Run(path) => run::best_checkpoint(&path),
        Target::File(file) => Ok(file),
    }
}

impl Model {
    /// The network in a checkpoint or an exported file, verified by its hash.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        let first = first_bytes(path)?;
        let kind = [&EXPORTED, &CHECKPOINT]
            .into_iter()
            .find(|kind| first.get(8..).is_some_and(|text| text.starts_with(kind.opening)));
        let Some(kind) = kind else {
            let problem = foreign(path, &first);
            return Err(StoreError::unusable(path, problem, ADVICE));
        };
        let (meta, mut tensors) = checkpoint::read(path, kind)?;
        tensors.retain(|name, _| !(kind.beside)(name));
        Ok(Self { meta, tensors })
    }

    /// The bytes of an exported file, with `more` in its metadata. PyTorch's `load_state_dict` takes its tensors
    /// strictly. The error is the clause that says why this network must not be written.
    pub fn to_safetensors(&self, more: &BTreeMap<String, String>) -> Result<Vec<u8>, String> {
        exported::encode(&self.meta, &self.tensors, more)
    }
}

fn first_bytes(path: &Path) -> Result<Vec<u8>, StoreError> {
    use std::io::Read;
    let mut bytes = Vec::new();
    files::open(path)
        .and_then(|file| file.take(FIRST).read_to_end(&mut bytes))
        .map_err(|error| StoreError::unreadable(path, &error))?;
    Ok(bytes)
}

/// What a file is that has no network of this program: a clause.
fn foreign(path: &Path, first: &[u8]) -> &'static str {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let has = |ending_of: &str| ending.as_deref() == Some(ending_of);
    let is_safetensors = first.get(8) == Some(&b'{');
    match first {
        [] => "it is empty",
        _ if is_safetensors => "it is a safetensors file of another program, whose network nobody can know",
        // The version of its format comes first in an ONNX file, and then who wrote it.
        [0x08, ..=0x20, 0x12, ..] => "it is an ONNX file, which is for other programs",
        _ if has("onnx") => "it is meant to be an ONNX file, which is for other programs",
        _ if has("pt") || has("pth") => {
            "it is a file of PyTorch, whose weights a training can begin with (`--weights`)"
        }
        _ => "it is no file with a network",
    }
}

#[cfg(test)]
mod tests;
