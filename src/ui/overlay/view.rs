//! What lies over a screen: help, questions, a line to type, lists.

use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Wrap};
use tui_input::Input;

use crate::ui::hits::{Canvas, Target};
use crate::ui::keys::Action;
use crate::ui::prompt::{Item, Prompt, has_words, matching};
use crate::ui::widgets::pane::{cut, pane, scrolled};
use crate::ui::workspace::Workspace;

pub(crate) fn draw(ws: &Workspace, prompt: &Prompt, canvas: &mut Canvas, area: Rect) {
    match prompt {
        Prompt::Help { input, row } => help(ws, input, *row, canvas, area),
        Prompt::Question { text, answers, row } => ask(ws, text, answers, *row, canvas, area),
        Prompt::Line { title, input, trouble, .. } => {
            let place = bottom(area, if trouble.is_some() { 4 } else { 3 });
            let inner = boxed(ws, title, canvas, place);
            line(ws, "", input, canvas, inner);
            if let Some(trouble) = trouble {
                let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
                canvas.render_widget(Span::styled(trouble.as_str(), ws.settings.theme.bad), below);
            }
        }
        Prompt::List { title, items, input, row } => list(ws, title, items, input, *row, canvas, area),
    }
}

/// A box of `height` rows at the bottom.
fn bottom(area: Rect, height: u16) -> Rect {
    let height = height.min(area.height);
    Rect { y: area.bottom() - height, height, ..area }
}

/// A box of at most `width` by `height` in the middle.
fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

fn boxed(ws: &Workspace, title: &str, canvas: &mut Canvas, area: Rect) -> Rect {
    let block = pane(
        &ws.settings.theme,
        ws.settings.glyphs,
        if title.is_empty() { String::new() } else { format!(" {title} ") },
        true,
    );
    let inner = block.inner(area);
    canvas.render_widget(Clear, area);
    canvas.buffer_mut().set_style(area, ws.settings.theme.text);
    canvas.render_widget(block, area);
    inner
}

/// What is typed, with the terminal's cursor in it.
fn line(ws: &Workspace, sign: &str, input: &Input, canvas: &mut Canvas, area: Rect) {
    let indent = sign.chars().count();
    let width = usize::from(area.width).saturating_sub(1 + indent);
    let scroll = input.visual_scroll(width);
    let text: String = input.value().chars().skip(scroll).take(width).collect();
    let spans = vec![
        Span::styled(sign.to_owned(), ws.settings.theme.key),
        Span::styled(text, ws.settings.theme.text),
    ];
    canvas.render_widget(Line::from(spans), Rect { height: area.height.min(1), ..area });
    let column = (indent + input.visual_cursor().saturating_sub(scroll).min(width)) as u16;
    canvas.set_cursor_position(Position::new(area.x + column, area.y));
}

/// The first row of `area` for what is typed, the others for what it finds.
fn split(area: Rect) -> (Rect, Rect) {
    let top = Rect { height: area.height.min(1), ..area };
    let rest = Rect { y: area.y + top.height, height: area.height - top.height, ..area };
    (top, rest)
}

fn help(ws: &Workspace, input: &Input, row: usize, canvas: &mut Canvas, area: Rect) {
    let theme = &ws.settings.theme;
    let title = format!("keys on {}, then everywhere; type to filter, esc closes", ws.tab.title());
    let inner = boxed(ws, &title, canvas, middle(area, 76, area.height));
    let (top, rest) = split(inner);
    line(ws, "/ ", input, canvas, top);
    let rows = [Some(ws.tab), None].map(|place| ws.settings.keys.rows(place)).concat();
    let rows: Vec<_> = rows
        .iter()
        .filter(|(binding, keys)| {
            has_words(&format!("{keys} {} {}", binding.help, binding.name), input.value())
        })
        .collect();
    let height = usize::from(rest.height);
    let lines: Vec<Line> = rows
        .iter()
        .skip(row.min(rows.len().saturating_sub(height)))
        .take(height)
        .map(|(binding, keys)| {
            Line::from(vec![
                Span::styled(format!("{keys:>14}  "), theme.key),
                Span::styled(format!("{:<38}", binding.help), theme.text),
                Span::styled(binding.name, theme.dim),
            ])
        })
        .collect();
    canvas.render_widget(Paragraph::new(lines), rest);
}

fn ask(
    ws: &Workspace,
    text: &str,
    answers: &[(&str, Option<Action>)],
    row: usize,
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let width = 64.min(area.width);
    let text_rows = (text.chars().count() as u16).div_ceil(width.saturating_sub(4).max(1)) + 1;
    let place = middle(area, width, 3 + text_rows + answers.len() as u16);
    let inner = boxed(ws, "", canvas, place);
    let text = Paragraph::new(Span::styled(text, theme.text)).wrap(Wrap { trim: true });
    canvas.render_widget(text, inner);
    for (place, (answer, _)) in answers.iter().enumerate() {
        let at = Rect { y: inner.y + text_rows + place as u16, height: 1, ..inner }.intersection(inner);
        let (sign, style) = if place == row { (">", theme.selected) } else { (" ", theme.text) };
        canvas.render_widget(Span::styled(format!("{sign} {answer} "), style), at);
        canvas.hit(at, Target::Choice(place));
    }
}

fn list(
    ws: &Workspace,
    title: &str,
    items: &[Item],
    input: &Input,
    row: usize,
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let inner = boxed(ws, title, canvas, middle(area, 70, (items.len() as u16).saturating_add(3).min(18)));
    let (top, rest) = split(inner);
    line(ws, "> ", input, canvas, top);
    let found = matching(items, input.value());
    let height = usize::from(rest.height);
    let first = scrolled(row, found.len(), height);
    for (line, (place, item)) in found.iter().enumerate().skip(first).take(height).enumerate() {
        let (sign, style) = if place == row { (">", theme.selected) } else { (" ", theme.text) };
        let text = format!("{sign} {:<16} {}", item.name, item.about);
        let at = Rect { y: rest.y + line as u16, height: 1, ..rest };
        canvas.render_widget(Span::styled(cut(&text, usize::from(rest.width)), style), at);
        canvas.hit(at, Target::Choice(place));
    }
    if found.is_empty() {
        canvas.render_widget(Span::styled("  nothing has these words", theme.dim), rest);
    }
}
