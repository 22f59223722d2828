//! Files with the weights of a network: PyTorch's in both of its formats, safetensors, and this program's own
//! checkpoints. Their contents decide, not their names, and nothing in them is executed.
//!
//! [`Header`] says which tensors a file has and where; [`Weights`] is a whole file. [`fit`](mod@fit) compares a header
//! with a network. No size is believed before it is compared with the length of the file.

mod entry;
pub mod fit;
mod guess;
mod legacy;
mod names;
mod number;
pub mod place;
mod safetensors;
mod source;
mod zip;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::files;
use crate::format;
use crate::plain;
use crate::store::Checkpoint;
use crate::weights::entry::Entry;
use crate::weights::source::Source;

/// More bytes than any network has that this program can train.
const LARGEST: u64 = 16 << 30;

/// The kinds of files that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// PyTorch's zip file.
    Zip,
    /// PyTorch's stream of pickles, from before 2020.
    Legacy,
    Safetensors,
    /// Safetensors that this program wrote, with a hash.
    Checkpoint,
}

/// The tensors of a file, by torchvision's names.
#[derive(Clone, Debug)]
pub struct Header {
    format: Format,
    entries: BTreeMap<String, Entry>,
}

/// A file of weights that was read whole.
#[derive(Debug)]
pub struct Weights {
    header: Header,
    bytes: Vec<u8>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

impl Header {
    /// Reads what the file at `path` says of its tensors, without their numbers; the error is a sentence.
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = files::open_up_to(path, LARGEST).map_err(|error| unreadable(path, &error))?;
        Self::of(&mut Source::new(file).map_err(|error| unreadable(path, &error))?)
            .map_err(|clause| sentence(path, &clause))
    }

    fn of(source: &mut Source<impl Read + Seek>) -> Result<Self, String> {
        let (format, found) = if legacy::is_one(source)? {
            (Format::Legacy, legacy::read(source)?)
        } else if zip::is_one(source)? {
            (Format::Zip, zip::read(source)?)
        } else if let Some(header) = safetensors::header(source)? {
            let own = Checkpoint::begins(&header);
            (if own { Format::Checkpoint } else { Format::Safetensors }, safetensors::read(source, &header)?)
        } else {
            let what = if source.length() == 0 { "it is empty" } else { "it is of no known kind" };
            return Err(format!(
                "{what}: weights are read from files of torch.save (.pth, .pt), from safetensors and from checkpoints"
            ));
        };
        let entries = names::settle(found, format == Format::Checkpoint)?;
        Ok(Self { format, entries })
    }

    /// The names of its tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether it has these tensors, by names and shapes.
    fn has<'a>(&self, mut tensors: impl Iterator<Item = (&'a str, &'a [usize])>) -> bool {
        tensors.all(|(name, shape)| self.shape(name) == Some(shape))
    }

    /// The shape of the tensor `name`.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|entry| entry.shape.as_slice())
    }
}

impl Weights {
    /// Reads the whole file at `path`; the error is a sentence.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = files::read(path, LARGEST).map_err(|error| unreadable(path, &error))?;
        let header = Source::new(Cursor::new(&bytes)).map_err(|error| unreadable(path, &error))?;
        let header = Header::of(&mut { header }).map_err(|clause| sentence(path, &clause))?;
        if header.format == Format::Checkpoint {
            Checkpoint::of_bytes(path, &bytes).map_err(|error| error.to_string())?;
        }
        let sha256 = format::hex(&Sha256::digest(&bytes));
        Ok(Self { header, bytes, sha256 })
    }

    /// Its tensors.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The numbers of the tensor `name`, the last dimension fastest; the error is a clause.
    pub fn numbers(&self, name: &str) -> Result<Vec<f32>, String> {
        let entry = self.header.entries.get(name).ok_or_else(|| format!("it has no tensor `{name}`"))?;
        entry.numbers(&self.bytes).map_err(|clause| format!("its tensor `{name}` {clause}"))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    sentence(path, &format!("it cannot be read ({error})"))
}

/// The sentence about the file at `path`.
pub fn sentence(path: &Path, clause: &str) -> String {
    plain::kept(format!("the weights {}: {clause}.", path.display()))
}
