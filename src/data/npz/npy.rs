//! The header of NumPy's .npy files, versions 1 to 3: type, order and shape of the array behind it.

use std::io::Read;

use crate::data::fault::Fault;

/// The longest header in bytes; NumPy's own are below 200.
const LONGEST: usize = 64 << 10;
/// The most dimensions of an array, as in NumPy.
const MOST_DIMENSIONS: usize = 64;

/// What an array is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// NumPy's word for its type, as in `<u1`.
    pub(crate) descr: String,
    /// Whether the first dimension varies fastest.
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// Bytes before the first value.
    pub(crate) length: u64,
}

impl Header {
    /// Reads the header at the beginning of `from`.
    pub(crate) fn read(from: &mut impl Read) -> Result<Self, Fault> {
        let mut start = [0; 8];
        from.read_exact(&mut start)?;
        if &start[..6] != b"\x93NUMPY" {
            return Err(wrong("it does not begin as a .npy file does"));
        }
        let size = match start[6] {
            1 => 2,
            2 | 3 => 4,
            version => return Err(wrong(format!("its .npy version {version} is unknown"))),
        };
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes[..size])?;
        let length = u32::from_le_bytes(bytes) as usize;
        if length > LONGEST {
            return Err(wrong(format!("its header announces {length} bytes, more than {LONGEST}")));
        }
        let mut text = vec![0; length];
        from.read_exact(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let length = (8 + size + length) as u64;
        Literal(&text).header(length).ok_or_else(|| wrong("its .npy header cannot be read"))
    }

    /// The kind of its type (`u`, `i`, `b`, `U`, …) and the number behind it; none for what has fields.
    pub(crate) fn kind(&self) -> Option<(char, usize)> {
        let word = self.descr.trim_start_matches(['<', '>', '|', '=']);
        let mut chars = word.chars();
        Some((chars.next()?, chars.as_str().parse().ok()?))
    }

    /// Whether values of several bytes begin with the most significant one.
    pub(crate) fn big_endian(&self) -> bool {
        self.descr.starts_with('>')
    }

    /// Bytes of a value, where it is known.
    pub(crate) fn item(&self) -> Option<usize> {
        match self.kind()? {
            ('U', letters) => letters.checked_mul(4),
            (_, bytes) => Some(bytes),
        }
    }

    /// Bytes of header and array.
    pub(crate) fn total(&self) -> Option<u64> {
        let values = self.shape.iter().try_fold(1u64, |all, &n| all.checked_mul(n as u64))?;
        values.checked_mul(self.item()? as u64)?.checked_add(self.length)
    }

    /// The shape for people, as in `12 x 28 x 28`.
    pub(crate) fn shape(&self) -> String {
        self.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
    }
}

/// What is left of the text of a header: a dict of Python with texts, `True` and `False`, and a tuple of whole numbers.
struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    fn header(mut self, length: u64) -> Option<Header> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.sign('{')?;
        while self.sign('}').is_none() {
            let key = self.text()?;
            self.sign(':')?;
            match key {
                // A type with fields is a list.
                "descr" if self.next() == Some('[') => return None,
                "descr" => descr = Some(self.text()?.to_owned()),
                "fortran_order" => fortran = Some(self.switch()?),
                "shape" => shape = Some(self.tuple()?),
                _ => return None,
            }
            if self.sign(',').is_none() && self.next() != Some('}') {
                return None;
            }
        }
        let nothing_more = self.0.trim().is_empty();
        nothing_more.then_some(Header { descr: descr?, fortran: fortran?, shape: shape?, length })
    }

    fn next(&mut self) -> Option<char> {
        self.0 = self.0.trim_start();
        self.0.chars().next()
    }

    fn sign(&mut self, sign: char) -> Option<()> {
        self.next()?;
        self.0 = self.0.strip_prefix(sign)?;
        Some(())
    }

    fn text(&mut self) -> Option<&'a str> {
        let quote = self.next().filter(|quote| ['\'', '"'].contains(quote))?;
        let (text, rest) = self.0[1..].split_once(quote)?;
        self.0 = rest;
        Some(text)
    }

    fn switch(&mut self) -> Option<bool> {
        self.next()?;
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Some(value);
            }
        }
        None
    }

    fn tuple(&mut self) -> Option<Vec<usize>> {
        let mut numbers = Vec::new();
        self.sign('(')?;
        while self.sign(')').is_none() {
            self.next()?;
            let digits = self.0.find(|c: char| !c.is_ascii_digit())?;
            numbers.push(self.0[..digits].parse().ok()?);
            // Python 2 wrote long numbers with a letter.
            self.0 = self.0[digits..].trim_start_matches('L');
            if numbers.len() > MOST_DIMENSIONS || self.sign(',').is_none() && self.next() != Some(')') {
                return None;
            }
        }
        Some(numbers)
    }
}

fn wrong(what: impl Into<String>) -> Fault {
    Fault::Wrong(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: u8, text: &str) -> Result<Header, Fault> {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        let length = (text.len() as u32).to_le_bytes();
        bytes.extend(&length[..if version == 1 { 2 } else { 4 }]);
        bytes.extend(text.as_bytes());
        Header::read(&mut bytes.as_slice())
    }

    #[test]
    fn every_version_says_type_order_and_shape() {
        for version in [1, 2, 3] {
            let header =
                of(version, "{'descr': '<i8', 'fortran_order': False, 'shape': (12, 1), }     \n").unwrap();
            assert_eq!(
                (header.descr.as_str(), header.fortran, &header.shape[..]),
                ("<i8", false, &[12, 1][..])
            );
            assert_eq!((header.kind(), header.item()), (Some(('i', 8)), Some(8)));
            assert_eq!(header.total(), Some(header.length + 96));
        }
        let one = of(1, "{\"shape\": (5L,), 'fortran_order': True, 'descr': '>U3'}").unwrap();
        assert_eq!((one.item(), one.big_endian(), one.fortran), (Some(12), true, true));
        assert_eq!(of(1, "{'shape': (), 'fortran_order': True, 'descr': '|O'}").unwrap().kind(), None);
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for text in [
            "",
            "{",
            "{'descr': '<i8', 'fortran_order': False}",
            "{'descr': '<i8', 'fortran_order': False, 'shape': (12, 1)",
            "{'descr': '<i8', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<i8', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<i8', 'fortran_order': False, 'shape': (1,)} {",
            "{'descr': '<i8' 'fortran_order': False, 'shape': (1,)}",
        ] {
            assert!(of(1, text).is_err(), "{text}");
        }
        assert!(of(4, "{}").is_err());
        let huge = [b"\x93NUMPY\x02\x00".as_slice(), &u32::MAX.to_le_bytes()].concat();
        let Err(Fault::Wrong(told)) = Header::read(&mut huge.as_slice()) else { panic!() };
        assert_eq!(told, "its header announces 4294967295 bytes, more than 65536");
        let overflow = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': ({0}, {0})}}", u64::MAX);
        assert_eq!(of(1, &overflow).unwrap().total(), None);
    }
}
