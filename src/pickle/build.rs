//! Pickles for tests, written by hand as the Pythons of this world write them.

/// Who writes, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Python 2, protocol 2: how CIFAR was published.
    Python2,
    /// Python 3, protocol 2: bytes as text for `_codecs.encode`.
    Encoded,
    /// Python 3, protocol 4: a frame, short texts, an implicit memo.
    Framed,
    /// Python 3, protocol 5: the array from a buffer.
    Buffered,
}

pub(crate) const STYLES: [Style; 4] = [Style::Python2, Style::Encoded, Style::Framed, Style::Buffered];

/// A pickle in the making.
pub(crate) struct Builder {
    style: Style,
    bytes: Vec<u8>,
    kept: u8,
}

/// A CIFAR batch: `rows` rows of `pixels` under `data`, `labels` under `key`.
pub(crate) fn batch(style: Style, key: &str, rows: usize, pixels: &[u8], labels: &[u8]) -> Vec<u8> {
    let mut b = Builder::new(style);
    b.raw(b"}").keep().raw(b"(");
    b.word("data").array(rows, pixels);
    b.word(key).raw(b"]").keep().raw(b"(");
    for &label in labels {
        b.raw(&[b'K', label]);
    }
    b.raw(b"e").word("batch_label").word("training batch 1 of 5");
    b.raw(b"u.");
    b.bytes
}

/// A file of class names under `key`.
pub(crate) fn names(style: Style, key: &str, names: &[&str]) -> Vec<u8> {
    let mut b = Builder::new(style);
    b.raw(b"}").keep().word(key).raw(b"]").keep().raw(b"(");
    for name in names {
        b.word(name);
    }
    b.raw(b"es.");
    b.bytes
}

impl Builder {
    pub(crate) fn new(style: Style) -> Self {
        let start: &[u8] = match style {
            Style::Python2 | Style::Encoded => &[0x80, 2],
            Style::Framed => &[0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0],
            Style::Buffered => &[0x80, 5, 0x95, 0, 0, 0, 0, 0, 0, 0, 0],
        };
        Self { style, bytes: start.to_vec(), kept: 0 }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Puts the top of the stack in the memo.
    fn keep(&mut self) -> &mut Self {
        match self.style {
            Style::Python2 | Style::Encoded => self.raw(&[b'q', self.kept]),
            Style::Framed | Style::Buffered => self.raw(&[0x94]),
        };
        self.kept = self.kept.wrapping_add(1);
        self
    }

    fn counted(&mut self, operation: u8, bytes: &[u8]) -> &mut Self {
        let count = (bytes.len() as u32).to_le_bytes();
        self.raw(&[operation]).raw(&count).raw(bytes)
    }

    /// A short text, or what the style has for one.
    fn word(&mut self, word: &str) -> &mut Self {
        let short = [word.len() as u8];
        match self.style {
            Style::Python2 => self.raw(b"U").raw(&short).raw(word.as_bytes()).keep(),
            Style::Encoded => self.byte_string(word.as_bytes()),
            Style::Framed | Style::Buffered => self.raw(&[0x8c]).raw(&short).raw(word.as_bytes()).keep(),
        }
    }

    fn byte_string(&mut self, bytes: &[u8]) -> &mut Self {
        match self.style {
            Style::Python2 => self.counted(b'T', bytes),
            Style::Encoded => {
                let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
                self.name("_codecs", "encode").counted(b'X', text.as_bytes());
                self.counted(b'X', b"latin1").raw(&[0x86]).raw(b"R")
            }
            Style::Framed => self.counted(b'B', bytes),
            Style::Buffered => {
                let count = (bytes.len() as u64).to_le_bytes();
                self.raw(&[0x96]).raw(&count).raw(bytes)
            }
        }
    }

    fn name(&mut self, module: &str, name: &str) -> &mut Self {
        match self.style {
            Style::Python2 | Style::Encoded => {
                self.raw(b"c").raw(module.as_bytes()).raw(b"\n");
                self.raw(name.as_bytes()).raw(b"\n").keep()
            }
            Style::Framed | Style::Buffered => self.word(module).word(name).raw(&[0x93]).keep(),
        }
    }

    fn dtype(&mut self) -> &mut Self {
        let flags: &[u8] = match self.style {
            Style::Python2 => b"K\x00K\x01",
            _ => b"\x89\x88",
        };
        self.name("numpy", "dtype").word("u1").raw(flags);
        self.raw(b"\x87R").keep().raw(b"(K\x03").word("|");
        self.raw(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb")
    }

    fn array(&mut self, rows: usize, bytes: &[u8]) -> &mut Self {
        let columns = bytes.len() / rows;
        let mut shape = vec![b'M'];
        shape.extend_from_slice(&(rows as u16).to_le_bytes());
        shape.push(b'J');
        shape.extend_from_slice(&(columns as i32).to_le_bytes());
        shape.push(0x86);
        if self.style == Style::Buffered {
            self.name("numpy._core.numeric", "_frombuffer").raw(b"(");
            return self.byte_string(bytes).dtype().raw(&shape).word("C").raw(b"tR").keep();
        }
        self.name("numpy.core.multiarray", "_reconstruct")
            .name("numpy", "ndarray")
            .raw(b"K\x00\x85")
            .byte_string(b"b")
            .raw(b"\x87R")
            .keep()
            .raw(b"(K\x01")
            .raw(&shape)
            .dtype()
            .raw(b"\x89")
            .byte_string(bytes)
            .raw(b"tb")
    }
}
