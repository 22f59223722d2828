//! The part of numpy that a pickled array names: which functions, and what their arguments mean.

use std::borrow::Cow;

use crate::pickle::Pickle;
use crate::pickle::value::{Array, Name, Order, Value};

impl Name {
    /// What `name` in `module` is, where images need it.
    pub(super) fn of_numpy(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Some(Self::Reconstruct),
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Some(Self::FromBuffer),
            ("numpy", "ndarray") => Some(Self::NdArray),
            ("numpy", "dtype") => Some(Self::DType),
            ("_codecs", "encode") => Some(Self::Encode),
            _ => None,
        }
    }
}

impl Pickle<'_> {
    /// The bytes of `array`, row by row, where it is `rows` x `columns` unsigned bytes; the error is a clause that
    /// follows its name. What the file says of its size is compared before anything is done with it.
    pub(crate) fn array(&self, array: &Array, rows: usize, columns: usize) -> Result<Cow<'_, [u8]>, String> {
        let unsigned_bytes = match self.value(array.dtype) {
            Value::Type(spelling) => self.bytes(*spelling).is_some_and(|s| matches!(&*s, b"u1" | b"|u1")),
            _ => false,
        };
        if !unsigned_bytes {
            return Err("does not hold unsigned bytes (u1)".into());
        }
        let not_matrix = || "is not a matrix".to_owned();
        let Value::Tuple(shape) = self.value(array.shape) else {
            return Err(not_matrix());
        };
        let &[height, width] = shape.as_slice() else {
            return Err(not_matrix());
        };
        let extent = |id| match self.value(id) {
            Value::Integer(n) => usize::try_from(*n).ok(),
            _ => None,
        };
        let (height, width) = extent(height).zip(extent(width)).ok_or_else(not_matrix)?;
        if (height, width) != (rows, columns) {
            return Err(format!("is {height} x {width}, not {rows} x {columns}"));
        }
        let bytes = self.bytes(array.data).ok_or("does not hold bytes")?;
        if rows.checked_mul(columns) != Some(bytes.len()) {
            return Err(format!("is {rows} x {columns}, but holds {} bytes", bytes.len()));
        }
        Ok(match array.order {
            Order::C => bytes,
            Order::Fortran => {
                Cow::Owned((0..rows).flat_map(|row| bytes.iter().copied().skip(row).step_by(rows)).collect())
            }
        })
    }
}
