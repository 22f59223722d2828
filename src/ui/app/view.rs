//! Drawing: the frame from what the interface knows. Nothing changes here.

use jiff::Timestamp;
use jiff::tz::Offset;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use crate::plain;
use crate::ui::hits::Target;
use crate::ui::keys::Screen;
use crate::ui::workspace::App;

/// The smallest terminal that is drawn in.
pub(crate) const SMALLEST: (u16, u16) = (60, 16);

/// Draws everything.
pub(crate) fn draw(app: &App, frame: &mut Frame) {
    let area = frame.area();
    app.hits.clear();
    frame.buffer_mut().set_style(area, app.settings.theme.text);
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let text = format!(
            "{}x{} is too small; densenet-tui needs {}x{}.",
            area.width, area.height, SMALLEST.0, SMALLEST.1
        );
        let text = Paragraph::new(text).style(app.settings.theme.text);
        return frame.render_widget(text.wrap(Wrap { trim: true }), area);
    }
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(area);
    tabs(app, frame, head);
    match app.screen {
        Screen::Recipe => crate::ui::screens::recipe::view::draw(app, frame, body),
        Screen::Train => crate::ui::screens::train::view::draw(app, frame, body),
        Screen::Runs => crate::ui::screens::runs::view::draw(app, frame, body),
        Screen::Inspect => crate::ui::screens::inspect::view::draw(app, frame, body),
        Screen::Data => crate::ui::screens::data::view::draw(app, frame, body),
        Screen::Log => crate::ui::screens::log::view::draw(app, frame, body),
    }
    footer(app, frame, foot);
    if let Some(prompt) = &app.prompt {
        crate::ui::overlay::view::draw(app, prompt, frame, body);
    }
    for cell in &mut frame.buffer_mut().content {
        if cell.symbol().contains(plain::is_active) {
            cell.set_char(plain::REPLACEMENT);
        }
    }
    if !app.settings.glyphs.unicode {
        to_ascii(app, frame);
    }
}

/// Names and paths can have any sign; a terminal that is not asked for UTF-8 gets none of them.
fn to_ascii(app: &App, frame: &mut Frame) {
    for cell in &mut frame.buffer_mut().content {
        if !cell.symbol().is_ascii() {
            let text = app.settings.glyphs.text(cell.symbol()).chars().next();
            cell.set_char(text.filter(char::is_ascii).unwrap_or('?'));
        }
    }
}

fn tabs(app: &App, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let mut spans = Vec::new();
    let mut column = area.x;
    for (number, screen) in (1..).zip(Screen::ALL) {
        let style = if screen == app.screen { theme.selected } else { theme.dim };
        let text = format!(" {number} {} ", screen.title());
        let width = text.len() as u16;
        app.hits.put(Rect { x: column, width, height: 1, ..area }, Target::Screen(screen));
        column += width;
        spans.push(Span::styled(text, style));
    }
    frame.render_widget(Line::from(spans), area);
    let state = state(app);
    let room = area.right().saturating_sub(column + 1);
    let text = cut(&state, usize::from(room));
    let width = text.chars().count() as u16;
    let right = Rect { x: area.right() - width, width, ..area };
    frame.render_widget(Span::styled(text, theme.accent), right);
}

/// The run of the engine in a few words, on every screen.
fn state(app: &App) -> String {
    let Some(head) = app.monitor.head.as_ref().filter(|_| app.training()) else {
        return String::new();
    };
    let glyphs = app.settings.glyphs;
    let sign = if app.monitor.paused { glyphs.paused() } else { glyphs.running() };
    let share = 100.0 * app.monitor.step as f64 / head.total_steps.max(1) as f64;
    format!("{sign} {share:.0} % {}", head.run)
}

/// What was said last, and the keys that work here.
fn footer(app: &App, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let [said, keys] = Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(area);
    if let Some(notice) = &app.notice {
        let style = if notice.bad { theme.bad } else { theme.good };
        let text = Paragraph::new(Span::styled(notice.text.as_str(), style)).wrap(Wrap { trim: true });
        // A long sentence takes the rows above it that it needs, up to half of the screen.
        let rows = 1 + notice.text.chars().count() / usize::from(said.width.max(1));
        let more = (rows as u16 - 1).min(frame.area().height / 2);
        let place = Rect { y: said.y - more, height: 1 + more, ..said };
        frame.render_widget(Clear, place);
        frame.buffer_mut().set_style(place, theme.text);
        frame.render_widget(text, place);
    }
    let mut spans = Vec::new();
    let mut width = 0;
    let rows = app.settings.keys.rows(app.screen);
    let own = rows.iter().filter(|(binding, _)| binding.footer);
    let always = rows.iter().filter(|(binding, _)| ["help", "quit"].contains(&binding.name));
    let last: usize = always.clone().map(|(binding, key)| cost(binding.help, key)).sum();
    for (binding, key) in own {
        if width + cost(binding.help, key) + last > usize::from(keys.width) {
            break;
        }
        width += cost(binding.help, key);
        spans.extend(hint(first(key), binding.help, theme.key, theme.dim));
    }
    for (binding, key) in always {
        spans.extend(hint(first(key), binding.help, theme.key, theme.dim));
    }
    frame.render_widget(Line::from(spans), keys);
}

fn first(keys: &str) -> &str {
    keys.split(' ').next().unwrap_or(keys)
}

fn cost(help: &str, keys: &str) -> usize {
    help.chars().count() + first(keys).chars().count() + 3
}

fn hint<'a>(key: &'a str, help: &'a str, strong: Style, weak: Style) -> [Span<'a>; 3] {
    [Span::styled(key, strong), Span::styled(format!(" {help}"), weak), Span::raw("  ")]
}

/// A box with a title; the one with the keys stands out.
pub(crate) fn pane<'a>(app: &App, title: impl Into<Line<'a>>, focus: bool) -> Block<'a> {
    let theme = &app.settings.theme;
    let border = if focus { theme.focus } else { theme.border };
    let signs = app.settings.glyphs.border();
    Block::bordered().border_set(signs).border_style(border).title_style(theme.title).title(title)
}

/// A whole number with its thousands apart.
pub(crate) fn grouped(n: u64) -> String {
    crate::monitor::lines::grouped(n)
}

/// The time of day here; blanks before the clock is known.
pub(crate) fn clock(app: &App, time: f64) -> String {
    written(app, time, "%H:%M:%S").unwrap_or_else(|| " ".repeat(8))
}

/// The day and the time of day here.
pub(crate) fn day(app: &App, time: f64) -> String {
    written(app, time, "%Y-%m-%d %H:%M").unwrap_or_else(|| "-".into())
}

pub(crate) fn written(app: &App, time: f64, format: &str) -> Option<String> {
    let time = Timestamp::from_second(time as i64).ok().filter(|_| time > 0.0)?;
    let offset = Offset::from_seconds(app.settings.utc_offset).ok()?;
    Some(offset.to_datetime(time).strftime(format).to_string())
}

/// Bytes as people say them.
pub(crate) fn bytes(n: u64) -> String {
    let n = n as f64;
    if n < 1024.0 * 1024.0 {
        format!("{:.0} KiB", n / 1024.0)
    } else if n < 1024.0 * 1024.0 * 1024.0 {
        format!("{:.1} MiB", n / 1024.0 / 1024.0)
    } else {
        format!("{:.2} GiB", n / 1024.0 / 1024.0 / 1024.0)
    }
}

/// Text cut to `width` columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width { text.to_owned() } else { text.chars().take(width).collect() }
}

/// The first row in view so that `row` is, in `height` rows.
pub(crate) fn scrolled(row: usize, count: usize, height: usize) -> usize {
    let most = count.saturating_sub(height);
    row.saturating_sub(height / 2).min(most)
}
