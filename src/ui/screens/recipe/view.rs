//! The recipe: the form, and beside it the tree of the network it makes.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::arch::problem::Problem;
use crate::recipe::keys::{FORM, Key};
use crate::ui::hits::{Canvas, Target};
use crate::ui::screens::recipe::state::{Pane, RecipeScreen};
use crate::ui::screens::recipe::tree;
use crate::ui::widgets::axis::{Axis, Unit};
use crate::ui::widgets::chart::{Chart, Line as Curve};
use crate::ui::widgets::pane::{cut, pane, scrolled};
use crate::ui::workspace::Workspace;

/// Columns of a value, at least; the unit stands behind.
const VALUE: usize = 9;
/// Rows of a pane that has room for the learning rate below the tree, whatever the cursor is on.
const WITH_RATES: u16 = 40;

pub(crate) fn draw(screen: &RecipeScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let left = (area.width / 2).clamp(38, 52);
    let [form_area, right] = Layout::horizontal([Constraint::Length(left), Constraint::Min(20)]).areas(area);
    form(screen, ws, canvas, form_area);
    let field = screen.field();
    let about_rates = screen.pane == Pane::Form && (field.group == "schedule" || field.name == "lr");
    let rates_height = match (about_rates, area.height >= WITH_RATES) {
        (_, true) => 12,
        (true, false) => area.height / 2,
        (false, false) => 0,
    };
    let [tree_area, rates_area] =
        Layout::vertical([Constraint::Min(1), Constraint::Length(rates_height)]).areas(right);
    match ws.draft.plan() {
        Ok(plan) => tree::draw(screen, ws, &plan, canvas, tree_area),
        Err(problem) => trouble(screen, ws, &problem, canvas, tree_area),
    }
    if rates_height > 0 {
        rates(ws, canvas, rates_area);
    }
}

/// A line of the form: a group's title, a field, or what is wrong with the field above.
enum Row<'a> {
    Group(&'static str),
    Field(usize),
    Problem(&'a str),
}

fn form(screen: &RecipeScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let theme = &ws.settings.theme;
    let focus = screen.pane == Pane::Form;
    let title = match ws.draft.problems.len() {
        0 => " recipe ".to_owned(),
        1 => " recipe: one thing is wrong ".to_owned(),
        n => format!(" recipe: {n} things are wrong "),
    };
    let block = pane(&ws.settings.theme, ws.settings.glyphs, title, focus);
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    let [body, help] = Layout::vertical([Constraint::Min(1), Constraint::Length(3)]).areas(inner);
    let mut rows = Vec::new();
    let (mut group, mut here) = ("", 0);
    for (place, field) in FORM.iter().enumerate() {
        if field.group != group {
            group = field.group;
            rows.push(Row::Group(group));
        }
        if place == screen.row {
            here = rows.len();
        }
        rows.push(Row::Field(place));
        rows.extend(ws.draft.problem(field.name).map(Row::Problem));
    }
    let width = usize::from(body.width);
    let first = scrolled(here, rows.len(), usize::from(body.height));
    for (line, row) in rows.iter().skip(first).take(usize::from(body.height)).enumerate() {
        let at = Rect { y: body.y + line as u16, height: 1, ..body };
        match row {
            Row::Group(name) => canvas.render_widget(Span::styled(*name, theme.title), at),
            Row::Problem(text) => {
                let text = format!("    {} {text}", ws.settings.glyphs.cross());
                canvas.render_widget(Span::styled(cut(&text, width), theme.bad), at);
            }
            Row::Field(place) => {
                canvas.hit(at, Target::Part { part: Pane::Form as usize, row: *place });
                let selected = *place == screen.row && focus;
                canvas.render_widget(Line::from(entry(ws, &FORM[*place], selected, width)), at);
            }
        }
    }
    canvas.render_widget(about(screen, ws), help);
}

/// Name, value and unit of a field; `*` where the value is a person's own.
fn entry<'a>(ws: &Workspace, field: &Key, selected: bool, width: usize) -> Vec<Span<'a>> {
    let theme = &ws.settings.theme;
    let text = ws.draft.text(field.name);
    let text = if text.is_empty() { "auto".to_owned() } else { text };
    let own = if ws.draft.is_own(field.name) { "*" } else { " " };
    let value = cut(&format!("{own}{text}"), width.saturating_sub(19));
    let style = if selected { theme.selected } else { theme.text };
    let unit = match field.choices() {
        [] => field.unit.to_owned(),
        choices => choices.join(" | "),
    };
    let value = format!("{value:<VALUE$}");
    let used = 19 + value.chars().count();
    vec![
        Span::styled(format!("  {:<16}", field.name), style),
        Span::styled(value, if ws.draft.is_own(field.name) && !selected { theme.accent } else { style }),
        Span::styled(cut(&format!(" {unit}"), width.saturating_sub(used)), theme.dim),
    ]
}

/// The field under the cursor: what is wrong with it, or what it is and its default.
fn about<'a>(screen: &RecipeScreen, ws: &Workspace) -> Paragraph<'a> {
    let theme = &ws.settings.theme;
    let field = screen.field();
    let line = match ws.draft.problem(field.name) {
        Some(problem) => Line::styled(problem.to_owned(), theme.bad),
        None => Line::from(vec![
            Span::styled(field.help(), theme.dim),
            Span::styled(format!(" (default {})", ws.draft.default_text(field.name)), theme.dim),
        ]),
    };
    Paragraph::new(vec![Line::default(), line]).wrap(Wrap { trim: true })
}

fn trouble(screen: &RecipeScreen, ws: &Workspace, problem: &Problem, canvas: &mut Canvas, area: Rect) {
    let block = pane(&ws.settings.theme, ws.settings.glyphs, " network ", screen.pane == Pane::Tree);
    let text = Paragraph::new(Line::styled(problem.to_string(), ws.settings.theme.bad));
    canvas.render_widget(text.wrap(Wrap { trim: true }).block(block), area);
}

/// The learning rate over the epochs of this recipe.
fn rates(ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let block = pane(&ws.settings.theme, ws.settings.glyphs, " learning rate of this recipe ", false);
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    let points = ws.draft.rates();
    let epochs = ws.draft.recipe.epochs as f64;
    let chart = Chart {
        title: "",
        lines: vec![Curve { name: "", points: &points, faint: &[], style: 0, marker: '*' }],
        x: Axis { label: "epoch".into(), log: false, bounds: Some((0.0, epochs)), unit: Unit::Number },
        y: Axis { label: String::new(), log: ws.view.log_y, bounds: None, unit: Unit::Number },
        marks: &[],
        cursor: None,
        theme: &ws.settings.theme,
        glyphs: ws.settings.glyphs,
    };
    canvas.render_widget(&chart, inner);
}
