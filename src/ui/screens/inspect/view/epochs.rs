//! The accuracy of every class by epoch: a heat map, and the curve of the class under the cursor.

use ratatui::layout::Rect;

use crate::ui::canvas::Canvas;
use crate::ui::screens::inspect::epochs::{about, known};
use crate::ui::screens::inspect::state::InspectScreen;
use crate::ui::screens::inspect::view::parts::readout;
use crate::ui::widgets::axis::Axis;
use crate::ui::widgets::axis::unit::Unit;
use crate::ui::widgets::chart::{Chart, Line};
use crate::ui::widgets::fit::{from_bottom, from_top};
use crate::ui::widgets::heat::Heat;
use crate::ui::workspace::Workspace;

/// Rows that a chart needs at least.
const CHART: u16 = 5;

pub(crate) fn draw(screen: &InspectScreen, canvas: &mut Canvas, area: Rect) {
    let epochs = known(screen, canvas.ws);
    let Some((_, newest)) = epochs.last() else {
        let text = "no class accuracies yet: they come with the validation after each epoch of the run in training; \
                    i on the Runs screen (3) reads the epochs of another run.";
        return canvas.prose(text, canvas.theme.dim, area);
    };
    let names = names(screen, canvas.ws, newest.len());
    let class = screen.class.min(newest.len().saturating_sub(1));
    let column = epochs.len() - 1 - screen.back.min(epochs.len() - 1);
    let (line, above) = from_bottom(area, 1);
    readout(canvas, &pointed(&epochs, &names, class, column), line);
    let whole = names.len() as u16 + 2;
    let heat_rows = if above.height >= whole + CHART {
        whole
    } else if above.height >= 8 + CHART {
        (above.height * 3 / 5).max(above.height - 12).min(whole)
    } else {
        above.height
    };
    let (heat, chart) = from_top(above, heat_rows);
    map(&epochs, &names, (class, column), canvas, heat);
    if chart.height >= CHART {
        curve(&epochs, &names, (class, column), canvas, chart);
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
    let at = |index: usize| epochs.get(index).and_then(|(_, shares)| shares.get(class)).copied();
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
    epochs: &[(usize, &[f32])],
    names: &[String],
    cursor: (usize, usize),
    canvas: &mut Canvas,
    area: Rect,
) {
    let columns: Vec<String> = epochs.iter().map(|(epoch, _)| epoch.to_string()).collect();
    let value =
        |shares: &[f32], class: usize| shares.get(class).map_or(f64::NAN, |share| 100.0 * f64::from(*share));
    let row = |class: usize| epochs.iter().map(move |(_, shares)| value(shares, class));
    let values: Vec<f64> = (0..names.len()).flat_map(row).collect();
    let heat = Heat {
        rows: names,
        columns: &columns,
        values: &values,
        range: None,
        unit: Unit::Step,
        cursor: Some(cursor),
        marked: None,
        theme: canvas.theme,
        glyphs: canvas.glyphs,
    };
    canvas.render_widget(&heat, area);
}

fn curve(
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
    let points = |value: &dyn Fn(&[f32]) -> f64| -> Vec<(f64, f64)> {
        epochs.iter().map(|(epoch, shares)| (*epoch as f64, value(shares))).collect()
    };
    let all = points(&mean);
    let own = points(&|shares| shares.get(class).map_or(f64::NAN, |share| f64::from(*share)));
    let (first, last) = (all[0].0, all[all.len() - 1].0);
    let bounds = (first < last).then_some((first, last));
    let chart = Chart {
        lines: vec![
            Line { name: "all classes", points: &all, faint: &[], band: &[], style: 1, marker: 'o' },
            Line { name: &names[class], points: &own, faint: &[], band: &[], style: 0, marker: '*' },
        ],
        x: Axis { label: "epoch".into(), bounds, unit: Unit::Step, ..Axis::default() },
        y: Axis { unit: Unit::Percent, ..Axis::default() },
        dots: &[],
        marks: &[],
        cursor: Some(epochs[column].0 as f64),
        theme: canvas.theme,
        glyphs: canvas.glyphs,
    };
    canvas.render_widget(&chart, area);
}
