//! The network as a tree: every layer with its output, parameters, work and memory.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::arch::memory::training_bytes;
use crate::arch::plan::{Kind, Plan};
use crate::arch::words::Connectivity;
use crate::format::{bytes, grouped};
use crate::recipe::{Recipe, Width};
use crate::ui::canvas::Canvas;
use crate::ui::screens::recipe::state::{Of, Pane, RecipeScreen, TreeLine};
use crate::ui::widgets::fit::{cut, in_view};

/// Columns of a pane that shows parameters and memory too.
const WIDE: usize = 66;
/// Columns of the mark of what comes from a file.
const MARK: usize = 2;

pub(crate) fn draw(screen: &RecipeScreen, plan: &Plan, canvas: &mut Canvas, area: Rect) {
    let theme = canvas.theme;
    let focus = screen.pane == Pane::Tree;
    let inner = canvas.pane(" network ", focus, area);
    let below = if inner.height > 12 { 6 } else { 2 };
    let [head, rows, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(below)]).areas(inner);
    let marked = canvas.ws.first_weights.file().is_some();
    let margin = if marked { MARK } else { 0 };
    let wide = usize::from(inner.width) >= WIDE + margin;
    let width = usize::from(inner.width);
    let line = |mark: &str, name: &str, [output, parameters, macs, memory, share]: [&str; 5]| {
        let text = if wide {
            format!("{name:<20}{output:>11}{parameters:>11}{macs:>9}{memory:>10}{share:>5}")
        } else {
            let room = 15 - margin;
            format!("{:<room$}{output:>10}{share:>4} {parameters:>8}", cut(name, room))
        };
        format!("{:<width$}", format!("{mark:<margin$}{text}"))
    };
    let titles =
        line("", "layer", ["output", if wide { "parameters" } else { "param." }, "MMAC", "memory", "%"]);
    canvas.text(titles, theme.dim, head);
    let lines = screen.tree(plan);
    let row = screen.tree_row.min(lines.len().saturating_sub(1));
    let total = plan.macs().max(1) as f64;
    for (index, at) in in_view(rows, row, lines.len()) {
        let of = &lines[index];
        let [c, h, w] = of.output;
        let text = line(
            mark(canvas, plan, of.of),
            &name(screen, canvas, plan, of.of, wide),
            [
                &format!("{c}x{h}x{w}"),
                &if wide { grouped(of.parameters) } else { short(of.parameters) },
                &format!("{:.2}", of.macs as f64 / 1e6),
                &bytes(of.bytes),
                &format!("{:.0}", 100.0 * of.macs as f64 / total),
            ],
        );
        let style = match (index == row && focus, of.of) {
            (true, _) => theme.selected,
            (false, Of::Block { .. }) => theme.title,
            _ => theme.text,
        };
        canvas.row((Pane::Tree as usize, index), text, style, at);
    }
    let mut notes = about(canvas, plan, lines.get(row));
    if let (false, Some(of), Some(last)) = (wide, lines.get(row), notes.last_mut()) {
        // Figures without a column here are shown for the line under the cursor.
        let text = format!("{:.2} MMAC, {}: ", of.macs as f64 / 1e6, bytes(of.bytes));
        last.spans.insert(0, Span::styled(text, theme.text));
    }
    canvas.render_widget(Paragraph::new(notes).wrap(Wrap { trim: true }), foot);
}

/// The mark of a line: whether its weights come from the recipe's file.
fn mark(canvas: &Canvas, plan: &Plan, of: Of) -> &'static str {
    let weights = &canvas.ws.first_weights;
    let from_file = match of {
        Of::Row(index) => weights.has(&plan.rows[index]),
        Of::Block { block: of, .. } => {
            let layers = plan
                .rows
                .iter()
                .filter(|row| matches!(row.kind, Kind::DenseLayer { block, .. } if block == of));
            layers.map(|row| weights.has(row)).reduce(|all, one| Some(all? && one?)).flatten()
        }
    };
    match from_file {
        Some(true) => canvas.glyphs.point(),
        Some(false) => canvas.glyphs.dot(),
        None => "",
    }
}

/// What the marks mean.
fn legend<'a>(canvas: &Canvas) -> Option<Line<'a>> {
    let (ws, theme, glyphs) = (canvas.ws, canvas.theme, canvas.glyphs);
    let file = ws.first_weights.file()?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    Some(match ws.first_weights.trouble(&ws.draft.recipe) {
        Some(trouble) => Line::styled(trouble, theme.bad),
        None => Line::styled(format!("{} from {name}, {} drawn", glyphs.point(), glyphs.dot()), theme.text),
    })
}

/// A number of parameters in eight columns.
fn short(n: u64) -> String {
    if n < 1_000_000 { grouped(n) } else { format!("{:.2} M", n as f64 / 1e6) }
}

fn name(screen: &RecipeScreen, canvas: &Canvas, plan: &Plan, of: Of, wide: bool) -> String {
    let glyphs = canvas.glyphs;
    match of {
        Of::Block { block, layers } => {
            let sign = if screen.closed.contains(&block) { glyphs.closed() } else { glyphs.open() };
            match (layers, wide) {
                (1, true) => format!("{sign} block {block}: 1 layer"),
                (_, true) => format!("{sign} block {block}: {layers} layers"),
                (_, false) => format!("{sign} block {block} ({layers})"),
            }
        }
        Of::Row(index) => match plan.rows[index].kind {
            Kind::DenseLayer { layer, .. } => {
                let next = plan.rows.get(index + 1).map(|row| row.kind);
                let more = matches!(next, Some(Kind::DenseLayer { layer: next, .. }) if next > layer);
                format!("  {}layer {layer}", if more { glyphs.branch() } else { glyphs.last_branch() })
            }
            kind => kind.to_string(),
        },
    }
}

/// The totals first, then what the line under the cursor is.
fn about<'a>(canvas: &Canvas, plan: &Plan, line: Option<&TreeLine>) -> Vec<Line<'a>> {
    let (ws, theme) = (canvas.ws, canvas.theme);
    let recipe = &ws.draft.recipe;
    let arch = recipe.arch(ws.draft.classes());
    let needed = training_bytes(&arch, plan, recipe.batch_size);
    let fits = ws.settings.memory.is_none_or(|free| needed <= free);
    let free = ws.settings.memory.map(|free| format!(" of {} free", bytes(free))).unwrap_or_default();
    let (parameters, macs) = (grouped(plan.parameters()), plan.macs() as f64 / 1e6);
    let mut notes = vec![
        Line::styled(format!("{parameters} parameters, {macs:.2} MMAC an image"), theme.text),
        Line::styled(
            format!("a batch of {} takes {}{free}", recipe.batch_size, bytes(needed)),
            if fits { theme.text } else { theme.bad },
        ),
    ];
    if recipe.connectivity != Connectivity::Dense {
        notes.push(Line::styled(budgets(recipe, plan.classes()), theme.text));
    }
    notes.extend(legend(canvas));
    notes.push(Line::styled(line.map(|line| formula(recipe, plan, line.of)).unwrap_or_default(), theme.dim));
    notes
}

/// The parameters of the network beside those of the other two connectivities, each of the width that the dense one allows.
fn budgets(recipe: &Recipe, classes: usize) -> String {
    let counts = Connectivity::WORDS.iter().filter_map(|word| {
        let other = Recipe { connectivity: word.parse().ok()?, width: Width::Auto, ..recipe.clone() };
        let arch = other.arch(classes);
        let plan = arch.plan().ok()?;
        let width = if arch.width > 0 { format!(" (width {})", arch.width) } else { String::new() };
        Some(format!("{word}{width} {}", grouped(plan.parameters())))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// The formula for a line of a residual or plain network.
fn formula_of_one(recipe: &Recipe, plan: &Plan, of: Of) -> String {
    let residual = recipe.connectivity == Connectivity::Residual;
    let plus = if residual { " + x_(l-1)" } else { "" };
    let Of::Row(index) = of else {
        return format!("x_l = H_l(x_(l-1)){plus}: each layer reads the one before it");
    };
    let row = &plan.rows[index];
    let (c_in, c_out) = (row.c_in, row.output[0]);
    match row.kind {
        Kind::Stem => format!("x_0 = 3x3 convolution of the image: {c_out} maps"),
        Kind::DenseLayer { layer, .. } => {
            let inner = if recipe.bottleneck { "3x3(relu(BN(1x1(relu(BN)))))" } else { "3x3(relu(BN))" };
            let added = if residual { ", added to what it read" } else { "" };
            format!("H_{layer}(x_{}) = {inner}: {c_in} maps to {c_out}{added}", layer - 1)
        }
        Kind::Transition { .. } => {
            format!("1x1(relu(BN)): {c_in} maps to {c_out}, then the average of each 2x2")
        }
        Kind::Head => format!("relu(BN) of {c_in} maps, each averaged over its pixels"),
        Kind::Classifier => format!("linear: {c_in} averages to {c_out} classes, softmax"),
    }
}

/// The paper's formula for a line of the tree (Huang et al. 2017, section 3).
fn formula(recipe: &Recipe, plan: &Plan, of: Of) -> String {
    let k = recipe.growth_rate;
    if recipe.connectivity != Connectivity::Dense {
        return formula_of_one(recipe, plan, of);
    }
    match of {
        Of::Block { layers, .. } => format!(
            "x_l = H_l([x_0, ..., x_(l-1)]), l = 1..{layers}: each layer reads the maps of all before it and adds {k}"
        ),
        Of::Row(index) => {
            let row = &plan.rows[index];
            let c_in = row.c_in;
            match row.kind {
                Kind::Stem => format!("x_0 = 3x3 convolution of the image: {} maps", row.output[0]),
                Kind::DenseLayer { layer, .. } if recipe.bottleneck => format!(
                    "H_{layer}([x_0..x_{}]) = 3x3(relu(BN(1x1(relu(BN))))): {c_in} maps to {} to {k}, joined to the others",
                    layer - 1,
                    4 * k
                ),
                Kind::DenseLayer { layer, .. } => format!(
                    "H_{layer}([x_0..x_{}]) = 3x3(relu(BN)): {c_in} maps to {k}, joined to the others",
                    layer - 1
                ),
                Kind::Transition { .. } => format!(
                    "1x1(relu(BN)): {c_in} maps to floor({} x {c_in}) = {}, then the average of each 2x2",
                    recipe.compression, row.output[0]
                ),
                Kind::Head => format!("relu(BN) of {c_in} maps, each averaged over its pixels"),
                Kind::Classifier => format!("linear: {c_in} averages to {} classes, softmax", row.output[0]),
            }
        }
    }
}
