//! Protocol Buffers as they are on the wire: what ONNX files and TensorBoard's events are made of.
//!
//! A message is its fields one after the other, each a key (number and wire type) and a value. Only writing is here,
//! and no schema: who writes a message knows the numbers of its fields.

/// How the value of a field is laid out.
#[derive(Clone, Copy)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
    Fixed32 = 5,
}

/// A message in the making. Fields are written in the order of the calls, those of zero and of no length too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// A message without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is written to a file, or to another message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An unsigned integer, a `bool` or an `enum`.
    pub fn varint(mut self, field: u32, value: u64) -> Self {
        self.key(field, WireType::Varint);
        put_varint(&mut self.bytes, value);
        self
    }

    /// An `int32` or `int64`; a negative one takes ten bytes.
    pub fn int(self, field: u32, value: i64) -> Self {
        self.varint(field, value.cast_unsigned())
    }

    /// A `fixed64`.
    pub fn fixed64(mut self, field: u32, value: u64) -> Self {
        self.key(field, WireType::Fixed64);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// A `double`.
    pub fn double(self, field: u32, value: f64) -> Self {
        self.fixed64(field, value.to_bits())
    }

    /// A `float`.
    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, WireType::Fixed32);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Bytes of any kind.
    pub fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.key(field, WireType::Delimited);
        put_varint(&mut self.bytes, value.len() as u64);
        self.bytes.extend(value);
        self
    }

    /// A text.
    pub fn string(self, field: u32, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// A message inside of this one.
    pub fn message(self, field: u32, value: &Self) -> Self {
        self.bytes(field, &value.bytes)
    }

    /// One message after the other, all of the same field.
    pub fn messages(self, field: u32, values: impl IntoIterator<Item = Self>) -> Self {
        values.into_iter().fold(self, |message, value| message.message(field, &value))
    }

    /// Repeated integers, packed.
    pub fn packed_ints(self, field: u32, values: &[i64]) -> Self {
        let mut packed = Vec::new();
        for value in values {
            put_varint(&mut packed, value.cast_unsigned());
        }
        self.bytes(field, &packed)
    }

    /// Repeated `float`s, packed.
    pub fn packed_floats(self, field: u32, values: &[f32]) -> Self {
        self.bytes(field, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
    }

    fn key(&mut self, field: u32, wire_type: WireType) {
        put_varint(&mut self.bytes, (u64::from(field) << 3) | wire_type as u64);
    }
}

/// Seven bits a byte, the lowest first; all but the last have the highest bit set.
fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: Message) -> Vec<u8> {
        message.into_bytes()
    }

    #[test]
    fn an_integer_takes_a_byte_for_each_seven_bits() {
        // The example of the protocol's own description: 150 in field 1.
        assert_eq!(of(Message::new().varint(1, 150)), [0x08, 0x96, 0x01]);
        assert_eq!(of(Message::new().varint(1, 0)), [0x08, 0x00]);
        assert_eq!(of(Message::new().varint(1, 127)), [0x08, 0x7f]);
        assert_eq!(of(Message::new().varint(1, 128)), [0x08, 0x80, 0x01]);
        let largest = of(Message::new().varint(1, u64::MAX));
        assert_eq!((largest.len(), largest[10]), (11, 0x01));
    }

    #[test]
    fn a_negative_integer_takes_ten_bytes() {
        let mut minus_two = vec![0x08, 0xfe];
        minus_two.extend([0xff; 8]);
        minus_two.push(0x01);
        assert_eq!(of(Message::new().int(1, -2)), minus_two);
        assert_eq!(of(Message::new().int(1, 2)), [0x08, 0x02]);
    }

    #[test]
    fn a_field_beyond_the_fifteenth_has_a_key_of_two_bytes() {
        assert_eq!(of(Message::new().varint(15, 1)), [0x78, 0x01]);
        assert_eq!(of(Message::new().varint(16, 1)), [0x80, 0x01, 0x01]);
    }

    #[test]
    fn numbers_of_a_fixed_size_are_little_endian() {
        assert_eq!(of(Message::new().fixed64(1, 1)), [0x09, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of(Message::new().double(1, 1.0)), [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert_eq!(of(Message::new().float(2, -2.0)), [0x15, 0, 0, 0, 0xc0]);
    }

    #[test]
    fn what_has_a_length_says_it_first() {
        assert_eq!(of(Message::new().string(2, "testing")), *b"\x12\x07testing");
        assert_eq!(of(Message::new().string(2, "é")), [0x12, 2, 0xc3, 0xa9]);
        assert_eq!(of(Message::new().bytes(2, &[])), [0x12, 0]);
        let long = of(Message::new().bytes(2, &[7; 200]));
        assert_eq!(long[..4], [0x12, 0xc8, 0x01, 7]);
    }

    #[test]
    fn a_message_inside_of_another_is_its_bytes_with_their_length() {
        let inner = Message::new().varint(1, 150);
        assert_eq!(of(Message::new().message(3, &inner)), [0x1a, 3, 0x08, 0x96, 0x01]);
        let twice = Message::new().messages(3, [inner, Message::new()]);
        assert_eq!(of(twice), [0x1a, 3, 0x08, 0x96, 0x01, 0x1a, 0]);
    }

    #[test]
    fn packed_numbers_share_one_key() {
        assert_eq!(
            of(Message::new().packed_ints(6, &[3, 270, 86_942])),
            [0x32, 6, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]
        );
        assert_eq!(
            of(Message::new().packed_floats(4, &[1.0, 0.5])),
            [0x22, 8, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x3f]
        );
    }
}
