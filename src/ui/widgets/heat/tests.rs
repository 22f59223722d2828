//! Heat maps of any kind in areas of any size.

use super::*;
use crate::ui::dump;
use crate::ui::widgets::testing::{stays_inside, theme};
use proptest::prelude::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn drawn(heat: &Heat<'_>, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    heat.render(buffer.area, &mut buffer);
    buffer
}

#[test]
fn shades_of_ascii_rise_with_the_value_and_what_is_missing_is_blank() {
    let (theme, rows, columns) = (theme("mono"), names(&["cat", "dog"]), names(&["a", "b", "c"]));
    let values = [0.0, 2.0, 4.0, f64::NAN, 1.0, 8.0];
    let heat = Heat {
        rows: &rows,
        columns: &columns,
        values: &values,
        range: None,
        unit: Unit::Number,
        cursor: None,
        marked: None,
        theme: &theme,
        glyphs: Glyphs { unicode: false },
    };
    let expected = "    a  b  c\ncat ...---+++\ndog    :::@@@\n0 .:-=+*#%@ 8.00\n";
    assert_eq!(dump::text(&drawn(&heat, 16, 4)), expected);
}

#[test]
fn numbers_stand_in_the_shades_where_there_is_room() {
    let (theme, rows, columns) = (theme("dark"), names(&["cat", "dog"]), names(&["cat", "dog"]));
    let values = [90.0, 10.0, 5.0, 95.0];
    let heat = Heat {
        rows: &rows,
        columns: &columns,
        values: &values,
        range: Some((0.0, 100.0)),
        unit: Unit::Step,
        cursor: Some((1, 0)),
        marked: None,
        theme: &theme,
        glyphs: Glyphs { unicode: true },
    };
    let buffer = drawn(&heat, 20, 4);
    assert_eq!(
        dump::text(&buffer),
        "        cat    dog\ncat      90     10\ndog       5     95\n0           100\n"
    );
    assert_eq!(buffer[(4, 1)].bg, theme.heat_at(0.9).expect("a colour"));
    assert!(buffer[(4, 2)].modifier.contains(Modifier::REVERSED));
    assert_eq!(Some(buffer[(0, 2)].fg), theme.focus.fg);
}

#[test]
fn what_is_too_large_scrolls_with_the_cursor_and_says_which_part_shows() {
    let theme = theme("mono");
    let rows: Vec<String> = (0..40).map(|row| row.to_string()).collect();
    let values = vec![1.0; 1600];
    let heat = Heat {
        rows: &rows,
        columns: &rows,
        values: &values,
        range: None,
        unit: Unit::Number,
        cursor: Some((39, 20)),
        marked: None,
        theme: &theme,
        glyphs: Glyphs { unicode: false },
    };
    let text = dump::text(&drawn(&heat, 60, 12));
    assert!(text.contains("rows 31-40 of 40"), "{text}");
    assert!(!text.contains("columns"), "{text}");
    let text = dump::text(&drawn(&heat, 33, 12));
    assert!(text.contains("\n39 "), "{text}");
}

proptest! {
    #[test]
    fn a_heat_map_stays_in_any_area(
        width in 0..200u16, height in 0..60u16, unicode: bool, rows in 0..30usize,
        columns in 0..30usize, values in proptest::collection::vec(any::<f64>(), 0..900),
        cursor in proptest::option::of((0..50usize, 0..50usize)), mono: bool,
    ) {
        let theme = theme(if mono { "mono" } else { "dark" });
        let rows: Vec<String> = (0..rows).map(|row| format!("reihe宽{row}")).collect();
        let columns: Vec<String> = (0..columns).map(|column| column.to_string()).collect();
        let heat = Heat {
            rows: &rows,
            columns: &columns,
            values: &values,
            range: None,
            unit: Unit::Number,
            cursor,
            marked: None,
            theme: &theme,
            glyphs: Glyphs { unicode },
        };
        stays_inside(Rect::new(1, 1, width, height), |area, buffer| (&heat).render(area, buffer))?;
    }
}
