//! What a pickle can hold, as far as images and weights need it.

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
    /// A function or class that may be named.
    Name(Name),
    /// A numpy type: the value that spells it.
    Type(Id),
    /// A numpy array; None until its state has come.
    Array(Option<Array>),
    /// Something that the file keeps elsewhere: the tuple that says where.
    Elsewhere(Id),
    /// A tensor of PyTorch.
    Tensor(Tensor),
}

/// What a pickle is read for, which decides what it may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// CIFAR's images and labels: numpy's functions.
    Image,
    /// The weights of a network: PyTorch's.
    Tensor,
}

impl Subject {
    /// What it calls `name` in `module`, where it may be used.
    pub(super) fn find(self, module: &str, name: &str) -> Option<Name> {
        match self {
            Self::Image => Name::of_numpy(module, name),
            Self::Tensor => Name::of_torch(module, name),
        }
    }

    /// Its word, as in `which no image needs`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Tensor => "tensor",
        }
    }
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
    /// `OrderedDict()`, or of a list of pairs.
    OrderedDict,
    /// `_rebuild_tensor_v2(storage, offset, shape, strides, …)`: a view of a storage.
    RebuildTensor,
    /// `_rebuild_parameter(tensor, …)`: the tensor.
    RebuildParameter,
    /// The class of a storage, as in `FloatStorage`.
    Storage(&'static str),
}

/// A tensor as pickled: values that are checked when someone looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tensor {
    pub(super) storage: Id,
    pub(super) offset: Id,
    pub(super) shape: Id,
    pub(super) strides: Id,
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
