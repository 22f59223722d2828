//! The recipe: the form, and beside it the tree of the network it makes.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::arch::problem::Problem;
use crate::ui::app::view::{cut, pane, scrolled};
use crate::ui::hits::Target;
use crate::ui::screens::recipe::state::{FIELDS, Field, Pane};
use crate::ui::screens::recipe::tree;
use crate::ui::widgets::axis::{Axis, Unit};
use crate::ui::widgets::chart::{Chart, Line as Curve};
use crate::ui::workspace::App;

/// Columns of a value, at least; the unit stands behind.
const VALUE: usize = 9;
/// Rows of a pane that has room for the learning rate below the tree, whatever the cursor is on.
const WITH_RATES: u16 = 40;

pub(crate) fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let left = (area.width / 2).clamp(38, 52);
    let [form_area, right] = Layout::horizontal([Constraint::Length(left), Constraint::Min(20)]).areas(area);
    form(app, frame, form_area);
    let field = app.recipe.field();
    let about_rates = app.recipe.pane == Pane::Form && (field.group == "schedule" || field.key == "lr");
    let rates_height = match (about_rates, area.height >= WITH_RATES) {
        (_, true) => 12,
        (true, false) => area.height / 2,
        (false, false) => 0,
    };
    let [tree_area, rates_area] =
        Layout::vertical([Constraint::Min(1), Constraint::Length(rates_height)]).areas(right);
    match app.recipe.plan() {
        Ok(plan) => tree::draw(app, &plan, frame, tree_area),
        Err(problem) => trouble(app, &problem, frame, tree_area),
    }
    if rates_height > 0 {
        rates(app, frame, rates_area);
    }
}

/// A line of the form: a group's title, a field, or what is wrong with the field above.
enum Row<'a> {
    Group(&'static str),
    Field(usize),
    Problem(&'a str),
}

fn form(app: &App, frame: &mut Frame, area: Rect) {
    let (theme, screen) = (&app.settings.theme, &app.recipe);
    let focus = screen.pane == Pane::Form;
    let title = match screen.problems.len() {
        0 => " recipe ".to_owned(),
        1 => " recipe: one thing is wrong ".to_owned(),
        n => format!(" recipe: {n} things are wrong "),
    };
    let block = pane(app, title, focus);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [body, help] = Layout::vertical([Constraint::Min(1), Constraint::Length(3)]).areas(inner);
    let mut rows = Vec::new();
    let (mut group, mut here) = ("", 0);
    for (place, field) in FIELDS.iter().enumerate() {
        if field.group != group {
            group = field.group;
            rows.push(Row::Group(group));
        }
        if place == screen.row {
            here = rows.len();
        }
        rows.push(Row::Field(place));
        rows.extend(screen.problem(field.key).map(Row::Problem));
    }
    let width = usize::from(body.width);
    let first = scrolled(here, rows.len(), usize::from(body.height));
    for (line, row) in rows.iter().skip(first).take(usize::from(body.height)).enumerate() {
        let at = Rect { y: body.y + line as u16, height: 1, ..body };
        match row {
            Row::Group(name) => frame.render_widget(Span::styled(*name, theme.title), at),
            Row::Problem(text) => {
                let text = format!("    {} {text}", app.settings.glyphs.cross());
                frame.render_widget(Span::styled(cut(&text, width), theme.bad), at);
            }
            Row::Field(place) => {
                app.hits.put(at, Target::Field(*place));
                let selected = *place == screen.row && focus;
                frame.render_widget(Line::from(entry(app, &FIELDS[*place], selected, width)), at);
            }
        }
    }
    frame.render_widget(about(app), help);
}

/// Name, value and unit of a field; `*` where the value is a person's own.
fn entry<'a>(app: &App, field: &Field, selected: bool, width: usize) -> Vec<Span<'a>> {
    let (theme, screen) = (&app.settings.theme, &app.recipe);
    let text = screen.text(field.key);
    let text = if text.is_empty() { "auto".to_owned() } else { text };
    let own = if screen.is_own(field.key) { "*" } else { " " };
    let value = cut(&format!("{own}{text}"), width.saturating_sub(19));
    let style = if selected { theme.selected } else { theme.text };
    let unit = match field.choices {
        [] => field.unit.to_owned(),
        choices => choices.join(" | "),
    };
    let value = format!("{value:<VALUE$}");
    let used = 19 + value.chars().count();
    vec![
        Span::styled(format!("  {:<16}", field.key), style),
        Span::styled(value, if screen.is_own(field.key) && !selected { theme.accent } else { style }),
        Span::styled(cut(&format!(" {unit}"), width.saturating_sub(used)), theme.dim),
    ]
}

/// The field under the cursor: what is wrong with it, or what it is and its default.
fn about<'a>(app: &App) -> Paragraph<'a> {
    let (theme, screen) = (&app.settings.theme, &app.recipe);
    let field = screen.field();
    let line = match screen.problem(field.key) {
        Some(problem) => Line::styled(problem.to_owned(), theme.bad),
        None => Line::from(vec![
            Span::styled(field.help, theme.dim),
            Span::styled(format!(" (default {})", screen.default_text(field.key)), theme.dim),
        ]),
    };
    Paragraph::new(vec![Line::default(), line]).wrap(Wrap { trim: true })
}

fn trouble(app: &App, problem: &Problem, frame: &mut Frame, area: Rect) {
    let block = pane(app, " network ", app.recipe.pane == Pane::Tree);
    let text = Paragraph::new(Line::styled(problem.to_string(), app.settings.theme.bad));
    frame.render_widget(text.wrap(Wrap { trim: true }).block(block), area);
}

/// The learning rate over the epochs of this recipe.
fn rates(app: &App, frame: &mut Frame, area: Rect) {
    let block = pane(app, " learning rate of this recipe ", false);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let points = app.recipe.rates();
    let epochs = app.recipe.recipe.epochs as f64;
    let chart = Chart {
        title: "",
        lines: vec![Curve { name: "", points: &points, faint: &[], style: 0, marker: '*' }],
        x: Axis { label: "epoch".into(), log: false, bounds: Some((0.0, epochs)), unit: Unit::Number },
        y: Axis { label: String::new(), log: app.train.log_y, bounds: None, unit: Unit::Number },
        marks: &[],
        cursor: None,
        theme: &app.settings.theme,
        glyphs: app.settings.glyphs,
    };
    frame.render_widget(&chart, inner);
}
