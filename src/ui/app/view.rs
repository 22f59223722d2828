//! Drawing: the frame from what the interface knows. Nothing changes here.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use crate::plain;
use crate::ui::app::App;
use crate::ui::canvas::Canvas;
use crate::ui::hits::{Hits, Target};
use crate::ui::keys::binding::Tab;
use crate::ui::overlay;
use crate::ui::widgets::fit::cut;
use crate::ui::widgets::picture::Placed;
use crate::ui::workspace::Workspace;

/// Columns from which on there are blanks on both sides of a tab.
const NARROW: u16 = 80;
/// The smallest terminal that is drawn in.
pub(crate) const SMALLEST: (u16, u16) = (60, 16);

impl App {
    /// Draws a frame; returns where it put what can be clicked, and the pictures that the terminal draws.
    pub(crate) fn draw(&self, frame: &mut Frame) -> (Hits, Vec<Placed>) {
        let mut canvas = Canvas::new(frame, &self.ws);
        self.everything(&mut canvas);
        if canvas.is_covered() {
            canvas.begin_again_in_cells();
            self.everything(&mut canvas);
        }
        (canvas.hits, canvas.placed)
    }

    fn everything(&self, canvas: &mut Canvas) {
        let (area, text) = (canvas.area(), canvas.theme.text);
        canvas.buffer_mut().set_style(area, text);
        let (width, height) = SMALLEST;
        if area.width < width || area.height < height {
            let size = format!("{}x{}", area.width, area.height);
            let sentence = format!("{size} is too small; densenet-tui needs {width}x{height}.");
            return canvas.prose(sentence, text, area);
        }
        let [head, body, foot] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(area);
        tabs(canvas, head);
        self.screens.of(self.ws.tab).draw(canvas, body);
        footer(canvas, foot);
        if let Some(prompt) = &self.overlay.prompt {
            overlay::view::draw(prompt, canvas, body);
        }
        // Names and paths can have any sign: none that controls a terminal is drawn, and only ASCII without UTF-8.
        let glyphs = canvas.glyphs;
        for cell in &mut canvas.buffer_mut().content {
            if cell.symbol().contains(plain::is_active) {
                cell.set_char(plain::REPLACEMENT);
            }
            if !glyphs.unicode && !cell.symbol().is_ascii() {
                let twin = glyphs.text(cell.symbol()).chars().next();
                cell.set_char(twin.filter(char::is_ascii).unwrap_or('?'));
            }
        }
    }
}

fn tabs(canvas: &mut Canvas, area: Rect) {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let mut spans = Vec::new();
    let mut column = area.x;
    for (number, tab) in (1..).zip(Tab::ALL) {
        let style = if tab == ws.tab { theme.selected } else { theme.dim };
        // On the narrowest terminals the tabs stand side by side.
        let gap = if area.width < NARROW { "" } else { " " };
        let text = format!(" {number} {}{gap}", tab.title());
        let width = text.len() as u16;
        canvas.hit(Rect { x: column, width, height: 1, ..area }, Target::Tab(tab));
        column += width;
        spans.push(Span::styled(text, style));
    }
    canvas.render_widget(Line::from(spans), area);
    let state = state(ws);
    let room = area.right().saturating_sub(column + 1);
    let text = cut(&state, usize::from(room));
    let width = text.chars().count() as u16;
    let right = Rect { x: area.right() - width, width, ..area };
    canvas.text(text, theme.accent, right);
}

/// The run of the engine in a few words, on every screen.
fn state(ws: &Workspace) -> String {
    let Some(head) = ws.live.head().filter(|_| ws.live.training()) else {
        return String::new();
    };
    let glyphs = ws.settings.glyphs;
    let sign = if ws.live.monitor.paused { glyphs.paused() } else { glyphs.running() };
    let share = 100.0 * ws.live.monitor.step as f64 / head.total_steps.max(1) as f64;
    let waiting = match ws.queue.len() {
        0 => String::new(),
        count => format!(" +{count}"),
    };
    format!("{sign} {share:.0} %{waiting} {}", head.run)
}

/// The notice, and the keys that work here.
fn footer(canvas: &mut Canvas, area: Rect) {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let [line, keys] = Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(area);
    if let Some(notice) = &ws.notice {
        let style = if notice.bad { theme.bad } else { theme.good };
        // A long sentence takes the rows above it that it needs, up to half of the screen.
        let rows = 1 + notice.text.chars().count() / usize::from(line.width.max(1));
        let more = (rows as u16 - 1).min(canvas.area().height / 2);
        let area = Rect { y: line.y - more, height: 1 + more, ..line };
        canvas.render_widget(Clear, area);
        canvas.buffer_mut().set_style(area, theme.text);
        canvas.prose(&notice.text, style, area);
    }
    let mut spans = Vec::new();
    let mut width = 0;
    let (own, everywhere) = (ws.settings.keys.rows(Some(ws.tab)), ws.settings.keys.rows(None));
    let always = everywhere.iter().filter(|(binding, _)| ["help", "quit"].contains(&binding.name));
    let last: usize = always.clone().map(|(binding, key)| cost(binding.help, key)).sum();
    for (binding, key) in &own {
        if width + cost(binding.help, key) + last > usize::from(keys.width) {
            break;
        }
        width += cost(binding.help, key);
        spans.extend(hint(first(key), binding.help, theme.key, theme.dim));
    }
    for (binding, key) in always {
        spans.extend(hint(first(key), binding.help, theme.key, theme.dim));
    }
    canvas.render_widget(Line::from(spans), keys);
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
