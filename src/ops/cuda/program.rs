//! Work for a GPU as plain data: buffers, and kernels with their arguments, in order. Nothing here runs.

use std::sync::Arc;

/// A buffer of the GPU, declared in [`Buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct BufferId(pub(super) usize);

impl BufferId {
    /// The place `offset` bytes from its beginning.
    pub(super) fn at(self, offset: usize) -> Address {
        Address { buffer: self, offset }
    }
}

/// The buffers of a network: known before any is taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Vec<(&'static str, usize)>);

impl Buffers {
    /// A buffer of `bytes` bytes (0 where it is never touched), which begins at a multiple of 256 and is all zeros at first.
    pub(super) fn declare(&mut self, name: &'static str, bytes: usize) -> BufferId {
        self.0.push((name, bytes));
        BufferId(self.0.len() - 1)
    }

    /// Name and bytes of each, in the order of their numbers.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, usize)> {
        self.0.iter().copied()
    }

    pub(super) fn bytes(&self, buffer: BufferId) -> usize {
        self.0[buffer.0].1
    }

    /// Bytes of all.
    pub(super) fn total(&self) -> usize {
        self.0.iter().map(|(_, bytes)| bytes.next_multiple_of(256)).sum()
    }
}

/// A place in a buffer, `offset` bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) buffer: BufferId,
    pub(super) offset: usize,
}

impl Address {
    /// The place `bytes` further on.
    pub(super) fn plus(self, bytes: usize) -> Self {
        Self { offset: self.offset + bytes, ..self }
    }
}

/// An argument of a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Arg {
    At(Address),
    /// A null pointer.
    Nowhere,
    Int(i32),
    Float(f32),
}

/// One kernel over its grid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Launch {
    /// The function as C++ names it, with its template's arguments: `pointwise<2, 4, 48>`.
    pub(super) kernel: String,
    /// The struct that it takes by reference.
    pub(super) takes: &'static str,
    /// The fields of that struct by name.
    pub(super) args: Vec<(&'static str, Arg)>,
    pub(super) grid: [u32; 3],
    /// Threads of a block.
    pub(super) block: u32,
    /// Bytes of shared memory of a block.
    pub(super) shared: usize,
    /// Where it stands in order.
    pub(super) lane: Lane,
    /// Numbers in its program of earlier launches of the other lane that must be done before it.
    pub(super) after: Vec<usize>,
    /// What it must do at least.
    pub(super) work: Work,
}

/// What must be done at least, however it is done: every number read and written once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Work {
    /// A multiply-add of a product counts as 2; nothing else counts.
    pub(super) operations: f64,
    pub(super) bytes: f64,
}

impl Work {
    pub(super) fn new(operations: usize, bytes: usize) -> Self {
        Self { operations: operations as f64, bytes: bytes as f64 }
    }

    /// That of memory alone.
    pub(super) fn moving(bytes: usize) -> Self {
        Self::new(0, bytes)
    }
}

/// Launches of one lane run in their order; those of the two lanes may overlap, but for `after`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lane {
    /// What the next thing waits for.
    #[default]
    Main,
    /// What nothing waits for until the end: gradients of weights.
    Side,
}

/// Launches, and their order. The next program begins when both lanes are done.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    /// Unique among the programs of a network.
    pub(super) name: String,
    pub(super) launches: Arc<Vec<Launch>>,
}

impl Program {
    pub(super) fn new(name: String, launches: Vec<Launch>) -> Self {
        Self { name, launches: Arc::new(launches) }
    }
}

impl PartialEq for Program {
    /// Asked before every run: a copy is known without a look at its launches.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && (Arc::ptr_eq(&self.launches, &other.launches) || self.launches == other.launches)
    }
}
