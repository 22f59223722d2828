//! The zip file that torch.save writes today: one pickle, and a file of numbers for each storage, none of it packed.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Seek, SeekFrom};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::pickle::Pickle;
use crate::weights::entry::{Entry, Storage};
use crate::weights::number::Number;
use crate::weights::source::Source;

/// Beginning of a zip file.
const MAGIC: &[u8] = b"PK\x03\x04";
/// The pickle in it, below a folder that is named after the file.
const PICKLE: &str = "data.pkl";
/// Largest pickle that is read: many times what names and shapes need.
const LARGEST_PICKLE: u64 = 64 << 20;

/// A file in the zip file.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u64,
    size: u64,
}

/// Whether a file begins like one.
pub(super) fn is_one(source: &mut Source<impl Read + Seek>) -> Result<bool, String> {
    Ok(source.up_to(0, MAGIC.len() as u64)? == MAGIC)
}

/// Its tensors; the error is a clause.
pub(super) fn read(source: &mut Source<impl Read + Seek>) -> Result<Vec<(String, Entry)>, String> {
    let places = places(source)?;
    let pickles = places.keys().filter(|name| name.rsplit('/').next() == Some(PICKLE));
    let name = pickles.min_by_key(|name| name.len()).ok_or("it is a zip file, but not one of torch.save")?;
    let (folder, pickle) = (name.trim_end_matches(PICKLE).to_owned(), places[name]);
    if pickle.size > LARGEST_PICKLE {
        return Err(format!("its `{name}` has {} bytes, more than names and shapes need", pickle.size));
    }
    if let Some(order) = places.get(&format!("{folder}byteorder"))
        && source.bytes(order.at, order.size.min(6))? != b"little"
    {
        return Err("its numbers are big-endian, which are not read; save it on a usual machine".into());
    }
    let bytes = source.bytes(pickle.at, pickle.size)?;
    let (pickle, _) = Pickle::of_tensors(&bytes)?;
    pickle
        .tensors()?
        .into_iter()
        .map(|(name, tensor)| {
            let place = places.get(&format!("{folder}data/{}", tensor.storage)).copied();
            let place = place.ok_or_else(|| format!("the numbers of its tensor `{name}` are missing"))?;
            let number = Number::of_class(tensor.class);
            if tensor.length.checked_mul(number.size()) != Some(place.size) {
                let (size, length) = (place.size, tensor.length);
                return Err(format!(
                    "the numbers of its tensor `{name}` take {size} bytes where it says that there are {length}"
                ));
            }
            let storage = Storage { number, at: place.at, length: tensor.length };
            let entry = Entry::view(storage, tensor.offset, &tensor.shape, &tensor.strides);
            entry.map(|entry| (name.clone(), entry)).map_err(|clause| format!("its tensor `{name}` {clause}"))
        })
        .collect()
}

/// Where the files in it are: within it, unpacked, and each in a place of its own.
fn places(source: &mut Source<impl Read + Seek>) -> Result<BTreeMap<String, Place>, String> {
    let length = source.length();
    source.inner.seek(SeekFrom::Start(0)).map_err(|error| format!("it cannot be read ({error})"))?;
    let mut archive = ZipArchive::new(BufReader::new(&mut source.inner)).map_err(|error| broken(&error))?;
    let mut places = BTreeMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| broken(&error))?;
        let name = entry.name().map_err(|error| broken(&error))?.into_owned();
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            return Err(format!(
                "its `{name}` is packed, as torch.save never does it; unpack and zip it without"
            ));
        }
        let (at, size) = (entry.data_start().unwrap_or(u64::MAX), entry.size());
        if entry.compressed_size() != size || at.checked_add(size).is_none_or(|end| end > length) {
            return Err(format!("its `{name}` is cut short, or has a false size"));
        }
        places.insert(name, Place { at, size });
    }
    let mut ordered: Vec<(&String, &Place)> = places.iter().filter(|(_, place)| place.size > 0).collect();
    ordered.sort_by_key(|(_, place)| place.at);
    for pair in ordered.windows(2) {
        let ((one, before), (other, after)) = (pair[0], pair[1]);
        if before.at + before.size > after.at {
            return Err(format!("its `{one}` and its `{other}` overlap, as in no file of torch.save"));
        }
    }
    Ok(places)
}

fn broken(error: &ZipError) -> String {
    format!("its zip file cannot be read ({error})")
}
