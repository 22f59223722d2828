//! A reader for the pickles of CIFAR's python layout and of PyTorch's weights: it builds plain values and
//! executes nothing.
//!
//! A pickle is a program; this room knows the few operations that dicts of bytes, lists, numpy arrays and
//! tensors need, and refuses every other function by name. Values lie in one list and refer to each
//! other by number: nothing recurses, nothing is copied, and a file makes no more values than it has
//! operations.

mod machine;
mod numpy;
mod program;
mod torch;
mod value;

#[cfg(test)]
pub(crate) mod build;

use std::borrow::Cow;

use crate::pickle::machine::Machine;
use crate::pickle::program::Fault;
use crate::pickle::value::{Id, Subject, Value};

/// Longest text that is taken for a name, in bytes: a file may list one long text many times.
const LONGEST_TEXT: usize = 256;

/// A pickle, read.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads a whole pickle of images; the error is a clause about where and why that failed.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        Self::begin(bytes, Subject::Image).map(|(pickle, _)| pickle)
    }

    /// Reads the pickle of tensors that `bytes` begin with, and its length; the error is a clause as of [`Self::read`].
    pub(crate) fn of_tensors(bytes: &'a [u8]) -> Result<(Self, usize), String> {
        Self::begin(bytes, Subject::Tensor)
    }

    fn begin(bytes: &'a [u8], subject: Subject) -> Result<(Self, usize), String> {
        let mut machine = Machine::new(bytes, subject);
        let root = machine.run().map_err(|fault| match fault {
            Fault::Refused(name) => {
                let subject = subject.word();
                format!("unpickling it would run `{name}`, which no {subject} needs: refused")
            }
            Fault::Broken(what) => format!("its pickle breaks at byte {}: {what}", machine.at()),
        })?;
        let end = machine.end();
        Ok((Self { values: machine.values(), root }, end))
    }

    /// The integers in the list under `key`.
    pub(crate) fn integers(&self, key: &str) -> Result<Vec<i64>, String> {
        let not_integers = || format!("its `{key}` is not a list of integers");
        let (Value::List(items) | Value::Tuple(items)) = self.entry(key)? else {
            return Err(not_integers());
        };
        items
            .iter()
            .map(|&id| match self.value(id) {
                Value::Integer(n) => Ok(*n),
                _ => Err(not_integers()),
            })
            .collect()
    }

    /// The `n` texts in the list under `key`.
    pub(crate) fn texts(&self, key: &str, n: usize) -> Result<Vec<String>, String> {
        let not_texts = || format!("its `{key}` is not a list of {n} texts");
        match self.entry(key)? {
            Value::List(items) if items.len() == n => items
                .iter()
                .map(|&id| {
                    let bytes =
                        self.bytes(id).filter(|text| text.len() <= LONGEST_TEXT).ok_or_else(not_texts)?;
                    Ok(String::from_utf8_lossy(&bytes).into_owned())
                })
                .collect(),
            _ => Err(not_texts()),
        }
    }

    /// The bytes, row by row, of the `rows` x `columns` matrix under `key`.
    pub(crate) fn matrix(&self, key: &str, rows: usize, columns: usize) -> Result<Cow<'_, [u8]>, String> {
        let Value::Array(Some(array)) = self.entry(key)? else {
            return Err(format!("its `{key}` is not a numpy array"));
        };
        self.array(array, rows, columns).map_err(|why| format!("its `{key}` {why}"))
    }

    /// The value under `key` in the dict that the pickle is.
    fn entry(&self, key: &str) -> Result<&Value<'a>, String> {
        let Value::Dict(entries) = self.value(self.root) else {
            return Err("it is not a dict".into());
        };
        let found = entries.iter().rev().find(|&&(id, _)| self.spells(id, key));
        match found {
            Some(&(_, id)) => Ok(self.value(id)),
            None => Err(format!("it has no `{key}`")),
        }
    }

    fn value(&self, id: Id) -> &Value<'a> {
        self.values.get(id as usize).unwrap_or(&Value::Other)
    }

    /// Whether a bytes or text value is `word` (of ASCII); without copying what a file may repeat.
    fn spells(&self, id: Id, word: &str) -> bool {
        match self.value(id) {
            Value::Bytes(bytes) => *bytes == word.as_bytes(),
            Value::Text(text) => *text == word,
            Value::Latin1(text) => matches!(self.value(*text), Value::Text(text) if *text == word),
            _ => false,
        }
    }

    /// The bytes of a bytes or text value.
    fn bytes(&self, id: Id) -> Option<Cow<'a, [u8]>> {
        match self.value(id) {
            Value::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            Value::Text(text) => Some(Cow::Borrowed(text.as_bytes())),
            Value::Latin1(text) => match self.value(*text) {
                Value::Text(text) => text
                    .chars()
                    .map(|c| u8::try_from(u32::from(c)).ok())
                    .collect::<Option<Vec<u8>>>()
                    .map(Cow::Owned),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
