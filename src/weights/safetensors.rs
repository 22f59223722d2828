//! Safetensors: the length of a header, the header as JSON, the numbers.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use serde::Deserialize;

use crate::weights::entry::{Entry, Storage};
use crate::weights::number::Number;
use crate::weights::source::Source;

/// Bytes of the header's length.
const LENGTH: u64 = 8;
/// Longest header that safetensors allows.
const LONGEST_HEADER: u64 = 100_000_000;
/// The name beside those of the tensors.
const METADATA: &str = "__metadata__";

/// What a header says of a tensor; nothing of it for the metadata.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    dtype: String,
    #[serde(default)]
    shape: Vec<u64>,
    data_offsets: Option<[u64; 2]>,
}

/// The file's length of the header and the header, where it begins like one of safetensors.
pub(super) fn header(source: &mut Source<impl Read + Seek>) -> Result<Option<Vec<u8>>, String> {
    if source.length() <= LENGTH {
        return Ok(None);
    }
    let length = source.number(0)?;
    if length > LONGEST_HEADER || source.up_to(LENGTH, 1)? != b"{" {
        return Ok(None);
    }
    source.bytes(0, LENGTH + length).map(Some)
}

/// Its tensors; the error is a clause.
pub(super) fn read(
    source: &mut Source<impl Read + Seek>,
    header: &[u8],
) -> Result<Vec<(String, Entry)>, String> {
    let said: BTreeMap<String, Said> = serde_json::from_slice(&header[LENGTH as usize..])
        .map_err(|error| format!("its header is not one of safetensors ({error})"))?;
    let (begin, length) = (header.len() as u64, source.length());
    let tensors = said.into_iter().filter(|(name, _)| name != METADATA);
    tensors
        .map(|(name, said)| {
            let wrong = |what: &str| format!("its tensor `{name}` {what}");
            let number = Number::of_word(&said.dtype)
                .ok_or_else(|| wrong(&format!("is of the type {}, which is not read", said.dtype)))?;
            let [from, to] = said.data_offsets.ok_or_else(|| wrong("lies nowhere"))?;
            let (at, end) = begin.checked_add(from).zip(begin.checked_add(to)).unwrap_or((u64::MAX, 0));
            if at > end || end > length || !(end - at).is_multiple_of(number.size()) {
                return Err(wrong("does not lie within the file: it is cut short or damaged"));
            }
            let storage = Storage { number, at, length: (end - at) / number.size() };
            let entry = Entry::whole(storage, &said.shape).map_err(|clause| wrong(&clause))?;
            Ok((name, entry))
        })
        .collect()
}
