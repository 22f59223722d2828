//! What a terminal sends, as keys: xterm's sequences, which every terminal of today speaks.

use std::mem::take;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// The longest sequence that is waited for; replies and pastes have no such limit.
const LONGEST: usize = 64;
/// The longest paste that is taken.
const LONGEST_PASTE: usize = 1 << 20;
const PASTE_END: &[u8] = b"\x1b[201~";

/// Something a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
}

/// Bytes that have come and mean nothing yet.
#[derive(Debug, Default)]
pub(super) struct Keyboard {
    bytes: Vec<u8>,
    /// What was pasted so far.
    paste: Option<Vec<u8>>,
}

/// What the first bytes are.
#[derive(Debug, PartialEq, Eq)]
enum First {
    /// The beginning of something.
    Unfinished,
    /// So many bytes that say this, or nothing of interest.
    Done(usize, Option<Input>),
    /// So many bytes, after which a paste follows.
    Paste(usize),
}

impl Keyboard {
    /// Takes bytes in.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Input> {
        self.bytes.extend_from_slice(bytes);
        let mut inputs = Vec::new();
        loop {
            if self.paste.is_some() {
                match self.pasted() {
                    Some(input) => inputs.push(input),
                    None => return inputs,
                }
                continue;
            }
            match first(&self.bytes) {
                First::Unfinished => return inputs,
                First::Done(count, input) => {
                    self.bytes.drain(..count);
                    inputs.extend(input);
                }
                First::Paste(count) => {
                    self.bytes.drain(..count);
                    self.paste = Some(Vec::new());
                }
            }
        }
    }

    /// Whether the next bytes may belong to a key that has begun.
    pub(super) fn is_waiting(&self) -> bool {
        self.paste.is_none() && !self.bytes.is_empty()
    }

    /// Nothing more has come: an escape is the key, an escape and a sign are that sign with Alt.
    pub(super) fn give_up(&mut self) -> Vec<Input> {
        match take(&mut self.bytes)[..] {
            [0x1b] => vec![key(KeyCode::Esc)],
            [0x1b, sign] => plain(sign).map(alt).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Gathers what is pasted; the whole of it once its end has come.
    fn pasted(&mut self) -> Option<Input> {
        let end = self.bytes.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        let paste = self.paste.get_or_insert_default();
        // The end may have come in part.
        let count = end.unwrap_or(self.bytes.len().saturating_sub(PASTE_END.len() - 1));
        paste.extend(self.bytes.drain(..count).take(LONGEST_PASTE.saturating_sub(paste.len())));
        end?;
        self.bytes.drain(..PASTE_END.len());
        let text = String::from_utf8_lossy(&self.paste.take()?).into_owned();
        Some(Input::Paste(text))
    }
}

fn key(code: KeyCode) -> Input {
    Input::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn alt(input: Input) -> Input {
    match input {
        Input::Key(key) => Input::Key(KeyEvent { modifiers: key.modifiers | KeyModifiers::ALT, ..key }),
        other => other,
    }
}

fn first(bytes: &[u8]) -> First {
    match bytes {
        [] | [0x1b] | [0x1b, b'O'] => First::Unfinished,
        [0x1b, b'[', rest @ ..] => sequence(rest),
        [0x1b, b'O', letter, ..] => First::Done(3, lettered(*letter, KeyModifiers::NONE)),
        // Replies of the terminal, up to BEL or ST.
        [0x1b, b']' | b'P' | b'_' | b'^', rest @ ..] => reply(rest),
        // A fast Esc Esc is twice Esc.
        [0x1b, 0x1b, ..] => First::Done(1, Some(key(KeyCode::Esc))),
        [0x1b, rest @ ..] => match sign(rest) {
            First::Done(count, input) => First::Done(count + 1, input.map(alt)),
            other => other,
        },
        _ => sign(bytes),
    }
}

/// One sign of text, or a key with Ctrl.
fn sign(bytes: &[u8]) -> First {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        byte => return First::Done(1, plain(byte)),
    };
    let there = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(there) {
        Ok(text) => First::Done(length, text.chars().next().map(|c| typed(c, KeyModifiers::NONE))),
        Err(error) if error.error_len().is_none() => First::Unfinished,
        Err(_) => First::Done(1, None),
    }
}

/// What one byte means.
fn plain(byte: u8) -> Option<Input> {
    Some(match byte {
        b'\r' => key(KeyCode::Enter),
        b'\t' => key(KeyCode::Tab),
        0x7f => key(KeyCode::Backspace),
        0x1b => key(KeyCode::Esc),
        0 => typed(' ', KeyModifiers::CONTROL),
        0x01..=0x1a => typed(char::from(byte - 1 + b'a'), KeyModifiers::CONTROL),
        0x1c..=0x1f => typed(char::from(byte - 0x1c + b'4'), KeyModifiers::CONTROL),
        b' '..=b'~' => typed(char::from(byte), KeyModifiers::NONE),
        _ => return None,
    })
}

fn typed(c: char, modifiers: KeyModifiers) -> Input {
    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    Input::Key(KeyEvent::new(KeyCode::Char(c), modifiers | shift))
}

/// What follows `ESC [`.
fn sequence(rest: &[u8]) -> First {
    const LEAD: usize = 2;
    match rest {
        // The Linux console's F1 to F5.
        [b'[', letter @ b'A'..=b'E', ..] => {
            return First::Done(LEAD + 2, Some(key(KeyCode::F(letter - b'A' + 1))));
        }
        // The mouse of a terminal that knows only the oldest way to tell.
        [b'M', button, column, row, ..] => {
            let place = [*button, *column, *row].map(|byte| u16::from(byte.saturating_sub(32)));
            return First::Done(LEAD + 4, mouse(place, place[0] & 3 == 3));
        }
        [b'['] | [b'M', ..] => return First::Unfinished,
        _ => {}
    }
    let Some(end) = rest.iter().position(|byte| !(0x20..=0x3f).contains(byte)) else {
        return if rest.len() < LONGEST { First::Unfinished } else { First::Done(LEAD + rest.len(), None) };
    };
    let (count, letter) = (LEAD + end + 1, rest[end]);
    if letter == 0x1b {
        // It was cut off; this is the next one.
        return First::Done(count - 1, None);
    }
    let text = std::str::from_utf8(&rest[..end]).unwrap_or_default();
    if let Some(place) = text.strip_prefix('<') {
        let place = numbers(place);
        let input = match (place[..].try_into(), letter) {
            (Ok(place), b'M') => mouse(place, false),
            (Ok(place), b'm') => mouse(place, true),
            _ => None,
        };
        return First::Done(count, input);
    }
    let numbers = numbers(text);
    let held = modifiers(numbers.get(1).copied().unwrap_or(1));
    if letter != b'~' {
        return First::Done(count, lettered(letter, held));
    }
    let code = match numbers.first() {
        Some(200) => return First::Paste(count),
        Some(1 | 7) => KeyCode::Home,
        Some(2) => KeyCode::Insert,
        Some(3) => KeyCode::Delete,
        Some(4 | 8) => KeyCode::End,
        Some(5) => KeyCode::PageUp,
        Some(6) => KeyCode::PageDown,
        Some(n @ 11..=15) => KeyCode::F((n - 10) as u8),
        Some(n @ 17..=21) => KeyCode::F((n - 11) as u8),
        Some(n @ 23..=24) => KeyCode::F((n - 12) as u8),
        _ => return First::Done(count, None),
    };
    First::Done(count, Some(Input::Key(KeyEvent::new(code, held))))
}

/// A reply of the terminal, which nobody asked for.
fn reply(rest: &[u8]) -> First {
    const LEAD: usize = 2;
    match rest.iter().position(|byte| matches!(byte, 0x07 | 0x1b)) {
        Some(end) if rest[end] == 0x07 => First::Done(LEAD + end + 1, None),
        Some(end) if rest.get(end + 1) == Some(&b'\\') => First::Done(LEAD + end + 2, None),
        Some(end) if end + 1 < rest.len() => First::Done(LEAD + end, None),
        _ => First::Unfinished,
    }
}

/// The numbers of a sequence; 0 where one is left out.
fn numbers(text: &str) -> Vec<u16> {
    text.split(';').map(|number| number.parse().unwrap_or(0)).collect()
}

/// Keys that are told by the letter at the end.
fn lettered(letter: u8, held: KeyModifiers) -> Option<Input> {
    let code = match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        b'Z' => return Some(Input::Key(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT))),
        _ => return None,
    };
    Some(Input::Key(KeyEvent::new(code, held)))
}

/// One more than a sum of 1 for Shift, 2 for Alt, 4 for Ctrl.
fn modifiers(number: u16) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)]
        .into_iter()
        .filter(|(bit, _)| bits & bit > 0)
        .fold(KeyModifiers::NONE, |held, (_, modifier)| held | modifier)
}

/// Buttons, column and row, from 1; `up` where a button was let go.
fn mouse([bits, column, row]: [u16; 3], up: bool) -> Option<Input> {
    let button = match bits & 3 {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let kind = match (bits & 0x60, bits & 3) {
        (0x40, 0) => MouseEventKind::ScrollUp,
        (0x40, 1) => MouseEventKind::ScrollDown,
        (0x40, 2) => MouseEventKind::ScrollLeft,
        (0x40, _) => MouseEventKind::ScrollRight,
        (0x20, 3) => MouseEventKind::Moved,
        (0x20, _) => MouseEventKind::Drag(button),
        (0, _) if up => MouseEventKind::Up(button),
        (0, _) => MouseEventKind::Down(button),
        _ => return None,
    };
    let held = modifiers((bits >> 2 & 7) + 1);
    let (column, row) = (column.saturating_sub(1), row.saturating_sub(1));
    Some(Input::Mouse(MouseEvent { kind, column, row, modifiers: held }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<Input> {
        let mut keyboard = Keyboard::default();
        let mut inputs = keyboard.read(bytes);
        inputs.extend(keyboard.give_up());
        inputs
    }

    fn held(code: KeyCode, modifiers: KeyModifiers) -> Input {
        Input::Key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn keys_are_what_terminals_send_for_them() {
        let none = KeyModifiers::NONE;
        for (bytes, code, modifiers) in [
            (&b"a"[..], KeyCode::Char('a'), none),
            (b"G", KeyCode::Char('G'), KeyModifiers::SHIFT),
            ("é".as_bytes(), KeyCode::Char('é'), none),
            (b"\r", KeyCode::Enter, none),
            (b"\x12", KeyCode::Char('r'), KeyModifiers::CONTROL),
            (b"\x7f", KeyCode::Backspace, none),
            (b"\x1b", KeyCode::Esc, none),
            (b"\x1bx", KeyCode::Char('x'), KeyModifiers::ALT),
            (b"\x1b[A", KeyCode::Up, none),
            (b"\x1bOA", KeyCode::Up, none),
            (b"\x1b[1;5C", KeyCode::Right, KeyModifiers::CONTROL),
            (b"\x1b[Z", KeyCode::BackTab, KeyModifiers::SHIFT),
            (b"\x1b[5~", KeyCode::PageUp, none),
            (b"\x1b[15~", KeyCode::F(5), none),
            (b"\x1b[24~", KeyCode::F(12), none),
            (b"\x1bOP", KeyCode::F(1), none),
            (b"\x1b[[A", KeyCode::F(1), none),
            (b"\x1b[3;2~", KeyCode::Delete, KeyModifiers::SHIFT),
        ] {
            assert_eq!(keys(bytes), [held(code, modifiers)], "{bytes:?}");
        }
    }

    #[test]
    fn a_fast_esc_esc_is_twice_esc() {
        assert_eq!(keys(b"\x1b\x1b"), [key(KeyCode::Esc), key(KeyCode::Esc)]);
        assert_eq!(keys(b"\x1b\x1b[A"), [key(KeyCode::Esc), key(KeyCode::Up)]);
    }

    #[test]
    fn many_keys_in_one_piece_are_all_heard() {
        assert_eq!(keys(&[b'j'; 3000]).len(), 3000);
    }

    #[test]
    fn a_mouse_tells_button_and_place_from_0() {
        let mouse = |kind, column, row| {
            [Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })]
        };
        assert_eq!(keys(b"\x1b[<0;3;2M"), mouse(MouseEventKind::Down(MouseButton::Left), 2, 1));
        assert_eq!(keys(b"\x1b[<0;300;200m"), mouse(MouseEventKind::Up(MouseButton::Left), 299, 199));
        assert_eq!(keys(b"\x1b[<65;1;1M"), mouse(MouseEventKind::ScrollDown, 0, 0));
        assert_eq!(keys(b"\x1b[<34;1;1M"), mouse(MouseEventKind::Drag(MouseButton::Right), 0, 0));
        assert_eq!(keys(b"\x1b[M !!"), mouse(MouseEventKind::Down(MouseButton::Left), 0, 0));
    }

    #[test]
    fn a_paste_is_one_piece_of_text_whatever_is_in_it() {
        let text = "q\x1b[A\x1b[20 \n";
        let bytes = format!("a\x1b[200~{text}\x1b[201~b");
        let inputs =
            [typed('a', KeyModifiers::NONE), Input::Paste(text.into()), typed('b', KeyModifiers::NONE)];
        assert_eq!(keys(bytes.as_bytes()), inputs);
    }

    #[test]
    fn replies_and_what_is_unknown_are_passed_over() {
        let known = [typed('k', KeyModifiers::NONE)];
        for bytes in [
            "\x1b]11;rgb:0/0/0\x07k",
            "\x1b]11;rgb:0/0/0\x1b\\k",
            "\x1bP1$r0m\x1b\\k",
            "\x1b[?62;4ck",
            "\x1b[Ik",
        ] {
            assert_eq!(keys(bytes.as_bytes()), known, "{bytes:?}");
        }
        assert_eq!(keys(b"\xff\xfek"), known);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_mean_the_same_and_break_nothing(
            bytes in prop::collection::vec(
                prop_oneof![Just(0x1b), Just(b'['), Just(b'<'), Just(b'M'), Just(b'~'), Just(b';'), b'0'..=b'9', any::<u8>()],
                0..80,
            ),
            cut in 0usize..80,
        ) {
            let mut keyboard = Keyboard::default();
            let whole = keyboard.read(&bytes);
            let mut parted = Keyboard::default();
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            let mut parts = parted.read(a);
            parts.extend(parted.read(b));
            prop_assert_eq!(whole, parts);
            prop_assert_eq!(keyboard.give_up(), parted.give_up());
        }
    }
}
