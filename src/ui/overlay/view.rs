//! How prompts look: help, questions, a line to type, lists.

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;
use tui_input::Input;
use unicode_width::UnicodeWidthStr;

use crate::plain;
use crate::ui::canvas::Canvas;
use crate::ui::hits::Target;
use crate::ui::keys::Action;
use crate::ui::prompt::{Item, Prompt, has_words, matching};
use crate::ui::widgets::fit::{from_bottom, from_top, in_view};

pub(crate) fn draw(prompt: &Prompt, canvas: &mut Canvas, area: Rect) {
    match prompt {
        Prompt::Help { input, row } => help(input, *row, canvas, area),
        Prompt::Question { text, answers, row } => ask(text, answers, *row, canvas, area),
        Prompt::Line { title, input, trouble, paths, .. } => {
            let more = trouble.is_some() || !paths.is_empty();
            let (area, _) = from_bottom(area, if more { 4 } else { 3 });
            let below = line(title, "", input, canvas, area);
            if let Some(trouble) = trouble {
                canvas.text(trouble, canvas.theme.bad, below);
            } else if !paths.is_empty() {
                let names = names(paths, usize::from(below.width));
                canvas.text(canvas.glyphs.text(&names).into_owned(), canvas.theme.dim, below);
            }
        }
        Prompt::List { title, items, input, row } => list(title, items, input, *row, canvas, area),
    }
}

/// The last parts of paths in a line of `width` cells, and how many more there are.
fn names(paths: &[String], width: usize) -> String {
    let mut text = "tab:".to_owned();
    for (index, path) in paths.iter().enumerate() {
        let begin = path.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1);
        let name = plain::line(&path[begin..]);
        let more = format!("  {} more", paths.len() - index);
        if UnicodeWidthStr::width(text.as_str()) + UnicodeWidthStr::width(&*name) + 2 + more.len() > width {
            return text + &more;
        }
        text.push_str("  ");
        text.push_str(&name);
    }
    text
}

/// A box of at most `width` by `height` in the middle.
fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// A box that hides what is below it; returns the area inside.
fn boxed(title: &str, canvas: &mut Canvas, area: Rect) -> Rect {
    let title = if title.is_empty() { String::new() } else { format!(" {title} ") };
    canvas.render_widget(Clear, area);
    let text = canvas.theme.text;
    canvas.buffer_mut().set_style(area, text);
    canvas.pane(title, true, area)
}

/// A box for what is typed, with the terminal's cursor in it; returns the area below the line.
fn line(title: &str, sign: &str, input: &Input, canvas: &mut Canvas, area: Rect) -> Rect {
    let (line, rest) = from_top(boxed(title, canvas, area), 1);
    let indent = sign.chars().count();
    let width = usize::from(line.width).saturating_sub(1 + indent);
    let scroll = input.visual_scroll(width);
    let text: String = input.value().chars().skip(scroll).take(width).collect();
    let spans = [Span::styled(sign, canvas.theme.key), Span::styled(text, canvas.theme.text)];
    canvas.render_widget(Line::from_iter(spans), line);
    let column = (indent + input.visual_cursor().saturating_sub(scroll).min(width)) as u16;
    canvas.set_cursor_position(Position::new(line.x + column, line.y));
    rest
}

fn help(input: &Input, row: usize, canvas: &mut Canvas, area: Rect) {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let title = format!("keys on {}, then everywhere; type to filter, esc closes", ws.tab.title());
    let rest = line(&title, "/ ", input, canvas, middle(area, 76, area.height));
    let mut rows = [Some(ws.tab), None].map(|tab| ws.settings.keys.rows(tab)).concat();
    rows.retain(|(binding, keys)| {
        has_words(&format!("{keys} {} {}", binding.help, binding.name), input.value())
    });
    let first = row.min(rows.len().saturating_sub(usize::from(rest.height)));
    for ((binding, keys), at) in rows.iter().skip(first).zip(rest.rows()) {
        let spans = [
            Span::styled(format!("{keys:>14}  "), theme.key),
            Span::styled(format!("{:<38}", binding.help), theme.text),
            Span::styled(binding.name, theme.dim),
        ];
        canvas.render_widget(Line::from_iter(spans), at);
    }
}

/// The sign and the look of a row that can be chosen.
fn choice(canvas: &Canvas, here: bool) -> (&'static str, Style) {
    if here { (">", canvas.theme.selected) } else { (" ", canvas.theme.text) }
}

fn ask(text: &str, answers: &[(&str, Option<Action>)], row: usize, canvas: &mut Canvas, area: Rect) {
    let width = 64.min(area.width);
    let text_rows = (text.chars().count() as u16).div_ceil(width.saturating_sub(4).max(1)) + 1;
    let inner = boxed("", canvas, middle(area, width, 3 + text_rows + answers.len() as u16));
    canvas.prose(text, canvas.theme.text, inner);
    let (_, below) = from_top(inner, text_rows);
    for ((index, (answer, _)), at) in answers.iter().enumerate().zip(below.rows()) {
        let (sign, style) = choice(canvas, index == row);
        canvas.text(format!("{sign} {answer} "), style, at);
        canvas.hit(at, Target::Choice(index));
    }
}

fn list(title: &str, items: &[Item], input: &Input, row: usize, canvas: &mut Canvas, area: Rect) {
    let area = middle(area, 70, (items.len() as u16).saturating_add(3).min(18));
    let rest = line(title, "> ", input, canvas, area);
    let found = matching(items, input.value());
    for (index, at) in in_view(rest, row, found.len()) {
        let (sign, style) = choice(canvas, index == row);
        canvas.text(format!("{sign} {:<16} {}", found[index].name, found[index].about), style, at);
        canvas.hit(at, Target::Choice(index));
    }
    if found.is_empty() {
        canvas.text("  nothing has these words", canvas.theme.dim, rest);
    }
}
