//! The arrays of an .npz file, one by one. No size is believed before it is compared with what the file can hold.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::data::error::DataError;
use crate::data::fault::Fault;
use crate::data::npz::npy::Header;
use crate::files;

/// The most bytes that deflate makes of one.
const MOST_INFLATED: u64 = 1032;
/// The most class names, and the most letters of one.
const MOST_NAMES: usize = 100_000;
const LONGEST_NAME: usize = 1000;
/// Values read at once.
const BLOCK: usize = 4096;

/// An open file.
pub(crate) struct Arrays(ZipArchive<BufReader<File>>);

/// The shape of an array of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) images: usize,
    /// Height and width.
    pub(crate) side: usize,
    /// 1 or 3.
    pub(crate) channels: usize,
    fortran: bool,
}

impl Arrays {
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        ZipArchive::new(BufReader::new(files::open(path)?)).map(Self).map_err(broken)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.index_for_name(&format!("{name}.npy")).is_some()
    }

    /// The names of its arrays, a few of them.
    pub(crate) fn names(&self) -> String {
        let names = self.0.file_names().take(10).flatten();
        let names: Vec<String> = names.map(|name| name.trim_end_matches(".npy").to_owned()).collect();
        names.join(", ")
    }

    /// The header of the array `name`, and the bytes behind it.
    fn array(&mut self, name: &str) -> Result<(Header, impl Read + '_), Fault> {
        let mut entry = self.0.by_name(&format!("{name}.npy")).map_err(broken)?;
        let (size, packed) = (entry.size(), entry.compressed_size());
        let most = match entry.compression() {
            CompressionMethod::Stored => packed,
            _ => packed.saturating_mul(MOST_INFLATED),
        };
        if size > most {
            return Err(wrong(
                name,
                format!("announces {size} bytes, more than its {packed} in the file can be"),
            ));
        }
        let header = Header::read(&mut entry).map_err(|fault| of(name, fault))?;
        match header.total() {
            Some(total) if total == size => Ok((header, entry)),
            // Objects have no size of their own.
            _ if header.kind().is_none() || header.descr.contains('O') => {
                Err(wrong(name, format!("has values of the type `{}`, which are not read", header.descr)))
            }
            _ => {
                let (shape, descr) = (header.shape(), &header.descr);
                Err(wrong(
                    name,
                    format!("has {size} bytes, not those of {shape} values of the type `{descr}`"),
                ))
            }
        }
    }

    /// The shape of the images `name`.
    pub(crate) fn shape(&mut self, name: &str) -> Result<Shape, Fault> {
        let (header, _) = self.array(name)?;
        if header.kind() != Some(('u', 1)) {
            let descr = &header.descr;
            return Err(wrong(name, format!("has values of the type `{descr}`, not uint8 from 0 to 255")));
        }
        let (images, side, width, channels) = match header.shape[..] {
            [n, height, width] => (n, height, width, 1),
            [n, height, width, channels @ (1 | 3)] => (n, height, width, channels),
            _ => {
                let shape = header.shape();
                let what = "images x height x width, or that x 3 for RGB";
                return Err(wrong(name, format!("has the shape {shape}, not {what}")));
            }
        };
        if side != width || side == 0 {
            return Err(wrong(name, format!("has images of {width} x {side} pixels, which are no squares")));
        }
        Ok(Shape { images, side, channels, fortran: header.fortran })
    }

    /// The labels `name`, one for each of `images` images, as whole numbers.
    pub(crate) fn labels(&mut self, name: &str, images: usize) -> Result<Vec<u32>, Fault> {
        let (header, mut from) = self.array(name)?;
        let ('u' | 'i' | 'b', size @ (1 | 2 | 4 | 8)) = header.kind().unwrap_or_default() else {
            return Err(wrong(name, format!("has values of the type `{}`, not whole numbers", header.descr)));
        };
        let count = match header.shape[..] {
            [n] | [n, 1] => n,
            [_, several] => {
                let what = "and one label an image is what is trained on; give the class of each image";
                return Err(wrong(name, format!("has {several} values for each image, {what}")));
            }
            _ => {
                return Err(wrong(name, format!("has the shape {}, not one label an image", header.shape())));
            }
        };
        if count != images {
            return Err(wrong(name, format!("has {count} labels for {images} images")));
        }
        let signed = header.kind().is_some_and(|(kind, _)| kind == 'i');
        let (mut labels, mut block) = (Vec::new(), vec![0; BLOCK * size]);
        while labels.len() < count {
            let n = (count - labels.len()).min(BLOCK);
            from.read_exact(&mut block[..n * size]).map_err(|error| unreadable(name, error))?;
            for value in block[..n * size].chunks_exact_mut(size) {
                if header.big_endian() {
                    value.reverse();
                }
                let value = whole(value, signed);
                let label = u32::try_from(value).map_err(|_| {
                    wrong(
                        name,
                        format!("has the label {value} of image {}, which is no class", labels.len() + 1),
                    )
                })?;
                labels.push(label);
            }
        }
        end(name, &mut from)?;
        Ok(labels)
    }

    /// The texts of the array `name`.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, Fault> {
        let (header, mut from) = self.array(name)?;
        let (kind, item) = (header.kind().unwrap_or_default().0, header.item().unwrap_or_default());
        let [count] = header.shape[..] else {
            return Err(wrong(name, format!("has the shape {}, not one name a class", header.shape())));
        };
        if !matches!(kind, 'U' | 'S') {
            return Err(wrong(name, format!("has values of the type `{}`, not texts", header.descr)));
        }
        if count > MOST_NAMES || item > 4 * LONGEST_NAME {
            return Err(wrong(
                name,
                format!("has {count} names of {item} bytes, more than names of classes need"),
            ));
        }
        let mut bytes = vec![0; item];
        let mut texts = Vec::new();
        for _ in 0..count {
            from.read_exact(&mut bytes).map_err(|error| unreadable(name, error))?;
            let text = if kind == 'S' {
                String::from_utf8_lossy(&bytes).into_owned()
            } else {
                let letter = |bytes: &[u8]| {
                    let number = <[u8; 4]>::try_from(bytes).unwrap_or_default();
                    let big = header.big_endian();
                    let number = if big { u32::from_be_bytes(number) } else { u32::from_le_bytes(number) };
                    char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
                };
                bytes.chunks_exact(4).map(letter).collect()
            };
            // Shorter ones are filled up with zeros.
            texts.push(text.trim_end_matches('\0').to_owned());
        }
        end(name, &mut from)?;
        Ok(texts)
    }

    /// Gives each of the images `name`, as rows of grey or RGB pixels, to `take`.
    pub(crate) fn images(
        &mut self,
        name: &str,
        shape: Shape,
        mut take: impl FnMut(usize, &[u8]) -> Result<(), DataError>,
    ) -> Result<(), Fault> {
        let (_, mut from) = self.array(name)?;
        let Shape { images, side, channels, fortran } = shape;
        let bytes = side * side * channels;
        let mut image = vec![0; bytes];
        if fortran {
            let all = bytes as u64 * images as u64;
            let mut values = files::room(all).map_err(|error| wrong(name, error.to_string()))?;
            from.by_ref().take(all).read_to_end(&mut values).map_err(|error| unreadable(name, error))?;
            if values.len() as u64 != all {
                return Err(wrong(name, "is cut off"));
            }
            for i in 0..images {
                for (at, pixel) in image.iter_mut().enumerate() {
                    let (y, x, c) = (at / channels / side, at / channels % side, at % channels);
                    *pixel = values[i + images * (y + side * (x + side * c))];
                }
                take(i, &image)?;
            }
        } else {
            for i in 0..images {
                from.read_exact(&mut image).map_err(|error| unreadable(name, error))?;
                take(i, &image)?;
            }
        }
        end(name, &mut from)
    }
}

/// A whole number from its bytes in little-endian order.
fn whole(bytes: &[u8], signed: bool) -> i128 {
    let mut wide =
        if signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0) { [0xff; 16] } else { [0; 16] };
    wide[..bytes.len()].copy_from_slice(bytes);
    i128::from_le_bytes(wide)
}

/// Reads to the end of an array, where its check sum is compared.
fn end(name: &str, from: &mut impl Read) -> Result<(), Fault> {
    match from.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(wrong(name, "goes on behind its end")),
        Err(error) => Err(unreadable(name, error)),
    }
}

fn wrong(name: &str, what: impl Display) -> Fault {
    Fault::Wrong(format!("its `{name}` {what}"))
}

/// What is wrong with a header, said of its array.
fn of(name: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Wrong(what) => wrong(name, format!("is damaged: {what}")),
        Fault::Io(error) => unreadable(name, error),
        other => other,
    }
}

fn unreadable(name: &str, error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => wrong(name, "is cut off"),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            wrong(name, format!("is damaged: {error}"))
        }
        _ => Fault::Io(error),
    }
}

/// What is wrong with the zip file.
fn broken(error: ZipError) -> Fault {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => Fault::Io(error),
        ZipError::FileNotFound => Fault::Wrong("an array of it is missing".into()),
        other => Fault::Wrong(format!("its zip file cannot be read ({other})")),
    }
}
