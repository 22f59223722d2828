//! A buffer as a text that shows styles too: what a snapshot compares and a picture is drawn from.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use ratatui::text::Span;
use std::fmt::Write;

/// One cell of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    /// Empty behind a symbol that is two cells wide.
    pub(crate) symbol: String,
    /// Foreground.
    pub(crate) fg: Color,
    /// Background.
    pub(crate) bg: Color,
    /// Bold, dim, underline, reverse.
    pub(crate) modifier: Modifier,
}

/// The letters that stand for styles, by their first use; a picture has more styles than these.
const CODES: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The letters after those.
const MORE: u32 = 0x4e00;

/// The letter of the style at `place`, from 1.
fn code(index: usize) -> char {
    let more = || char::from_u32(MORE + (index - CODES.len()) as u32);
    CODES.get(index - 1).map(|&code| char::from(code)).or_else(more).unwrap_or('?')
}

/// Every cell, row by row.
pub(crate) fn signs(buffer: &Buffer) -> Vec<Vec<Sign>> {
    let width = usize::from(buffer.area.width).max(1);
    let mut rows = Vec::new();
    for row in buffer.content.chunks(width) {
        let mut covered = 0;
        let mut signs = Vec::with_capacity(width);
        for cell in row {
            let symbol = if covered > 0 { String::new() } else { cell.symbol().to_owned() };
            covered = if covered > 0 { covered - 1 } else { Span::raw(&*symbol).width().saturating_sub(1) };
            signs.push(Sign { symbol, fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
        }
        rows.push(signs);
    }
    rows
}

/// The characters alone, rows without the blanks at their ends.
pub(crate) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in signs(buffer) {
        let line: String = row.iter().map(|sign| sign.symbol.as_str()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Each row's characters, below it a letter per cell for its style (`.` for none), at last what each
/// letter means. A row without any style has no second line.
pub(crate) fn styled(buffer: &Buffer) -> String {
    let mut known: Vec<(Color, Color, Modifier)> = vec![(Color::Reset, Color::Reset, Modifier::empty())];
    let mut out = String::new();
    for row in signs(buffer) {
        let line: String = row.iter().map(|sign| sign.symbol.as_str()).collect();
        let mut codes = String::new();
        for sign in &row {
            let style = (sign.fg, sign.bg, sign.modifier);
            let index = known.iter().position(|other| *other == style).unwrap_or_else(|| {
                known.push(style);
                known.len() - 1
            });
            codes.push(match index {
                0 => '.',
                index => code(index),
            });
        }
        let _ = writeln!(out, "|{line}|");
        if codes.contains(|code| code != '.') {
            let _ = writeln!(out, " {codes}");
        }
    }
    for (index, (fg, bg, modifier)) in known.iter().enumerate().skip(1) {
        let _ = write!(out, "{}: {fg} on {bg}", code(index));
        for (name, _) in modifier.iter_names() {
            let _ = write!(out, " {}", name.to_lowercase());
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn buffer() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(3, 2, 6, 2));
        buffer.set_string(3, 2, "ab宽c", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        buffer
    }

    #[test]
    fn a_dump_shows_every_style_by_a_letter_and_says_what_it_means() {
        assert_eq!(styled(&buffer()), "|ab宽c |\n aaa.a.\n|      |\na: Red on Reset bold\n");
        assert_eq!(text(&buffer()), "ab宽c\n\n");
    }

    #[test]
    fn a_wide_sign_is_followed_by_an_empty_one_so_that_columns_hold() {
        let signs = signs(&buffer());
        let symbols: Vec<&str> = signs[0].iter().map(|sign| sign.symbol.as_str()).collect();
        assert_eq!(symbols, ["a", "b", "宽", "", "c", " "]);
        assert_eq!(signs[0][0].modifier, Modifier::BOLD);
    }

    #[test]
    fn a_picture_has_a_letter_for_each_of_its_styles() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 1));
        (0..200).for_each(|x| _ = buffer[(x, 0)].set_fg(Color::Indexed(x as u8)));
        let dump = styled(&buffer);
        let codes: std::collections::BTreeSet<char> = dump.lines().nth(1).unwrap().trim().chars().collect();
        assert_eq!(codes.len(), 200);
        assert_eq!(dump.lines().count(), 202);
    }

    #[test]
    fn an_empty_screen_is_an_empty_dump() {
        assert_eq!(styled(&Buffer::empty(Rect::ZERO)), "");
    }
}
