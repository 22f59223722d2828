//! What a pickle can hold, as far as images need it.

/// The number of a value.
pub(super) type Id = u32;

/// What a pickle can hold here.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// None, False, a float: nothing that is looked at.
    Other,
    True,
    Integer(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// Bytes that Python 3 writes as text, one character each.
    Latin1(Id),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A function or class of numpy that may be named.
    Name(Name),
    /// A numpy type: the value that spells it.
    Type(Id),
    /// A numpy array; None until its state has come.
    Array(Option<Array>),
}

/// A function or class that a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `_reconstruct(ndarray, (0,), b'b')`: an array whose state comes later.
    Reconstruct,
    /// `_frombuffer(bytes, dtype, shape, order)`: an array at once (protocol 5).
    FromBuffer,
    /// The class of arrays, as an argument.
    NdArray,
    /// `dtype('u1', False, True)`.
    DType,
    /// `encode(text, 'latin1')`: bytes, as Python 3 writes them in protocol 2.
    Encode,
}

/// An array as pickled: values that are checked when someone looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array {
    pub(crate) shape: Id,
    pub(crate) dtype: Id,
    pub(crate) order: Order,
    pub(crate) data: Id,
}

/// Which neighbours lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Those of a row.
    C,
    /// Those of a column.
    Fortran,
}
