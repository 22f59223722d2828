//! How large the outputs and the gradients of every layer are.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::arch::plan::Kind;
use crate::protocol::event::{Inspection, LayerStats};
use crate::ui::canvas::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::screens::inspect::view::parts::footer;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::widgets::fit::{cut, from_top, in_view};

/// Below this share of the greatest a gradient counts as vanishing.
const VANISHING: f64 = 1e-4;

pub(crate) fn draw(screen: &InspectScreen, found: &Inspection, canvas: &mut Canvas, area: Rect) {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let deviations = Decades::of(found.scales.iter().map(|of| of.deviation));
    let gradients = Decades::of(found.scales.iter().filter_map(|of| of.gradient));
    let text =
        format!("log bars {deviations}, {gradients}; zeros, dead channels in %; ! half dead, or no gradient");
    let (head, body) = from_top(footer(canvas, &screen.pointed(), &text, area), 1);
    let columns = Columns::of(head.width);
    canvas.text(columns.head(), theme.title, head);
    let most = found.scales.iter().filter_map(|of| of.gradient).fold(0.0, f64::max);
    for (index, at) in in_view(body, screen.layer, found.scales.len()) {
        let of = &found.scales[index];
        let lost = of.gradient.is_some_and(|rms| !rms.is_finite() || rms < VANISHING * most);
        let trouble = of.dead > 0.5 || lost || !of.deviation.is_finite();
        let style = match (index == screen.layer, trouble) {
            (true, _) => theme.selected,
            (_, true) => theme.warn,
            _ => theme.text,
        };
        let sign = if trouble { "!" } else { " " };
        let [before, between] = columns.row(&format!("{sign}{}", Kind::of(index, &of.name)), of);
        let bar =
            |scale: &Decades, value| Span::styled(scale.bar(value, columns.bar, glyphs), theme.curve(0));
        let spans = [
            Span::styled(before, style),
            bar(&deviations, Some(of.deviation)),
            Span::styled(between, style),
            bar(&gradients, of.gradient),
        ];
        canvas.render_widget(Line::from_iter(spans), at);
    }
}

/// How wide the columns are; what is least needed goes where there is little room.
struct Columns {
    name: usize,
    mean: bool,
    bar: usize,
}

impl Columns {
    fn of(width: u16) -> Self {
        let width = usize::from(width);
        let (name, mean) = if width >= 100 { (26, true) } else { (20, width >= 70) };
        let rest = width.saturating_sub(name + 10 + 7 + 7 + 10 + if mean { 10 } else { 0 });
        Self { name, mean, bar: (rest / 2).min(30) }
    }

    fn head(&self) -> String {
        let [deviation, gradient] = self.texts("layer", "mean", "deviation", ["zeros", "dead"], "gradient");
        format!("{deviation}{:bar$}{gradient}", "", bar = self.bar)
    }

    /// The text before the bar of the deviation, and between the two bars.
    fn row(&self, name: &str, of: &LayerStats) -> [String; 2] {
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        self.texts(
            name,
            &short(of.mean),
            &short(of.deviation),
            [&percent(of.zeros), &percent(of.dead)],
            &of.gradient.map_or_else(|| "-".into(), |rms| format!("{rms:.2e}")),
        )
    }

    fn texts(
        &self,
        name: &str,
        mean: &str,
        deviation: &str,
        [zeros, dead]: [&str; 2],
        gradient: &str,
    ) -> [String; 2] {
        let mean = if self.mean { format!("{mean:>10}") } else { String::new() };
        let width = self.name;
        [
            format!("{:<width$}{mean}{deviation:>10} ", cut(name, width)),
            format!("{zeros:>6}{dead:>7}{gradient:>10} "),
        ]
    }
}

/// A number in eight cells.
fn short(value: f64) -> String {
    if !value.is_finite() {
        "not finite".chars().take(8).collect()
    } else if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) {
        format!("{value:.1e}")
    } else {
        format!("{value:.3}")
    }
}

/// A logarithmic scale over whole decades.
struct Decades {
    low: i32,
    high: i32,
}

impl Decades {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite() && *value > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Self { low: 0, high: 1 };
        }
        let low = (low.log10() - 1e-9).floor() as i32;
        Self { low, high: (high.log10().ceil() as i32).max(low + 1) }
    }

    /// A bar of at most `cells`.
    fn bar(&self, value: Option<f64>, cells: usize, glyphs: Glyphs) -> String {
        let share = match value {
            Some(value) if value.is_finite() && value > 0.0 => {
                (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low)
            }
            _ => 0.0,
        };
        let filled = ((share.clamp(0.0, 1.0) * cells as f64).round() as usize).min(cells);
        format!("{}{}", glyphs.full().repeat(filled), " ".repeat(cells - filled))
    }
}

impl std::fmt::Display for Decades {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "1e{} to 1e{}", self.low, self.high)
    }
}
