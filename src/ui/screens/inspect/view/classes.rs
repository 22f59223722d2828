//! The accuracy of every class as bars.

use crate::ui::hits::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::protocol::event::Inspection;
use crate::ui::screens::inspect::state::Order;
use crate::ui::screens::inspect::view::{class, footed, readout};
use crate::ui::widgets::bar::{Bar, Bars};
use crate::ui::widgets::pane::cut;

pub(crate) fn draw(
    screen: &InspectScreen,
    ws: &Workspace,
    found: &Inspection,
    canvas: &mut Canvas,
    area: Rect,
) {
    let theme = &ws.settings.theme;
    let listed = screen.classes();
    let bars: Vec<Bar> = listed
        .iter()
        .map(|&(label, accuracy)| {
            let row = &found.confusion[label];
            let text = accuracy.map_or_else(
                || "no images".into(),
                |share| {
                    format!("{:>5.1} %  {:>5} of {:<5}", 100.0 * share, row[label], row.iter().sum::<usize>())
                },
            );
            Bar { label: class(ws, found, label), value: accuracy.unwrap_or(f64::NAN), text }
        })
        .collect();
    let (above, line) = footed(area);
    let (above, total) = footed(above);
    let cursor = listed.iter().position(|(label, _)| *label == screen.class);
    let list = Bars { rows: &bars, full: Some(1.0), cursor, style: 0, theme, glyphs: ws.settings.glyphs };
    canvas.render_widget(&list, above);
    let known: Vec<f64> = listed.iter().filter_map(|(_, accuracy)| *accuracy).collect();
    let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
    let order = match screen.order {
        Order::Label => "in their own order (o: worst first)",
        Order::Worst => "worst first (o: in their own order)",
    };
    let text = format!("mean of {} classes {:.2} %; {order}", known.len(), 100.0 * mean);
    canvas.render_widget(Span::styled(cut(&text, usize::from(total.width)), theme.dim), total);
    readout(ws, &screen.pointed(), canvas, line);
}
