//! Invariants of every screen of every scenario, whatever the theme.

use super::list::NAMES;
use super::script::Head;
use super::stage::Stage;
use super::{file, read};
use crate::ui::dump::signs;
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::theme::Theme;
use ratatui::style::Color;

/// Plays every scenario on another terminal and looks at the screen after each line.
fn on_every_screen(other: impl Fn(Head) -> Head, look: impl Fn(&Stage) -> Option<String>) {
    let mut faults = Vec::new();
    for name in NAMES {
        let script = read(name);
        let mut stage = Stage::new(&other(script.head));
        for step in &script.steps {
            stage.play(&step.what).unwrap_or_else(|error| panic!("{}:{}: {error}", file(name), step.line));
            if let Some(fault) = look(&stage) {
                faults.push(format!("{}:{}: {fault}", file(name), step.line));
                break;
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The first cell that has a colour.
fn coloured(stage: &Stage) -> Option<String> {
    let rows = signs(&stage.draw().buffer);
    rows.iter().enumerate().find_map(|(y, row)| {
        let x = row.iter().position(|sign| (sign.fg, sign.bg) != (Color::Reset, Color::Reset))?;
        Some(format!("{} on {} at {x} {y}", row[x].fg, row[x].bg))
    })
}

/// The first sign that is not ASCII.
fn foreign(stage: &Stage) -> Option<String> {
    let rows = signs(&stage.draw().buffer);
    rows.iter().enumerate().find_map(|(y, row)| {
        let x = row.iter().position(|sign| !sign.symbol.is_ascii())?;
        let row: String = row.iter().map(|sign| sign.symbol.as_str()).collect();
        Some(format!("at {x} {y}: {row}"))
    })
}

#[test]
fn without_colours_no_cell_of_any_screen_has_one() {
    for theme in Theme::names() {
        let other = |head: Head| Head { theme: (*theme).to_owned(), colour: ColourLevel::None, ..head };
        on_every_screen(other, coloured);
    }
}

#[test]
fn without_utf_8_every_sign_of_every_screen_is_ascii() {
    on_every_screen(|head| Head { unicode: false, ..head }, foreign);
}

#[test]
fn no_screen_has_a_colour_above_the_level_of_its_terminal() {
    for theme in Theme::names() {
        for level in [ColourLevel::C256, ColourLevel::C16] {
            let above = |colour: &Color| match colour {
                Color::Rgb(..) => level < ColourLevel::True,
                Color::Indexed(16..) => level < ColourLevel::C256,
                _ => false,
            };
            let other = |head: Head| Head { theme: (*theme).to_owned(), colour: level, ..head };
            on_every_screen(other, |stage| {
                let rows = signs(&stage.draw().buffer);
                let found = rows.iter().flatten().flat_map(|sign| [sign.fg, sign.bg]).find(above);
                found.map(|colour| format!("{theme} at {level:?}: {colour}"))
            });
        }
    }
}
