//! Text that is safe to show: characters that control a terminal or reorder text are replaced.
//!
//! Names of runs, classes and files come from elsewhere and can contain anything. Every printed line and every cell of
//! the interface passes through here.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// Replaces a character that is not shown: one cell wide, so that columns stay aligned.
pub const REPLACEMENT: char = '\u{fffd}';

/// Whether `c` controls the terminal or reorders the text around it: C0, DEL, C1, the separators of
/// lines and paragraphs, and the marks, embeddings, overrides and isolates of bidirectional text.
pub fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line of text with active characters replaced; a tab becomes a space.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let shown = |c| match c {
        '\t' => ' ',
        c if is_active(c) => REPLACEMENT,
        c => c,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// The same for owned text.
pub fn kept(text: String) -> String {
    if text.contains(is_active) { line(&text).into_owned() } else { text }
}

/// Equivalent JSON without active characters: compact JSON has them only in strings, where each has an escape.
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let escaped = |c| if is_active(c) { format!("\\u{:04x}", u32::from(c)) } else { String::from(c) };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// The beginning of `text` that fits into `cells` cells of a terminal.
pub fn cut(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let too_far = |c: char| {
        used += c.width().unwrap_or(0);
        used > cells
    };
    text.find(too_far).map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVE: &str = "\0\x07\x1b\n\r\x7f\u{80}\u{9b}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}";

    #[test]
    fn what_steers_a_terminal_or_turns_text_around_is_replaced_and_the_rest_is_as_it_was() {
        let shown = line(ACTIVE);
        assert_eq!(shown, REPLACEMENT.to_string().repeat(ACTIVE.chars().count()));
        assert_eq!(line("a\tb"), "a b");
        let harmless = "plain, é, 日本, שלום, 👩\u{200d}💻";
        assert!(matches!(line(harmless), Cow::Borrowed(text) if text == harmless));
    }

    #[test]
    fn json_says_the_same_in_escapes() {
        let before = serde_json::json!({ ACTIVE: [ACTIVE, "日本"] });
        let text = before.to_string();
        let after = json(&text);
        assert!(!after.contains(is_active), "{after}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&after).unwrap(), before);
    }

    #[test]
    fn a_cut_counts_cells_and_cuts_no_character() {
        assert_eq!(cut("abc", 2), "ab");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("日本語", 5), "日本");
        assert_eq!(cut("日本語", 1), "");
        assert_eq!(cut("e\u{301}x", 1), "e\u{301}");
        assert_eq!(cut("abc", 0), "");
    }
}
