//! The Data screen, on a preview that was set by hand.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::protocol::Command;
use crate::protocol::event::{Preview, Sample};
use crate::recipe::{Data, Recipe};
use crate::ui::app::press_for_tests as press;
use crate::ui::dump;
use crate::ui::effect::Effect;
use crate::ui::keys::{Action, Screen};
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;
use crate::ui::workspace::Settings;

fn app(data: Data, level: ColourLevel) -> App {
    App::new(Settings {
        recipe: Recipe::defaults(data),
        theme: Theme::builtin("dark").unwrap().at(level),
        glyphs: Glyphs { unicode: level != ColourLevel::None },
        level,
        ..crate::ui::testing::settings()
    })
}

fn shown(app: &App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(app, frame, frame.area())).unwrap();
    dump::text(terminal.backend().buffer())
}

fn preview(classes: usize, samples: usize) -> Preview {
    let sample = |place: usize| Sample { label: place % classes, before: vec![9; 12], after: vec![99; 12] };
    Preview {
        classes: (0..classes).map(|class| format!("kind {class}")).collect(),
        class_counts: (0..classes).map(|class| 1000 * (class + 1)).collect(),
        validation_images: 500,
        test_images: 1000,
        mean: [125.31, 122.95, 113.87],
        deviation: [62.99, 62.09, 66.7],
        side: 2,
        notes: vec!["three files of other kinds were passed over.".into()],
        samples: (0..samples).map(sample).collect(),
    }
}

/// A screen that shows it.
fn with(preview: Preview, level: ColourLevel) -> App {
    let mut app = app(Data::Cifar10, level);
    app.screen = Screen::Data;
    app.data.ask(&app.recipe.recipe);
    app.data.take(preview);
    app
}

fn is_preview(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::Command(command)] if matches!(**command, Command::Preview { .. }))
}

#[test]
fn counts_shares_and_moments_are_written_out() {
    let text = shown(&with(preview(3, 8), ColourLevel::None), 80, 21);
    for part in ["6,000 training images", "500 for validation", "1,000 for the test", "3 classes, 2x2 pixels"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("kind 2") && text.contains("3,000  50.0%"), "{text}");
    assert!(text.contains("125.31") && text.contains("66.70"), "{text}");
    assert!(text.contains("three files of other kinds"), "{text}");
    assert!(text.contains("0 kind 0"), "{text}");
}

#[test]
fn built_in_images_are_read_when_the_screen_is_entered_the_first_time_and_others_when_asked() {
    let mut app = app(Data::Shapes, ColourLevel::None);
    assert!(is_preview(&press(&mut app, Action::Screen(Screen::Data))));
    assert!(press(&mut app, Action::Screen(Screen::Data)).is_empty(), "once");
    let mut app = super::tests::app(Data::Cifar10, ColourLevel::None);
    assert!(press(&mut app, Action::Screen(Screen::Data)).is_empty());
    assert!(shown(&app, 80, 21).contains("enter reads cifar10"));
    assert!(is_preview(&press(&mut app, Action::Enter)));
    assert!(shown(&app, 80, 21).contains("waiting for the engine"));
    app.monitor.phase = Some((Phase::Loading, 1200, 50_000));
    assert!(shown(&app, 80, 21).contains("reading the images: 1,200 of 50,000."));
    app.data.refuse("there is no folder.");
    assert!(shown(&app, 80, 21).contains("not read: there is no folder."));
}

#[test]
fn a_recipe_that_changed_since_is_told() {
    let mut app = with(preview(3, 8), ColourLevel::None);
    assert!(!shown(&app, 80, 21).contains("has changed"));
    app.recipe.recipe.seed += 1;
    assert!(shown(&app, 80, 21).contains("the recipe has changed since; enter reads its data."));
    assert!(is_preview(&press(&mut app, Action::Enter)));
}

#[test]
fn the_cursor_walks_over_all_samples_and_no_further() {
    let mut app = with(preview(3, 8), ColourLevel::None);
    for action in [Action::Down, Action::Right, Action::PageDown, Action::Bottom] {
        (0..30).for_each(|_| _ = press(&mut app, action));
        assert!(app.data.row < 8);
    }
    assert_eq!(app.data.row, 7);
    for action in [Action::Up, Action::PageUp, Action::Left, Action::Top] {
        (0..30).for_each(|_| _ = press(&mut app, action));
    }
    assert_eq!(app.data.row, 0);
}

#[test]
fn no_size_of_screen_goes_wrong() {
    for (classes, samples) in [(2, 0), (10, 48), (100, 5)] {
        for level in [ColourLevel::None, ColourLevel::C16, ColourLevel::True] {
            let mut app = with(preview(classes, samples), level);
            app.data.row = samples.saturating_sub(1);
            for (width, height) in
                [(1, 1), (3, 2), (20, 5), (60, 13), (80, 21), (131, 40), (200, 57), (200, 1)]
            {
                shown(&app, width, height);
                app.recipe.recipe.seed += 1;
            }
        }
    }
}
