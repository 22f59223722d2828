//! Every view of an inspection, on screens of any size.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::protocol::command::Split;
use crate::protocol::event::Started;
use crate::protocol::{Event, Figures, Stamped};
use crate::recipe::{Data, Recipe};
use crate::ui::curves::Curves;
use crate::ui::dump;
use crate::ui::keys::Action;
use crate::ui::screens::inspect::state::tests::screen;
use crate::ui::style::colours::ColourLevel;
use crate::ui::style::glyphs::Glyphs;
use crate::ui::style::theme::Theme;
use crate::ui::workspace::Settings;

fn app(level: ColourLevel, unicode: bool) -> App {
    App::new(Settings {
        recipe: Recipe::defaults(Data::Shapes),
        theme: Theme::builtin("dark").unwrap().at(level),
        glyphs: Glyphs { unicode },
        level,
        ..crate::ui::testing::settings()
    })
}

/// The body of the screen as text.
fn shown(app: &App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(app, frame, frame.area())).unwrap();
    dump::text(terminal.backend().buffer())
}

fn of(classes: usize, wrong: usize, view: View) -> App {
    let mut app = app(ColourLevel::None, false);
    app.inspect = screen(classes, wrong);
    app.inspect.view = view;
    app
}

/// A run in this directory.
fn head(dir: &str) -> Started {
    Started { run_dir: dir.into(), ..Started::example() }
}

/// Curves of a run whose classes get better from epoch to epoch.
fn curves(classes: usize, epochs: usize) -> Curves {
    let mut curves = Curves::default();
    for epoch in 1..=epochs {
        let figures = Figures { loss: 1.0, accuracy: 0.5 };
        let share = |class: usize| (epoch * (class + 1)) as f64 / (classes * epochs) as f64;
        let event = Event::Epoch {
            epoch,
            step: epoch as u64,
            train: figures,
            validation: Some(figures),
            class_accuracy: (0..classes).map(share).collect(),
            seconds: 1.0,
            images_per_second: 1.0,
            best: false,
        };
        curves.hear(&Stamped { event, time: 0.0 });
    }
    curves
}

#[test]
fn the_sum_of_the_matrix_is_said_and_is_the_number_of_images() {
    let mut app = of(10, 3, View::Confusion);
    app.inspect.cell = (2, 3);
    let text = shown(&app, 80, 21);
    assert!(text.contains("sum 100 images, 70 right (70.0 %)"), "{text}");
    assert!(text.contains(" 100 validation images: accuracy 70.00 %, loss 0.2500 "), "{text}");
    assert!(text.contains("kind 2 said kind 3: 3 of 10 (30.0 %)"), "{text}");
    assert!(text.contains("a run after step 1,128"), "{text}");
    assert!(text.contains("[confusion] classes "), "{text}");
    assert!(text.contains("most confused"), "{text}");
}

#[test]
fn the_mistakes_of_a_pair_are_listed_alone_and_escape_shows_all() {
    let mut app = of(10, 3, View::Confusion);
    app.screen = crate::ui::keys::Screen::Inspect;
    app.inspect.cell = (4, 5);
    crate::ui::app::press_for_tests(&mut app, Action::Pair);
    let text = shown(&app, 80, 21);
    assert!(text.contains("1 of the 3 images of kind 4 that the network says are kind 5"), "{text}");
    assert!(text.contains("image #104; 1 of 1 here"), "{text}");
    crate::ui::app::press_for_tests(&mut app, Action::Back);
    let text = shown(&app, 80, 21);
    assert!(text.contains("the 10 wrong images"), "{text}");
}

#[test]
fn a_cell_that_is_right_has_no_mistakes_to_go_to() {
    let mut app = of(10, 3, View::Confusion);
    app.screen = crate::ui::keys::Screen::Inspect;
    crate::ui::app::press_for_tests(&mut app, Action::Pair);
    assert_eq!((app.inspect.view, app.inspect.pair), (View::Confusion, None));
}

#[test]
fn a_wide_screen_shows_mistakes_as_a_gallery_with_what_is_said_of_each() {
    let text = shown(&of(10, 3, View::Mistakes), 200, 57);
    assert!(text.contains("kind 0 > kind 1"), "{text}");
    assert!(text.contains("99.90 % #101"), "{text}");
}

#[test]
fn the_reuse_map_marks_its_ends_and_says_what_the_shade_is() {
    let mut app = of(10, 3, View::Reuse);
    app.inspect.link = (2, 1);
    let text = shown(&app, 80, 21);
    assert!(text.contains("block 1: layer 3 reads layer 1: mean |w| 0.2200"), "{text}");
    assert!(text.contains("trans.") && text.contains("class."), "{text}");
    assert!(text.contains("figure 5"), "{text}");
    app.inspect.by_row = true;
    assert!(shown(&app, 80, 21).contains("over the row's greatest"));
}

#[test]
fn a_layer_whose_channels_are_mostly_dead_is_marked_in_the_table_of_scales() {
    let text = shown(&of(10, 3, View::Scales), 80, 21);
    assert!(text.contains("!block 1 layer 1"), "{text}");
    assert!(text.contains(" stem ") && !text.contains("!stem"), "{text}");
    assert!(text.contains("1.00e-3"), "{text}");
}

#[test]
fn the_classes_of_the_run_in_training_are_shown_by_epoch_without_an_inspection() {
    let mut app = app(ColourLevel::None, false);
    app.inspect.view = View::Epochs;
    assert!(shown(&app, 80, 21).contains("no epoch has told"));
    app.train.curves = curves(4, 5);
    let text = shown(&app, 80, 21);
    assert!(text.contains("class 0 in epoch 5: 25.00 % (+5.00 points); best 25.00 % in epoch 5"), "{text}");
    (app.inspect.class, app.inspect.back) = (3, 4);
    let text = shown(&app, 80, 21);
    assert!(text.contains("class 3 in epoch 1: 20.00 %; best 100.00 % in epoch 5"), "{text}");
}

#[test]
fn the_epochs_of_an_inspected_run_are_those_of_its_journal() {
    let mut app = of(4, 1, View::Epochs);
    app.train.curves = curves(4, 5);
    app.runs.curves.insert("a-run".into(), Ok(curves(4, 2)));
    let text = shown(&app, 80, 21);
    assert!(text.contains("kind 0 in epoch 2: 25.00 %"), "{text}");
}

#[test]
fn what_went_wrong_is_said_on_the_screen() {
    let mut app = app(ColourLevel::None, false);
    assert!(shown(&app, 80, 21).contains("nothing was inspected yet"));
    app.inspect.ask(crate::ui::screens::inspect::state::Target { name: "b".into(), path: "b".into() });
    app.monitor.phase = Some((Phase::Validating, 50, 100));
    let text = shown(&app, 80, 21);
    assert!(text.contains("inspecting b: validation") && text.contains("50%"), "{text}");
    app.inspect.refuse("the run has no checkpoint yet.");
    let text = shown(&app, 80, 21);
    assert!(text.contains("not inspected: the run has no checkpoint yet."), "{text}");
}

#[test]
fn no_view_goes_wrong_on_any_size_of_screen_with_any_number_of_classes() {
    let sizes =
        [(1, 1), (2, 3), (5, 2), (20, 5), (58, 11), (60, 13), (80, 21), (131, 40), (200, 57), (200, 1)];
    for (classes, wrong) in [(2, 0), (2, 1), (10, 3), (100, 2)] {
        for level in [ColourLevel::None, ColourLevel::C16, ColourLevel::True] {
            let mut app = app(level, level != ColourLevel::None);
            app.inspect = screen(classes, wrong);
            app.train.curves = curves(classes, 300);
            for view in View::ALL {
                app.inspect.view = view;
                for trouble in [None, Some("a sentence.".to_owned())] {
                    app.inspect.trouble = trouble;
                    for (width, height) in sizes {
                        shown(&app, width, height);
                    }
                }
            }
        }
    }
}

#[test]
fn every_key_keeps_its_cursor_on_what_there_is() {
    use Action::{Bottom, Down, Left, NextBlock, PageDown, PageUp, PreviousBlock, Right, Sort, Top, Up};
    let actions = [
        Bottom,
        Right,
        Down,
        PageDown,
        NextBlock,
        Sort,
        Right,
        Left,
        Up,
        PageUp,
        Top,
        PreviousBlock,
        Up,
        Left,
    ];
    for classes in [2, 10, 100] {
        let mut app = of(classes, 1, View::Confusion);
        app.screen = crate::ui::keys::Screen::Inspect;
        app.train.curves = curves(classes, 9);
        for view in View::ALL {
            app.inspect.view = view;
            for action in actions {
                for _ in 0..3 {
                    crate::ui::app::press_for_tests(&mut app, action);
                    let screen = &app.inspect;
                    assert!(screen.cell.0 < classes && screen.cell.1 < classes && screen.class < classes);
                    assert!(
                        screen.mistake < classes && screen.back < 9 && screen.layer < 2 && screen.block < 2
                    );
                    assert_eq!(screen.link, screen.clamped(screen.link));
                    shown(&app, 80, 21);
                }
            }
        }
    }
}

#[test]
fn test_images_are_offered_only_of_a_run_that_is_complete() {
    let mut app = of(2, 1, View::Confusion);
    app.screen = crate::ui::keys::Screen::Inspect;
    let press = crate::ui::app::press_for_tests;
    for expected in [Split::Train, Split::Validation, Split::Train] {
        press(&mut app, Action::Split);
        assert_eq!(app.inspect.split, expected);
        assert!(app.notice.as_ref().unwrap().text.contains("stay unseen"));
    }
    assert!(shown(&app, 80, 21).contains("; i: training images"));
    app.monitor.head = Some(head("a-run"));
    app.monitor.test = Some(Figures { loss: 1.0, accuracy: 0.5 });
    press(&mut app, Action::Split);
    assert_eq!(app.inspect.split, Split::Test);
    press(&mut app, Action::Inspect);
    assert!(app.inspect.awaited().is_some() && app.inspect.split == Split::Test);
    app.monitor.head.as_mut().unwrap().validation_images = 0;
    app.monitor.test = None;
    app.inspect.refuse("no.");
    press(&mut app, Action::Inspect);
    assert_eq!(app.inspect.split, Split::Train, "without validation images those of training are looked at");
}

#[test]
fn a_question_refused_in_the_middle_of_a_run_is_no_longer_awaited() {
    let mut app = of(2, 1, View::Confusion);
    let hear = |app: &mut App, event| {
        crate::ui::app::update(app, crate::ui::effect::Msg::Event(Box::new(Stamped { event, time: 0.0 })))
    };
    let ask = |app: &mut App| {
        app.inspect.ask(crate::ui::screens::inspect::state::Target { name: "b".into(), path: "b".into() });
    };
    ask(&mut app);
    hear(&mut app, Event::Refused { message: "Nothing is being trained.".into() });
    assert!(app.inspect.awaited().is_some(), "while nothing runs it is another command that is refused");
    app.monitor.head = Some(head("b"));
    hear(&mut app, Event::Refused { message: "no checkpoint.".into() });
    assert_eq!((app.inspect.awaited(), app.inspect.trouble.as_deref()), (None, Some("no checkpoint.")));
}
