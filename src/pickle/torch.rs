//! The part of PyTorch that pickled weights name: which functions and classes, and what their arguments mean.

use std::collections::BTreeMap;

use crate::pickle::value::{Id, Name, Value};
use crate::pickle::{LONGEST_TEXT, Pickle};

/// The classes of storages.
const STORAGES: &[&str] = &[
    "FloatStorage",
    "HalfStorage",
    "BFloat16Storage",
    "DoubleStorage",
    "LongStorage",
    "IntStorage",
    "ShortStorage",
    "CharStorage",
    "ByteStorage",
    "BoolStorage",
];
/// Keys under which a dict of tensors may lie in another, the likeliest first.
const NESTED: &[&str] = &["state_dict", "model_state_dict", "model", "net", "network", "weights"];
/// More than any DenseNet has.
const MOST_TENSORS: usize = 200_000;
/// More dimensions than a tensor of weights has.
const MOST_DIMENSIONS: usize = 8;

const NO_STORAGE: &str = "has a storage that is none of PyTorch's";

/// A tensor: a view of numbers that the file keeps elsewhere. Nothing in it has been compared with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tensor {
    /// The name of its storage in the file.
    pub(crate) storage: String,
    /// The class of its storage, as in `FloatStorage`.
    pub(crate) class: &'static str,
    /// Numbers in its storage.
    pub(crate) length: u64,
    /// The place of its first number in the storage.
    pub(crate) offset: u64,
    pub(crate) shape: Vec<u64>,
    /// Numbers from one to the next, by dimension.
    pub(crate) strides: Vec<u64>,
}

impl Name {
    /// What `name` in `module` is, where tensors need it.
    pub(super) fn of_torch(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("collections", "OrderedDict") => Some(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => Some(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Some(Self::RebuildParameter),
            ("torch", class) => {
                STORAGES.iter().find(|known| **known == class).map(|known| Self::Storage(known))
            }
            _ => None,
        }
    }
}

impl Pickle<'_> {
    /// The tensors of the dict that the pickle is, or has under one of the usual keys, with their names in its order.
    pub(crate) fn tensors(&self) -> Result<Vec<(String, Tensor)>, String> {
        let root = self.dict(self.root).ok_or("it is no dict of tensors")?;
        let is_tensor = |id: Id| matches!(self.value(id), Value::Tensor(_));
        let has_tensors = |dict: &&[(Id, Id)]| dict.iter().any(|&(_, id)| is_tensor(id));
        let under = |key: &&str| root.iter().find(|(id, _)| self.spells(*id, key)).map(|&(_, id)| id);
        let nested = || NESTED.iter().filter_map(under).filter_map(|id| self.dict(id));
        // A dict that holds the weights under a key may have tensors of its own, as the best accuracy.
        let dict = nested().chain([root]).find(has_tensors);
        let dict = dict.ok_or_else(|| {
            let keys = NESTED.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            format!("it has no tensors, neither itself nor under {keys}")
        })?;
        let entries = dict.iter().filter(|(_, id)| is_tensor(*id));
        if entries.clone().count() > MOST_TENSORS {
            return Err(format!("it has more than {MOST_TENSORS} tensors"));
        }
        entries
            .map(|&(name, id)| {
                let name = self.name(name).ok_or("the name of a tensor is no text, or too long a one")?;
                let tensor = self.tensor(id).map_err(|what| format!("its tensor `{name}` {what}"))?;
                Ok((name, tensor))
            })
            .collect()
    }

    /// The class of every storage that the pickle names, by its name in the file.
    pub(crate) fn storages(&self) -> BTreeMap<String, &'static str> {
        let places = self.values.iter().filter_map(|value| match value {
            Value::Elsewhere(place) => Some(*place),
            _ => None,
        });
        places.filter_map(|place| self.storage(place).map(|(key, class, _)| (key, class))).collect()
    }

    /// The texts of the list that the pickle is.
    pub(crate) fn names(&self) -> Result<Vec<String>, String> {
        let not_texts = || "its list of storages is not one of texts".to_owned();
        let Value::List(items) = self.value(self.root) else { return Err(not_texts()) };
        if items.len() > MOST_TENSORS {
            return Err(format!("it has more than {MOST_TENSORS} storages"));
        }
        items.iter().map(|&id| self.name(id).ok_or_else(not_texts)).collect()
    }

    /// Whether the pickle is this number.
    pub(crate) fn is_number(&self, number: i64) -> bool {
        matches!(self.value(self.root), Value::Integer(n) if *n == number)
    }

    /// Whether the dict that the pickle is has True under `key`.
    pub(crate) fn says(&self, key: &str) -> bool {
        matches!(self.entry(key), Ok(Value::True))
    }

    fn dict(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.value(id) {
            Value::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    fn name(&self, id: Id) -> Option<String> {
        let bytes = self.bytes(id).filter(|text| text.len() <= LONGEST_TEXT)?;
        String::from_utf8(bytes.into_owned()).ok()
    }

    /// A tensor; the error is a clause that follows its name.
    fn tensor(&self, id: Id) -> Result<Tensor, &'static str> {
        let Value::Tensor(tensor) = self.value(id) else { return Err("is none") };
        let Value::Elsewhere(place) = self.value(tensor.storage) else { return Err(NO_STORAGE) };
        if let Value::Tuple(place) = self.value(*place)
            && let Some(part) = place.get(5)
            && !matches!(self.value(*part), Value::Other)
        {
            return Err("is a part of another storage, which is not read");
        }
        let (storage, class, length) = self.storage(*place).ok_or(NO_STORAGE)?;
        Ok(Tensor {
            storage,
            class,
            length,
            offset: self.count(tensor.offset).ok_or("begins at no number")?,
            shape: self.counts(tensor.shape).ok_or("has no shape")?,
            strides: self.counts(tensor.strides).ok_or("has no strides")?,
        })
    }

    /// Name, class and length of a storage: of `("storage", class, name, device, length)`, to which the old format may
    /// add of which other it is a part.
    fn storage(&self, place: Id) -> Option<(String, &'static str, u64)> {
        let Value::Tuple(place) = self.value(place) else { return None };
        let &[kind, class, key, _device, length, ..] = place.as_slice() else { return None };
        match self.value(class) {
            Value::Name(Name::Storage(class)) if self.spells(kind, "storage") => {
                Some((self.name(key)?, class, self.count(length)?))
            }
            _ => None,
        }
    }

    fn count(&self, id: Id) -> Option<u64> {
        match self.value(id) {
            Value::Integer(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    fn counts(&self, id: Id) -> Option<Vec<u64>> {
        match self.value(id) {
            Value::Tuple(items) if items.len() <= MOST_DIMENSIONS => {
                items.iter().map(|&id| self.count(id)).collect()
            }
            _ => None,
        }
    }
}
