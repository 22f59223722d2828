//! The types of numbers in files of weights.

use half::{bf16, f16};

/// The type of a tensor's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    F64,
    F32,
    F16,
    Bf16,
    /// No type of weights: so many bytes each, and the name of the type.
    Other(u64, &'static str),
}

impl Number {
    /// That of a storage class of PyTorch.
    pub(super) fn of_class(class: &'static str) -> Self {
        match class {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "LongStorage" => Self::Other(8, "int64"),
            "IntStorage" => Self::Other(4, "int32"),
            "ShortStorage" => Self::Other(2, "int16"),
            "CharStorage" => Self::Other(1, "int8"),
            "ByteStorage" => Self::Other(1, "uint8"),
            _ => Self::Other(1, "bool"),
        }
    }

    /// That of a word of safetensors.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "F64" => Self::F64,
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            "I64" => Self::Other(8, "int64"),
            "U64" => Self::Other(8, "uint64"),
            "I32" => Self::Other(4, "int32"),
            "U32" => Self::Other(4, "uint32"),
            "I16" => Self::Other(2, "int16"),
            "U16" => Self::Other(2, "uint16"),
            "I8" => Self::Other(1, "int8"),
            "U8" => Self::Other(1, "uint8"),
            "BOOL" => Self::Other(1, "bool"),
            _ => return None,
        })
    }

    /// Bytes of a number.
    pub(super) const fn size(self) -> u64 {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Other(size, _) => size,
        }
    }

    /// The function that makes an f32 of its little-endian bytes; the error is the name of a type that is none of weights.
    pub(super) fn reader(self) -> Result<fn(&[u8]) -> f32, &'static str> {
        Ok(match self {
            Self::F64 => {
                |bytes| bytes.first_chunk().map_or(f32::NAN, |bytes| f64::from_le_bytes(*bytes) as f32)
            }
            Self::F32 => |bytes| bytes.first_chunk().map_or(f32::NAN, |bytes| f32::from_le_bytes(*bytes)),
            Self::F16 => {
                |bytes| bytes.first_chunk().map_or(f32::NAN, |bytes| f16::from_le_bytes(*bytes).to_f32())
            }
            Self::Bf16 => {
                |bytes| bytes.first_chunk().map_or(f32::NAN, |bytes| bf16::from_le_bytes(*bytes).to_f32())
            }
            Self::Other(_, name) => return Err(name),
        })
    }
}
