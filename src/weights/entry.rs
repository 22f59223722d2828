//! A tensor in a file: where its numbers lie, and how.

use crate::weights::number::Number;

/// A tensor whose every number is within its storage, and the storage within the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) number: Number,
    pub(super) shape: Vec<usize>,
    /// Numbers from one to the next, by dimension.
    strides: Vec<usize>,
    /// Offset of its first number in the file.
    at: u64,
}

/// A piece of a file that holds numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage {
    pub(super) number: Number,
    /// Its offset in the file.
    pub(super) at: u64,
    /// How many it holds.
    pub(super) length: u64,
}

impl Entry {
    /// A view of `storage` that begins at its number `offset`; the error is a clause that follows the tensor's name.
    pub(super) fn view(
        storage: Storage,
        offset: u64,
        shape: &[u64],
        strides: &[u64],
    ) -> Result<Self, String> {
        let Storage { number, at, length } = storage;
        let outside = || format!("reaches beyond the {length} numbers of its storage");
        if shape.len() != strides.len() {
            return Err(format!("has {} dimensions and {} strides", shape.len(), strides.len()));
        }
        let count = shape.iter().try_fold(1u64, |count, &n| count.checked_mul(n)).ok_or_else(outside)?;
        let reach =
            |at: u64, (&n, &stride): (&u64, &u64)| at.checked_add(n.saturating_sub(1).checked_mul(stride)?);
        let last = shape.iter().zip(strides).try_fold(offset, reach).ok_or_else(outside)?;
        if count > 0 && last >= length || offset > length {
            return Err(outside());
        }
        let whole = |n: &u64| usize::try_from(*n).map_err(|_| outside());
        Ok(Self {
            number,
            shape: shape.iter().map(whole).collect::<Result<_, _>>()?,
            strides: strides.iter().map(whole).collect::<Result<_, _>>()?,
            at: offset
                .checked_mul(number.size())
                .and_then(|bytes| at.checked_add(bytes))
                .ok_or_else(outside)?,
        })
    }

    /// All of `storage`, row by row.
    pub(super) fn whole(storage: Storage, shape: &[u64]) -> Result<Self, String> {
        let length = storage.length;
        if shape.iter().try_fold(1u64, |count, &n| count.checked_mul(n)) != Some(length) {
            return Err(format!("has the shape {shape:?}, and {length} numbers"));
        }
        let mut strides = vec![1u64; shape.len()];
        for i in (1..shape.len()).rev() {
            strides[i - 1] = strides[i].saturating_mul(shape[i]);
        }
        Self::view(storage, 0, shape, &strides)
    }

    /// Its numbers from the `file` it is in, the last dimension fastest, all of them finite; the error is a clause that
    /// follows its name.
    pub(super) fn numbers(&self, file: &[u8]) -> Result<Vec<f32>, String> {
        let read =
            self.number.reader().map_err(|name| format!("is of the type {name}, which no weights have"))?;
        let size = self.number.size() as usize;
        let count = self.shape.iter().product();
        let bytes = usize::try_from(self.at).ok().and_then(|at| file.get(at..)).unwrap_or_default();
        let mut numbers: Vec<f32> = Vec::new();
        numbers
            .try_reserve_exact(count)
            .map_err(|_| format!("has {count} numbers, more than there is memory for"))?;
        let mut place = vec![0; self.shape.len()];
        while numbers.len() < count {
            let at: usize = place.iter().zip(&self.strides).map(|(i, stride)| i * stride).sum();
            let number = bytes.get(at * size..(at + 1) * size).map_or(f32::NAN, read);
            if !number.is_finite() {
                return Err(format!("has a number that is not finite, at {place:?}"));
            }
            numbers.push(number);
            for (i, n) in place.iter_mut().zip(&self.shape).rev() {
                *i += 1;
                if *i < *n {
                    break;
                }
                *i = 0;
            }
        }
        Ok(numbers)
    }
}
