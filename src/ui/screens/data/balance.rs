//! How many images there are, of which class, and their mean and deviation.

use crate::format::grouped;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::protocol::event::Preview;
use crate::recipe::Recipe;
use crate::ui::canvas::Canvas;
use crate::ui::screens::data::state::DataScreen;
use crate::ui::widgets::bar::{Bar, Bars};
use crate::ui::widgets::fit::{cut, from_top};

pub(crate) fn draw(screen: &DataScreen, recipe: &Recipe, found: &Preview, canvas: &mut Canvas, area: Rect) {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let room = usize::from(area.width).saturating_sub(4);
    let mut rest = canvas.pane(format!(" {} ", cut(&recipe.data.to_string(), room)), false, area);
    let notes = found.notes.iter().map(|note| Line::styled(glyphs.text(note), theme.warn)).collect();
    for lines in [counts(canvas, found), moments(canvas, found, rest.width), notes] {
        // The classes keep three rows, where there are as many.
        let needed: u16 = lines.iter().map(|line| wrapped(&line.to_string(), rest.width)).sum();
        let text = Paragraph::new(lines).wrap(Wrap { trim: false });
        let (area, below) = from_top(rest, needed.min(rest.height.saturating_sub(3)));
        canvas.render_widget(text, area);
        // A row apart, where the classes lose none by it.
        let apart = needed > 0 && usize::from(below.height) > found.classes.len() + 12;
        (_, rest) = from_top(below, u16::from(apart));
    }
    let total: usize = found.class_counts.iter().sum();
    let bars: Vec<Bar> = found
        .classes
        .iter()
        .zip(&found.class_counts)
        .map(|(class, &count)| Bar {
            label: glyphs.text(class).into_owned(),
            value: count as f64,
            text: format!("{} {:>5.1}%", grouped(count as u64), 100.0 * count as f64 / total.max(1) as f64),
        })
        .collect();
    // The class of the sample under the cursor.
    let cursor = found.samples.get(screen.row).map(|sample| sample.label);
    canvas.render_widget(&Bars { rows: &bars, full: None, cursor, theme, glyphs }, rest);
}

/// Rows that a sentence takes, wrapped at its blanks.
fn wrapped(text: &str, width: u16) -> u16 {
    let (mut rows, mut used) = (1, 0);
    for word in text.split_whitespace() {
        let cells = word.chars().count();
        if used > 0 && used + 1 + cells > usize::from(width) {
            (rows, used) = (rows + 1, cells);
        } else {
            used += cells + 1;
        }
    }
    rows
}

fn counts<'a>(canvas: &Canvas, found: &Preview) -> Vec<Line<'a>> {
    let theme = canvas.theme;
    let total: usize = found.class_counts.iter().sum();
    let number = |name: &str, count: usize| {
        Line::from(vec![
            Span::styled(format!("{:>8}", grouped(count as u64)), theme.text),
            Span::styled(format!(" {name}"), theme.dim),
        ])
    };
    vec![
        number("training images", total),
        number("for validation", found.validation_images),
        number("for the test", found.test_images),
        number(&format!("classes, {0}x{0} pixels", found.side), found.classes.len()),
    ]
}

/// Mean and deviation of each channel, 0 to 255, with a bar each where there is room.
fn moments<'a>(canvas: &Canvas, found: &Preview, width: u16) -> Vec<Line<'a>> {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let cells = (usize::from(width).saturating_sub(24) / 2).min(8);
    let bar = |value: f64| {
        let share = if value.is_finite() { (value / 255.0).clamp(0.0, 1.0) } else { 0.0 };
        let filled = (share * cells as f64).round() as usize;
        format!("{}{}", glyphs.full().repeat(filled), glyphs.empty().repeat(cells - filled))
    };
    let head = format!("{:<6}{:>7} {:cells$} {:>8}", "of 255", "mean", "", "deviation");
    let mut lines = vec![Line::styled(cut(&head, usize::from(width)), theme.dim)];
    for (channel, name) in ["red", "green", "blue"].into_iter().enumerate() {
        let (mean, deviation) = (found.mean[channel], found.deviation[channel]);
        lines.push(Line::from(vec![
            Span::styled(format!("{name:<6}{mean:>7.2} "), theme.text),
            Span::styled(bar(mean), theme.curve(0)),
            Span::styled(format!(" {deviation:>8.2} "), theme.text),
            Span::styled(bar(deviation), theme.curve(1)),
        ]));
    }
    lines
}
