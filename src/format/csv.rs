//! Fields of a CSV file (RFC 4180).

use std::borrow::Cow;

/// `text` as a field: in quotation marks where it needs them.
pub(crate) fn field(text: &str) -> Cow<'_, str> {
    if text.contains(['"', ',', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_field_is_quoted() {
        let fields = ["a b", "a,b", "a \"b\"", "a\nb"].map(|text| field(text).into_owned());
        assert_eq!(fields, ["a b", "\"a,b\"", "\"a \"\"b\"\"\"", "\"a\nb\""]);
    }
}
