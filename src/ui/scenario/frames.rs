//! Expected frames: characters and styles of a whole screen, as `dump::styled` writes them.

use std::fs;

use super::fixtures::path;
use super::stage::Shot;

/// Set to `write`, frames and pictures are written instead of compared.
const SWITCH: &str = "DENSENET_TUI_PICTURES";
/// How to do it.
pub(super) const COMMAND: &str = "DENSENET_TUI_PICTURES=write cargo test --lib scenario";

pub(super) fn writing() -> bool {
    std::env::var(SWITCH).is_ok_and(|word| word == "write")
}

/// Compares a frame with what is expected, or writes it.
pub(super) fn check(name: &str, shot: &Shot) -> Result<(), String> {
    let path = path("expected").join(format!("{name}.txt"));
    let text = shot.text();
    if writing() {
        return fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()));
    }
    let expected = fs::read_to_string(&path).map_err(|_| format!("frame {name} is not stored; {COMMAND}"))?;
    let differences = differences(&expected, &text);
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!("frame {name} is another (if it should be: {COMMAND}):\n{}", differences.join("\n")))
}

/// A row of the screen: its characters, and a style for each.
#[derive(Debug, Default, PartialEq)]
struct Row<'a> {
    text: &'a str,
    styles: Vec<&'a str>,
}

/// A dump taken apart: the rows, and what follows the legend.
fn rows(dump: &str) -> (Vec<Row<'_>>, &str) {
    let lines: Vec<&str> = dump.lines().collect();
    let legend = |code: char| {
        let line =
            lines.iter().find(|line| line.starts_with(code) && line[code.len_utf8()..].starts_with(": "));
        line.map_or("", |line| &line[3..])
    };
    let mut rows = Vec::new();
    for line in &lines {
        if let Some(text) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) {
            rows.push(Row { text, styles: Vec::new() });
        } else if let (Some(codes), Some(row)) = (line.strip_prefix(' '), rows.last_mut()) {
            row.styles = codes.chars().map(legend).collect();
        }
    }
    let cursor = lines.last().filter(|line| line.starts_with("cursor: ")).copied();
    (rows, cursor.unwrap_or("cursor: none"))
}

/// Which rows differ, and whether in their characters or in their styles.
fn differences(expected: &str, found: &str) -> Vec<String> {
    let ((before, cursor_before), (after, cursor_after)) = (rows(expected), rows(found));
    let mut differences = Vec::new();
    if before.len() != after.len() {
        differences.push(format!("{} rows, not {}", after.len(), before.len()));
    }
    if cursor_before != cursor_after {
        differences.push(format!("{cursor_after}, not {cursor_before}"));
    }
    for (number, (old, new)) in before.iter().zip(&after).enumerate() {
        if old.text != new.text {
            differences.push(format!("row {number}, characters:\n  - {}\n  + {}", old.text, new.text));
        } else if old.styles != new.styles {
            let at =
                |row: &Row, index: usize| row.styles.get(index).map_or(String::new(), |s| (*s).to_owned());
            let last = old.styles.len().max(new.styles.len());
            let places: Vec<usize> = (0..last).filter(|&x| at(old, x) != at(new, x)).collect();
            let Some(&first) = places.first() else { continue };
            let name = |style: String| if style.is_empty() { "none".to_owned() } else { style };
            differences.push(format!(
                "row {number}, styles of {} cells from column {first} on: {}, not {}\n    {}",
                places.len(),
                name(at(new, first)),
                name(at(old, first)),
                new.text
            ));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::{Position, Rect};
    use ratatui::style::{Color, Style};

    fn shot(text: &str, colour: Color) -> Shot {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
        buffer.set_string(0, 0, "same", Style::new().fg(Color::Blue));
        buffer.set_string(0, 1, text, Style::new().fg(colour));
        Shot { buffer, cursor: Some(Position::new(2, 1)) }
    }

    #[test]
    fn a_difference_names_its_row_and_whether_it_is_in_characters_or_styles() {
        let old = shot("ab", Color::Red).text();
        assert_eq!(differences(&old, &old), Vec::<String>::new());
        assert_eq!(
            differences(&old, &shot("ac", Color::Red).text()),
            ["row 1, characters:\n  - ab    \n  + ac    "]
        );
        assert_eq!(
            differences(&old, &shot("ab", Color::Green).text()),
            ["row 1, styles of 2 cells from column 0 on: Green on Reset, not Red on Reset\n    ab    "]
        );
        let gone = Shot { cursor: None, ..shot("ab", Color::Red) };
        assert_eq!(differences(&old, &gone.text()), ["cursor: none, not cursor: 2 1"]);
    }

    #[test]
    fn a_style_that_only_gets_another_letter_is_no_difference() {
        let old = "|ab|\n ab\na: Red on Reset\nb: Blue on Reset\n";
        let new = "|ab|\n ba\nb: Red on Reset\na: Blue on Reset\n";
        assert_eq!(differences(old, new), Vec::<String>::new());
    }
}
