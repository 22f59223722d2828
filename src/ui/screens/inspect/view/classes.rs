//! The accuracy of every class as bars.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::protocol::event::Inspection;
use crate::ui::app::view::cut;
use crate::ui::screens::inspect::state::Order;
use crate::ui::screens::inspect::view::{class, footed, readout};
use crate::ui::widgets::bar::{Bar, Bars};
use crate::ui::workspace::App;

pub(crate) fn draw(app: &App, found: &Inspection, frame: &mut Frame, area: Rect) {
    let theme = &app.settings.theme;
    let listed = app.inspect.classes();
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
            Bar { label: class(app, found, label), value: accuracy.unwrap_or(f64::NAN), text }
        })
        .collect();
    let (above, line) = footed(area);
    let (above, total) = footed(above);
    let cursor = listed.iter().position(|(label, _)| *label == app.inspect.class);
    let list = Bars { rows: &bars, full: Some(1.0), cursor, style: 0, theme, glyphs: app.settings.glyphs };
    frame.render_widget(&list, above);
    let known: Vec<f64> = listed.iter().filter_map(|(_, accuracy)| *accuracy).collect();
    let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
    let order = match app.inspect.order {
        Order::Label => "in their own order (o: worst first)",
        Order::Worst => "worst first (o: in their own order)",
    };
    let text = format!("mean of {} classes {:.2} %; {order}", known.len(), 100.0 * mean);
    frame.render_widget(Span::styled(cut(&text, usize::from(total.width)), theme.dim), total);
    readout(app, &app.inspect.pointed(), frame, line);
}
