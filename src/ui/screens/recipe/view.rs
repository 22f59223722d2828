//! The recipe: the form, and beside it the tree of the network it makes.

use crate::recipe::keys::{FORM, Key};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::ui::canvas::Canvas;
use crate::ui::hits::Target;
use crate::ui::screens::recipe::state::{Pane, RecipeScreen};
use crate::ui::screens::recipe::tree;
use crate::ui::widgets::axis::Axis;
use crate::ui::widgets::chart::{Chart, Line as Curve};
use crate::ui::widgets::fit::{cut, in_view};
use crate::ui::workspace::Workspace;

/// Columns of a value, at least; the unit stands behind.
const VALUE: usize = 9;
/// Rows of a pane that has room for the learning rate below the tree, whatever the cursor is on.
const WITH_RATES: u16 = 40;

pub(crate) fn draw(screen: &RecipeScreen, canvas: &mut Canvas, area: Rect) {
    let left = (area.width / 2).clamp(38, 52);
    let [form_area, right] = Layout::horizontal([Constraint::Length(left), Constraint::Min(20)]).areas(area);
    form(screen, canvas, form_area);
    let field = screen.field();
    let about_rates = screen.pane == Pane::Form && (field.group == "schedule" || field.name == "lr");
    let rates_height = match (about_rates, area.height >= WITH_RATES) {
        (_, true) => 12,
        (true, false) => area.height / 2,
        (false, false) => 0,
    };
    let [tree_area, rates_area] =
        Layout::vertical([Constraint::Min(1), Constraint::Length(rates_height)]).areas(right);
    match canvas.ws.draft.plan() {
        Ok(plan) => tree::draw(screen, &plan, canvas, tree_area),
        Err(problem) => {
            let inner = canvas.pane(" network ", screen.pane == Pane::Tree, tree_area);
            canvas.prose(problem.to_string(), canvas.theme.bad, inner);
        }
    }
    if rates_height > 0 {
        rates(canvas, rates_area);
    }
}

/// A line of the form: a group's title, a field, or what is wrong with the field above.
enum Row {
    Group(&'static str),
    Field(usize),
    Problem(String),
}

fn form(screen: &RecipeScreen, canvas: &mut Canvas, area: Rect) {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let focus = screen.pane == Pane::Form;
    let title = match ws.draft.problems.len() {
        0 => " recipe ".to_owned(),
        1 => " recipe: one thing is wrong ".to_owned(),
        n => format!(" recipe: {n} things are wrong "),
    };
    let inner = canvas.pane(title, focus, area);
    let [body, help] = Layout::vertical([Constraint::Min(1), Constraint::Length(3)]).areas(inner);
    let mut rows = Vec::new();
    let (mut group, mut here) = ("", 0);
    for (index, field) in FORM.iter().enumerate() {
        if field.group != group {
            group = field.group;
            rows.push(Row::Group(group));
        }
        if index == screen.row {
            here = rows.len();
        }
        rows.push(Row::Field(index));
        rows.extend(problem(ws, field.name).map(Row::Problem));
    }
    let width = usize::from(body.width);
    for (line, at) in in_view(body, here, rows.len()) {
        match &rows[line] {
            Row::Group(name) => canvas.text(*name, theme.title, at),
            Row::Problem(text) => {
                canvas.text(format!("    {} {text}", canvas.glyphs.cross()), theme.bad, at);
            }
            &Row::Field(index) => {
                canvas.hit(at, Target::Part { part: Pane::Form as usize, row: index });
                let selected = index == screen.row && focus;
                let line = Line::from(entry(canvas, &FORM[index], selected, width));
                canvas.render_widget(line, at);
            }
        }
    }
    let about = about(screen, canvas);
    canvas.render_widget(about, help);
}

/// What is wrong with a key, as far as is known without the engine.
fn problem(ws: &Workspace, key: &str) -> Option<String> {
    let of_file = || ws.first_weights.trouble(&ws.draft.recipe).filter(|_| key == "weights");
    ws.draft.problem(key).map(str::to_owned).or_else(of_file)
}

/// Name, value and unit of a field; `*` where the value is a person's own.
fn entry<'a>(canvas: &Canvas, field: &Key, selected: bool, width: usize) -> Vec<Span<'a>> {
    let (ws, theme) = (canvas.ws, canvas.theme);
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
fn about<'a>(screen: &RecipeScreen, canvas: &Canvas) -> Paragraph<'a> {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let field = screen.field();
    let line = match problem(ws, field.name) {
        Some(problem) => Line::styled(problem, theme.bad),
        None => Line::from(vec![
            Span::styled(field.help(), theme.dim),
            Span::styled(format!(" (default {})", ws.draft.default_text(field.name)), theme.dim),
        ]),
    };
    Paragraph::new(vec![Line::default(), line]).wrap(Wrap { trim: true })
}

/// The learning rate over the epochs of this recipe.
fn rates(canvas: &mut Canvas, area: Rect) {
    let inner = canvas.pane(" learning rate of this recipe ", false, area);
    let points = canvas.ws.draft.rates();
    let epochs = canvas.ws.draft.recipe.epochs as f64;
    let chart = Chart {
        lines: vec![Curve { name: "", points: &points, faint: &[], band: &[], style: 0, marker: '*' }],
        x: Axis { label: "epoch".into(), bounds: Some((0.0, epochs)), ..Axis::default() },
        y: Axis { log: canvas.ws.view.log_y, ..Axis::default() },
        dots: &[],
        marks: &[],
        cursor: None,
        theme: canvas.theme,
        glyphs: canvas.glyphs,
    };
    canvas.render_widget(&chart, inner);
}
