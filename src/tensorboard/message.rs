//! TensorBoard's messages: an event, and what it can hold.
//!
//! The numbers are those of `event.proto`, `summary.proto`, `tensor.proto` and the plugins' own files.

use crate::wire::Message;

/// The version that an event file begins with.
const VERSION: &str = "brain.Event:2";
/// `SessionLog.START`: the steps from here on are told anew.
const START: u64 = 1;
/// `DT_FLOAT` and `DT_STRING`.
const FLOATS: u64 = 1;
const STRINGS: u64 = 7;
/// `DATA_CLASS_TENSOR`.
const TENSOR: u64 = 2;

/// An event with nothing in it yet.
fn event(time: f64, step: u64) -> Message {
    Message::new().double(1, time).varint(2, step)
}

/// What a file begins with.
pub(super) fn version(time: f64) -> Message {
    event(time, 0).string(3, VERSION)
}

/// What was told before of steps from `step` on no longer counts.
pub(super) fn restart(time: f64, step: u64) -> Message {
    event(time, step).message(7, &Message::new().varint(1, START))
}

/// Figures of one step, each with its tag.
pub(super) fn scalars<'a>(time: f64, step: u64, values: impl IntoIterator<Item = (&'a str, f64)>) -> Message {
    let value = |(tag, value): (&str, f64)| Message::new().string(1, tag).float(2, value as f32);
    event(time, step).message(5, &Message::new().messages(1, values.into_iter().map(value)))
}

/// A text, which is read as Markdown.
pub(super) fn text(time: f64, step: u64, tag: &str, text: &str) -> Message {
    let one = Message::new().message(2, &Message::new().varint(1, 1));
    let tensor = Message::new().varint(1, STRINGS).message(2, &one).string(8, text);
    summary(time, step, tag, &plugin("text", &[]), &tensor)
}

/// What a plugin finds in the metadata of `tag`.
pub(super) fn metadata(time: f64, tag: &str, name: &str, content: &[u8]) -> Message {
    let none = Message::new().message(2, &Message::new().varint(1, 0));
    let tensor = Message::new().varint(1, FLOATS).message(2, &none);
    summary(time, 0, tag, &plugin(name, content), &tensor)
}

fn plugin(name: &str, content: &[u8]) -> Message {
    let data = Message::new().string(1, name).bytes(2, content);
    Message::new().message(1, &data).varint(4, TENSOR)
}

fn summary(time: f64, step: u64, tag: &str, metadata: &Message, tensor: &Message) -> Message {
    let value = Message::new().string(1, tag).message(9, metadata).message(8, tensor);
    event(time, step).message(5, &Message::new().message(1, &value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_one_step_are_one_event() {
        let bytes = scalars(1.0, 3, [("a", 0.5), ("bc", -2.0)]).into_bytes();
        let mut expected = vec![0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 3];
        expected.extend([0x2a, 21, 0x0a, 8, 0x0a, 1, b'a', 0x15, 0, 0, 0, 0x3f]);
        expected.extend([0x0a, 9, 0x0a, 2, b'b', b'c', 0x15, 0, 0, 0, 0xc0]);
        assert_eq!(bytes, expected);
    }
}
