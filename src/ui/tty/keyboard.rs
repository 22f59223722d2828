//! Decodes the bytes of a terminal into keys: xterm's sequences, which every terminal of today speaks.

use std::mem::take;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// How long the rest of a key may take over a slow line: an escape that stays alone is the key.
const REST: Duration = Duration::from_millis(50);
/// How long nothing may come of a paste before it is taken for the whole of it; and how long a reply or a cut
/// sequence may go on, so that what is typed after it gets through.
const SECOND: Duration = Duration::from_secs(1);
/// The longest sequence that is waited for.
const LONGEST: usize = 64;
/// The longest paste that is taken; of a longer one the rest is dropped as it comes.
const LONGEST_PASTE: usize = 1 << 20;
const PASTE_END: &[u8] = b"\x1b[201~";

/// Something a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
}

/// Bytes that have come and mean nothing yet.
#[derive(Debug, Default)]
pub(crate) struct Keyboard {
    bytes: Vec<u8>,
    within: Within,
    /// Since when the first bytes, or what they are within, wait for their end.
    since: Option<Instant>,
}

/// The context of the bytes.
#[derive(Debug, Default)]
enum Within {
    #[default]
    Keys,
    Paste(Vec<u8>),
    /// A reply of the terminal, which nobody asked for: dropped as it comes.
    Reply,
}

/// The meaning of the first bytes.
#[derive(Debug, PartialEq, Eq)]
enum First {
    Unfinished,
    /// This many bytes are this input, or nothing of interest.
    Done(usize, Option<Input>),
    /// After this many bytes, a paste follows.
    Paste(usize),
    /// After this many bytes, a reply follows.
    Reply(usize),
}

impl Keyboard {
    /// Takes in bytes that came at `now`.
    pub(crate) fn read(&mut self, bytes: &[u8], now: Instant) -> Vec<Input> {
        let overdue = |since: Instant| now.saturating_duration_since(since) >= SECOND;
        let mut inputs = match self.within {
            Within::Keys | Within::Reply if self.since.is_some_and(overdue) => self.give_up(),
            _ => Vec::new(),
        };
        let mut bytes = [take(&mut self.bytes), bytes.to_vec()].concat();
        let mut rest = &bytes[..];
        loop {
            let count = match &mut self.within {
                Within::Paste(text) => {
                    let end = rest.windows(PASTE_END.len()).position(|window| window == PASTE_END);
                    // The end may have come in part.
                    let count = end.unwrap_or(rest.len().saturating_sub(PASTE_END.len() - 1));
                    text.extend(rest[..count].iter().take(LONGEST_PASTE - text.len()));
                    rest = &rest[count..];
                    if end.is_none() {
                        break;
                    }
                    inputs.push(pasted(text));
                    self.within = Within::Keys;
                    PASTE_END.len()
                }
                Within::Reply => {
                    let (count, ended) = reply(rest);
                    rest = &rest[count..];
                    if !ended {
                        break;
                    }
                    self.within = Within::Keys;
                    0
                }
                Within::Keys => match first(rest) {
                    First::Unfinished => break,
                    First::Done(count, input) => {
                        inputs.extend(input);
                        count
                    }
                    First::Paste(count) => {
                        self.within = Within::Paste(Vec::new());
                        count
                    }
                    First::Reply(count) => {
                        self.within = Within::Reply;
                        count
                    }
                },
            };
            rest = &rest[count..];
            // Something new begins here.
            self.since = None;
        }
        let left = rest.len();
        bytes.drain(..bytes.len() - left);
        self.bytes = bytes;
        let waits = !self.bytes.is_empty() || !matches!(self.within, Within::Keys);
        self.since = if waits { self.since.or(Some(now)) } else { None };
        inputs
    }

    /// How long the next bytes may take to belong to what has begun; `None` where nothing has.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.since.map(|_| if matches!(self.within, Within::Paste(_)) { SECOND } else { REST })
    }

    /// Nothing more has come: an escape is the key, an escape and a sign are that sign with Alt. A paste without its
    /// end is what has come of it: its text was meant, and is seen where it went to.
    pub(crate) fn give_up(&mut self) -> Vec<Input> {
        self.since = None;
        let bytes = take(&mut self.bytes);
        match (take(&mut self.within), &bytes[..]) {
            (Within::Paste(mut text), rest) => {
                // A part of the end is no text.
                let end = (0..rest.len()).find(|&begin| PASTE_END.starts_with(&rest[begin..]));
                text.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
                vec![pasted(&text)]
            }
            (_, [0x1b]) => vec![key(KeyCode::Esc)],
            (Within::Keys, [0x1b, sign]) => plain(*sign).map(alt).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

fn pasted(text: &[u8]) -> Input {
    Input::Paste(String::from_utf8_lossy(text).into_owned())
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
        // An escape and a sign alone are a key with Alt.
        [] | [0x1b] | [0x1b, b'O' | b']' | b'P' | b'_' | b'^'] => First::Unfinished,
        [0x1b, b'[', rest @ ..] => sequence(rest),
        [0x1b, b'O', letter, ..] => First::Done(3, lettered(*letter, KeyModifiers::NONE)),
        [0x1b, b']' | b'P' | b'_' | b'^', ..] => First::Reply(2),
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

/// Decodes the bytes after `ESC [`.
fn sequence(rest: &[u8]) -> First {
    const LEAD: usize = 2;
    match rest {
        // The Linux console's F1 to F5.
        [b'[', letter @ b'A'..=b'E', ..] => {
            return First::Done(LEAD + 2, Some(key(KeyCode::F(letter - b'A' + 1))));
        }
        // The mouse in the oldest encoding.
        [b'M', button, column, row, ..] => {
            let numbers = [*button, *column, *row].map(|byte| u16::from(byte.saturating_sub(32)));
            return First::Done(LEAD + 4, mouse(numbers, numbers[0] & 3 == 3));
        }
        [b'['] | [b'M', ..] => return First::Unfinished,
        _ => {}
    }
    let Some(end) = rest.iter().take(LONGEST).position(|byte| !(0x20..=0x3f).contains(byte)) else {
        return if rest.len() < LONGEST { First::Unfinished } else { First::Done(LEAD + LONGEST, None) };
    };
    let (count, letter) = (LEAD + end + 1, rest[end]);
    if letter == 0x1b {
        // It was cut off; this is the next one.
        return First::Done(count - 1, None);
    }
    let text = std::str::from_utf8(&rest[..end]).unwrap_or_default();
    if let Some(text) = text.strip_prefix('<') {
        let input = match (numbers(text)[..].try_into(), letter) {
            (Ok(numbers), b'M') => mouse(numbers, false),
            (Ok(numbers), b'm') => mouse(numbers, true),
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

/// How many bytes belong to a reply of the terminal, and whether it ends with them: with BEL or ST, or before anything
/// that no reply has, which is the next key.
fn reply(bytes: &[u8]) -> (usize, bool) {
    match bytes.iter().position(|byte| *byte < 0x20) {
        None => (bytes.len(), false),
        Some(end) if bytes[end] == 0x07 => (end + 1, true),
        Some(end) if bytes[end] == 0x1b => match bytes.get(end + 1) {
            None => (end, false),
            Some(b'\\') => (end + 2, true),
            Some(_) => (end, true),
        },
        Some(end) => (end, true),
    }
}

/// The numbers of a sequence; 0 where one is left out.
fn numbers(text: &str) -> Vec<u16> {
    text.split(';').map(|number| number.parse().unwrap_or(0)).collect()
}

/// Keys that the last letter identifies.
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

/// Buttons, column and row, from 1; `up` where a button was released.
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
        let mut inputs = keyboard.read(bytes, Instant::now());
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

    #[test]
    fn a_paste_whose_end_never_comes_is_what_has_come_and_later_keys_are_keys() {
        for (bytes, text) in [("\x1b[200~abc", "abc"), ("\x1b[200~abc\x1b[20", "abc"), ("\x1b[200~", "")] {
            let (mut keyboard, now) = (Keyboard::default(), Instant::now());
            assert_eq!(keyboard.read(bytes.as_bytes(), now), []);
            assert_eq!(keyboard.patience(), Some(SECOND));
            assert_eq!(keyboard.give_up(), [Input::Paste(text.into())]);
            assert_eq!(keyboard.patience(), None);
            assert_eq!(keyboard.read(b"j", now), [typed('j', KeyModifiers::NONE)]);
        }
    }

    #[test]
    fn a_paste_that_takes_longer_than_a_second_is_one_paste() {
        let (mut keyboard, now) = (Keyboard::default(), Instant::now());
        assert_eq!(keyboard.read(b"\x1b[200~ab", now), []);
        assert_eq!(keyboard.read(b"cd\x1b[201", now + 2 * SECOND), []);
        assert_eq!(keyboard.read(b"~", now + 4 * SECOND), [Input::Paste("abcd".into())]);
    }

    #[test]
    fn a_reply_whose_end_never_comes_swallows_no_key_for_longer_than_a_second() {
        let k = typed('k', KeyModifiers::NONE);
        for bytes in ["\x1b]52;c;", "\x1bP1$r", "\x1b_G", "\x1b[1;"] {
            let (mut keyboard, now) = (Keyboard::default(), Instant::now());
            assert_eq!(keyboard.read(bytes.as_bytes(), now), []);
            // A pause ends it.
            assert_eq!(keyboard.patience(), Some(REST));
            assert_eq!(keyboard.give_up(), []);
            assert_eq!(keyboard.read(b"k", now), std::slice::from_ref(&k));
            // A key that is held makes no pause.
            assert_eq!(keyboard.read(bytes.as_bytes(), now), []);
            let held = |after: u32| keyboard.read(b"2", now + after * REST);
            let count: usize = (1..=30).map(held).map(|inputs| inputs.len()).sum();
            assert!((10..=12).contains(&count), "{bytes:?}: {count}");
        }
        // No reply has Enter or ctrl-c in it.
        let (mut keyboard, now) = (Keyboard::default(), Instant::now());
        assert_eq!(keyboard.read(b"\x1b]52;c\x03k", now), [typed('c', KeyModifiers::CONTROL), k]);
    }

    #[test]
    fn a_long_reply_types_nothing_and_is_not_kept() {
        let (mut keyboard, now) = (Keyboard::default(), Instant::now());
        assert_eq!(keyboard.read(b"\x1b]52;c;", now), []);
        for _ in 0..1000 {
            assert_eq!(keyboard.read(&[b'q'; 4096], now), []);
            assert!(keyboard.bytes.is_empty());
        }
        assert_eq!(keyboard.read(b"\x1b\\k", now), [typed('k', KeyModifiers::NONE)]);
        // Alone it is the key.
        assert_eq!(keys(b"\x1b]"), [held(KeyCode::Char(']'), KeyModifiers::ALT)]);
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
            let now = Instant::now();
            let mut keyboard = Keyboard::default();
            let whole = keyboard.read(&bytes, now);
            let mut parted = Keyboard::default();
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            let mut parts = parted.read(a, now);
            parts.extend(parted.read(b, now));
            prop_assert_eq!(whole, parts);
            prop_assert_eq!(keyboard.give_up(), parted.give_up());
        }
    }
}
