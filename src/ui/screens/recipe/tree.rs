//! The network as a tree: every layer with its output, parameters, work and memory.

use crate::format::{bytes, grouped};
use crate::ui::hits::{Canvas, Target};
use crate::ui::screens::recipe::state::RecipeScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::arch::memory::training_bytes;
use crate::arch::plan::{Kind, Plan};
use crate::ui::screens::recipe::state::{Pane, TreeLine};
use crate::ui::widgets::pane::{cut, pane, scrolled};

/// Columns of a pane that shows parameters and memory too.
const WIDE: u16 = 66;

/// What a line of the tree shows: name, output shape, parameters, multiply-accumulates, bytes an image.
struct Cells {
    name: String,
    output: [usize; 3],
    parameters: u64,
    macs: u64,
    bytes: u64,
}

pub(crate) fn draw(screen: &RecipeScreen, ws: &Workspace, plan: &Plan, canvas: &mut Canvas, area: Rect) {
    let theme = &ws.settings.theme;
    let focus = screen.pane == Pane::Tree;
    let block = pane(&ws.settings.theme, ws.settings.glyphs, " network ", focus);
    let inner = block.inner(area);
    canvas.render_widget(block, area);
    let below = if inner.height > 12 { 6 } else { 2 };
    let [head, rows, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(below)]).areas(inner);
    let wide = inner.width >= WIDE;
    let line = |name: &str, [output, parameters, macs, memory, share]: [&str; 5]| {
        let text = if wide {
            format!("{name:<20}{output:>11}{parameters:>11}{macs:>9}{memory:>10}{share:>5}")
        } else {
            format!("{:<15}{output:>10}{share:>4} {parameters:>8}", cut(name, 15))
        };
        let width = usize::from(inner.width);
        cut(&format!("{text:<width$}"), width)
    };
    let titles = line("layer", ["output", if wide { "parameters" } else { "param." }, "MMAC", "memory", "%"]);
    canvas.render_widget(Span::styled(titles, theme.dim), head);
    let lines = screen.tree(plan);
    let height = usize::from(rows.height);
    let row = screen.tree_row.min(lines.len().saturating_sub(1));
    let first = scrolled(row, lines.len(), height);
    let total = plan.macs().max(1) as f64;
    for (place, of) in lines.iter().enumerate().skip(first).take(height) {
        let cells = cells(screen, ws, plan, of, wide);
        let [c, h, w] = cells.output;
        let text = line(
            &cells.name,
            [
                &format!("{c}x{h}x{w}"),
                &if wide { grouped(cells.parameters) } else { short(cells.parameters) },
                &format!("{:.2}", cells.macs as f64 / 1e6),
                &bytes(cells.bytes),
                &format!("{:.0}", 100.0 * cells.macs as f64 / total),
            ],
        );
        let style = match (place == row && focus, of) {
            (true, _) => theme.selected,
            (false, TreeLine::Block { .. }) => theme.title,
            _ => theme.text,
        };
        let at = Rect { y: rows.y + (place - first) as u16, height: 1, ..rows };
        canvas.render_widget(Span::styled(text, style), at);
        canvas.hit(at, Target::Part { part: Pane::Tree as usize, row: place });
    }
    let mut said = about(ws, plan, lines.get(row));
    if let (false, Some(line), Some(last)) = (wide, lines.get(row), said.last_mut()) {
        // What has no column here is said of the line under the cursor.
        let of = cells(screen, ws, plan, line, wide);
        let text = format!("{:.2} MMAC, {}: ", of.macs as f64 / 1e6, bytes(of.bytes));
        last.spans.insert(0, Span::styled(text, theme.text));
    }
    let text = Paragraph::new(said).wrap(Wrap { trim: true });
    canvas.render_widget(text, foot);
}

/// A number of parameters in eight columns.
fn short(n: u64) -> String {
    if n < 1_000_000 { grouped(n) } else { format!("{:.2} M", n as f64 / 1e6) }
}

fn cells(screen: &RecipeScreen, ws: &Workspace, plan: &Plan, line: &TreeLine, wide: bool) -> Cells {
    let glyphs = ws.settings.glyphs;
    match line {
        TreeLine::Block { block, layers, parameters, macs, bytes, output } => {
            let closed = screen.closed.contains(block);
            let sign = if closed { glyphs.closed() } else { glyphs.open() };
            let of = match (*layers, wide) {
                (1, true) => ": 1 layer".to_owned(),
                (_, true) => format!(": {layers} layers"),
                (_, false) => format!(" ({layers})"),
            };
            Cells {
                name: format!("{sign} block {block}{of}"),
                output: *output,
                parameters: *parameters,
                macs: *macs,
                bytes: *bytes,
            }
        }
        TreeLine::Row(place) => {
            let row = &plan.rows[*place];
            let last = |block| !matches!(plan.rows.get(place + 1).map(|row| row.kind), Some(Kind::DenseLayer { block: b, .. }) if b == block);
            Cells {
                name: match row.kind {
                    Kind::DenseLayer { block, layer } if last(block) => {
                        format!("  {}layer {layer}", glyphs.last_branch())
                    }
                    Kind::DenseLayer { layer, .. } => format!("  {}layer {layer}", glyphs.branch()),
                    _ => row.kind.to_string(),
                },
                output: row.output,
                parameters: row.parameter_count(),
                macs: row.macs,
                bytes: row.activation_bytes,
            }
        }
    }
}

/// The totals first, then what the line under the cursor is.
fn about<'a>(ws: &Workspace, plan: &Plan, line: Option<&TreeLine>) -> Vec<Line<'a>> {
    let theme = &ws.settings.theme;
    let recipe = &ws.draft.recipe;
    let arch = recipe.arch(ws.draft.classes());
    let needed = training_bytes(&arch, plan, recipe.batch_size);
    let fits = ws.settings.memory.is_none_or(|free| needed <= free);
    let free = ws.settings.memory.map(|free| format!(" of {} free", bytes(free))).unwrap_or_default();
    vec![
        Line::styled(
            format!(
                "{} parameters, {:.2} MMAC an image",
                grouped(plan.parameters()),
                plan.macs() as f64 / 1e6
            ),
            theme.text,
        ),
        Line::styled(
            format!("a batch of {} takes {}{free}", recipe.batch_size, bytes(needed)),
            if fits { theme.text } else { theme.bad },
        ),
        Line::styled(formula(ws, plan, line), theme.dim),
    ]
}

/// The paper's formula for a line of the tree (Huang et al. 2017, section 3).
fn formula(ws: &Workspace, plan: &Plan, line: Option<&TreeLine>) -> String {
    let recipe = &ws.draft.recipe;
    let k = recipe.growth_rate;
    match line {
        None => String::new(),
        Some(TreeLine::Block { layers, .. }) => format!(
            "x_l = H_l([x_0, ..., x_(l-1)]), l = 1..{layers}: each layer reads the maps of all before it and adds {k}"
        ),
        Some(TreeLine::Row(place)) => {
            let row = &plan.rows[*place];
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
