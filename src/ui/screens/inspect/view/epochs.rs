//! The accuracy of every class by epoch: a heat map, and the curve of the class under the cursor.

use crate::ui::hits::Canvas;
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::workspace::Workspace;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::{Paragraph, Wrap};

use crate::ui::screens::inspect::epochs::{about, known};
use crate::ui::screens::inspect::view::{footed, readout};
use crate::ui::widgets::axis::{Axis, Unit};
use crate::ui::widgets::chart::{Chart, Line};
use crate::ui::widgets::heat::Heat;

/// Rows from which a chart says something.
const CHART: u16 = 5;

pub(crate) fn draw(screen: &InspectScreen, ws: &Workspace, canvas: &mut Canvas, area: Rect) {
    let theme = &ws.settings.theme;
    let epochs = known(screen, ws);
    let Some((_, newest)) = epochs.last() else {
        let text = "no epoch has told the accuracy of its classes yet: it comes with the validation after each epoch \
                    of the run in training; i on the Runs screen (3) reads the epochs of another run.";
        let text = Paragraph::new(Span::styled(text, theme.dim)).wrap(Wrap { trim: true });
        return canvas.render_widget(text, area);
    };
    let names = names(screen, ws, newest.len());
    let class = screen.class.min(newest.len().saturating_sub(1));
    let column = epochs.len() - 1 - screen.back.min(epochs.len() - 1);
    let (above, line) = footed(area);
    readout(ws, &pointed(&epochs, &names, class, column), canvas, line);
    let whole = names.len() as u16 + 2;
    let heat_rows = if above.height >= whole + CHART {
        whole
    } else if above.height >= 8 + CHART {
        (above.height * 3 / 5).max(above.height - 12).min(whole)
    } else {
        above.height
    };
    let heat = Rect { height: heat_rows, ..above };
    let chart = Rect { y: heat.bottom(), height: above.height - heat_rows, ..above };
    map(ws, &epochs, &names, (class, column), canvas, heat);
    if chart.height >= CHART {
        curve(ws, &epochs, &names, (class, column), canvas, chart);
    }
}

/// The names of the classes where they are known, otherwise their numbers.
fn names(screen: &InspectScreen, ws: &Workspace, classes: usize) -> Vec<String> {
    let inspected = screen.found.as_ref().map(|(target, found)| (target.path.as_path(), &found.classes));
    let own = inspected.filter(|(path, _)| Some(*path) == about(screen, ws)).map(|(_, classes)| classes);
    let live = ws.live.monitor.head.as_ref().filter(|head| Some(head.run_dir.as_path()) == about(screen, ws));
    let previewed = ws.preview.as_ref().map(|(_, preview)| &preview.classes);
    let fits = |names: &&Vec<String>| names.len() == classes;
    own.into_iter()
        .chain(live.map(|head| &head.classes))
        .chain(previewed)
        .find(fits)
        .cloned()
        .unwrap_or_else(|| (0..classes).map(|class| format!("class {class}")).collect())
}

fn pointed(epochs: &[(usize, &[f32])], names: &[String], class: usize, column: usize) -> String {
    let at = |place: usize| epochs.get(place).and_then(|(_, shares)| shares.get(class)).copied();
    let percent = |share: f32| format!("{:.2} %", 100.0 * share);
    let now = at(column).filter(|share| share.is_finite()).map_or_else(|| "no images".into(), percent);
    let best = epochs
        .iter()
        .filter_map(|(epoch, shares)| Some((*epoch, *shares.get(class)?)))
        .filter(|(_, share)| share.is_finite())
        .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    let best =
        best.map_or_else(String::new, |(epoch, share)| format!("; best {} in epoch {epoch}", percent(share)));
    let before = column.checked_sub(1).and_then(at);
    let change = match (at(column), before) {
        (Some(now), Some(before)) if (now - before).is_finite() => {
            format!(" ({:+.2} points)", 100.0 * (now - before))
        }
        _ => String::new(),
    };
    format!("{} in epoch {}: {now}{change}{best}", names[class], epochs[column].0)
}

fn map(
    ws: &Workspace,
    epochs: &[(usize, &[f32])],
    names: &[String],
    cursor: (usize, usize),
    canvas: &mut Canvas,
    area: Rect,
) {
    let columns: Vec<String> = epochs.iter().map(|(epoch, _)| epoch.to_string()).collect();
    let values: Vec<f64> = (0..names.len())
        .flat_map(|class| {
            epochs
                .iter()
                .map(move |(_, shares)| shares.get(class).map_or(f64::NAN, |share| 100.0 * f64::from(*share)))
        })
        .collect();
    let heat = Heat {
        rows: names,
        columns: &columns,
        values: &values,
        range: None,
        unit: Unit::Step,
        numbers: true,
        cursor: Some(cursor),
        marked: None,
        theme: &ws.settings.theme,
        glyphs: ws.settings.glyphs,
    };
    canvas.render_widget(&heat, area);
}

fn curve(
    ws: &Workspace,
    epochs: &[(usize, &[f32])],
    names: &[String],
    (class, column): (usize, usize),
    canvas: &mut Canvas,
    area: Rect,
) {
    let mean = |shares: &[f32]| {
        let finite: Vec<f64> =
            shares.iter().copied().filter(|share| share.is_finite()).map(f64::from).collect();
        if finite.is_empty() { f64::NAN } else { finite.iter().sum::<f64>() / finite.len() as f64 }
    };
    let all: Vec<(f64, f64)> = epochs.iter().map(|(epoch, shares)| (*epoch as f64, mean(shares))).collect();
    let own: Vec<(f64, f64)> = epochs
        .iter()
        .map(|(epoch, shares)| (*epoch as f64, shares.get(class).map_or(f64::NAN, |share| f64::from(*share))))
        .collect();
    let (first, last) = (all[0].0, all[all.len() - 1].0);
    let chart = Chart {
        title: "",
        lines: vec![
            Line { name: "all classes", points: &all, faint: &[], style: 1, marker: 'o' },
            Line { name: &names[class], points: &own, faint: &[], style: 0, marker: '*' },
        ],
        x: Axis {
            label: "epoch".into(),
            log: false,
            bounds: (first < last).then_some((first, last)),
            unit: Unit::Step,
        },
        y: Axis { label: String::new(), log: false, bounds: None, unit: Unit::Percent },
        marks: &[],
        cursor: Some(epochs[column].0 as f64),
        theme: &ws.settings.theme,
        glyphs: ws.settings.glyphs,
    };
    canvas.render_widget(&chart, area);
}
