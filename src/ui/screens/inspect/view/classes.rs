//! The accuracy of every class as bars.

use ratatui::layout::Rect;

use crate::protocol::event::Inspection;
use crate::ui::canvas::Canvas;
use crate::ui::screens::inspect::state::{InspectScreen, Order};
use crate::ui::screens::inspect::view::parts::{class, footer};
use crate::ui::widgets::bar::{Bar, Bars};

pub(crate) fn draw(screen: &InspectScreen, found: &Inspection, canvas: &mut Canvas, area: Rect) {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let listed = screen.classes();
    let bar = |&(label, accuracy): &(usize, Option<f64>)| {
        let row = &found.confusion[label];
        let all: usize = row.iter().sum();
        let counts = |share| format!("{:>5.1} %  {:>5} of {all:<5}", 100.0 * share, row[label]);
        let text = accuracy.map_or_else(|| "no images".into(), counts);
        Bar { label: class(canvas, found, label), value: accuracy.unwrap_or(f64::NAN), text }
    };
    let bars: Vec<Bar> = listed.iter().map(bar).collect();
    let known: Vec<f64> = listed.iter().filter_map(|(_, accuracy)| *accuracy).collect();
    let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
    let order = match screen.order {
        Order::Label => "in their own order (o: worst first)",
        Order::Worst => "worst first (o: in their own order)",
    };
    let text = format!("mean of {} classes {:.2} %; {order}", known.len(), 100.0 * mean);
    let area = footer(canvas, &screen.pointed(), &text, area);
    let cursor = listed.iter().position(|(label, _)| *label == screen.class);
    canvas.render_widget(&Bars { rows: &bars, full: Some(1.0), cursor, theme, glyphs }, area);
}
