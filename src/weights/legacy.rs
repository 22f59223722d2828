//! The stream that torch.save wrote before 2020, and writes on request: pickles one behind the other, then the numbers.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use crate::pickle::Pickle;
use crate::weights::entry::{Entry, Storage};
use crate::weights::number::Number;
use crate::weights::source::Source;

/// The number that the first pickle is: 10 bytes, little-endian.
const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// It stands behind a mark of the pickle's protocol, which may have a frame.
const BEFORE_MAGIC: usize = 12;
/// The only version there was.
const VERSION: i64 = 1001;
/// Where the pickles must have ended: many times what names and shapes need.
const LARGEST_PICKLES: u64 = 64 << 20;
/// Bytes of the count that stands before each storage.
const COUNT: u64 = 8;

/// Whether a file begins like one.
pub(super) fn is_one(source: &mut Source<impl Read + Seek>) -> Result<bool, String> {
    let head = source.up_to(0, (BEFORE_MAGIC + MAGIC.len()) as u64)?;
    Ok(head.starts_with(b"\x80") && head.windows(MAGIC.len()).any(|window| window == MAGIC))
}

/// Its tensors; the error is a clause.
pub(super) fn read(source: &mut Source<impl Read + Seek>) -> Result<Vec<(String, Entry)>, String> {
    let head = source.up_to(0, LARGEST_PICKLES)?;
    let mut at = 0;
    let mut next = || {
        let (pickle, length) = Pickle::of_tensors(&head[at..])?;
        at += length;
        Ok::<_, String>(pickle)
    };
    next()?;
    if !next()?.is_number(VERSION) {
        return Err(format!("it is of another version than {VERSION} of PyTorch's old format"));
    }
    if !next()?.says("little_endian") {
        return Err("its numbers are big-endian, which are not read; save it on a usual machine".into());
    }
    let (object, keys) = (next()?, next()?.names()?);
    let storages = storages(source, at as u64, &object.storages(), keys)?;
    let tensors = object.tensors()?;
    tensors
        .into_iter()
        .map(|(name, tensor)| {
            let storage = storages.get(&tensor.storage).copied();
            let storage = storage.ok_or_else(|| format!("the numbers of its tensor `{name}` are missing"))?;
            if (tensor.length, Number::of_class(tensor.class)) != (storage.length, storage.number) {
                return Err(format!("its tensor `{name}` and its storage disagree about what is in there"));
            }
            let entry = Entry::view(storage, tensor.offset, &tensor.shape, &tensor.strides);
            entry.map(|entry| (name.clone(), entry)).map_err(|clause| format!("its tensor `{name}` {clause}"))
        })
        .collect()
}

/// Where the storages `keys` of these classes are, which begin at `at`: each a count, and as many numbers.
fn storages(
    source: &mut Source<impl Read + Seek>,
    mut at: u64,
    classes: &BTreeMap<String, &'static str>,
    keys: Vec<String>,
) -> Result<BTreeMap<String, Storage>, String> {
    let mut storages = BTreeMap::new();
    for (index, key) in keys.into_iter().enumerate() {
        let length = source.number(at)?;
        let class = classes.get(&key).ok_or_else(|| format!("its storage {} has no type", index + 1))?;
        let number = Number::of_class(class);
        let begin = at + COUNT;
        let end = length.checked_mul(number.size()).and_then(|bytes| begin.checked_add(bytes));
        at = end.filter(|end| *end <= source.length()).ok_or_else(|| {
            let there = source.length();
            format!(
                "it is cut short: it has {there} bytes, and its storage {} does not fit in there",
                index + 1
            )
        })?;
        storages.insert(key, Storage { number, at: begin, length });
    }
    Ok(storages)
}
