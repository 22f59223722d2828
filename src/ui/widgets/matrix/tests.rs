//! Confusion matrices of any size in areas of any size.

use super::*;
use crate::ui::dump;
use crate::ui::widgets::testing::{stays_inside, theme};
use proptest::prelude::*;

fn names(count: usize) -> Vec<String> {
    ["cat", "dog", "frog"]
        .into_iter()
        .map(str::to_owned)
        .chain((3..).map(|n| format!("kind {n}")))
        .take(count)
        .collect()
}

fn drawn(matrix: &Matrix<'_>, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    matrix.render(buffer.area, &mut buffer);
    buffer
}

#[test]
fn counts_stand_with_their_sums_recall_and_precision() {
    let (theme, classes) = (theme("mono"), names(2));
    let counts = vec![vec![90, 10], vec![60, 140]];
    let matrix = Matrix {
        classes: &classes,
        counts: &counts,
        cursor: (0, 1),
        theme: &theme,
        glyphs: Glyphs { unicode: false },
    };
    let buffer = drawn(&matrix, 40, 5);
    let expected = "true/pred     cat     dog images recall\n      \
                    cat      90      10    100   90.0\n      \
                    dog      60     140    200   70.0\n\
                    predicted     150     150\n\
                    precision    60.0    93.3\n";
    assert_eq!(dump::text(&buffer), expected);
    assert!(buffer[(24, 1)].modifier.contains(Modifier::REVERSED));
    assert!(!buffer[(16, 1)].modifier.contains(Modifier::REVERSED));
}

#[test]
fn what_is_right_and_what_is_wrong_differ_in_colour_and_what_never_happened_has_none() {
    let (theme, classes) = (theme("dark"), names(2));
    let counts = vec![vec![50, 50], vec![0, 100]];
    let matrix = Matrix {
        classes: &classes,
        counts: &counts,
        cursor: (1, 1),
        theme: &theme,
        glyphs: Glyphs { unicode: true },
    };
    let grid = matrix.grid(Rect::new(0, 0, 40, 5));
    assert!(grid.numbers);
    assert_ne!(matrix.tone(0.5, true).bg, matrix.tone(0.5, false).bg);
    assert_ne!(matrix.tone(0.01, false).bg, matrix.tone(0.5, false).bg);
    assert_eq!(matrix.tone(0.0, false), theme.dim);
}

#[test]
fn a_hundred_classes_are_shades_that_scroll_both_ways_with_the_cursor() {
    let (theme, classes) = (theme("mono"), names(100));
    let counts: Vec<Vec<usize>> =
        (0..100).map(|label| (0..100).map(|said| usize::from(said == label) * 50).collect()).collect();
    let matrix = |cursor| Matrix {
        classes: &classes,
        counts: &counts,
        cursor,
        theme: &theme,
        glyphs: Glyphs { unicode: false },
    };
    let area = Rect::new(0, 0, 78, 16);
    let grid = matrix((0, 0)).grid(area);
    assert!(!grid.numbers && grid.first == (0, 0) && grid.shown.0 == 15 && grid.shown.1 > 40, "{grid:?}");
    let text = dump::text(&drawn(&matrix((0, 0)), 78, 16));
    assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("     0 cat @....")), "{text}");
    let far = matrix((99, 99)).grid(area);
    assert_eq!((far.first.0 + far.shown.0, far.first.1 + far.shown.1), (100, 100));
    let wide = matrix((0, 0)).grid(Rect::new(0, 0, 198, 54));
    assert_eq!(wide.shown.1, 100);
}

proptest! {
    #[test]
    fn a_matrix_stays_in_any_area(
        width in 0..200u16, height in 0..60u16, unicode: bool, mono: bool, classes in 0..120usize,
        cursor in (0..150usize, 0..150usize), counts in proptest::collection::vec(
            proptest::collection::vec(0..100_000usize, 0..12), 0..12),
    ) {
        let theme = theme(if mono { "mono" } else { "dark" });
        let classes = names(classes);
        let matrix =
            Matrix { classes: &classes, counts: &counts, cursor, theme: &theme, glyphs: Glyphs { unicode } };
        stays_inside(Rect::new(1, 1, width, height), |area, buffer| (&matrix).render(area, buffer))?;
    }
}
