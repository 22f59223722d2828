//! The bytes of a checkpoint file: safetensors with one metadata key, whose value begins with a hash
//! over every byte of the file but itself.
//!
//! One key, because the order of several is not fixed and the same state must give the same bytes. The
//! hash comes first in its text, so it lies at a fixed offset and is checked before a byte is parsed; the
//! format number follows it, so that a later format is told from a damaged file.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::ops::Range;

use safetensors::tensor::{Dtype, SafeTensors, View};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::checkpoint::numbers::{check_array, check_numbers};
use crate::store::checkpoint::state::{Array, Checkpoint, Meta};

/// The format that this version writes and reads.
const FORMAT: u32 = 1;
/// What helps with a file of another format.
pub(crate) const OTHER_VERSION: &str = "use the version of densenet-tui that wrote it";

/// What a file of this layout is.
#[derive(Debug)]
pub(in crate::store) struct Kind {
    /// Our key in the metadata of safetensors.
    pub(in crate::store) key: &'static str,
    /// What every such file has between the length of its header and its hash.
    pub(in crate::store) opening: &'static [u8],
    /// The tensors that are not the network's own.
    pub(in crate::store) beside: fn(&str) -> bool,
}

/// A checkpoint, which has the state of the optimizer too.
pub(in crate::store) const CHECKPOINT: Kind = Kind {
    key: "densenet_tui",
    opening: br#"{"__metadata__":{"densenet_tui":"{\"sha256\":\""#,
    beside: |name| name.starts_with("optimizer."),
};

impl Kind {
    /// Offsets of the hash.
    fn hash(&self) -> Range<usize> {
        let begin = LENGTH_BYTES as usize + self.opening.len();
        begin..begin + NO_HASH.len()
    }
}

/// PyTorch's count of training steps beside each running mean, a whole number.
pub(in crate::store) const COUNTER: &str = ".num_batches_tracked";
/// The name beside those of the tensors.
const METADATA: &str = "__metadata__";
/// Bytes of the header's length, with which a safetensors file begins.
pub(in crate::store) const LENGTH_BYTES: u64 = 8;
/// Longest header that safetensors allows.
const LONGEST_HEADER: usize = 100_000_000;
/// Placeholder for the hash while it is computed.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Why bytes are refused: two clauses of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct Refusal {
    pub(in crate::store) problem: String,
    /// What to do; `None` where only another checkpoint helps, if there is one.
    pub(in crate::store) advice: Option<&'static str>,
}

impl Refusal {
    fn foreign(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), advice: Some("give a file that densenet-tui wrote") }
    }

    pub(super) fn damaged(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), advice: None }
    }
}

/// The text under [`Kind::key`]. The order of the fields is the order in the file.
#[derive(Serialize)]
struct Written<'a> {
    sha256: &'a str,
    format: u32,
    state: &'a Meta,
}

/// As much of the text under [`Kind::key`] as every format has.
#[derive(Deserialize)]
struct Numbered {
    format: u32,
}

/// The text under [`Kind::key`] in this format.
#[derive(Deserialize)]
struct Stated {
    state: Meta,
}

/// As much of the header as is read here; the rest describes tensors.
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    metadata: HashMap<String, String>,
}

/// An array as safetensors wants to see it.
struct Floats<'a>(&'a Array);

impl View for Floats<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        &self.0.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        for number in &self.0.data {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.into()
    }
    fn data_len(&self) -> usize {
        self.0.data.len() * size_of::<f32>()
    }
}

/// The file's bytes, or the clause that says why this state must not be written.
pub(super) fn encode(checkpoint: &Checkpoint) -> Result<Vec<u8>, String> {
    let text = worded(&checkpoint.meta)?;
    for (name, array) in &checkpoint.tensors {
        check_array(name, array)?;
    }
    let tensors = checkpoint.tensors.iter().map(|(name, array)| (name, Floats(array)));
    let metadata = HashMap::from([(CHECKPOINT.key.to_owned(), text)]);
    let mut bytes = safetensors::serialize(tensors, Some(metadata)).map_err(|error| error.to_string())?;
    seal(&mut bytes, &CHECKPOINT)?;
    Ok(bytes)
}

/// Puts the hash into its place.
pub(in crate::store) fn seal(bytes: &mut [u8], kind: &Kind) -> Result<(), String> {
    if recognise(bytes, kind).is_err() {
        return Err("its header does not begin as that of every such file does".into());
    }
    let hash = hash(bytes, kind);
    bytes[kind.hash()].copy_from_slice(hash.as_bytes());
    Ok(())
}

/// The metadata in words, with an empty place for the hash; the error is a clause.
pub(in crate::store) fn worded(meta: &Meta) -> Result<String, String> {
    check_numbers(meta)?;
    let text = serde_json::to_string(&Written { sha256: NO_HASH, format: FORMAT, state: meta })
        .map_err(|error| format!("its state cannot be put in words ({error})"))?;
    // A file that nobody can read would be worse than none.
    serde_json::from_str::<Stated>(&text)
        .map_err(|error| format!("its recipe or state could not be read back ({error})"))?;
    Ok(text)
}

/// What is in `bytes`: hash first, then the format, the metadata and the tensors.
pub(in crate::store) fn decode(
    bytes: &[u8],
    kind: &Kind,
) -> Result<(Meta, BTreeMap<String, Array>), Refusal> {
    recognise(bytes, kind)?;
    if bytes.get(kind.hash()) != Some(hash(bytes, kind).as_bytes()) {
        return Err(Refusal::damaged("it is damaged or cut short, as its hash does not match its bytes"));
    }
    let meta = meta(bytes, kind)?;
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| Refusal::foreign(format!("its tensors are not valid safetensors ({error})")))?;
    let tensors = file
        .iter()
        .filter(|(name, _)| !name.ends_with(COUNTER))
        .map(|(name, view)| {
            if view.dtype() != Dtype::F32 {
                return Err(Refusal::foreign(format!(
                    "its tensor `{name}` is of type {} where F32 is expected",
                    view.dtype()
                )));
            }
            let (numbers, _) = view.data().as_chunks::<4>();
            let array = Array {
                shape: view.shape().to_vec(),
                data: numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            };
            check_array(name, &array).map_err(Refusal::damaged)?;
            Ok((name.to_owned(), array))
        })
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok((meta, tensors))
}

/// The metadata in a file's `head`, its first [`LENGTH_BYTES`] and its header.
pub(in crate::store) fn meta(head: &[u8], kind: &Kind) -> Result<Meta, Refusal> {
    let unreadable =
        |error: serde_json::Error| Refusal::damaged(format!("its metadata cannot be read ({error})"));
    let header = header(head)
        .ok_or_else(|| Refusal::damaged("it is damaged or cut short, as it ends within its header"))?;
    let mut header: Header = serde_json::from_slice(header).map_err(unreadable)?;
    let text = header.metadata.remove(kind.key).unwrap_or_default();
    let Numbered { format } = serde_json::from_str(&text).map_err(unreadable)?;
    if format != FORMAT {
        return Err(Refusal {
            problem: format!("it is written in format {format} and this version reads format {FORMAT}"),
            advice: Some(OTHER_VERSION),
        });
    }
    serde_json::from_str(&text).map(|Stated { state }| state).map_err(unreadable)
}

/// Refuses a file of `length` bytes whose `head` says that it has another length, or tensors that are not those
/// of the network of its recipe. The reader of safetensors adds lengths before it looks.
pub(in crate::store) fn check_head(head: &[u8], length: u64, kind: &Kind) -> Result<(), Refusal> {
    let Meta { recipe, classes, .. } = meta(head, kind)?;
    let tensors: BTreeMap<String, Place> = serde_json::from_slice(header(head).unwrap_or_default())
        .map_err(|error| Refusal::foreign(format!("its tensors are not valid safetensors ({error})")))?;
    let end = tensors.values().filter_map(|place| place.data_offsets).map(|[_, end]| end).max();
    let said = (head.len() as u64).saturating_add(end.unwrap_or(0));
    if length != said {
        return Err(Refusal::damaged(format!(
            "it is damaged or cut short, as it has {length} bytes and its header says {said}"
        )));
    }
    let plan = recipe.arch(classes.len()).plan().map_err(|problem| {
        Refusal::damaged(format!("its network cannot be ({})", problem.to_string().trim_end_matches('.')))
    })?;
    let weights = tensors.iter().filter(|(name, _)| *name != METADATA && !(kind.beside)(name));
    plan.check_tensors(weights.map(|(name, place)| (name.as_str(), place.shape.as_slice())))
        .map_err(Refusal::damaged)
}

/// Where a tensor lies among the bytes behind the header, and its shape; nothing for the metadata.
#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    shape: Vec<usize>,
    data_offsets: Option<[u64; 2]>,
}

/// Refuses a file whose `head` does not begin like one of its kind, and says what it is instead.
pub(in crate::store) fn recognise(head: &[u8], kind: &Kind) -> Result<(), Refusal> {
    if head.get(LENGTH_BYTES as usize..kind.hash().start) == Some(kind.opening) {
        return Ok(());
    }
    // Nothing of it is kept: it may be large, and not ours.
    let is_safetensors = header(head).is_some_and(|header| {
        header.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(header).is_ok()
    });
    Err(Refusal::foreign(if head.is_empty() {
        "it is empty"
    } else if is_safetensors {
        "it is a safetensors file, but not a checkpoint of densenet-tui"
    } else {
        "it is not a safetensors file, or it is damaged"
    }))
}

/// The length of the header that a file with these first bytes has; absent where it cannot be.
pub(in crate::store) fn header_length(head: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(*head.first_chunk()?);
    usize::try_from(length).ok().filter(|length| *length <= LONGEST_HEADER)
}

/// The length of the header and the header of a whole file; what there is of them where it is cut short.
pub(in crate::store) fn head(bytes: &[u8]) -> &[u8] {
    let end = header_length(bytes).map_or(0, |length| LENGTH_BYTES as usize + length);
    &bytes[..end.min(bytes.len())]
}

fn header(head: &[u8]) -> Option<&[u8]> {
    let start = LENGTH_BYTES as usize;
    head.get(start..start + header_length(head)?)
}

/// SHA-256 in hexadecimal of every byte but the hash's own place, which counts as zeros.
fn hash(bytes: &[u8], kind: &Kind) -> String {
    let place = kind.hash();
    let mut hasher = Sha256::new();
    hasher.update(&bytes[..place.start.min(bytes.len())]);
    hasher.update(NO_HASH);
    hasher.update(bytes.get(place.end..).unwrap_or_default());
    hasher.finalize().iter().fold(String::with_capacity(NO_HASH.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checkpoint::example;

    /// `bytes` with `change` applied and the hash made right again: a forgery, not an accident.
    fn forged(mut bytes: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        change(&mut bytes);
        let hash = hash(&bytes, &CHECKPOINT);
        bytes[CHECKPOINT.hash()].copy_from_slice(hash.as_bytes());
        bytes
    }

    fn replace(bytes: &mut [u8], from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }

    #[test]
    fn a_flip_of_any_byte_is_refused() {
        let bytes = encode(&example(7)).unwrap();
        for at in 0..bytes.len() {
            for mask in [0x01, 0x20, 0xff] {
                let mut flipped = bytes.clone();
                flipped[at] ^= mask;
                assert!(decode(&flipped, &CHECKPOINT).is_err(), "byte {at} with mask {mask}");
            }
        }
    }

    #[test]
    fn a_file_cut_short_at_any_length_or_grown_is_refused() {
        let mut bytes = encode(&example(7)).unwrap();
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], &CHECKPOINT).is_err(), "{length} bytes");
        }
        bytes.push(0);
        assert!(decode(&bytes, &CHECKPOINT).is_err());
    }

    #[test]
    fn totals_and_rates_come_back_to_the_last_bit() {
        let mut checkpoint = example(7);
        // Numbers of 17 digits, which a quick reader of JSON gets wrong in the last bit.
        for n in 1..200u32 {
            let number = f64::from(n).sqrt() * 1e-7 / 3.0;
            checkpoint.meta.progress.loss_sum = number;
            checkpoint.meta.recipe.lr = number;
            let back = decode(&encode(&checkpoint).unwrap(), &CHECKPOINT).unwrap().0;
            assert_eq!(back.progress.loss_sum.to_bits(), number.to_bits());
            assert_eq!(back.recipe.lr.to_bits(), number.to_bits());
        }
    }

    #[test]
    fn a_later_format_is_refused_as_such() {
        let bytes = forged(encode(&example(7)).unwrap(), |bytes| {
            replace(bytes, r#"\"format\":1"#, r#"\"format\":2"#);
        });
        let refusal = decode(&bytes, &CHECKPOINT).unwrap_err();
        assert!(refusal.problem.contains("format 2"), "{refusal:?}");
    }

    #[test]
    fn a_forged_file_with_a_right_hash_is_still_checked() {
        let bytes = || encode(&example(7)).unwrap();
        let cases = [
            ("type I32", forged(bytes(), |b| replace(b, r#""dtype":"F32""#, r#""dtype":"I32""#))),
            ("valid safetensors", forged(bytes(), |b| replace(b, r#""shape":[2,3]"#, r#""shape":[3,3]"#))),
            (
                "not finite",
                forged(bytes(), |b| {
                    let last = b.len() - 4;
                    b[last..].copy_from_slice(&f32::NAN.to_le_bytes());
                }),
            ),
            ("metadata", forged(bytes(), |b| replace(b, "shapes", "shapez"))),
        ];
        for (reason, bytes) in cases {
            let refusal = decode(&bytes, &CHECKPOINT).unwrap_err();
            assert!(refusal.problem.contains(reason), "{reason}: {refusal:?}");
        }
    }

    #[test]
    fn tensors_whose_lengths_add_up_to_more_than_there_are_numbers_are_refused() {
        // Seventeen names of 2^60 bytes each lie one behind the other, and their ends wrap around.
        let bytes = forged(encode(&example(7)).unwrap(), |bytes| {
            let data = bytes.split_off(8 + header_length(bytes).unwrap());
            let header = std::str::from_utf8(&bytes[8..]).unwrap().trim_end();
            let mut header = header.strip_suffix('}').unwrap().to_owned();
            for n in 0..17u64 {
                let (begin, end) = (n << 60, (n + 1).wrapping_mul(1 << 60));
                let shape = 1u64 << 58;
                let tensor = format!(r#"{{"dtype":"F32","shape":[{shape}],"data_offsets":[{begin},{end}]}}"#);
                write!(header, r#","x{n}":{tensor}"#).unwrap();
            }
            header.push('}');
            *bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
        });
        let head = &bytes[..8 + header_length(&bytes).unwrap()];
        let refusal = check_head(head, bytes.len() as u64, &CHECKPOINT).unwrap_err();
        assert!(refusal.problem.contains("its header says 1729382256910270"), "{refusal:?}");
    }

    #[test]
    fn a_shape_that_does_not_fit_its_numbers_is_not_written() {
        let mut checkpoint = example(7);
        checkpoint.tensors.get_mut("classifier.bias").unwrap().shape = vec![3];
        assert!(encode(&checkpoint).unwrap_err().contains("classifier.bias"));
    }
}
