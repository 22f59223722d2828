//! What lies over a screen: help, questions, a line to type, lists.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Wrap};
use tui_input::Input;

use crate::ui::app::view::{cut, pane, scrolled};
use crate::ui::hits::Target;
use crate::ui::prompt::{Item, Prompt, Question, has_words, matching};
use crate::ui::workspace::App;

pub(crate) fn draw(app: &App, prompt: &Prompt, frame: &mut Frame, area: Rect) {
    match prompt {
        Prompt::Help { input, row } => help(app, input, *row, frame, area),
        Prompt::Question(question) => ask(app, question, frame, area),
        Prompt::Line { title, input, trouble, .. } => {
            let place = bottom(area, if trouble.is_some() { 4 } else { 3 });
            let inner = boxed(app, title, frame, place);
            line(app, "", input, frame, inner);
            if let Some(trouble) = trouble {
                let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
                frame.render_widget(Span::styled(trouble.as_str(), app.settings.theme.bad), below);
            }
        }
        Prompt::List { title, items, input, row } => list(app, title, items, input, *row, frame, area),
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

fn boxed(app: &App, title: &str, frame: &mut Frame, area: Rect) -> Rect {
    let block = pane(app, if title.is_empty() { String::new() } else { format!(" {title} ") }, true);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, app.settings.theme.text);
    frame.render_widget(block, area);
    inner
}

/// What is typed, with the terminal's cursor in it.
fn line(app: &App, sign: &str, input: &Input, frame: &mut Frame, area: Rect) {
    let indent = sign.chars().count();
    let width = usize::from(area.width).saturating_sub(1 + indent);
    let scroll = input.visual_scroll(width);
    let text: String = input.value().chars().skip(scroll).take(width).collect();
    let spans = vec![
        Span::styled(sign.to_owned(), app.settings.theme.key),
        Span::styled(text, app.settings.theme.text),
    ];
    frame.render_widget(Line::from(spans), Rect { height: area.height.min(1), ..area });
    let column = (indent + input.visual_cursor().saturating_sub(scroll).min(width)) as u16;
    frame.set_cursor_position(Position::new(area.x + column, area.y));
}

/// The first row of `area` for what is typed, the others for what it finds.
fn split(area: Rect) -> (Rect, Rect) {
    let top = Rect { height: area.height.min(1), ..area };
    let rest = Rect { y: area.y + top.height, height: area.height - top.height, ..area };
    (top, rest)
}

fn help(app: &App, input: &Input, row: usize, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let title = format!("keys on {}, then everywhere; type to filter, esc closes", app.screen.title());
    let inner = boxed(app, &title, frame, middle(area, 76, area.height));
    let (top, rest) = split(inner);
    line(app, "/ ", input, frame, top);
    let rows = app.settings.keys.rows(app.screen);
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
    frame.render_widget(Paragraph::new(lines), rest);
}

fn ask(app: &App, question: &Question, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let width = 64.min(area.width);
    let text_rows = (question.text.chars().count() as u16).div_ceil(width.saturating_sub(4).max(1)) + 1;
    let place = middle(area, width, 3 + text_rows + question.answers.len() as u16);
    let inner = boxed(app, "", frame, place);
    let text = Paragraph::new(Span::styled(question.text.as_str(), theme.text)).wrap(Wrap { trim: true });
    frame.render_widget(text, inner);
    for (place, (answer, _)) in question.answers.iter().enumerate() {
        let row = Rect { y: inner.y + text_rows + place as u16, height: 1, ..inner }.intersection(inner);
        let (sign, style) = if place == question.row { (">", theme.selected) } else { (" ", theme.text) };
        frame.render_widget(Span::styled(format!("{sign} {answer} "), style), row);
        app.hits.put(row, Target::Choice(place));
    }
}

fn list(app: &App, title: &str, items: &[Item], input: &Input, row: usize, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let inner = boxed(app, title, frame, middle(area, 70, (items.len() as u16).saturating_add(3).min(18)));
    let (top, rest) = split(inner);
    line(app, "> ", input, frame, top);
    let found = matching(items, input.value());
    let height = usize::from(rest.height);
    let first = scrolled(row, found.len(), height);
    for (line, (place, item)) in found.iter().enumerate().skip(first).take(height).enumerate() {
        let (sign, style) = if place == row { (">", theme.selected) } else { (" ", theme.text) };
        let text = format!("{sign} {:<16} {}", item.name, item.about);
        let at = Rect { y: rest.y + line as u16, height: 1, ..rest };
        frame.render_widget(Span::styled(cut(&text, usize::from(rest.width)), style), at);
        app.hits.put(at, Target::Choice(place));
    }
    if found.is_empty() {
        frame.render_widget(Span::styled("  nothing has these words", theme.dim), rest);
    }
}
