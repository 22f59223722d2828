//! Every view of an inspection, on screens of any size.

use super::*;
use crate::protocol::Picture;
use crate::protocol::command::Split;
use crate::protocol::event::{Cause, Started};
use crate::protocol::{Event, Figures, NoAnswer, Stamped};
use crate::ui::curves::Curves;
use crate::ui::keys::binding::Motion;
use crate::ui::keys::inspect::Do;
use crate::ui::screen::Screen;
use crate::ui::screens::asked::Asked;
use crate::ui::screens::inspect::predict::tests::explained;
use crate::ui::screens::inspect::state::Target;
use crate::ui::screens::inspect::state::tests::screen as inspecting;
use crate::ui::style::colours::ColourLevel;
use crate::ui::testing::{drawn, workspace};

fn new(level: ColourLevel, unicode: bool) -> (InspectScreen, Workspace) {
    (InspectScreen::default(), workspace(level, unicode))
}

fn of(classes: usize, wrong: usize, view: View) -> (InspectScreen, Workspace) {
    let mut screen = inspecting(classes, wrong);
    screen.predict = explained();
    screen.view = view;
    (screen, workspace(ColourLevel::None, false))
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
        curves.apply(&Stamped { event, time: 0.0 });
    }
    curves
}

#[test]
fn the_sum_of_the_matrix_is_said_and_is_the_number_of_images() {
    let (mut screen, ws) = of(10, 3, View::Confusion);
    screen.cell = (2, 3);
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("sum 100 images, 70 right (70.0 %)"), "{text}");
    assert!(text.contains(" 100 validation images: accuracy 70.00 %, loss 0.2500 "), "{text}");
    assert!(text.contains("kind 2 predicted as kind 3: 3 of 10 (30.0 %)"), "{text}");
    assert!(text.contains("a run after step 1,128"), "{text}");
    assert!(text.contains("[confusion] classes "), "{text}");
    assert!(text.contains("most confused"), "{text}");
}

#[test]
fn the_mistakes_of_a_pair_are_listed_alone_and_escape_shows_all() {
    let (mut screen, mut ws) = of(10, 3, View::Confusion);
    screen.cell = (4, 5);
    screen.act(Do::Pair, None, &mut ws).unwrap();
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("1 of the 3 images of kind 4 predicted as kind 5"), "{text}");
    assert!(text.contains("image #104; 1 of 1 here"), "{text}");
    screen.back(&mut ws);
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("the 10 wrong images"), "{text}");
}

#[test]
fn a_cell_that_is_right_has_no_mistakes_to_go_to() {
    let (mut screen, mut ws) = of(10, 3, View::Confusion);
    screen.act(Do::Pair, None, &mut ws).unwrap();
    assert_eq!((screen.view, screen.pair), (View::Confusion, None));
}

#[test]
fn a_wide_screen_shows_mistakes_as_a_gallery_with_what_is_said_of_each() {
    let (screen, ws) = of(10, 3, View::Mistakes);
    let text = drawn(&screen, &ws, 200, 57);
    assert!(text.contains("kind 0 > kind 1"), "{text}");
    assert!(text.contains("99.90 % #101"), "{text}");
}

#[test]
fn a_picture_is_shown_with_its_classes_and_what_the_map_of_one_says() {
    let (mut screen, mut ws) = of(10, 3, View::Predict);
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("test image #7, which is cat; a: hide the map"), "{text}");
    assert!(text.contains("dog: 90.88 %, logit 3.000; its map goes from -4.00 to 8.00"), "{text}");
    assert!(text.contains("bright: evidence for the class, up to 8.0"), "{text}");
    assert!(text.contains("90.9 %") && text.contains("7.5 %"), "{text}");
    screen.act(Do::Map, None, &mut ws).unwrap();
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("a: show the map") && !text.contains("bright: evidence"), "{text}");
}

#[test]
fn a_mistake_and_a_number_and_a_path_are_asked_about() {
    let (mut screen, mut ws) = of(10, 3, View::Mistakes);
    screen.target = Some(Target { name: "a run".into(), path: "a-run".into() });
    let mut asked = |screen: &mut InspectScreen, what, argument| {
        let effects = screen.act(what, argument, &mut ws).unwrap();
        screen.predict.asked.awaited = None;
        let text = format!("{effects:?}");
        assert_eq!(screen.view, View::Predict);
        text
    };
    let text = asked(&mut screen, Do::Pair, None);
    assert!(text.contains(&format!("{:?}", Picture::Image(100))), "{text}");
    let text = asked(&mut screen, Do::Picture, Some("#17"));
    assert!(text.contains(&format!("{:?}", Picture::Image(17))), "{text}");
    let text = asked(&mut screen, Do::Picture, Some("a/b.png"));
    assert!(text.contains(&format!("{:?}", Picture::File("a/b.png".into()))), "{text}");
    let effects = screen.act(Do::Picture, None, &mut ws).unwrap();
    assert!(format!("{effects:?}").contains("which picture"), "{effects:?}");
}

#[test]
fn the_reuse_map_marks_its_ends_and_says_what_the_shade_is() {
    let (mut screen, ws) = of(10, 3, View::Reuse);
    screen.link = (2, 1);
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("block 1: layer 3 reads layer 1: mean |w| 0.2200"), "{text}");
    assert!(text.contains("trans.") && text.contains("class."), "{text}");
    assert!(text.contains("figure 5"), "{text}");
    screen.by_row = true;
    assert!(drawn(&screen, &ws, 80, 21).contains("over the row's greatest"));
}

#[test]
fn a_layer_whose_channels_are_mostly_dead_is_marked_in_the_table_of_scales() {
    let (screen, ws) = of(10, 3, View::Scales);
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("!block 1 layer 1"), "{text}");
    assert!(text.contains(" stem ") && !text.contains("!stem"), "{text}");
    assert!(text.contains("1.00e-3"), "{text}");
}

#[test]
fn the_classes_of_the_run_in_training_are_shown_by_epoch_without_an_inspection() {
    let (mut screen, mut ws) = new(ColourLevel::None, false);
    screen.view = View::Epochs;
    assert!(drawn(&screen, &ws, 80, 21).contains("no class accuracies yet"));
    ws.live.curves = curves(4, 5);
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("class 0 in epoch 5: 25.00 % (+5.00 points); best 25.00 % in epoch 5"), "{text}");
    (screen.class, screen.back) = (3, 4);
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("class 3 in epoch 1: 20.00 %; best 100.00 % in epoch 5"), "{text}");
}

#[test]
fn the_epochs_of_an_inspected_run_are_those_of_its_journal() {
    let (screen, mut ws) = of(4, 1, View::Epochs);
    ws.live.curves = curves(4, 5);
    ws.runs.curves.insert("a-run".into(), Ok(curves(4, 2)));
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("kind 0 in epoch 2: 25.00 %"), "{text}");
}

#[test]
fn what_went_wrong_is_said_on_the_screen() {
    let (mut screen, mut ws) = new(ColourLevel::None, false);
    assert!(drawn(&screen, &ws, 80, 21).contains("nothing was inspected yet"));
    screen.about = Some(Target { name: "b".into(), path: "b".into() });
    screen.asked.awaited = Some(7);
    ws.live.monitor.phase = Some((Phase::Validating, 50, 100));
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("inspecting b: validation") && text.contains("50%"), "{text}");
    screen.asked = Asked { awaited: None, trouble: Some("the run has no checkpoint yet.".into()) };
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("not inspected: the run has no checkpoint yet."), "{text}");
}

#[test]
fn no_view_goes_wrong_on_any_size_of_screen_with_any_number_of_classes() {
    let sizes =
        [(1, 1), (2, 3), (5, 2), (20, 5), (58, 11), (60, 13), (80, 21), (131, 40), (200, 57), (200, 1)];
    for (classes, wrong) in [(2, 0), (2, 1), (10, 3), (100, 2)] {
        for level in [ColourLevel::None, ColourLevel::C16, ColourLevel::True] {
            let mut ws = workspace(level, level != ColourLevel::None);
            let mut screen = inspecting(classes, wrong);
            ws.live.curves = curves(classes, 300);
            for view in View::ALL {
                screen.view = view;
                for trouble in [None, Some("a sentence.".to_owned())] {
                    screen.asked.trouble = trouble;
                    for (width, height) in sizes {
                        drawn(&screen, &ws, width, height);
                    }
                }
            }
        }
    }
}

#[test]
fn every_key_keeps_its_cursor_on_what_there_is() {
    use Motion::{Bottom, Down, Left, PageDown, PageUp, Right, Top, Up};
    let moves = [Bottom, Right, Down, PageDown, Right, Left, Up, PageUp, Top, Up, Left];
    for classes in [2, 10, 100] {
        let (mut screen, mut ws) = of(classes, 1, View::Confusion);
        ws.live.curves = curves(classes, 9);
        for view in View::ALL {
            screen.view = view;
            let check = |screen: &InspectScreen| {
                assert!(screen.cell.0 < classes && screen.cell.1 < classes && screen.class < classes);
                assert!(screen.mistake < classes && screen.back < 9 && screen.layer < 2 && screen.block < 2);
                assert_eq!(screen.link, screen.clamped(screen.link));
            };
            for what in [Do::NextBlock, Do::Order, Do::PreviousBlock] {
                for motion in moves {
                    for _ in 0..3 {
                        screen.moved(motion, &mut ws).unwrap();
                        check(&screen);
                        drawn(&screen, &ws, 80, 21);
                    }
                }
                screen.act(what, None, &mut ws).unwrap();
                check(&screen);
            }
        }
    }
}

#[test]
fn test_images_are_offered_only_of_a_run_that_is_complete() {
    let (mut screen, mut ws) = of(2, 1, View::Confusion);
    for expected in [Split::Train, Split::Validation, Split::Train] {
        screen.act(Do::Split, None, &mut ws).unwrap();
        assert_eq!(screen.split(), expected);
        assert!(ws.notice.as_ref().unwrap().text.contains("stay unseen"));
    }
    assert!(drawn(&screen, &ws, 80, 21).contains("; i: training images"));
    ws.live.monitor.head = Some(head("a-run"));
    ws.live.monitor.test = Some(Figures { loss: 1.0, accuracy: 0.5 });
    screen.act(Do::Split, None, &mut ws).unwrap();
    assert_eq!(screen.split(), Split::Test);
    screen.act(Do::Inspect, None, &mut ws).unwrap();
    assert!(screen.awaited().is_some() && screen.split() == Split::Test);
    ws.live.monitor.head.as_mut().unwrap().validation_images = 0;
    ws.live.monitor.test = None;
    screen.asked.awaited = None;
    screen.act(Do::Inspect, None, &mut ws).unwrap();
    assert_eq!(screen.split(), Split::Train, "without validation images those of training are looked at");
}

#[test]
fn only_the_answer_to_its_own_question_ends_the_waiting_for_an_inspection() {
    let (mut screen, mut ws) = of(2, 1, View::Confusion);
    let stamped = |event| Stamped { event, time: 0.0 };
    let no = |id, message: &str| {
        let why = NoAnswer { message: message.into(), cause: Cause::Input };
        stamped(Event::Answered { id, answer: Err(why) })
    };
    screen.about = Some(Target { name: "b".into(), path: "b".into() });
    screen.asked.awaited = Some(7);
    // While a run trains, and while none does.
    for head in [None, Some(head("b"))] {
        ws.live.monitor.head = head;
        screen.event(&stamped(Event::Refused { message: "`epochs` must be at least 1.".into() }), &mut ws);
        screen.event(&no(6, "there is no folder."), &mut ws);
        assert!(screen.asked.waits() && screen.asked.trouble.is_none());
    }
    screen.event(&no(7, "no checkpoint."), &mut ws);
    assert_eq!((screen.awaited(), screen.asked.trouble.as_deref()), (None, Some("no checkpoint.")));
}

#[test]
fn a_network_that_is_not_dense_is_told_to_have_no_map_of_reuse() {
    let (mut screen, ws) = of(10, 3, View::Reuse);
    if let Some((_, found)) = &mut screen.found {
        found.reuse.clear();
    }
    let text = drawn(&screen, &ws, 80, 21);
    assert!(text.contains("No map: only a layer of a dense network"), "{text}");
}
