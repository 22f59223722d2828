//! The messages, newest at the bottom.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::format::clock;
use crate::ui::canvas::Canvas;
use crate::ui::screens::log::state::LogScreen;

/// Columns of the time and the blanks behind it.
const TIME: usize = 10;

pub(crate) fn draw(screen: &LogScreen, canvas: &mut Canvas, area: Rect) {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let filter =
        if screen.filter.is_empty() { String::new() } else { format!(", with \"{}\"", screen.filter) };
    let inner = canvas.pane(format!(" log{filter} "), true, area);
    let shown = screen.shown(&ws.log);
    let height = usize::from(inner.height);
    let width = usize::from(inner.width).saturating_sub(TIME).max(1);
    let end = shown.len() - screen.behind(&ws.log).min(shown.len());
    let mut rows: Vec<Line> = Vec::new();
    // From the last line in view upwards, until there is no room.
    for entry in shown[..end].iter().rev() {
        let mut lines = wrapped(&entry.text, width).into_iter().enumerate().map(|(index, text)| {
            let time = if index == 0 { clock(ws.settings.utc_offset, entry.time) } else { String::new() };
            Line::from(vec![
                Span::styled(format!("{time:<TIME$}"), theme.dim),
                Span::styled(text, theme.text),
            ])
        });
        rows.splice(0..0, &mut lines);
        if rows.len() >= height {
            break;
        }
    }
    let first = rows.len().saturating_sub(height);
    canvas.render_widget(Paragraph::new(rows.split_off(first)), inner);
}

/// A text in pieces of at most `width` characters, after a blank where there is one in the second half.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut rest: Vec<char> = text.chars().collect();
    let mut pieces = Vec::new();
    while rest.len() > width {
        let blank = rest[..width].iter().rposition(|sign| *sign == ' ').map_or(0, |index| index + 1);
        let end = if blank > width / 2 { blank } else { width };
        let after = rest.split_off(end);
        pieces.push(rest.into_iter().collect::<String>().trim_end().to_owned());
        rest = after;
    }
    pieces.push(rest.into_iter().collect());
    pieces
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn nothing_of_a_long_line_is_lost() {
        assert_eq!(wrapped("abcdef gh", 4), ["abcd", "ef", "gh"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
