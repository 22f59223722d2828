//! MATLAB's MAT-files of version 5 and 7: the arrays in one, as numbers or as a stream of bytes.
//!
//! No size in a file is believed before it is compared with what the file can hold.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;

use crate::data::fault::Fault;
use crate::files;

/// Bytes before the first element.
const HEADER: usize = 128;
/// The most elements of a file; those that are read have two.
const MOST_ELEMENTS: usize = 64;
/// The longest name of an array in bytes, twice what MATLAB allows.
const LONGEST_NAME: u64 = 128;
/// The most dimensions of an array.
const MOST_DIMENSIONS: u64 = 8;
/// The most numbers that [`Values::numbers`] reads.
const MOST_NUMBERS: usize = 16 << 20;
/// The most bytes that deflate makes of one.
const MOST_INFLATED: u64 = 1032;

/// Types of elements.
const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// A file whose arrays are known.
pub(crate) struct Mat {
    path: PathBuf,
    big_endian: bool,
    arrays: Vec<Array>,
}

/// An array of numbers.
struct Array {
    name: String,
    dims: Vec<usize>,
    place: Place,
}

/// An element of a file.
#[derive(Clone, Copy)]
struct Place {
    at: u64,
    kind: u32,
    bytes: u64,
}

/// The bytes of an array, in the order of the file: the first dimension varies fastest.
pub(crate) struct Values {
    element: Element,
    kind: u32,
    left: u64,
}

/// An element of type `MATRIX`, in whose parts nothing is longer than the whole.
struct Element {
    from: Box<dyn Read>,
    left: u64,
    big_endian: bool,
}

impl Mat {
    /// Reads what arrays the file at `path` has.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let mut file = BufReader::new(files::open(path)?);
        let length = file.get_ref().metadata()?.len();
        let mut header = [0; HEADER];
        file.read_exact(&mut header).map_err(|_| wrong("it is no MAT-file: it has less than 128 bytes"))?;
        let big_endian = match &header[126..] {
            b"IM" => false,
            b"MI" => true,
            _ => return Err(wrong("it is no MAT-file of version 5")),
        };
        match if big_endian { header[124] } else { header[125] } {
            1 => {}
            2 => {
                return Err(wrong(
                    "it is a MAT-file of version 7.3, which is not read; save it as version 7",
                ));
            }
            other => return Err(wrong(format!("it is a MAT-file of the unknown version {other}"))),
        }
        let mut mat = Self { path: path.to_owned(), big_endian, arrays: Vec::new() };
        let (mut at, mut elements) = (HEADER as u64, 0);
        while at < length {
            elements += 1;
            if elements > MOST_ELEMENTS {
                return Err(wrong(format!("it has more than {MOST_ELEMENTS} elements")));
            }
            file.seek(SeekFrom::Start(at))?;
            let mut tag = [0; 8];
            file.read_exact(&mut tag).map_err(|_| cut_off(at))?;
            let place = Place {
                at: at + 8,
                kind: word(&tag[..4], big_endian),
                bytes: word(&tag[4..], big_endian).into(),
            };
            at = place.at + place.bytes;
            if at > length {
                return Err(cut_off(place.at - 8));
            }
            if matches!(place.kind, MATRIX | COMPRESSED) {
                let mut element = mat.element(place)?;
                if let Some((name, dims)) = element.header()? {
                    mat.arrays.push(Array { name, dims, place });
                }
            }
        }
        Ok(mat)
    }

    /// The dimensions of the array `name`.
    pub(crate) fn dims(&self, name: &str) -> Result<&[usize], Fault> {
        self.array(name).map(|array| array.dims.as_slice())
    }

    /// The values of the array `name`.
    pub(crate) fn values(&self, name: &str) -> Result<Values, Fault> {
        let array = self.array(name)?;
        let mut element = self.element(array.place)?;
        element.header()?;
        let (kind, bytes, small) = element.tag()?;
        if let Some(small) = small {
            // Read again as a stream of its four bytes.
            element.from = Box::new(io::Cursor::new(small).chain(element.from));
            element.left += 4;
        }
        let count = array.dims.iter().try_fold(1u64, |all, &n| all.checked_mul(n as u64));
        let wanted = size(kind).and_then(|size| count?.checked_mul(size));
        if wanted != Some(bytes) {
            let dims = array.dims.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ");
            return Err(wrong(format!("its `{name}` of {dims} values has {bytes} bytes of type {kind}")));
        }
        if bytes > element.left {
            return Err(wrong(format!("its `{name}` is longer than the element it is in")));
        }
        Ok(Values { element, kind, left: bytes })
    }

    fn array(&self, name: &str) -> Result<&Array, Fault> {
        let named = |array: &&Array| array.name == name;
        self.arrays.iter().find(named).ok_or_else(|| wrong(format!("it has no array `{name}` of numbers")))
    }

    /// The matrix at `place`, inflated where it is compressed.
    fn element(&self, place: Place) -> Result<Element, Fault> {
        let mut file = files::open(&self.path)?;
        file.seek(SeekFrom::Start(place.at))?;
        let from = BufReader::with_capacity(64 << 10, file).take(place.bytes);
        if place.kind == MATRIX {
            return Ok(Element { from: Box::new(from), left: place.bytes, big_endian: self.big_endian });
        }
        let from: Box<dyn Read> = Box::new(ZlibDecoder::new(from));
        let mut element = Element { from, left: 8, big_endian: self.big_endian };
        let (kind, bytes, small) = element.tag()?;
        if kind != MATRIX || small.is_some() {
            return Err(wrong(format!("what is compressed at byte {} is no array", place.at)));
        }
        if bytes > place.bytes.saturating_mul(MOST_INFLATED) {
            let all = place.bytes;
            return Err(wrong(format!(
                "it announces {bytes} bytes, more than its {all} compressed ones can be"
            )));
        }
        Ok(Element { left: bytes, ..element })
    }
}

impl Element {
    /// The name and dimensions of an array of real numbers; none for any other.
    fn header(&mut self) -> Result<Option<(String, Vec<usize>)>, Fault> {
        let flags = self.part(UINT32, 8)?;
        let Some(flags) = flags.filter(|flags| flags.len() == 8) else { return Ok(None) };
        let flags = word(&flags[..4], self.big_endian);
        // Classes 6 to 15 are numbers; bit 11 says that there is an imaginary part.
        let real = (6..=15).contains(&(flags & 0xff)) && flags & 0x800 == 0;
        if !real {
            return Ok(None);
        }
        let Some(dims) = self.part(INT32, 4 * MOST_DIMENSIONS)? else { return Ok(None) };
        let dims = dims.chunks_exact(4).map(|dim| word(dim, self.big_endian));
        let dims = dims.map(|dim| i32::try_from(dim).map(|dim| dim as usize)).collect::<Result<Vec<_>, _>>();
        let dims = dims.map_err(|_| wrong("an array in it has a negative dimension"))?;
        let Some(name) = self.part(INT8, LONGEST_NAME)? else { return Ok(None) };
        Ok(Some((String::from_utf8_lossy(&name).into_owned(), dims)))
    }

    /// The bytes of the next part, and what fills it up to eight; none where it is of another type.
    fn part(&mut self, wanted: u32, most: u64) -> Result<Option<Vec<u8>>, Fault> {
        let (kind, bytes, small) = self.tag()?;
        if kind != wanted {
            return Ok(None);
        }
        if bytes > most {
            return Err(wrong(format!("a part of an array in it has {bytes} bytes, more than {most}")));
        }
        if let Some(small) = small {
            return Ok(Some(small[..bytes as usize].to_vec()));
        }
        let mut part = vec![0; bytes.next_multiple_of(8) as usize];
        self.read(&mut part)?;
        part.truncate(bytes as usize);
        Ok(Some(part))
    }

    /// The type and size of the next part, with its bytes where they are in the tag.
    fn tag(&mut self) -> Result<(u32, u64, Option<[u8; 4]>), Fault> {
        let mut tag = [0; 8];
        self.read(&mut tag)?;
        let [first, second] = [&tag[..4], &tag[4..]].map(|half| word(half, self.big_endian));
        match first >> 16 {
            0 => Ok((first, second.into(), None)),
            bytes @ 1..=4 => Ok((first & 0xffff, bytes.into(), Some([tag[4], tag[5], tag[6], tag[7]]))),
            bytes => Err(wrong(format!("a small part of an array in it has {bytes} bytes"))),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        let bytes = into.len() as u64;
        if bytes > self.left {
            return Err(wrong("a part of an array in it is longer than the whole"));
        }
        self.from.read_exact(into).map_err(broken)?;
        self.left -= bytes;
        Ok(())
    }
}

impl Values {
    /// Whether each value is an unsigned byte.
    pub(crate) fn are_bytes(&self) -> bool {
        self.kind == UINT8
    }

    /// The next bytes.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        self.element.read(into)?;
        self.left = self.left.saturating_sub(into.len() as u64);
        Ok(())
    }

    /// Checks, once every value is read, that nothing but what fills it up follows, and the check sum of what was
    /// compressed.
    pub(crate) fn end(mut self) -> Result<(), Fault> {
        let mut rest = Vec::new();
        let bytes = self.element.from.by_ref().take(16).read_to_end(&mut rest).map_err(broken)?;
        if self.left == 0 && bytes < 8 { Ok(()) } else { Err(wrong("an array in it goes on behind its end")) }
    }

    /// All values as numbers.
    pub(crate) fn numbers(mut self) -> Result<Vec<f64>, Fault> {
        let size = size(self.kind).unwrap_or(1) as usize;
        let count = self.left as usize / size;
        if count > MOST_NUMBERS {
            return Err(wrong(format!("it has {count} labels, more than {MOST_NUMBERS}")));
        }
        let (mut numbers, mut block) = (Vec::new(), vec![0; size * 4096]);
        while numbers.len() < count {
            let n = (count - numbers.len()).min(4096);
            self.read(&mut block[..n * size])?;
            for value in block[..n * size].chunks_exact_mut(size) {
                if self.element.big_endian {
                    value.reverse();
                }
                numbers.push(number(self.kind, value));
            }
        }
        self.end()?;
        Ok(numbers)
    }
}

/// Bytes of a value of a type of numbers.
const fn size(kind: u32) -> Option<u64> {
    match kind {
        INT8 | UINT8 => Some(1),
        3 | 4 => Some(2),
        INT32 | UINT32 | 7 => Some(4),
        9 | 12 | 13 => Some(8),
        _ => None,
    }
}

/// A value of a type, from its bytes in little-endian order.
fn number(kind: u32, value: &[u8]) -> f64 {
    let mut bytes = [0; 8];
    bytes[..value.len()].copy_from_slice(value);
    let whole = u64::from_le_bytes(bytes);
    match kind {
        INT8 => f64::from(whole as i8),
        3 => f64::from(whole as i16),
        INT32 => f64::from(whole as i32),
        7 => f64::from(f32::from_bits(whole as u32)),
        9 => f64::from_bits(whole),
        12 => whole as i64 as f64,
        _ => whole as f64,
    }
}

fn word(bytes: &[u8], big_endian: bool) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(bytes);
    if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
}

fn wrong(what: impl Into<String>) -> Fault {
    Fault::Wrong(what.into())
}

fn cut_off(at: u64) -> Fault {
    wrong(format!("it is cut off in the element at byte {at}"))
}

/// What is wrong where bytes cannot be read or inflated.
fn broken(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => wrong("an array in it ends too early"),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            wrong("what is compressed in it cannot be inflated")
        }
        _ => Fault::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An array's element in the order of bytes of `big`, its name and data small where they fit.
    fn element(big: bool, name: &str, dims: &[u32], kind: u32, data: &[u8]) -> Vec<u8> {
        let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let part = |kind: u32, data: &[u8]| -> Vec<u8> {
            let mut part = Vec::new();
            if (1..=4).contains(&data.len()) {
                part.extend(word((data.len() as u32) << 16 | kind));
            } else {
                part.extend([word(kind), word(data.len() as u32)].concat());
            }
            part.extend(data);
            part.resize(part.len().next_multiple_of(8), 0);
            part
        };
        let dims: Vec<u8> = dims.iter().flat_map(|&n| word(n)).collect();
        let flags = [word(9), word(0)].concat();
        let parts = [part(UINT32, &flags), part(INT32, &dims), part(INT8, name.as_bytes()), part(kind, data)]
            .concat();
        [word(MATRIX).to_vec(), word(parts.len() as u32).to_vec(), parts].concat()
    }

    fn file(big: bool, elements: &[Vec<u8>]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mat");
        let mut bytes = vec![b' '; 124];
        bytes.extend(if big { b"\x01\x00MI" } else { b"\x00\x01IM" });
        bytes.extend(elements.concat());
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn sentence(elements: &[Vec<u8>], name: &str) -> String {
        let (_folder, path) = file(false, elements);
        let numbers = Mat::open(&path).and_then(|mat| mat.values(name)).and_then(Values::numbers);
        match numbers.unwrap_err() {
            Fault::Wrong(what) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_of_every_type_are_read_in_either_order_of_bytes() {
        let values = [1.0, -2.0, 100.0];
        for big in [false, true] {
            let bytes = |kind: u32, value: f64| -> Vec<u8> {
                let mut bytes = match kind {
                    1 => (value as i8).to_le_bytes().to_vec(),
                    3 => (value as i16).to_le_bytes().to_vec(),
                    5 => (value as i32).to_le_bytes().to_vec(),
                    7 => (value as f32).to_le_bytes().to_vec(),
                    9 => value.to_le_bytes().to_vec(),
                    _ => (value as i64).to_le_bytes().to_vec(),
                };
                if big {
                    bytes.reverse();
                }
                bytes
            };
            for kind in [1, 3, 5, 7, 9, 12] {
                let data: Vec<u8> = values.iter().flat_map(|&value| bytes(kind, value)).collect();
                let one = element(big, "one", &[1, 1], UINT8, &[7]);
                let (_folder, path) = file(big, &[one, element(big, "values", &[3, 1], kind, &data)]);
                let mat = Mat::open(&path).unwrap();
                assert_eq!(mat.values("values").unwrap().numbers().unwrap(), values, "type {kind}");
                assert_eq!(mat.values("one").unwrap().numbers().unwrap(), [7.0]);
                assert_eq!(mat.dims("values").unwrap(), [3, 1]);
            }
        }
    }

    #[test]
    fn sizes_that_do_not_fit_each_other_or_the_file_are_told() {
        let good = element(false, "y", &[10, 1], UINT8, &[1; 10]);
        let wrong_dims = element(false, "y", &[11, 1], UINT8, &[1; 10]);
        assert_eq!(sentence(&[wrong_dims], "y"), "its `y` of 11 x 1 values has 10 bytes of type 2");
        let overflow = element(false, "y", &[i32::MAX as u32; 4], UINT8, &[1; 10]);
        assert!(sentence(&[overflow], "y").starts_with("its `y` of 2147483647 x 2147483647 x"));
        assert_eq!(sentence(std::slice::from_ref(&good), "x"), "it has no array `x` of numbers");
        assert_eq!(
            sentence(&[good[..good.len() - 1].to_vec()], "y"),
            "it is cut off in the element at byte 128"
        );
        assert_eq!(sentence(&[vec![14; 5]], "y"), "it is cut off in the element at byte 128");
        let negative = element(false, "y", &[u32::MAX, 1], UINT8, &[1; 10]);
        assert_eq!(sentence(&[negative], "y"), "an array in it has a negative dimension");
        let mut longer = good;
        let size = longer.len();
        longer[size - 20..size - 16].copy_from_slice(&1000u32.to_le_bytes());
        assert!(sentence(&[longer], "y").contains("has 1000 bytes of type 2"));
        assert_eq!(sentence(&vec![vec![0; 8]; 65], "y"), "it has more than 64 elements");
    }

    #[test]
    fn other_files_and_versions_are_told_apart() {
        let (_folder, path) = file(false, &[]);
        for (at, with, what) in
            [(125, 2, "version 7.3"), (125, 9, "unknown version 9"), (126, b'X', "no MAT-file of version 5")]
        {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[at] = with;
            let other = path.with_extension("other");
            std::fs::write(&other, bytes).unwrap();
            let Err(Fault::Wrong(told)) = Mat::open(&other) else { panic!("{what}") };
            assert!(told.contains(what), "{told}");
        }
    }
}
