//! Charts of any data in areas of any size.

use super::*;
use crate::ui::dump;
use crate::ui::widgets::axis::unit::Unit;
use crate::ui::widgets::testing::{stays_inside, theme};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

fn line<'a>(name: &'a str, points: &'a [(f64, f64)], style: usize) -> Line<'a> {
    Line { name, points, faint: &[], band: &[], style, marker: MARKERS[style] }
}

fn chart<'a>(lines: Vec<Line<'a>>, theme: &'a Theme, unicode: bool) -> Chart<'a> {
    let x = Axis { label: "step".into(), unit: Unit::Step, ..Axis::default() };
    let glyphs = Glyphs { unicode };
    let y = Axis { label: "loss".into(), ..Axis::default() };
    Chart { lines, x, y, dots: &[], marks: &[], cursor: None, theme, glyphs }
}

fn drawn(chart: &Chart<'_>, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    chart.render(buffer.area, &mut buffer);
    buffer
}

const FALLING: [(f64, f64); 3] = [(0.0, 2.0), (500.0, 0.5), (1000.0, 0.0)];
const HIGHER: [(f64, f64); 2] = [(0.0, 2.0), (1000.0, 1.0)];

#[test]
fn two_lines_share_a_plot_with_legend_and_axes() {
    let theme = theme("terminal");
    let chart = chart(vec![line("train", &FALLING, 0), line("validation", &HIGHER, 1)], &theme, true);
    let buffer = drawn(&chart, 44, 12);
    let text = dump::text(&buffer);
    assert!(text.starts_with("loss  ── train  ── validation\n"), "{text}");
    assert!(text.ends_with("step\n") && text.contains(" 0") && text.contains("400"), "{text}");
    assert_eq!(Some(buffer[(6, 0)].fg), theme.series[0].fg);
    assert_eq!(Some(buffer[(16, 0)].fg), theme.series[1].fg);
    let braille = text.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count();
    assert!(braille > 40, "{text}");
}

#[test]
fn styles_are_those_of_the_theme_at_the_colours_of_the_terminal() {
    use crate::ui::style::colours::ColourLevel;
    for (level, expected) in [(ColourLevel::C16, SIXTEEN), (ColourLevel::None, NONE)] {
        let theme = theme("colourblind").at(level);
        let mut chart = chart(vec![line("train", &FALLING, 0)], &theme, true);
        chart.cursor = Some(900.0);
        let found = dump::styled(&drawn(&chart, 30, 6));
        assert_eq!(found, expected, "{level:?}:\n{found}");
    }
}

const SIXTEEN: &str = concat!(
    "|loss  ── train                |\n",
    " aaaa..bb.ccccc................\n",
    "|2┤⠉⠒⠤⢄⡀         step 1,000 │  |\n",
    " aabbbbb........cddddddddddce..\n",
    "| │    ⠈⠉⠒⠤⢄⣀    train 0    │  |\n",
    " .a....bbbbbb...cfffffffcccce..\n",
    "| │          ⠉⠒⠢⢄⣀⣀         │  |\n",
    " .a..........bbbbbb.........e..\n",
    "|0┤                ⠉⠉⠉⠑⠒⠒⠢⠤⠤⠤⣀●|\n",
    " aa................bbbbbbbbbbbg\n",
    "|  0            500        step|\n",
    " ..a............aaa........aaaa\n",
    "a: DarkGray on Reset\n",
    "b: Cyan on Reset\n",
    "c: Gray on Black\n",
    "d: White on Black bold\n",
    "e: Magenta on Reset\n",
    "f: Cyan on Black\n",
    "g: Cyan on Reset bold\n",
);

const NONE: &str = concat!(
    "|loss  ── train                |\n",
    " aaaa..bb......................\n",
    "|2┤⠉⠒⠤⢄⡀         step 1,000 │  |\n",
    " aabbbbb.........bbbbbbbbbb.b..\n",
    "| │    ⠈⠉⠒⠤⢄⣀    train 0    │  |\n",
    " .a....bbbbbb....bbbbbbb....b..\n",
    "| │          ⠉⠒⠢⢄⣀⣀         │  |\n",
    " .a..........bbbbbb.........b..\n",
    "|0┤                ⠉⠉⠉⠑⠒⠒⠢⠤⠤⠤⣀●|\n",
    " aa................bbbbbbbbbbbb\n",
    "|  0            500        step|\n",
    " ..a............aaa........aaaa\n",
    "a: Reset on Reset dim\n",
    "b: Reset on Reset bold\n",
);

#[test]
fn without_braille_every_line_has_its_own_marker() {
    let theme = theme("mono");
    for unicode in [false, true] {
        let chart = chart(vec![line("train", &FALLING, 0), line("validation", &HIGHER, 1)], &theme, unicode);
        let text = dump::text(&drawn(&chart, 44, 12));
        assert!(text.starts_with("loss  * train  + validation\n"), "{text}");
        assert!(text.matches('*').count() > 20 && text.matches('+').count() > 20, "{text}");
        assert!(unicode || text.is_ascii(), "{text}");
    }
}

#[test]
fn the_raw_curve_lies_faint_behind_the_smoothed_one() {
    let theme = theme("dark");
    let both = Line { faint: &HIGHER, ..line("train", &FALLING, 0) };
    let buffer = drawn(&chart(vec![both], &theme, true), 40, 12);
    let colours = |style: Style| buffer.content.iter().filter(|cell| Some(cell.fg) == style.fg).count();
    assert!(colours(theme.faint(0)) > 10 && colours(theme.curve(0)) > 10);
}

#[test]
fn a_logarithm_has_no_place_for_zero_and_says_so() {
    let theme = theme("terminal");
    let points = [(1.0, 1.0), (10.0, 0.0), (100.0, -1.0), (1000.0, 0.001), (2000.0, f64::NAN)];
    let mut chart = chart(vec![line("train", &points, 0)], &theme, true);
    chart.y.log = true;
    chart.x.log = true;
    let text = dump::text(&drawn(&chart, 60, 14));
    assert!(text.contains("3 off-scale"), "{text}");
    assert!(text.contains("0.1") && text.contains("0.01") && text.contains("100"), "{text}");
    let ((left, right), (low, high)) = chart.bounds();
    assert!((left - 1.0).abs() < 1e-9 && right == 2000.0, "{left} {right}");
    assert!(low > 0.0005 && high < 2.0, "{low} {high}");
}

#[test]
fn a_zoomed_chart_fits_y_to_what_x_shows_and_counts_what_y_hides() {
    let theme = theme("terminal");
    let mut chart = chart(vec![line("train", &FALLING, 0)], &theme, true);
    chart.x.bounds = Some((400.0, 1000.0));
    assert_eq!(chart.bounds(), ((400.0, 1000.0), (-0.015, 0.515)));
    chart.y.bounds = Some((0.2, 1.0));
    assert!(dump::text(&drawn(&chart, 60, 14)).contains("1 off-scale"));
}

#[test]
fn a_gap_in_the_data_is_a_gap_in_the_curve() {
    let theme = theme("terminal");
    let points: Vec<(f64, f64)> =
        (0..100).map(|x| (f64::from(x), if (40..60).contains(&x) { f64::NAN } else { 1.0 })).collect();
    let chart = chart(vec![line("train", &points, 0)], &theme, false);
    let buffer = drawn(&chart, 60, 12);
    let plot = chart.plot(buffer.area);
    let text = dump::text(&buffer);
    let row = text.lines().skip(1).find(|line| line.contains("***")).expect("a curve");
    let curve: String = row.chars().skip(usize::from(plot.x)).collect();
    let gap = curve.trim_matches('*').len() as f64 / f64::from(plot.width);
    assert!((0.15..0.25).contains(&gap), "{text}");
}

#[test]
fn the_cursor_reads_out_every_line_within_the_plot() {
    let theme = theme("terminal");
    let short = [(0.0, 3.0), (100.0, 2.5)];
    let both = Line { faint: &HIGHER, ..line("train", &FALLING, 0) };
    let mut chart = chart(vec![both, line("other", &short, 1)], &theme, true);
    for cursor in [-5.0, 0.0, 480.0, 1000.0, 1e9] {
        chart.cursor = Some(cursor);
        let text = dump::text(&drawn(&chart, 70, 12));
        let (step, train) = match cursor {
            ..1.0 => ("step 0", "train 2.000 (raw 2.000)"),
            480.0 => ("step 500", "train 0.5000 (raw"),
            _ => ("step 1,000", "train 0 (raw 1.000)"),
        };
        assert!(text.contains(step) && text.contains(train), "{cursor}: {text}");
        assert_eq!(text.contains("other -"), cursor > 1.0, "{text}");
        assert!(text.contains('●'), "{text}");
    }
}

#[test]
fn marks_stand_where_something_changed_and_in_the_legend_once() {
    let theme = theme("terminal");
    let mark = |x: f64| Mark { x, glyph: '▼', label: "learning rate".into() };
    let marks = [mark(250.0), mark(750.0), mark(5000.0)];
    let mut chart = chart(vec![line("train", &FALLING, 0)], &theme, true);
    chart.marks = &marks;
    let text = dump::text(&drawn(&chart, 60, 14));
    assert!(text.starts_with("loss  ── train  ▼ learning rate\n"), "{text}");
    assert_eq!(text.matches('▼').count(), 3, "{text}");
    assert!(text.matches('┊').count() > 10, "{text}");
    chart.glyphs.unicode = false;
    let text = dump::text(&drawn(&chart, 60, 14));
    assert!(text.contains("! learning rate") && text.is_ascii(), "{text}");
}

#[test]
fn labels_below_the_plot_never_run_into_each_other() {
    let theme = theme("terminal");
    let points = [(0.0, 1.0), (48_210.0, 2.0)];
    for width in 16..140 {
        for unit in [Unit::Step, Unit::Seconds] {
            let mut chart = chart(vec![line("train", &points, 0)], &theme, true);
            chart.x.unit = unit;
            let text = dump::text(&drawn(&chart, width, 10));
            let labels: Vec<&str> = text.lines().last().expect("labels").split("  ").map(str::trim).collect();
            let words = labels.iter().filter(|label| !label.is_empty());
            let whole = |label: &str| {
                let letters = label.trim_start_matches(|c: char| c.is_ascii_digit());
                ["", "k", "s", "h", "m"].contains(&letters) || label.ends_with("step")
            };
            assert!(words.clone().count() >= 1 && words.clone().all(|label| whole(label)), "{width}: {text}");
        }
    }
}

#[test]
fn a_legend_that_has_no_room_says_how_much_is_missing() {
    let theme = theme("terminal");
    let names: Vec<String> = (0..6).map(|run| format!("2026-11-23-run-{run}")).collect();
    let lines = names.iter().enumerate().map(|(run, name)| line(name, &FALLING, run)).collect();
    let text = dump::text(&drawn(&chart(lines, &theme, true), 50, 6));
    assert_eq!(text.lines().next().map(|line| line.trim_end().ends_with("+4")), Some(true), "{text}");
}

#[test]
fn a_chart_without_data_says_so() {
    let theme = theme("terminal");
    let text = dump::text(&drawn(&chart(vec![line("train", &[], 0)], &theme, true), 50, 12));
    assert!(text.contains("nothing to show yet"), "{text}");
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![6 => -1e3..1e3, 2 => 1e-9..1.0, 1 => any::<f64>()]
}

proptest! {
    #[test]
    fn a_chart_of_anything_stays_in_any_area(
        width in 0..200u16,
        height in 0..200u16,
        data in proptest::collection::vec(proptest::collection::vec((value(), value()), 0..60), 0..5),
        x in (any::<bool>(), proptest::option::of((value(), value())), 0..4usize),
        y in (any::<bool>(), proptest::option::of((value(), value())), 0..4usize),
        cursor in proptest::option::of(value()),
        look in (any::<bool>(), 0..3usize),
    ) {
        let theme = theme(["dark", "terminal", "mono"][look.1]);
        let axis = |(log, bounds, unit): (bool, Option<(f64, f64)>, usize)| Axis {
            label: "schritt 宽".into(),
            log,
            bounds,
            unit: [Unit::Number, Unit::Percent, Unit::Seconds, Unit::Step][unit],
        };
        let lines = data.iter().enumerate().map(|(number, points)| {
            let faint = if number == 0 { &**points } else { &[] };
            Line { name: "größe", points, faint, band: &[], style: number + 4, marker: '宽' }
        });
        let marks = [Mark { x: 3.0, glyph: '宽', label: "ä".into() }];
        let chart = Chart {
            lines: lines.collect(),
            x: axis(x),
            y: axis(y),
            dots: &[],
            marks: &marks,
            cursor,
            theme: &theme,
            glyphs: Glyphs { unicode: look.0 },
        };
        let area = Rect::new(1, 2, width, height);
        stays_inside(area, |area, buffer| (&chart).render(area, buffer))?;
    }
}

#[test]
fn a_lone_point_has_its_marker_its_bar_and_its_cell() {
    let theme = theme("dark");
    let dot = |at, spread, marker, selected| Dot { at, spread, style: 0, marker, selected };
    let dots =
        [dot((1.0, 1.0), 0.0, '●', false), dot((5.0, 5.0), 3.0, '▲', true), dot((9.0, 9.0), 0.0, '◇', false)];
    let mut chart = chart(vec![line("dense", &[], 0)], &theme, true);
    chart.dots = &dots;
    let buffer = drawn(&chart, 40, 12);
    let text = dump::text(&buffer);
    for (cell, sign) in chart.cells(buffer.area).into_iter().zip(["●", "▲", "◇"]) {
        assert_eq!(buffer[cell.unwrap()].symbol(), sign, "{text}");
    }
    let (column, row) = chart.cells(buffer.area)[1].unwrap();
    assert!(buffer[(column, row - 1)].symbol() == "│" && buffer[(column, row + 1)].symbol() == "│", "{text}");
    assert!(text.starts_with("loss  * dense"), "its marker stands in the legend: {text}");
    let plain = Chart { glyphs: Glyphs { unicode: false }, ..chart };
    assert!(dump::text(&drawn(&plain, 40, 12)).is_ascii());
}

#[test]
fn a_band_is_faint_and_counts_for_the_ends_of_the_axis() {
    let theme = theme("dark");
    let band = [(0.0, 0.0, 4.0), (10.0, 2.0, 3.0)];
    let both = Line { band: &band, ..line("mean", &[(0.0, 2.0), (10.0, 2.5)], 0) };
    let chart = chart(vec![both], &theme, true);
    assert!(chart.bounds().1.0 < 0.1 && chart.bounds().1.1 >= 4.0);
    let buffer = drawn(&chart, 40, 12);
    let faint = buffer.content().iter().filter(|cell| Some(cell.fg) == theme.faint(0).fg).count();
    assert!(faint > 40, "{}", dump::text(&buffer));
}
