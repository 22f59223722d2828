//! The bytes of an exported file: safetensors with the tensors that PyTorch's `load_state_dict` wants, and metadata.
//!
//! Its first metadata key is ours and begins with a hash over every byte but itself, as a checkpoint's; the others are
//! for other programs. The header is written here, because the order of its keys must not vary.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::store::checkpoint::format::{COUNTER, Kind, LENGTH_BYTES, seal, worded};
use crate::store::checkpoint::numbers::check_array;
use crate::store::checkpoint::{Array, Meta};

/// An exported file.
pub(super) const EXPORTED: Kind = Kind {
    key: "densenet_tui_model",
    opening: br#"{"__metadata__":{"densenet_tui_model":"{\"sha256\":\""#,
    beside: |name| name.ends_with(COUNTER),
};

/// Tensors begin at a multiple of this.
const ALIGNMENT: usize = 8;
/// A running mean, beside which PyTorch counts its training steps.
const MEAN: &str = ".running_mean";

/// The file's bytes, or the clause that says why this network must not be written.
pub(super) fn encode(
    meta: &Meta,
    tensors: &BTreeMap<String, Array>,
    more: &BTreeMap<String, String>,
) -> Result<Vec<u8>, String> {
    for (name, array) in tensors {
        check_array(name, array)?;
    }
    let mut header = Vec::from(br#"{"__metadata__":{"#);
    let text = worded(meta)?;
    let others = more.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    for (n, (key, value)) in
        [(EXPORTED.key, text.as_str()), ("format", "pt")].into_iter().chain(others).enumerate()
    {
        let comma = if n == 0 { "" } else { "," };
        header.extend(format!("{comma}{}:{}", json!(key), json!(value)).bytes());
    }
    header.push(b'}');
    let (mut at, mut data) = (0, Vec::new());
    let mut place = |name: &str, kind: &str, shape: &[usize], bytes: &mut dyn Iterator<Item = u8>| {
        data.extend(bytes);
        let entry: Value = json!({ "dtype": kind, "shape": shape, "data_offsets": [at, data.len()] });
        header.extend(format!(",{}:{entry}", json!(name)).bytes());
        at = data.len();
    };
    // The wider numbers first, so that all of them are aligned.
    let steps = i64::try_from(meta.progress.step).unwrap_or(i64::MAX);
    for norm in tensors.keys().filter_map(|name| name.strip_suffix(MEAN)) {
        place(&format!("{norm}{COUNTER}"), "I64", &[], &mut steps.to_le_bytes().into_iter());
    }
    for (name, array) in tensors {
        let mut bytes = array.data.iter().flat_map(|number| number.to_le_bytes());
        place(name, "F32", &array.shape, &mut bytes);
    }
    header.push(b'}');
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    debug_assert_eq!(bytes.len() as u64, LENGTH_BYTES);
    bytes.append(&mut header);
    bytes.append(&mut data);
    seal(&mut bytes, &EXPORTED)?;
    Ok(bytes)
}
