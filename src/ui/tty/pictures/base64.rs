//! Base64, in which protocols for terminals carry bytes.

const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `bytes` in base64, with padding.
pub(super) fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = (at(0) << 16) | (at(1) << 8) | at(2);
        for sign in 0..4 {
            let index = (bits >> (18 - 6 * sign)) & 63;
            text.push(if sign <= three.len() { char::from(SIGNS[index as usize]) } else { '=' });
        }
    }
    text
}

/// The bytes of a text in base64.
#[cfg(test)]
pub(super) fn decoded(text: &str) -> Vec<u8> {
    let values = text.bytes().filter_map(|sign| SIGNS.iter().position(|known| *known == sign));
    let mut bytes = Vec::new();
    for four in values.collect::<Vec<_>>().chunks(4) {
        let bits = four.iter().fold(0, |bits, value| (bits << 6) | *value as u32) << (6 * (4 - four.len()));
        bytes.extend(&bits.to_be_bytes()[1..=four.len() * 6 / 8]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_those_of_the_standard() {
        // RFC 4648, 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!((encoded(bytes.as_bytes()), decoded(text)), (text.to_owned(), bytes.into()));
        }
    }
}
