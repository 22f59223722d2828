//! Bars of any kind in areas of any size.

use super::*;
use crate::ui::dump;
use crate::ui::widgets::testing::{stays_inside, theme};
use proptest::prelude::*;

fn progress(share: f64, width: u16, unicode: bool) -> String {
    let theme = theme("terminal");
    let bar = Progress { label: "epoch", share, text: "", theme: &theme, glyphs: Glyphs { unicode } };
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
    (&bar).render(buffer.area, &mut buffer);
    dump::text(&buffer)
}

fn classes() -> Vec<Bar> {
    [("cat", 3.0), ("dog", 6.0), ("frog", 1.5)]
        .map(|(label, value)| Bar { label: label.into(), value, text: format!("{value}") })
        .to_vec()
}

#[test]
fn progress_fills_from_the_left_to_an_eighth_of_a_cell() {
    assert_eq!(progress(0.5, 19, true), "epoch ████░░░░  50%\n");
    assert_eq!(progress(0.55, 19, true), "epoch ████▍░░░  55%\n");
    assert_eq!(progress(0.5, 19, false), "epoch ####....  50%\n");
    assert_eq!(progress(0.999, 19, false), "epoch ########  99%\n");
    assert_eq!(progress(7.0, 19, false), "epoch ######## 100%\n");
    assert_eq!(progress(f64::NAN, 19, false), "epoch ........   0%\n");
}

#[test]
fn bars_are_as_long_as_their_values_and_end_with_them() {
    let (theme, bars) = (theme("terminal"), classes());
    let glyphs = Glyphs { unicode: false };
    let bars = Bars { rows: &bars, full: None, cursor: Some(1), theme: &theme, glyphs };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 21, 3));
    (&bars).render(buffer.area, &mut buffer);
    assert_eq!(dump::text(&buffer), "cat  ######         3\ndog  ############   6\nfrog ###          1.5\n");
    assert!(buffer[(20, 1)].modifier.contains(ratatui::style::Modifier::REVERSED));
}

#[test]
fn a_list_that_is_too_long_scrolls_with_its_cursor() {
    let (theme, bars) = (theme("terminal"), classes());
    let glyphs = Glyphs { unicode: false };
    let bars = Bars { rows: &bars, full: None, cursor: Some(2), theme: &theme, glyphs };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 21, 1));
    (&bars).render(buffer.area, &mut buffer);
    assert!(dump::text(&buffer).starts_with("frog"));
}

proptest! {
    #[test]
    fn bars_stay_in_any_area(
        width in 0..200u16, height in 0..60u16, unicode: bool,
        values in proptest::collection::vec(any::<f64>(), 0..20), cursor in proptest::option::of(0..30usize),
    ) {
        let theme = theme("dark");
        let glyphs = Glyphs { unicode };
        let bars: Vec<Bar> =
            values.iter().map(|value| Bar { label: "größe 宽".into(), value: *value, text: "text".into() }).collect();
        let list = Bars { rows: &bars, full: None, cursor, theme: &theme, glyphs };
        stays_inside(Rect::new(1, 1, width, height), |area, buffer| (&list).render(area, buffer))?;
        let share = values.first().copied().unwrap_or(f64::NAN);
        let one = Progress { label: "wörd", share, text: "", theme: &theme, glyphs };
        stays_inside(Rect::new(1, 1, width, height), |area, buffer| (&one).render(area, buffer))?;
    }
}
